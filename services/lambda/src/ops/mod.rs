//! The operation table, and what most operations begin with: finding their function.

mod account_settings;
mod aliases;
mod concurrency;
mod create_function;
mod delete_function;
mod event_invoke_config;
mod event_source_mappings;
mod function_urls;
mod get_function;
mod invoke;
mod layer_permissions;
mod layers;
mod list_functions;
mod permissions;
mod provisioned_concurrency;
mod tags;
mod update_function;
mod versions;

use cloud::{Ctx, Guard, Operation};
use lambda_api::op;
use shapes::ApiError;

use crate::function::{LATEST, Target};
use crate::{Lambda, PRINCIPAL, errors, tables};

pub(crate) static OPERATIONS: &[Operation<Lambda>] = &[
    Operation::transaction::<op::AddLayerVersionPermission>(),
    Operation::transaction::<op::AddPermission>(),
    Operation::transaction::<op::CreateAlias>(),
    Operation::of::<op::CreateEventSourceMapping>(),
    Operation::of::<op::CreateFunction>(),
    Operation::transaction::<op::CreateFunctionUrlConfig>(),
    Operation::transaction::<op::DeleteAlias>(),
    Operation::of::<op::DeleteEventSourceMapping>(),
    Operation::of::<op::DeleteFunction>(),
    Operation::transaction::<op::DeleteFunctionConcurrency>(),
    Operation::transaction::<op::DeleteFunctionEventInvokeConfig>(),
    Operation::transaction::<op::DeleteFunctionUrlConfig>(),
    Operation::transaction::<op::DeleteLayerVersion>(),
    Operation::of::<op::DeleteProvisionedConcurrencyConfig>(),
    Operation::of::<op::GetAccountSettings>(),
    Operation::of::<op::GetAlias>(),
    Operation::of::<op::GetEventSourceMapping>(),
    Operation::of::<op::GetFunction>(),
    Operation::of::<op::GetFunctionConcurrency>(),
    Operation::of::<op::GetFunctionConfiguration>(),
    Operation::of::<op::GetFunctionEventInvokeConfig>(),
    Operation::of::<op::GetFunctionUrlConfig>(),
    Operation::of::<op::GetLayerVersion>(),
    Operation::of::<op::GetLayerVersionByArn>(),
    Operation::of::<op::GetLayerVersionPolicy>(),
    Operation::of::<op::GetPolicy>(),
    Operation::of::<op::GetProvisionedConcurrencyConfig>(),
    Operation::of::<op::Invoke>(),
    Operation::of::<op::ListAliases>(),
    Operation::of::<op::ListEventSourceMappings>(),
    Operation::of::<op::ListFunctionEventInvokeConfigs>(),
    Operation::of::<op::ListFunctionUrlConfigs>(),
    Operation::of::<op::ListFunctions>(),
    Operation::of::<op::ListLayerVersions>(),
    Operation::of::<op::ListLayers>(),
    Operation::of::<op::ListProvisionedConcurrencyConfigs>(),
    Operation::of::<op::ListTags>(),
    Operation::of::<op::ListVersionsByFunction>(),
    Operation::of::<op::PublishLayerVersion>(),
    Operation::transaction::<op::PublishVersion>(),
    Operation::transaction::<op::PutFunctionConcurrency>(),
    Operation::transaction::<op::PutFunctionEventInvokeConfig>(),
    Operation::of::<op::PutProvisionedConcurrencyConfig>(),
    Operation::transaction::<op::RemoveLayerVersionPermission>(),
    Operation::transaction::<op::RemovePermission>(),
    Operation::transaction::<op::TagResource>(),
    Operation::transaction::<op::UntagResource>(),
    Operation::transaction::<op::UpdateAlias>(),
    Operation::of::<op::UpdateEventSourceMapping>(),
    Operation::of::<op::UpdateFunctionCode>(),
    Operation::of::<op::UpdateFunctionConfiguration>(),
    Operation::transaction::<op::UpdateFunctionEventInvokeConfig>(),
    Operation::transaction::<op::UpdateFunctionUrlConfig>(),
];

impl Lambda {
    /// The guard of an operation on one function: its ARN and its policy.
    pub(crate) fn function_guard(
        &self,
        ctx: &Ctx,
        name: &str,
        qualifier: Option<&str>,
    ) -> Result<Guard, ApiError> {
        let target = Target::parse(ctx, name, qualifier)?;
        let key = (target.name.clone(), policy_qualifier(&target));
        let policy = tables::POLICIES.find(&mut ctx.store().read(&target.scope())?, &key)?;
        let document = policy.and_then(|policy| policy.document());
        let policy = document.map(|text| self.policies.resource_policy(&text)).transpose()?;
        Ok(Guard::resource(target.qualified_arn()).policy(policy))
    }

    /// Refuses roles that Lambda cannot assume for the function.
    pub(crate) fn check_role(&self, ctx: &Ctx, function_arn: &str, role: &str) -> Result<(), ApiError> {
        ctx.with_role(PRINCIPAL, function_arn, role)
            .map(|_| ())
            .map_err(|error| errors::role_cannot_be_assumed(&error))
    }
}

/// Under which qualifier a target's resource policy is kept: `$LATEST` has that of the function itself.
pub(crate) fn policy_qualifier(target: &Target) -> String {
    target.qualifier.clone().filter(|qualifier| qualifier != LATEST).unwrap_or_default()
}

/// The number of items of a page: 50 unless fewer are asked for, as AWS has it.
pub(crate) fn page_size(asked: Option<i32>) -> usize {
    asked.map_or(50, |asked| asked.clamp(1, 50) as usize)
}
