//! Tags of objects.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3_api::op::{DeleteObjectTagging, GetObjectTagging, PutObjectTagging};
use s3_api::{
    DeleteObjectTaggingInput, DeleteObjectTaggingOutput, GetObjectTaggingInput, GetObjectTaggingOutput,
    PutObjectTaggingInput, PutObjectTaggingOutput,
};
use shapes::ApiError;

use crate::events::Event;
use crate::settings::Loaded;
use crate::store_version::bucket_now;
use crate::{S3, tags, versions};

impl Handle<GetObjectTagging> for S3 {
    fn guard(&self, ctx: &Ctx, input: &GetObjectTaggingInput) -> Result<Guard, ApiError> {
        let version = input.version_id.as_deref();
        let action = if version.is_some() { "s3:GetObjectVersionTagging" } else { "s3:GetObjectTagging" };
        self.version_guard(ctx, &input.bucket, &input.key, version, action)
    }

    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: GetObjectTaggingInput,
    ) -> Result<GetObjectTaggingOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let version = input.version_id.as_deref();
        let version = versions::find_object(&mut self.read()?, &loaded.bucket, &input.key, version)?;
        let has_ids = loaded.bucket.versioning.has_ids();
        Ok(GetObjectTaggingOutput {
            tag_set: tags::to_set(&version.tags),
            version_id: has_ids.then(|| version.id.to_string()),
        })
    }
}

impl S3 {
    /// Replaces the tags of a version; returns its id where the bucket has versions.
    async fn set_tags(
        self: &Arc<Self>,
        ctx: &Ctx,
        loaded: Arc<Loaded>,
        (key, version_id): (String, Option<String>),
        tags: Vec<(String, String)>,
        event: &'static str,
    ) -> Result<Option<String>, ApiError> {
        let (s3, own) = (Arc::clone(self), ctx.clone());
        self.write(move |tx| {
            let bucket = bucket_now(tx, &loaded)?;
            let mut version = versions::find_object(tx, &bucket, &key, version_id.as_deref())?;
            version.tags.clone_from(&tags);
            versions::update(tx, bucket.id, &key, &version)?;
            s3.notify(&own, tx, &loaded, &Event { name: event, key: &key, version: &version })?;
            Ok(bucket.versioning.has_ids().then(|| version.id.to_string()))
        })
        .await
    }
}

impl Handle<PutObjectTagging> for S3 {
    fn guard(&self, ctx: &Ctx, input: &PutObjectTaggingInput) -> Result<Guard, ApiError> {
        let version = input.version_id.as_deref();
        let action = if version.is_some() { "s3:PutObjectVersionTagging" } else { "s3:PutObjectTagging" };
        self.version_guard(ctx, &input.bucket, &input.key, version, action)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: PutObjectTaggingInput,
    ) -> Result<PutObjectTaggingOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let tags = tags::of_object(input.tagging.tag_set)?;
        let place = (input.key, input.version_id);
        let version_id = self.set_tags(ctx, loaded, place, tags, "ObjectTagging:Put").await?;
        Ok(PutObjectTaggingOutput { version_id })
    }
}

impl Handle<DeleteObjectTagging> for S3 {
    fn guard(&self, ctx: &Ctx, input: &DeleteObjectTaggingInput) -> Result<Guard, ApiError> {
        let version = input.version_id.as_deref();
        let action =
            if version.is_some() { "s3:DeleteObjectVersionTagging" } else { "s3:DeleteObjectTagging" };
        self.version_guard(ctx, &input.bucket, &input.key, version, action)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteObjectTaggingInput,
    ) -> Result<DeleteObjectTaggingOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let place = (input.key, input.version_id);
        let version_id = self.set_tags(ctx, loaded, place, Vec::new(), "ObjectTagging:Delete").await?;
        Ok(DeleteObjectTaggingOutput { version_id })
    }
}
