//! GetBucketVersioning and PutBucketVersioning.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3_api::op::{GetBucketVersioning, PutBucketVersioning};
use s3_api::{
    GetBucketVersioningInput, GetBucketVersioningOutput, PutBucketVersioningInput, PutBucketVersioningOutput,
};
use shapes::ApiError;

use crate::bucket::Versioning;
use crate::store_version::bucket_now;
use crate::{S3, errors, tables};

impl Handle<GetBucketVersioning> for S3 {
    fn guard(&self, ctx: &Ctx, input: &GetBucketVersioningInput) -> Result<Guard, ApiError> {
        self.bucket_guard(ctx, &input.bucket, "s3:GetBucketVersioning")
    }

    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: GetBucketVersioningInput,
    ) -> Result<GetBucketVersioningOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let status = loaded.bucket.versioning.name().map(str::to_owned);
        Ok(GetBucketVersioningOutput { status, ..Default::default() })
    }
}

impl Handle<PutBucketVersioning> for S3 {
    fn guard(&self, ctx: &Ctx, input: &PutBucketVersioningInput) -> Result<Guard, ApiError> {
        self.bucket_guard(ctx, &input.bucket, "s3:PutBucketVersioning")
    }

    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: PutBucketVersioningInput,
    ) -> Result<PutBucketVersioningOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let configuration = input.versioning_configuration;
        if configuration.mfa_delete.as_deref() == Some("Enabled") {
            return Err(match input.mfa {
                None => errors::access_denied("Mfa Authentication must be used for this request"),
                Some(_) => errors::not_here_yet("MFA delete"),
            });
        }
        let versioning = match configuration.status.as_deref() {
            Some("Enabled") => Versioning::Enabled,
            Some("Suspended") => Versioning::Suspended,
            Some(_) => return Err(errors::malformed_xml()),
            None => {
                let message = "The Versioning element must be specified";
                return Err(ApiError::sender("IllegalVersioningConfigurationException", message));
            }
        };
        if versioning == Versioning::Suspended && loaded.bucket.has_object_lock {
            let message = "An Object Lock configuration is present on this bucket, so the versioning state cannot be \
                           changed.";
            return Err(errors::invalid_bucket_state(message));
        }
        if versioning == Versioning::Suspended && loaded.settings.replication.is_some() {
            let message = "A replication configuration is present on this bucket, so the versioning state cannot be \
                           changed.";
            return Err(errors::invalid_bucket_state(message));
        }
        let target = Arc::clone(&loaded);
        self.write(move |tx| {
            let mut bucket = bucket_now(tx, &target)?;
            bucket.versioning = versioning;
            tables::BUCKETS.put(tx, &bucket.name.clone(), &bucket);
            Ok::<_, ApiError>(())
        })
        .await?;
        self.buckets.forget(&input.bucket);
        Ok(PutBucketVersioningOutput {})
    }
}
