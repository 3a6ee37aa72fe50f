//! Access control lists of buckets and objects.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3_api::op::{GetBucketAcl, GetObjectAcl, PutBucketAcl, PutObjectAcl};
use s3_api::{
    GetBucketAclInput, GetBucketAclOutput, GetObjectAclInput, GetObjectAclOutput, PutBucketAclInput,
    PutBucketAclOutput, PutObjectAclInput, PutObjectAclOutput,
};
use shapes::ApiError;

use crate::acl::{self, Acl};
use crate::events::Event;
use crate::settings::Loaded;
use crate::store_version::bucket_now;
use crate::tables::Config;
use crate::{S3, errors, versions};

impl Handle<GetBucketAcl> for S3 {
    fn guard(&self, ctx: &Ctx, input: &GetBucketAclInput) -> Result<Guard, ApiError> {
        self.bucket_guard(ctx, &input.bucket, "s3:GetBucketAcl")
    }

    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: GetBucketAclInput,
    ) -> Result<GetBucketAclOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let owner = loaded.bucket.owner;
        Ok(GetBucketAclOutput {
            grants: Some(loaded.settings.acl.to_api(owner)),
            owner: Some(acl::owner(owner)),
        })
    }
}

/// A list that may be put: lists count in the bucket, and it is nobody's whom Block Public Access keeps out.
fn admitted(loaded: &Loaded, wanted: Option<Acl>, canned: Option<&str>) -> Result<Acl, ApiError> {
    let acl = wanted.ok_or_else(|| {
        let message = "Your request was missing a required header";
        ApiError::sender("MissingSecurityHeader", message)
    })?;
    let is_harmless =
        matches!(canned, Some("private" | "bucket-owner-full-control")) || acl.grants.is_empty();
    if !loaded.settings.ownership.has_acls() && !is_harmless {
        return Err(errors::acls_not_supported());
    }
    if acl.is_public() && loaded.settings.block.block_public_acls == Some(true) {
        return Err(errors::access_denied("Access Denied"));
    }
    Ok(acl)
}

impl Handle<PutBucketAcl> for S3 {
    fn guard(&self, ctx: &Ctx, input: &PutBucketAclInput) -> Result<Guard, ApiError> {
        self.bucket_guard(ctx, &input.bucket, "s3:PutBucketAcl")
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: PutBucketAclInput,
    ) -> Result<PutBucketAclOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let owner = loaded.bucket.owner;
        let wanted = Acl::read(&input, input.access_control_policy.as_ref(), (owner, owner))?;
        let acl = admitted(&loaded, wanted, input.acl.as_deref())?;
        let json = serde_json::to_string(&acl).map_err(ApiError::internal)?;
        self.put_config(&loaded, "acl", "", Config { json, put: ctx.now() }).await?;
        Ok(PutBucketAclOutput::default())
    }
}

impl Handle<GetObjectAcl> for S3 {
    fn guard(&self, ctx: &Ctx, input: &GetObjectAclInput) -> Result<Guard, ApiError> {
        let version = input.version_id.as_deref();
        let action = if version.is_some() { "s3:GetObjectVersionAcl" } else { "s3:GetObjectAcl" };
        self.version_guard(ctx, &input.bucket, &input.key, version, action)
    }

    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: GetObjectAclInput,
    ) -> Result<GetObjectAclOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let version = input.version_id.as_deref();
        let version = versions::find_object(&mut self.read()?, &loaded.bucket, &input.key, version)?;
        let acl = version.acl.unwrap_or_default();
        Ok(GetObjectAclOutput {
            grants: Some(acl.to_api(version.owner)),
            owner: Some(acl::owner(version.owner)),
            ..Default::default()
        })
    }
}

impl Handle<PutObjectAcl> for S3 {
    fn guard(&self, ctx: &Ctx, input: &PutObjectAclInput) -> Result<Guard, ApiError> {
        let version = input.version_id.as_deref();
        let action = if version.is_some() { "s3:PutObjectVersionAcl" } else { "s3:PutObjectAcl" };
        self.version_guard(ctx, &input.bucket, &input.key, version, action)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: PutObjectAclInput,
    ) -> Result<PutObjectAclOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let found = versions::find_object(
            &mut self.read()?,
            &loaded.bucket,
            &input.key,
            input.version_id.as_deref(),
        )?;
        let owners = (found.owner, loaded.bucket.owner);
        let wanted = Acl::read(&input, input.access_control_policy.as_ref(), owners)?;
        let acl = admitted(&loaded, wanted, input.acl.as_deref())?;
        let (s3, own) = (Arc::clone(self), ctx.clone());
        self.write(move |tx| {
            let bucket = bucket_now(tx, &loaded)?;
            let mut version = versions::find_object(tx, &bucket, &input.key, input.version_id.as_deref())?;
            version.acl = Some(acl.clone()).filter(|acl| !acl.grants.is_empty());
            versions::update(tx, bucket.id, &input.key, &version)?;
            s3.notify(&own, tx, &loaded, &Event { name: "ObjectAcl:Put", key: &input.key, version: &version })
        })
        .await?;
        Ok(PutObjectAclOutput::default())
    }
}
