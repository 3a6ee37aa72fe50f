//! Policies of access points.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use identity::policy::{NamedPolicy, PolicyKind};
use s3control_api::op::{
    DeleteAccessPointPolicy, GetAccessPointPolicy, GetAccessPointPolicyStatus, PutAccessPointPolicy,
};
use s3control_api::{
    DeleteAccessPointPolicyInput, DeleteAccessPointPolicyOutput, GetAccessPointPolicyInput,
    GetAccessPointPolicyOutput, GetAccessPointPolicyStatusInput, GetAccessPointPolicyStatusOutput,
    PolicyStatus, PutAccessPointPolicyInput, PutAccessPointPolicyOutput,
};
use serde_json::Value;
use shapes::ApiError;

use super::access_point::{both, guard};
use super::check_account;
use crate::{S3, errors, public_access, tables};

/// S3 User Guide, "Access points naming rules, restrictions, and limitations".
const MOST_BYTES: usize = 20 * 1024;

impl Handle<PutAccessPointPolicy> for S3 {
    fn guard(&self, ctx: &Ctx, input: &PutAccessPointPolicyInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name, "s3:PutAccessPointPolicy"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: PutAccessPointPolicyInput,
    ) -> Result<PutAccessPointPolicyOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let found = self.access_point(&mut self.read()?, ctx, &input.name)?;
        let document = check(&input.policy, &found.arn())?;
        let is_public = public_access::is_public(&document);
        let (s3, own) = (Arc::clone(self), ctx.clone());
        self.write(move |tx| {
            let mut found = s3.access_point(tx, &own, &input.name)?;
            let account = tables::ACCOUNT_BLOCKS.find(tx, &found.account.number())?.unwrap_or_default();
            if is_public && both(found.block, account).public_policy {
                return Err(errors::access_denied("Access Denied"));
            }
            found.policy = Some(input.policy.clone());
            tables::ACCESS_POINTS.put(tx, &found.place(), &found);
            Ok(())
        })
        .await?;
        Ok(PutAccessPointPolicyOutput::default())
    }
}

/// A policy that can be read and speaks of this access point alone.
fn check(text: &str, arn: &str) -> Result<Value, ApiError> {
    if text.len() > MOST_BYTES {
        let message = format!("Policy is too large: it may have {MOST_BYTES} bytes");
        return Err(ApiError::sender("PolicyTooLarge", message));
    }
    let document: Value = serde_json::from_str(text)
        .map_err(|_| errors::malformed_policy("This policy contains invalid Json"))?;
    NamedPolicy::parse("access point policy", text, PolicyKind::Resource)
        .map_err(|error| errors::malformed_policy(error.to_string()))?;
    let objects = format!("{arn}/object/");
    for statement in public_access::statements(&document) {
        if statement.get("Principal").is_none() && statement.get("NotPrincipal").is_none() {
            return Err(errors::malformed_policy("Missing required field Principal"));
        }
        let named: Vec<&str> = match statement.get("Resource") {
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one],
            _ => vec![],
        };
        let is_own = |resource: &&str| **resource == *arn || resource.starts_with(&objects);
        if named.is_empty() || !named.iter().all(is_own) {
            return Err(errors::malformed_policy("Policy has invalid resource"));
        }
    }
    Ok(document)
}

impl Handle<GetAccessPointPolicy> for S3 {
    fn guard(&self, ctx: &Ctx, input: &GetAccessPointPolicyInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name, "s3:GetAccessPointPolicy"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetAccessPointPolicyInput,
    ) -> Result<GetAccessPointPolicyOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let found = self.access_point(&mut self.read()?, ctx, &input.name)?;
        let policy = found.policy.ok_or_else(errors::no_such_access_point_policy)?;
        Ok(GetAccessPointPolicyOutput { policy: Some(policy) })
    }
}

impl Handle<GetAccessPointPolicyStatus> for S3 {
    fn guard(&self, ctx: &Ctx, input: &GetAccessPointPolicyStatusInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name, "s3:GetAccessPointPolicyStatus"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetAccessPointPolicyStatusInput,
    ) -> Result<GetAccessPointPolicyStatusOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let found = self.access_point(&mut self.read()?, ctx, &input.name)?;
        let policy = found.policy.ok_or_else(errors::no_such_access_point_policy)?;
        let document: Value = serde_json::from_str(&policy).map_err(ApiError::internal)?;
        let status = PolicyStatus { is_public: Some(public_access::is_public(&document)) };
        Ok(GetAccessPointPolicyStatusOutput { policy_status: Some(status) })
    }
}

impl Handle<DeleteAccessPointPolicy> for S3 {
    fn guard(&self, ctx: &Ctx, input: &DeleteAccessPointPolicyInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name, "s3:DeleteAccessPointPolicy"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteAccessPointPolicyInput,
    ) -> Result<DeleteAccessPointPolicyOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let (s3, own) = (Arc::clone(self), ctx.clone());
        self.write(move |tx| {
            let mut found = s3.access_point(tx, &own, &input.name)?;
            found.policy = None;
            tables::ACCESS_POINTS.put(tx, &found.place(), &found);
            Ok::<_, ApiError>(())
        })
        .await?;
        Ok(DeleteAccessPointPolicyOutput::default())
    }
}
