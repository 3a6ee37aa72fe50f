//! UpdateFunctionCode and UpdateFunctionConfiguration: change the version that is being worked on.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use lambda_api::op::{UpdateFunctionCode, UpdateFunctionConfiguration};
use lambda_api::{
    UpdateFunctionCodeInput, UpdateFunctionCodeOutput, UpdateFunctionConfigurationInput,
    UpdateFunctionConfigurationOutput,
};
use shapes::ApiError;

use super::versions::publish;
use crate::code::Source;
use crate::configuration::Changes;
use crate::function::{LATEST, Target};
use crate::{Lambda, errors, tables, variables};

impl Handle<UpdateFunctionCode> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &UpdateFunctionCodeInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, None)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: UpdateFunctionCodeInput,
    ) -> Result<UpdateFunctionCodeOutput, ApiError> {
        let target = parse_latest(ctx, &input.function_name)?;
        target.function(&mut ctx.store().read(&target.scope())?)?;
        if input.image_uri.is_some() {
            return Err(errors::not_here_yet("Package type Image of a Lambda function"));
        }
        let source = Source {
            zip: input.zip_file,
            bucket: input.s3_bucket,
            key: input.s3_key,
            version: input.s3_object_version,
        };
        let code = self.package(ctx, source, "UpdateFunctionCode").await?;
        let architecture = input.architectures.map(|list| architecture(Some(&list))).transpose()?;
        let is_dry = input.dry_run.unwrap_or(false);
        let publishes = input.publish.unwrap_or(false) && !is_dry;
        let (now, revision, given) = (ctx.now(), ctx.ids().uuid(), input.revision_id);
        let changed = target.clone();
        let version = ctx
            .store()
            .write(&target.scope(), move |tx| {
                let mut function = changed.function(tx)?;
                check_revision(&given, &function.latest.revision)?;
                function.latest.code = code;
                function.latest.modified = now;
                function.latest.revision.clone_from(&revision);
                if let Some(architecture) = &architecture {
                    function.latest.architecture.clone_from(architecture);
                }
                if is_dry {
                    return Ok(function.latest);
                }
                if publishes {
                    return publish(tx, &mut function, now, None);
                }
                tables::FUNCTIONS.put(tx, &changed.name, &function);
                Ok::<_, ApiError>(function.latest)
            })
            .await?;
        self.pools.retire_latest(&target.scope(), &target.name);
        let arn = version.arn(target.account, target.region);
        Ok(variables::shown(ctx, &target.arn(), &version, version.to_api(arn)).await)
    }
}

impl Handle<UpdateFunctionConfiguration> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &UpdateFunctionConfigurationInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, None)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: UpdateFunctionConfigurationInput,
    ) -> Result<UpdateFunctionConfigurationOutput, ApiError> {
        let target = parse_latest(ctx, &input.function_name)?;
        let mut changes = Changes::of_update(&input)?;
        let before = target.function(&mut ctx.store().read(&target.scope())?)?.latest;
        changes.protect(ctx, &target.arn(), Some(&before)).await?;
        changes.layers = self.layers(ctx, changes.layer_arns.as_deref()).await?;
        if let Some(role) = &changes.role {
            self.check_role(ctx, &target.arn(), role)?;
        }
        let (now, revision, given) = (ctx.now(), ctx.ids().uuid(), input.revision_id);
        let changed = target.clone();
        let version = ctx
            .store()
            .write(&target.scope(), move |tx| {
                let mut function = changed.function(tx)?;
                check_revision(&given, &function.latest.revision)?;
                changes.apply(&mut function.latest)?;
                function.latest.modified = now;
                function.latest.revision.clone_from(&revision);
                tables::FUNCTIONS.put(tx, &changed.name, &function);
                Ok::<_, ApiError>(function.latest)
            })
            .await?;
        self.pools.retire_latest(&target.scope(), &target.name);
        let arn = target.arn();
        Ok(variables::shown(ctx, &arn, &version, version.to_api(arn.clone())).await)
    }
}

/// The one architecture of a function.
pub(crate) fn architecture(given: Option<&[String]>) -> Result<String, ApiError> {
    match given {
        None | Some([]) => Ok("x86_64".to_owned()),
        Some([one]) if one == "x86_64" || one == "arm64" => Ok(one.clone()),
        Some(other) => {
            Err(errors::invalid(format!("Architectures {other:?} has to be one of x86_64 and arm64")))
        }
    }
}

fn parse_latest(ctx: &Ctx, name: &str) -> Result<Target, ApiError> {
    let target = Target::parse(ctx, name, None)?;
    match target.qualifier.as_deref() {
        None | Some(LATEST) => Ok(target),
        Some(qualifier) => Err(errors::invalid(format!(
            "Only $LATEST can be changed: published versions stay as they are, and {qualifier} is one or an alias"
        ))),
    }
}

/// Refuses a change to something else than what the client has seen.
pub(crate) fn check_revision(given: &Option<String>, current: &str) -> Result<(), ApiError> {
    match given {
        Some(given) if given != current => Err(errors::stale_revision()),
        _ => Ok(()),
    }
}
