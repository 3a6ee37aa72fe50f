//! A bucket's lifecycle rules, put and got. What they do is in [`crate::lifecycle`].

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3_api::op::{DeleteBucketLifecycle, GetBucketLifecycleConfiguration, PutBucketLifecycleConfiguration};
use s3_api::{
    DeleteBucketLifecycleInput, DeleteBucketLifecycleOutput, GetBucketLifecycleConfigurationInput,
    GetBucketLifecycleConfigurationOutput, PutBucketLifecycleConfigurationInput,
    PutBucketLifecycleConfigurationOutput,
};
use shapes::ApiError;

use crate::tables::Config;
use crate::{S3, errors, lifecycle};

const KIND: &str = "lifecycle";
/// What is small stays where it is, unless the header says otherwise.
const MINIMUM: &str = "all_storage_classes_128K";

impl Handle<PutBucketLifecycleConfiguration> for S3 {
    fn guard(&self, ctx: &Ctx, input: &PutBucketLifecycleConfigurationInput) -> Result<Guard, ApiError> {
        self.bucket_guard(ctx, &input.bucket, "s3:PutLifecycleConfiguration")
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: PutBucketLifecycleConfigurationInput,
    ) -> Result<PutBucketLifecycleConfigurationOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let mut configuration = input.lifecycle_configuration.ok_or_else(errors::malformed_xml)?;
        lifecycle::check(&configuration)?;
        for rule in &mut configuration.rules {
            rule.id.get_or_insert_with(|| ctx.ids().uuid());
        }
        self.put_config(&loaded, KIND, "", Config::of(&configuration, ctx.now())).await?;
        let minimum = input.transition_default_minimum_object_size;
        Ok(PutBucketLifecycleConfigurationOutput {
            transition_default_minimum_object_size: minimum.or(Some(MINIMUM.to_owned())),
        })
    }
}

impl Handle<GetBucketLifecycleConfiguration> for S3 {
    fn guard(&self, ctx: &Ctx, input: &GetBucketLifecycleConfigurationInput) -> Result<Guard, ApiError> {
        self.bucket_guard(ctx, &input.bucket, "s3:GetLifecycleConfiguration")
    }

    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: GetBucketLifecycleConfigurationInput,
    ) -> Result<GetBucketLifecycleConfigurationOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let config = self.find_config(&loaded, KIND, "")?.ok_or_else(|| {
            errors::no_such_configuration(
                "NoSuchLifecycleConfiguration",
                "The lifecycle configuration does not exist",
                &loaded.bucket.name,
            )
        })?;
        let mut output: GetBucketLifecycleConfigurationOutput = config.read();
        output.transition_default_minimum_object_size = Some(MINIMUM.to_owned());
        Ok(output)
    }
}

impl Handle<DeleteBucketLifecycle> for S3 {
    fn guard(&self, ctx: &Ctx, input: &DeleteBucketLifecycleInput) -> Result<Guard, ApiError> {
        self.bucket_guard(ctx, &input.bucket, "s3:PutLifecycleConfiguration")
    }

    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: DeleteBucketLifecycleInput,
    ) -> Result<DeleteBucketLifecycleOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        self.delete_config(&loaded, KIND, "").await?;
        Ok(DeleteBucketLifecycleOutput::default())
    }
}
