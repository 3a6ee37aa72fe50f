//! PutProvisionedConcurrencyConfig, GetProvisionedConcurrencyConfig, ListProvisionedConcurrencyConfigs and
//! DeleteProvisionedConcurrencyConfig.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use lambda_api::op::{
    DeleteProvisionedConcurrencyConfig, GetProvisionedConcurrencyConfig, ListProvisionedConcurrencyConfigs,
    PutProvisionedConcurrencyConfig,
};
use lambda_api::{
    DeleteProvisionedConcurrencyConfigInput, DeleteProvisionedConcurrencyConfigOutput,
    GetProvisionedConcurrencyConfigInput, GetProvisionedConcurrencyConfigOutput,
    ListProvisionedConcurrencyConfigsInput, ListProvisionedConcurrencyConfigsOutput,
    ProvisionedConcurrencyConfigListItem, PutProvisionedConcurrencyConfigInput,
    PutProvisionedConcurrencyConfigOutput,
};
use shapes::ApiError;
use store::{Range, Scope, Tx};

use super::versions::MOST_LISTED;
use crate::function::{LATEST, Target, last_modified};
use crate::provisioned::{Progress, Provisioned};
use crate::{Lambda, errors, tables};

type Place = (String, String, String, String);

fn key(target: &Target) -> (String, String) {
    (target.name.clone(), target.qualifier.clone().unwrap_or_default())
}

fn place(target: &Target) -> Place {
    let (name, qualifier) = key(target);
    (target.account.to_string(), target.region.as_str().to_owned(), name, qualifier)
}

fn parse(ctx: &Ctx, name: &str, qualifier: &str) -> Result<Target, ApiError> {
    let target = Target::parse(ctx, name, Some(qualifier))?;
    match target.qualifier.as_deref() {
        None | Some(LATEST) => Err(errors::invalid(
            "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
        )),
        Some(_) => Ok(target),
    }
}

fn status(requested: u32, progress: &Progress) -> &'static str {
    match progress {
        Progress { failure: Some(_), .. } => "FAILED",
        Progress { allocated, .. } if *allocated >= requested => "READY",
        _ => "IN_PROGRESS",
    }
}

impl Handle<PutProvisionedConcurrencyConfig> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &PutProvisionedConcurrencyConfigInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, Some(&input.qualifier))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: PutProvisionedConcurrencyConfigInput,
    ) -> Result<PutProvisionedConcurrencyConfigOutput, ApiError> {
        let target = parse(ctx, &input.function_name, &input.qualifier)?;
        let requested = u32::try_from(input.provisioned_concurrent_executions).unwrap_or(0);
        let row = Provisioned { requested, modified: ctx.now() };
        let (limit, stored, own) = (self.concurrency.limit(), row.clone(), target.clone());
        let work = move |tx: &mut Tx<'_>| {
            own.version(tx, 1.0)?;
            let function = own.function(tx)?;
            if function.reserved_concurrency.is_some_and(|reserved| requested > reserved) {
                return Err(errors::invalid(
                    "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for \
                     function",
                ));
            }
            if requested > limit {
                return Err(errors::invalid(format!(
                    "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency \
                     [{limit}]."
                )));
            }
            tables::PROVISIONED.put(tx, &key(&own), &stored);
            tx.with_scope(&Scope::global(), |tx| tables::PROVISIONED_PLACES.put(tx, &place(&own), &()));
            Ok(())
        };
        ctx.store().write(&target.scope(), work).await?;
        self.start_provision(target, requested);
        Ok(PutProvisionedConcurrencyConfigOutput {
            requested_provisioned_concurrent_executions: Some(requested as i32),
            available_provisioned_concurrent_executions: Some(0),
            allocated_provisioned_concurrent_executions: Some(0),
            status: Some("IN_PROGRESS".to_owned()),
            status_reason: None,
            last_modified: Some(last_modified(row.modified)),
        })
    }
}

impl Handle<GetProvisionedConcurrencyConfig> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &GetProvisionedConcurrencyConfigInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, Some(&input.qualifier))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetProvisionedConcurrencyConfigInput,
    ) -> Result<GetProvisionedConcurrencyConfigOutput, ApiError> {
        let target = parse(ctx, &input.function_name, &input.qualifier)?;
        let mut reader = ctx.store().read(&target.scope())?;
        target.version(&mut reader, 1.0)?;
        let row = tables::PROVISIONED.find(&mut reader, &key(&target))?;
        let row = row.ok_or_else(errors::nothing_provisioned)?;
        let progress = self.provisions.progress(&target.scope(), &target.name, &key(&target).1);
        Ok(GetProvisionedConcurrencyConfigOutput {
            requested_provisioned_concurrent_executions: Some(row.requested as i32),
            available_provisioned_concurrent_executions: Some(progress.allocated as i32),
            allocated_provisioned_concurrent_executions: Some(progress.allocated as i32),
            status: Some(status(row.requested, &progress).to_owned()),
            status_reason: progress.failure,
            last_modified: Some(last_modified(row.modified)),
        })
    }
}

impl Handle<ListProvisionedConcurrencyConfigs> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &ListProvisionedConcurrencyConfigsInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, None)
    }

    /// All on one page.
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListProvisionedConcurrencyConfigsInput,
    ) -> Result<ListProvisionedConcurrencyConfigsOutput, ApiError> {
        let target = Target::parse(ctx, &input.function_name, None)?;
        let mut reader = ctx.store().read(&target.scope())?;
        target.function(&mut reader)?;
        let rows = tables::PROVISIONED.list(&mut reader, &Range::prefix(&target.name), MOST_LISTED)?;
        let item = |((_, qualifier), row): ((String, String), Provisioned)| {
            let progress = self.provisions.progress(&target.scope(), &target.name, &qualifier);
            ProvisionedConcurrencyConfigListItem {
                function_arn: Some(format!("{}:{qualifier}", target.arn())),
                requested_provisioned_concurrent_executions: Some(row.requested as i32),
                available_provisioned_concurrent_executions: Some(progress.allocated as i32),
                allocated_provisioned_concurrent_executions: Some(progress.allocated as i32),
                status: Some(status(row.requested, &progress).to_owned()),
                status_reason: progress.failure,
                last_modified: Some(last_modified(row.modified)),
            }
        };
        let provisioned_concurrency_configs = Some(rows.into_iter().map(item).collect());
        Ok(ListProvisionedConcurrencyConfigsOutput { provisioned_concurrency_configs, next_marker: None })
    }
}

impl Handle<DeleteProvisionedConcurrencyConfig> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &DeleteProvisionedConcurrencyConfigInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, Some(&input.qualifier))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteProvisionedConcurrencyConfigInput,
    ) -> Result<DeleteProvisionedConcurrencyConfigOutput, ApiError> {
        let target = parse(ctx, &input.function_name, &input.qualifier)?;
        let own = target.clone();
        let work = move |tx: &mut Tx<'_>| {
            own.function(tx)?;
            forget(tx, &own);
            Ok::<_, ApiError>(())
        };
        ctx.store().write(&target.scope(), work).await?;
        self.provisions.stop(&target.scope(), &target.name, &key(&target).1);
        Ok(DeleteProvisionedConcurrencyConfigOutput {})
    }
}

/// Takes a configuration away. Its task ends when somebody stops it.
pub(super) fn forget(tx: &mut Tx<'_>, target: &Target) {
    tx.with_scope(&target.scope(), |tx| tables::PROVISIONED.delete(tx, &key(target)));
    tx.with_scope(&Scope::global(), |tx| tables::PROVISIONED_PLACES.delete(tx, &place(target)));
}

/// Takes all configurations of a function away; their qualifiers.
pub(super) fn forget_all(tx: &mut Tx<'_>, target: &Target) -> Result<Vec<String>, ApiError> {
    let mut qualifiers = Vec::new();
    for ((_, qualifier), _) in tables::PROVISIONED.list(tx, &Range::prefix(&target.name), MOST_LISTED)? {
        forget(tx, &Target { qualifier: Some(qualifier.clone()), ..target.clone() });
        qualifiers.push(qualifier);
    }
    Ok(qualifiers)
}
