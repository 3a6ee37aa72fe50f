//! PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy and ValidateResourcePolicy.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use identity::policy::{Policy, PolicyKind};
use secretsmanager_api::op::{
    DeleteResourcePolicy, GetResourcePolicy, PutResourcePolicy, ValidateResourcePolicy,
};
use secretsmanager_api::{
    DeleteResourcePolicyInput, DeleteResourcePolicyOutput, GetResourcePolicyInput, GetResourcePolicyOutput,
    PutResourcePolicyInput, PutResourcePolicyOutput, ValidateResourcePolicyInput,
    ValidateResourcePolicyOutput, ValidationErrorsEntry,
};
use serde_json::Value;
use shapes::ApiError;

use crate::secret_id::SecretId;
use crate::{SecretsManager, errors};

impl Handle<PutResourcePolicy> for SecretsManager {
    fn guard(&self, ctx: &Ctx, input: &PutResourcePolicyInput) -> Result<Guard, ApiError> {
        let blocks = input.block_public_policy == Some(true);
        let guard = self.guard_of(ctx, &input.secret_id)?;
        Ok(guard.with("secretsmanager:blockpublicpolicy", vec![blocks.to_string()]))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: PutResourcePolicyInput,
    ) -> Result<PutResourcePolicyOutput, ApiError> {
        let id = SecretId::parse(ctx, &input.secret_id)?;
        let text = input.resource_policy;
        let parsed = Policy::parse(&text, PolicyKind::Resource);
        parsed.map_err(|wrong| {
            errors::malformed_policy(format!("This resource policy contains a syntax error. {wrong}"))
        })?;
        if input.block_public_policy == Some(true) && is_public(&text) {
            return Err(errors::public_policy());
        }
        self.change(&id, move |_, secret| {
            secret.check_not_deleted()?;
            secret.policy = Some(text.clone());
            Ok(PutResourcePolicyOutput { arn: Some(secret.arn.clone()), name: Some(secret.name.clone()) })
        })
        .await
    }
}

impl Handle<GetResourcePolicy> for SecretsManager {
    fn guard(&self, ctx: &Ctx, input: &GetResourcePolicyInput) -> Result<Guard, ApiError> {
        self.guard_of(ctx, &input.secret_id)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetResourcePolicyInput,
    ) -> Result<GetResourcePolicyOutput, ApiError> {
        let secret = self.secret(&SecretId::parse(ctx, &input.secret_id)?)?;
        Ok(GetResourcePolicyOutput {
            arn: Some(secret.arn),
            name: Some(secret.name),
            resource_policy: secret.policy,
        })
    }
}

impl Handle<DeleteResourcePolicy> for SecretsManager {
    fn guard(&self, ctx: &Ctx, input: &DeleteResourcePolicyInput) -> Result<Guard, ApiError> {
        self.guard_of(ctx, &input.secret_id)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteResourcePolicyInput,
    ) -> Result<DeleteResourcePolicyOutput, ApiError> {
        let id = SecretId::parse(ctx, &input.secret_id)?;
        self.change(&id, move |_, secret| {
            secret.check_not_deleted()?;
            secret.policy = None;
            Ok(DeleteResourcePolicyOutput { arn: Some(secret.arn.clone()), name: Some(secret.name.clone()) })
        })
        .await
    }
}

impl Handle<ValidateResourcePolicy> for SecretsManager {
    fn guard(&self, ctx: &Ctx, input: &ValidateResourcePolicyInput) -> Result<Guard, ApiError> {
        input.secret_id.as_deref().map_or(Ok(Guard::any()), |id| self.guard_of(ctx, id))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ValidateResourcePolicyInput,
    ) -> Result<ValidateResourcePolicyOutput, ApiError> {
        if let Some(text) = &input.secret_id {
            self.secret(&SecretId::parse(ctx, text)?)?;
        }
        let text = &input.resource_policy;
        let wrong = |check: &str, message: String| ValidationErrorsEntry {
            check_name: Some(check.to_owned()),
            error_message: Some(message),
        };
        let found = match Policy::parse(text, PolicyKind::Resource) {
            Err(error) => Some(wrong("SYNTAX_CHECK", error.to_string())),
            Ok(_) if is_public(text) => {
                let message = "The policy allows broad access to the secret.";
                Some(wrong("BLOCK_PUBLIC_POLICY", message.to_owned()))
            }
            Ok(_) => None,
        };
        Ok(ValidateResourcePolicyOutput {
            policy_validation_passed: Some(found.is_none()),
            validation_errors: Some(found.into_iter().collect()),
        })
    }
}

/// Whether a statement lets anybody in without a condition.
fn is_public(text: &str) -> bool {
    let Ok(policy) = serde_json::from_str::<Value>(text) else { return false };
    let statements = match &policy["Statement"] {
        Value::Array(statements) => statements.clone(),
        statement => vec![statement.clone()],
    };
    statements.iter().any(|statement| {
        let principal = &statement["Principal"];
        let names_all = |value: &Value| {
            value == "*" || value.as_array().is_some_and(|values| values.iter().any(|value| value == "*"))
        };
        let is_anyone = names_all(principal) || names_all(&principal["AWS"]);
        statement["Effect"] == "Allow" && is_anyone && statement.get("Condition").is_none()
    })
}
