//! DeleteFunction: a whole function, or one of its versions.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use lambda_api::op::DeleteFunction;
use lambda_api::{DeleteFunctionInput, DeleteFunctionOutput};
use shapes::ApiError;
use store::{Range, Tx};

use super::versions::MOST_LISTED;
use crate::function::{LATEST, Target};
use crate::{Lambda, errors, tables};

impl Handle<DeleteFunction> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &DeleteFunctionInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, input.qualifier.as_deref())
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteFunctionInput,
    ) -> Result<DeleteFunctionOutput, ApiError> {
        let target = Target::parse(ctx, &input.function_name, input.qualifier.as_deref())?;
        let (scope, name) = (target.scope(), target.name.clone());
        let arn = target.arn();
        let is_whole = target.qualifier.is_none();
        let stopped_scope = scope.clone();
        let provisioned = ctx
            .store()
            .write(&scope, move |tx| {
                target.function(tx)?;
                match target.qualifier.as_deref() {
                    None => delete_all(tx, &target),
                    Some(qualifier) => delete_version(tx, &target, qualifier).map(|()| Vec::new()),
                }
            })
            .await?;
        for qualifier in provisioned {
            self.provisions.stop(&stopped_scope, &name, &qualifier);
        }
        self.pools.retire(&target_scope(ctx, &arn), &name);
        if is_whole {
            ctx.cloud().architecture().forget(&arn);
        }
        Ok(DeleteFunctionOutput { status_code: Some(204) })
    }
}

fn target_scope(ctx: &Ctx, arn: &str) -> store::Scope {
    Target::parse(ctx, arn, None).map_or_else(|_| ctx.scope().clone(), |target| target.scope())
}

/// Takes away everything about a function; the qualifiers whose provisioned environments have to be let go.
fn delete_all(tx: &mut Tx<'_>, target: &Target) -> Result<Vec<String>, ApiError> {
    let name = &target.name;
    let provisioned = super::provisioned_concurrency::forget_all(tx, target)?;
    for ((_, qualifier), url) in tables::FUNCTION_URLS.list(tx, &Range::prefix(name), MOST_LISTED)? {
        let qualifier = Some(qualifier).filter(|qualifier| !qualifier.is_empty());
        super::function_urls::forget(tx, &Target { qualifier, ..target.clone() }, &url);
    }
    tables::FUNCTIONS.delete(tx, name);
    for (key, _) in tables::VERSIONS.list(tx, &Range::prefix(name), MOST_LISTED)? {
        tables::VERSIONS.delete(tx, &key);
    }
    for (key, _) in tables::ALIASES.list(tx, &Range::prefix(name), MOST_LISTED)? {
        tables::ALIASES.delete(tx, &key);
    }
    for (key, _) in tables::EVENT_CONFIGS.list(tx, &Range::prefix(name), MOST_LISTED)? {
        tables::EVENT_CONFIGS.delete(tx, &key);
    }
    for (key, _) in tables::POLICIES.list(tx, &Range::prefix(name), MOST_LISTED)? {
        tables::POLICIES.delete(tx, &key);
    }
    Ok(provisioned)
}

fn delete_version(tx: &mut Tx<'_>, target: &Target, qualifier: &str) -> Result<(), ApiError> {
    if qualifier == LATEST {
        return Err(errors::invalid("$LATEST version cannot be deleted without deleting the function."));
    }
    let number: u64 = qualifier.parse().map_err(|_| {
        errors::invalid("Deletion of aliases is not currently supported by DeleteFunction; use DeleteAlias.")
    })?;
    for (_, alias) in tables::ALIASES.list(tx, &Range::prefix(&target.name), MOST_LISTED)? {
        let second = alias.second.as_ref().map(|(version, _)| version.as_str());
        if alias.version == qualifier || second == Some(qualifier) {
            return Err(lambda_api::error::resource_conflict_exception(format!(
                "Version {qualifier} cannot be deleted because the alias {} points to it.",
                alias.name
            )));
        }
    }
    tables::VERSIONS.delete(tx, &(target.name.clone(), number));
    tables::POLICIES.delete(tx, &(target.name.clone(), qualifier.to_owned()));
    Ok(())
}
