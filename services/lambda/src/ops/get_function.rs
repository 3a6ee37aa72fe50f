//! GetFunction and GetFunctionConfiguration.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use lambda_api::op::{GetFunction, GetFunctionConfiguration};
use lambda_api::{
    Concurrency, FunctionCodeLocation, FunctionConfiguration, GetFunctionConfigurationInput,
    GetFunctionConfigurationOutput, GetFunctionInput, GetFunctionOutput,
};
use shapes::ApiError;

use crate::function::{Target, Version};
use crate::{Lambda, variables};

impl Handle<GetFunction> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &GetFunctionInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, input.qualifier.as_deref())
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetFunctionInput,
    ) -> Result<GetFunctionOutput, ApiError> {
        let target = Target::parse(ctx, &input.function_name, input.qualifier.as_deref())?;
        let (function, version) = {
            let mut reader = ctx.store().read(&target.scope())?;
            (target.function(&mut reader)?, target.version(&mut reader, 1.0)?)
        };
        let concurrency = function
            .reserved_concurrency
            .map(|reserved| Concurrency { reserved_concurrent_executions: Some(reserved as i32) });
        let code = FunctionCodeLocation {
            repository_type: Some("S3".to_owned()),
            location: Some(self.location(&version.code)),
            ..FunctionCodeLocation::default()
        };
        Ok(GetFunctionOutput {
            configuration: Some(shown(ctx, &target, &version).await),
            code: Some(code),
            concurrency,
            tags: (!function.tags.is_empty()).then_some(function.tags),
            ..Default::default()
        })
    }
}

impl Handle<GetFunctionConfiguration> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &GetFunctionConfigurationInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, input.qualifier.as_deref())
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetFunctionConfigurationInput,
    ) -> Result<GetFunctionConfigurationOutput, ApiError> {
        let target = Target::parse(ctx, &input.function_name, input.qualifier.as_deref())?;
        let version = target.version(&mut ctx.store().read(&target.scope())?, 1.0)?;
        Ok(shown(ctx, &target, &version).await)
    }
}

async fn shown(ctx: &Ctx, target: &Target, version: &Version) -> FunctionConfiguration {
    variables::shown(ctx, &target.arn(), version, version.to_api(target.qualified_arn())).await
}
