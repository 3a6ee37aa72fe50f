//! PutObject: one object in one request.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3_api::op::PutObject;
use s3_api::{PutObjectInput, PutObjectOutput};
use shapes::ApiError;

use crate::checksum::Expected;
use crate::conditions::Conditions;
use crate::draft::Draft;
use crate::object::{ETag, Version};
use crate::store_version::NewVersion;
use crate::upload::MOST_BYTES;
use crate::{S3, encryption, errors, fields::FieldsMut, key, lifecycle};

impl Handle<PutObject> for S3 {
    fn guard(&self, ctx: &Ctx, input: &PutObjectInput) -> Result<Guard, ApiError> {
        let guard = self.object_guard(ctx, &input.bucket, &input.key, "s3:PutObject")?;
        with_request(guard, ctx, self, input, &input.bucket, &input.key)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        mut input: PutObjectInput,
    ) -> Result<PutObjectOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        key::check(&input.key)?;
        let key = input.key.clone();
        if input.write_offset_bytes.is_some() {
            return Err(errors::not_here_yet("Appending to objects"));
        }
        let conditions = Conditions::read(&input);
        conditions.check_writable()?;
        let expected = Expected::read(&input)?;
        let Draft { mut version, mut plan } = Draft::read(ctx, &loaded, &input)?;
        let body = std::mem::take(&mut input.body).unwrap_or_default();
        if body.length().is_none() {
            return Err(errors::missing_content_length());
        }
        let seal = self.key_for_writing(ctx, (&input.bucket, &key), &mut plan).await?;
        version.encryption = plan.encryption;
        let received = self.receive(body, &seal, &expected, MOST_BYTES).await?;
        version.size = received.size;
        version.etag = ETag::whole(received.md5);
        version.checksum = Some(received.checksum);
        version.modified = ctx.now();
        let new = NewVersion {
            loaded: Arc::clone(&loaded),
            key: key.clone(),
            version,
            stored: received.stored,
            conditions,
            event: "ObjectCreated:Put",
        };
        let (version, bucket) = self.store_version(ctx, new).await?;
        let mut output = PutObjectOutput { e_tag: Some(version.etag.quoted()), ..Default::default() };
        written(&version, bucket.versioning.has_ids(), &mut output);
        output.expiration = lifecycle::expiration_header(loaded.settings.lifecycle.as_ref(), &key, &version);
        ctx.publish("AWS/S3", "BytesUploaded", ("BucketName", &bucket.name), version.size as f64);
        Ok(output)
    }
}

/// What every answer to a write tells of the version.
pub(crate) fn written(version: &Version, has_ids: bool, output: &mut dyn shapes::Struct) {
    encryption::write(&version.encryption, output);
    if let Some(checksum) = &version.checksum {
        checksum.write(output);
    }
    FieldsMut(output).text("VersionId", has_ids.then(|| version.id.to_string()));
}

/// What policies may ask about a request that makes an object.
pub(crate) fn with_request(
    mut guard: Guard,
    ctx: &Ctx,
    s3: &S3,
    input: &dyn shapes::Struct,
    bucket: &str,
    key: &str,
) -> Result<Guard, ApiError> {
    let fields = crate::fields::Fields(input);
    for (name, member) in [
        ("s3:x-amz-acl", "ACL"),
        ("s3:x-amz-server-side-encryption", "ServerSideEncryption"),
        ("s3:x-amz-server-side-encryption-aws-kms-key-id", "SSEKMSKeyId"),
        ("s3:x-amz-server-side-encryption-customer-algorithm", "SSECustomerAlgorithm"),
        ("s3:x-amz-storage-class", "StorageClass"),
        ("s3:x-amz-copy-source", "CopySource"),
        ("s3:x-amz-metadata-directive", "MetadataDirective"),
        ("s3:x-amz-website-redirect-location", "WebsiteRedirectLocation"),
        ("s3:if-match", "IfMatch"),
        ("s3:if-none-match", "IfNoneMatch"),
        ("s3:object-lock-mode", "ObjectLockMode"),
    ] {
        if let Some(value) = fields.text(member) {
            guard = guard.with(name, vec![value.to_owned()]);
        }
    }
    if let Some(tagging) = fields.text("Tagging") {
        for (name, value) in crate::tags::of_header(tagging).unwrap_or_default() {
            guard = guard.with(&format!("s3:RequestObjectTag/{name}"), vec![value]);
        }
        guard = guard.and(s3.object_guard(ctx, bucket, key, "s3:PutObjectTagging")?);
    }
    if fields.text("ACL").is_some() {
        guard = guard.and(s3.object_guard(ctx, bucket, key, "s3:PutObjectAcl")?);
    }
    if fields.text("ObjectLockMode").is_some() {
        guard = guard.and(s3.object_guard(ctx, bucket, key, "s3:PutObjectRetention")?);
    }
    if fields.text("ObjectLockLegalHoldStatus").is_some() {
        guard = guard.and(s3.object_guard(ctx, bucket, key, "s3:PutObjectLegalHold")?);
    }
    Ok(guard)
}
