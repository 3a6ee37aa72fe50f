//! PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy: who else may use a table.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::{DeleteResourcePolicy, GetResourcePolicy, PutResourcePolicy};
use dynamodb_api::{
    DeleteResourcePolicyInput, DeleteResourcePolicyOutput, GetResourcePolicyInput, GetResourcePolicyOutput,
    PutResourcePolicyInput, PutResourcePolicyOutput,
};
use identity::policy::{Policy, PolicyKind};
use shapes::ApiError;

use crate::DynamoDb;
use crate::errors::{policy_not_found, resource_not_found, validation};
use crate::tables::{ResourcePolicy, TABLES, TableRow};
use crate::target::Target;

/// API Reference, PutResourcePolicy.
const MOST_BYTES: usize = 20 * 1024;

/// A policy past its checks, under a revision of its own.
pub(super) fn parse(ctx: &Ctx, text: String) -> Result<ResourcePolicy, ApiError> {
    if text.len() > MOST_BYTES {
        return Err(validation("Resource-based policies cannot be larger than 20 KB"));
    }
    Policy::parse(&text, PolicyKind::Resource)
        .map_err(|error| validation(format!("Invalid policy document: {error}")))?;
    Ok(ResourcePolicy { text, revision: u64::from_le_bytes(ctx.ids().bytes()).to_string() })
}

/// A table's ARN; streams have no policies of their own here.
fn target(ctx: &Ctx, arn: &str) -> Result<Target, ApiError> {
    if arn.contains("/stream/") {
        return Err(ApiError::with_status(
            501,
            "NotImplemented",
            "Resource policies of DynamoDB streams are not implemented in Brume yet.",
        ));
    }
    Target::parse(ctx, arn)
}

fn check_revision(row: &TableRow, expected: Option<&str>, arn: &str) -> Result<(), ApiError> {
    let current = row.policy.as_ref().map(|policy| policy.revision.as_str());
    match expected {
        None => Ok(()),
        Some("NO_POLICY") if current.is_none() => Ok(()),
        Some(expected) if current == Some(expected) => Ok(()),
        Some(_) => Err(policy_not_found(arn)),
    }
}

impl Handle<PutResourcePolicy> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &PutResourcePolicyInput) -> Result<Guard, ApiError> {
        self.table_guard(ctx, &input.resource_arn)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: PutResourcePolicyInput,
    ) -> Result<PutResourcePolicyOutput, ApiError> {
        let target = target(ctx, &input.resource_arn)?;
        let policy = parse(ctx, input.policy)?;
        let (arn, expected) = (input.resource_arn, input.expected_revision_id);
        let revision_id = self
            .change_table(ctx, &target, move |_, _, tx, table, target| {
                check_revision(&table.row, expected.as_deref(), &arn)?;
                let current = table.row.policy.as_ref().filter(|current| current.text == policy.text);
                if let Some(current) = current {
                    return Ok(current.revision.clone());
                }
                TABLES.put(tx, &target.name, &TableRow { policy: Some(policy.clone()), ..table.row.clone() });
                Ok(policy.revision.clone())
            })
            .await?;
        Ok(PutResourcePolicyOutput { revision_id: Some(revision_id) })
    }
}

impl Handle<GetResourcePolicy> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &GetResourcePolicyInput) -> Result<Guard, ApiError> {
        self.table_guard(ctx, &input.resource_arn)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetResourcePolicyInput,
    ) -> Result<GetResourcePolicyOutput, ApiError> {
        let target = target(ctx, &input.resource_arn)?;
        let table = self.definitions.find(ctx.store(), &target)?;
        let table = table.ok_or_else(|| resource_not_found(&input.resource_arn))?;
        let policy = table.row.policy.as_ref().ok_or_else(|| policy_not_found(&input.resource_arn))?;
        Ok(GetResourcePolicyOutput {
            policy: Some(policy.text.clone()),
            revision_id: Some(policy.revision.clone()),
        })
    }
}

impl Handle<DeleteResourcePolicy> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &DeleteResourcePolicyInput) -> Result<Guard, ApiError> {
        self.table_guard(ctx, &input.resource_arn)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteResourcePolicyInput,
    ) -> Result<DeleteResourcePolicyOutput, ApiError> {
        let target = target(ctx, &input.resource_arn)?;
        let (arn, expected) = (input.resource_arn, input.expected_revision_id);
        let revision_id = self
            .change_table(ctx, &target, move |_, _, tx, table, target| {
                check_revision(&table.row, expected.as_deref(), &arn)?;
                let removed = table.row.policy.as_ref().map(|policy| policy.revision.clone());
                TABLES.put(tx, &target.name, &TableRow { policy: None, ..table.row.clone() });
                Ok(removed)
            })
            .await?;
        Ok(DeleteResourcePolicyOutput { revision_id })
    }
}
