//! CreateAlias, GetAlias, ListAliases, UpdateAlias and DeleteAlias.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use lambda_api::op::{CreateAlias, DeleteAlias, GetAlias, ListAliases, UpdateAlias};
use lambda_api::{
    AliasRoutingConfiguration, CreateAliasInput, CreateAliasOutput, DeleteAliasInput, DeleteAliasOutput,
    GetAliasInput, GetAliasOutput, ListAliasesInput, ListAliasesOutput, UpdateAliasInput, UpdateAliasOutput,
};
use shapes::ApiError;
use store::{Order, Range, Reader, Tx};

use super::page_size;
use super::update_function::check_revision;
use crate::function::{Alias, LATEST, Target};
use crate::provisioned::ALIASES_TOPIC;
use crate::{Lambda, errors, tables};

impl Transact<CreateAlias> for Lambda {
    type Draft = (Target, Alias);

    fn guard(&self, ctx: &Ctx, input: &CreateAliasInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, Some(&input.name))
    }

    fn prepare(&self, ctx: &Ctx, input: CreateAliasInput) -> Result<Self::Draft, ApiError> {
        let target = Target::parse(ctx, &input.function_name, None)?;
        if input.name.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(errors::invalid(format!(
                "The alias name {} is invalid: a name of digits alone is a version's",
                input.name
            )));
        }
        let alias = Alias {
            name: input.name,
            description: input.description.unwrap_or_default(),
            version: input.function_version,
            second: second(input.routing_config)?,
            revision: ctx.ids().uuid(),
        };
        Ok((target, alias))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (target, alias): &Self::Draft,
    ) -> Result<CreateAliasOutput, ApiError> {
        tx.with_scope(&target.scope(), |tx| {
            let key = (target.name.clone(), alias.name.clone());
            target.function(tx)?;
            if tables::ALIASES.contains(tx, &key)? {
                return Err(errors::alias_exists(&format!("{}:{}", target.arn(), alias.name)));
            }
            check_versions(tx, target, alias)?;
            tables::ALIASES.put(tx, &key, alias);
            Ok(alias.to_api(&target.arn()))
        })
    }
}

impl Transact<UpdateAlias> for Lambda {
    type Draft = (Target, UpdateAliasInput, String);

    fn guard(&self, ctx: &Ctx, input: &UpdateAliasInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, Some(&input.name))
    }

    fn prepare(&self, ctx: &Ctx, input: UpdateAliasInput) -> Result<Self::Draft, ApiError> {
        Ok((Target::parse(ctx, &input.function_name, None)?, input, ctx.ids().uuid()))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (target, input, revision): &Self::Draft,
    ) -> Result<UpdateAliasOutput, ApiError> {
        tx.with_scope(&target.scope(), |tx| {
            let mut alias = find(tx, target, &input.name)?;
            check_revision(&input.revision_id, &alias.revision)?;
            if let Some(version) = &input.function_version {
                alias.version.clone_from(version);
            }
            if let Some(description) = &input.description {
                alias.description.clone_from(description);
            }
            if input.routing_config.is_some() {
                alias.second = second(input.routing_config.clone())?;
            }
            alias.revision.clone_from(revision);
            check_versions(tx, target, &alias)?;
            tables::ALIASES.put(tx, &(target.name.clone(), alias.name.clone()), &alias);
            tx.announce(ALIASES_TOPIC);
            Ok(alias.to_api(&target.arn()))
        })
    }
}

impl Transact<DeleteAlias> for Lambda {
    type Draft = (Target, String);

    fn guard(&self, ctx: &Ctx, input: &DeleteAliasInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, Some(&input.name))
    }

    fn prepare(&self, ctx: &Ctx, input: DeleteAliasInput) -> Result<Self::Draft, ApiError> {
        Ok((Target::parse(ctx, &input.function_name, None)?, input.name))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (target, name): &Self::Draft,
    ) -> Result<DeleteAliasOutput, ApiError> {
        tx.with_scope(&target.scope(), |tx| {
            target.function(tx)?;
            let key = (target.name.clone(), name.clone());
            tables::ALIASES.delete(tx, &key);
            tables::POLICIES.delete(tx, &key);
            let alias = Target { qualifier: Some(name.clone()), ..target.clone() };
            if let Some(url) = tables::FUNCTION_URLS.find(tx, &key)? {
                super::function_urls::forget(tx, &alias, &url);
            }
            super::provisioned_concurrency::forget(tx, &alias);
            tx.announce(ALIASES_TOPIC);
            Ok(DeleteAliasOutput {})
        })
    }
}

impl Handle<GetAlias> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &GetAliasInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, Some(&input.name))
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: GetAliasInput) -> Result<GetAliasOutput, ApiError> {
        let target = Target::parse(ctx, &input.function_name, None)?;
        let alias = find(&mut ctx.store().read(&target.scope())?, &target, &input.name)?;
        Ok(alias.to_api(&target.arn()))
    }
}

impl Handle<ListAliases> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &ListAliasesInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, None)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListAliasesInput,
    ) -> Result<ListAliasesOutput, ApiError> {
        let target = Target::parse(ctx, &input.function_name, None)?;
        let mut reader = ctx.store().read(&target.scope())?;
        target.function(&mut reader)?;
        let size = page_size(input.max_items);
        let mut range = Range::prefix(&target.name);
        if let Some(marker) = &input.marker {
            range = range.after(&(target.name.clone(), marker.clone()));
        }
        let (mut aliases, mut last, mut next_marker) = (Vec::new(), None, None);
        tables::ALIASES.visit(&mut reader, &range, Order::Ascending, |(_, name), alias| {
            if input.function_version.as_ref().is_some_and(|version| *version != alias.version) {
                return ControlFlow::Continue(());
            }
            if aliases.len() == size {
                next_marker = last.take();
                return ControlFlow::Break(());
            }
            last = Some(name);
            aliases.push(alias.to_api(&target.arn()));
            ControlFlow::Continue(())
        })?;
        Ok(ListAliasesOutput { aliases: Some(aliases), next_marker })
    }
}

fn find(reader: &mut dyn Reader, target: &Target, name: &str) -> Result<Alias, ApiError> {
    tables::ALIASES
        .find(reader, &(target.name.clone(), name.to_owned()))?
        .ok_or_else(|| errors::alias_not_found(&format!("{}:{name}", target.arn())))
}

fn second(routing: Option<AliasRoutingConfiguration>) -> Result<Option<(String, f64)>, ApiError> {
    let weights = routing.and_then(|routing| routing.additional_version_weights).unwrap_or_default();
    if weights.len() > 1 {
        return Err(errors::invalid("An alias can route to one additional version at most"));
    }
    match weights.into_iter().next() {
        Some((version, weight)) if !(0.0..=1.0).contains(&weight) => Err(errors::invalid(format!(
            "The weight of version {version} has to be between 0.0 and 1.0, not {weight}"
        ))),
        second => Ok(second),
    }
}

fn check_versions(reader: &mut dyn Reader, target: &Target, alias: &Alias) -> Result<(), ApiError> {
    let named = [Some(&alias.version), alias.second.as_ref().map(|(version, _)| version)];
    for version in named.into_iter().flatten() {
        if version == LATEST && alias.second.is_none() {
            continue;
        }
        let not_found = || errors::function_not_found(&format!("{}:{version}", target.arn()));
        let number: u64 = version.parse().map_err(|_| not_found())?;
        if !tables::VERSIONS.contains(reader, &(target.name.clone(), number))? {
            return Err(not_found());
        }
    }
    Ok(())
}
