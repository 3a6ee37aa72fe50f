//! CreateFunctionUrlConfig, GetFunctionUrlConfig, UpdateFunctionUrlConfig, ListFunctionUrlConfigs and
//! DeleteFunctionUrlConfig.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use lambda_api::op::{
    CreateFunctionUrlConfig, DeleteFunctionUrlConfig, GetFunctionUrlConfig, ListFunctionUrlConfigs,
    UpdateFunctionUrlConfig,
};
use lambda_api::{
    CreateFunctionUrlConfigInput, CreateFunctionUrlConfigOutput, DeleteFunctionUrlConfigInput,
    DeleteFunctionUrlConfigOutput, GetFunctionUrlConfigInput, GetFunctionUrlConfigOutput,
    ListFunctionUrlConfigsInput, ListFunctionUrlConfigsOutput, UpdateFunctionUrlConfigInput,
    UpdateFunctionUrlConfigOutput,
};
use shapes::ApiError;
use store::{Range, Scope, Tx};

use super::versions::MOST_LISTED;
use crate::function::Target;
use crate::function_url::{Cors, FunctionUrl, UrlOwner, check_mode, key, parse_target};
use crate::{Lambda, errors, tables};

impl Transact<CreateFunctionUrlConfig> for Lambda {
    type Draft = (Target, FunctionUrl);

    fn guard(&self, ctx: &Ctx, input: &CreateFunctionUrlConfigInput) -> Result<Guard, ApiError> {
        let guard = self.function_guard(ctx, &input.function_name, input.qualifier.as_deref())?;
        Ok(guard.with("lambda:FunctionUrlAuthType", vec![input.auth_type.clone()]))
    }

    fn prepare(&self, ctx: &Ctx, input: CreateFunctionUrlConfigInput) -> Result<Self::Draft, ApiError> {
        let target = parse_target(ctx, &input.function_name, input.qualifier.as_deref())?;
        check_mode(input.invoke_mode.as_deref())?;
        let url = FunctionUrl {
            id: ctx.ids().hex(32),
            needs_signature: input.auth_type == "AWS_IAM",
            cors: input.cors.map(Cors::parse),
            created: ctx.now(),
            modified: ctx.now(),
        };
        Ok((target, url))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (target, url): &Self::Draft,
    ) -> Result<CreateFunctionUrlConfigOutput, ApiError> {
        tx.with_scope(&target.scope(), |tx| {
            target.version(tx, 1.0)?;
            if tables::FUNCTION_URLS.contains(tx, &key(target))? {
                return Err(errors::url_exists(&target.qualified_arn()));
            }
            tables::FUNCTION_URLS.put(tx, &key(target), url);
            Ok(())
        })?;
        let owner = UrlOwner::of(target);
        tx.with_scope(&Scope::global(), |tx| tables::URL_OWNERS.put(tx, &url.id, &owner));
        let shown = url.to_api(&self.cloud.settings().endpoint, target);
        Ok(CreateFunctionUrlConfigOutput {
            function_url: shown.function_url,
            function_arn: shown.function_arn,
            auth_type: shown.auth_type,
            cors: shown.cors,
            creation_time: shown.creation_time,
            invoke_mode: shown.invoke_mode,
        })
    }
}

impl Transact<UpdateFunctionUrlConfig> for Lambda {
    type Draft = (Target, UpdateFunctionUrlConfigInput);

    fn guard(&self, ctx: &Ctx, input: &UpdateFunctionUrlConfigInput) -> Result<Guard, ApiError> {
        let guard = self.function_guard(ctx, &input.function_name, input.qualifier.as_deref())?;
        Ok(guard.with("lambda:FunctionUrlAuthType", input.auth_type.iter().cloned().collect()))
    }

    fn prepare(&self, ctx: &Ctx, input: UpdateFunctionUrlConfigInput) -> Result<Self::Draft, ApiError> {
        check_mode(input.invoke_mode.as_deref())?;
        Ok((parse_target(ctx, &input.function_name, input.qualifier.as_deref())?, input))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (target, input): &Self::Draft,
    ) -> Result<UpdateFunctionUrlConfigOutput, ApiError> {
        tx.with_scope(&target.scope(), |tx| {
            let url = tables::FUNCTION_URLS.find(tx, &key(target))?;
            let mut url = url.ok_or_else(errors::no_policy)?;
            if let Some(kind) = &input.auth_type {
                url.needs_signature = kind == "AWS_IAM";
            }
            if let Some(cors) = &input.cors {
                url.cors = Some(Cors::parse(cors.clone())).filter(|cors| *cors != Cors::default());
            }
            url.modified = ctx.now();
            tables::FUNCTION_URLS.put(tx, &key(target), &url);
            let shown = url.to_api(&self.cloud.settings().endpoint, target);
            Ok(UpdateFunctionUrlConfigOutput {
                function_url: shown.function_url,
                function_arn: shown.function_arn,
                auth_type: shown.auth_type,
                cors: shown.cors,
                creation_time: shown.creation_time,
                last_modified_time: shown.last_modified_time,
                invoke_mode: shown.invoke_mode,
            })
        })
    }
}

impl Handle<GetFunctionUrlConfig> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &GetFunctionUrlConfigInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, input.qualifier.as_deref())
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetFunctionUrlConfigInput,
    ) -> Result<GetFunctionUrlConfigOutput, ApiError> {
        let target = parse_target(ctx, &input.function_name, input.qualifier.as_deref())?;
        let url = tables::FUNCTION_URLS.find(&mut ctx.store().read(&target.scope())?, &key(&target))?;
        let url = url.ok_or_else(errors::no_policy)?;
        let shown = url.to_api(&self.cloud.settings().endpoint, &target);
        Ok(GetFunctionUrlConfigOutput {
            function_url: shown.function_url,
            function_arn: shown.function_arn,
            auth_type: shown.auth_type,
            cors: shown.cors,
            creation_time: shown.creation_time,
            last_modified_time: shown.last_modified_time,
            invoke_mode: shown.invoke_mode,
        })
    }
}

impl Handle<ListFunctionUrlConfigs> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &ListFunctionUrlConfigsInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, None)
    }

    /// All on one page: a function has as many URLs as it has aliases, and one.
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListFunctionUrlConfigsInput,
    ) -> Result<ListFunctionUrlConfigsOutput, ApiError> {
        let target = Target::parse(ctx, &input.function_name, None)?;
        let mut reader = ctx.store().read(&target.scope())?;
        target.function(&mut reader)?;
        let urls = tables::FUNCTION_URLS.list(&mut reader, &Range::prefix(&target.name), MOST_LISTED)?;
        let endpoint = &self.cloud.settings().endpoint;
        let show = |((_, qualifier), url): ((String, String), FunctionUrl)| {
            let qualifier = Some(qualifier).filter(|qualifier| !qualifier.is_empty());
            url.to_api(endpoint, &Target { qualifier, ..target.clone() })
        };
        let function_url_configs = urls.into_iter().map(show).collect();
        Ok(ListFunctionUrlConfigsOutput { function_url_configs, next_marker: None })
    }
}

impl Transact<DeleteFunctionUrlConfig> for Lambda {
    type Draft = Target;

    fn guard(&self, ctx: &Ctx, input: &DeleteFunctionUrlConfigInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, input.qualifier.as_deref())
    }

    fn prepare(&self, ctx: &Ctx, input: DeleteFunctionUrlConfigInput) -> Result<Target, ApiError> {
        parse_target(ctx, &input.function_name, input.qualifier.as_deref())
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        target: &Target,
    ) -> Result<DeleteFunctionUrlConfigOutput, ApiError> {
        let url = tx.with_scope(&target.scope(), |tx| tables::FUNCTION_URLS.find(tx, &key(target)))?;
        forget(tx, target, &url.ok_or_else(errors::no_policy)?);
        Ok(DeleteFunctionUrlConfigOutput {})
    }
}

/// Takes a URL away.
pub(super) fn forget(tx: &mut Tx<'_>, target: &Target, url: &FunctionUrl) {
    tx.with_scope(&target.scope(), |tx| tables::FUNCTION_URLS.delete(tx, &key(target)));
    tx.with_scope(&Scope::global(), |tx| tables::URL_OWNERS.delete(tx, &url.id));
}
