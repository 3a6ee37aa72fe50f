//! Bucket policies.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use identity::policy::{NamedPolicy, PolicyKind};
use s3_api::op::{DeleteBucketPolicy, GetBucketPolicy, GetBucketPolicyStatus, PutBucketPolicy};
use s3_api::{
    DeleteBucketPolicyInput, DeleteBucketPolicyOutput, GetBucketPolicyInput, GetBucketPolicyOutput,
    GetBucketPolicyStatusInput, GetBucketPolicyStatusOutput, PolicyStatus, PutBucketPolicyInput,
    PutBucketPolicyOutput,
};
use serde_json::Value;
use shapes::ApiError;

use crate::settings::Loaded;
use crate::tables::Config;
use crate::{S3, errors, key, public_access};

const KIND: &str = "policy";
/// S3 User Guide, "Bucket policies for Amazon S3".
const MOST_BYTES: usize = 20 * 1024;

fn no_policy(loaded: &Loaded) -> ApiError {
    errors::no_such_configuration(
        "NoSuchBucketPolicy",
        "The bucket policy does not exist",
        &loaded.bucket.name,
    )
}

impl Handle<PutBucketPolicy> for S3 {
    fn guard(&self, ctx: &Ctx, input: &PutBucketPolicyInput) -> Result<Guard, ApiError> {
        self.bucket_guard(ctx, &input.bucket, "s3:PutBucketPolicy")
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: PutBucketPolicyInput,
    ) -> Result<PutBucketPolicyOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let document = check(&input.policy, &input.bucket)?;
        if loaded.settings.block.block_public_policy == Some(true) && public_access::is_public(&document) {
            let message = format!(
                "User: {} is not authorized to perform: s3:PutBucketPolicy on resource: \"{}\" because public policies \
                 are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
                ctx.principal().arn(),
                key::arn(&input.bucket, None)
            );
            return Err(errors::access_denied(message));
        }
        let config = Config { json: input.policy, put: ctx.now() };
        self.put_config(&loaded, KIND, "", config).await?;
        Ok(PutBucketPolicyOutput::default())
    }
}

/// A policy that can be read and speaks of this bucket alone.
fn check(text: &str, bucket: &str) -> Result<Value, ApiError> {
    if text.len() > MOST_BYTES {
        let message = format!("Policy is too large: it may have {MOST_BYTES} bytes");
        return Err(ApiError::sender("PolicyTooLarge", message));
    }
    let document: Value = serde_json::from_str(text)
        .map_err(|_| errors::malformed_policy("This policy contains invalid Json"))?;
    NamedPolicy::parse("bucket policy", text, PolicyKind::Resource)
        .map_err(|error| errors::malformed_policy(error.to_string()))?;
    let arn = key::arn(bucket, None);
    let objects = format!("{arn}/");
    for statement in public_access::statements(&document) {
        if statement.get("Principal").is_none() && statement.get("NotPrincipal").is_none() {
            return Err(errors::malformed_policy("Missing required field Principal"));
        }
        let resources = statement.get("Resource").or_else(|| statement.get("NotResource"));
        let named: Vec<&str> = match resources {
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one],
            _ => vec![],
        };
        // A pattern may name more buckets, so long as this one can be among them.
        let is_own = |resource: &&str| {
            let fixed = resource.split(['*', '?']).next().unwrap_or_default();
            let is_pattern = fixed.len() < resource.len();
            **resource == arn || resource.starts_with(&objects) || is_pattern && arn.starts_with(fixed)
        };
        if named.is_empty() || !named.iter().all(is_own) {
            return Err(errors::malformed_policy("Policy has invalid resource"));
        }
    }
    Ok(document)
}

impl Handle<GetBucketPolicy> for S3 {
    fn guard(&self, ctx: &Ctx, input: &GetBucketPolicyInput) -> Result<Guard, ApiError> {
        self.bucket_guard(ctx, &input.bucket, "s3:GetBucketPolicy")
    }

    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: GetBucketPolicyInput,
    ) -> Result<GetBucketPolicyOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let config = self.find_config(&loaded, KIND, "")?.ok_or_else(|| no_policy(&loaded))?;
        Ok(GetBucketPolicyOutput { policy: Some(config.json) })
    }
}

impl Handle<GetBucketPolicyStatus> for S3 {
    fn guard(&self, ctx: &Ctx, input: &GetBucketPolicyStatusInput) -> Result<Guard, ApiError> {
        self.bucket_guard(ctx, &input.bucket, "s3:GetBucketPolicyStatus")
    }

    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: GetBucketPolicyStatusInput,
    ) -> Result<GetBucketPolicyStatusOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        self.find_config(&loaded, KIND, "")?.ok_or_else(|| no_policy(&loaded))?;
        let is_public = loaded.settings.has_public_policy;
        let policy_status = Some(PolicyStatus { is_public: Some(is_public) });
        Ok(GetBucketPolicyStatusOutput { policy_status })
    }
}

impl Handle<DeleteBucketPolicy> for S3 {
    fn guard(&self, ctx: &Ctx, input: &DeleteBucketPolicyInput) -> Result<Guard, ApiError> {
        self.bucket_guard(ctx, &input.bucket, "s3:DeleteBucketPolicy")
    }

    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: DeleteBucketPolicyInput,
    ) -> Result<DeleteBucketPolicyOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        self.delete_config(&loaded, KIND, "").await?;
        Ok(DeleteBucketPolicyOutput::default())
    }
}
