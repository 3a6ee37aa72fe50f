//! PublishVersion and ListVersionsByFunction.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use lambda_api::op::{ListVersionsByFunction, PublishVersion};
use lambda_api::{
    ListVersionsByFunctionInput, ListVersionsByFunctionOutput, PublishVersionInput, PublishVersionOutput,
};
use shapes::{ApiError, Timestamp};
use store::{Order, Range, Tx};

use super::page_size;
use super::update_function::check_revision;
use crate::function::{Function, Target, Version};
use crate::{Lambda, errors, tables};

/// Versions and aliases of one function looked at in one go.
pub(crate) const MOST_LISTED: usize = 10_000;

/// Makes a version of what is being worked on, and stores it with the function. The same code and configuration as
/// the newest version's are that version (Developer Guide, "Manage Lambda function versions").
pub(crate) fn publish(
    tx: &mut Tx<'_>,
    function: &mut Function,
    now: Timestamp,
    description: Option<String>,
) -> Result<Version, ApiError> {
    let name = function.latest.name.clone();
    let newest = tables::VERSIONS.find(tx, &(name.clone(), function.last_version))?;
    if let Some(newest) = newest
        && newest.revision == function.latest.revision
    {
        return Ok(newest);
    }
    function.last_version += 1;
    let mut version =
        Version { version: function.last_version.to_string(), modified: now, ..function.latest.clone() };
    if let Some(description) = description {
        version.description = description;
    }
    tables::VERSIONS.put(tx, &(name.clone(), function.last_version), &version);
    tables::FUNCTIONS.put(tx, &name, function);
    Ok(version)
}

impl Transact<PublishVersion> for Lambda {
    type Draft = (Target, PublishVersionInput);

    fn guard(&self, ctx: &Ctx, input: &PublishVersionInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, None)
    }

    fn prepare(&self, ctx: &Ctx, input: PublishVersionInput) -> Result<Self::Draft, ApiError> {
        Ok((Target::parse(ctx, &input.function_name, None)?, input))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (target, input): &Self::Draft,
    ) -> Result<PublishVersionOutput, ApiError> {
        tx.with_scope(&target.scope(), |tx| {
            let mut function = target.function(tx)?;
            check_revision(&input.revision_id, &function.latest.revision)?;
            let current = function.latest.code.sha256_base64();
            if input.code_sha256.as_ref().is_some_and(|given| *given != current) {
                return Err(errors::invalid(format!(
                    "CodeSHA256 ({}) is different from current CodeSHA256 in $LATEST ({current}). Please try again \
                     with the CodeSHA256 in $LATEST.",
                    input.code_sha256.as_deref().unwrap_or_default()
                )));
            }
            let version = publish(tx, &mut function, ctx.now(), input.description.clone())?;
            let arn = version.arn(target.account, target.region);
            Ok(version.to_api(arn))
        })
    }
}

impl Handle<ListVersionsByFunction> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &ListVersionsByFunctionInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, None)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListVersionsByFunctionInput,
    ) -> Result<ListVersionsByFunctionOutput, ApiError> {
        let target = Target::parse(ctx, &input.function_name, None)?;
        let mut reader = ctx.store().read(&target.scope())?;
        let function = target.function(&mut reader)?;
        let size = page_size(input.max_items);
        let after = input.marker.as_deref().map(|marker| {
            marker.parse::<u64>().map_err(|_| errors::invalid(format!("Invalid marker: {marker}")))
        });
        let after = after.transpose()?;
        let mut versions = Vec::new();
        if after.is_none() {
            versions.push(function.latest.to_api(format!("{}:$LATEST", target.arn())));
        }
        let mut range = Range::prefix(&target.name);
        if let Some(after) = after {
            range = range.after(&(target.name.clone(), after));
        }
        let (mut last, mut next_marker) = (after.unwrap_or(0), None);
        tables::VERSIONS.visit(&mut reader, &range, Order::Ascending, |(_, number), version| {
            if versions.len() == size {
                next_marker = Some(last.to_string());
                return ControlFlow::Break(());
            }
            last = number;
            versions.push(version.to_api(format!("{}:{number}", target.arn())));
            ControlFlow::Continue(())
        })?;
        Ok(ListVersionsByFunctionOutput { versions: Some(versions), next_marker })
    }
}
