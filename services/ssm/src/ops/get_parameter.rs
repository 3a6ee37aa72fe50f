//! GetParameter and GetParameters.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use shapes::ApiError;
use ssm_api::op::{GetParameter, GetParameters};
use ssm_api::{
    GetParameterInput, GetParameterOutput, GetParametersInput, GetParametersOutput, Parameter as ApiParameter,
};

use crate::name::{self, Named, arn_of};
use crate::parameter::{Parameter, Version};
use crate::{Ssm, errors, reference, tables};

impl Handle<GetParameter> for Ssm {
    fn guard(&self, ctx: &Ctx, input: &GetParameterInput) -> Result<Guard, ApiError> {
        self.tagged_guard(ctx, &input.name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetParameterInput,
    ) -> Result<GetParameterOutput, ApiError> {
        let named = Named::parse(ctx, &input.name)?;
        let parameter = read(ctx, &named, input.with_decryption == Some(true)).await?;
        Ok(GetParameterOutput { parameter: Some(parameter) })
    }
}

impl Handle<GetParameters> for Ssm {
    fn guard(&self, ctx: &Ctx, input: &GetParametersInput) -> Result<Guard, ApiError> {
        name::guard(ctx, input.names.iter())
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetParametersInput,
    ) -> Result<GetParametersOutput, ApiError> {
        let mut sorted = input.names.clone();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(errors::validation("The names of parameters must be unique."));
        }
        let decrypts = input.with_decryption == Some(true);
        let (mut parameters, mut invalid) = (Vec::new(), Vec::new());
        for text in input.names {
            let found = match Named::parse(ctx, &text) {
                Ok(named) => read(ctx, &named, decrypts).await,
                Err(error) => Err(error),
            };
            match found {
                Ok(parameter) => parameters.push(parameter),
                Err(error) if matches!(error.name(), "ParameterNotFound" | "ParameterVersionNotFound") => {
                    invalid.push(text);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(GetParametersOutput { parameters: Some(parameters), invalid_parameters: Some(invalid) })
    }
}

impl Ssm {
    /// The guard of an operation on one parameter, with its tags.
    pub(super) fn tagged_guard(&self, ctx: &Ctx, text: &String) -> Result<Guard, ApiError> {
        let mut guard = name::guard(ctx, std::iter::once(text))?;
        let Ok(named) = Named::parse(ctx, text) else { return Ok(guard) };
        let found = tables::PARAMETERS.find(&mut ctx.read()?, &named.name)?;
        for (name, value) in found.iter().flat_map(|parameter| &parameter.tags) {
            guard = guard
                .with(&format!("aws:resourcetag/{name}"), vec![value.clone()])
                .with(&format!("ssm:resourcetag/{name}"), vec![value.clone()]);
        }
        Ok(guard)
    }
}

/// The version that a request names.
fn find(ctx: &Ctx, named: &Named) -> Result<(Parameter, u64, Version), ApiError> {
    let mut reader = ctx.read()?;
    let parameter = tables::PARAMETERS.find(&mut reader, &named.name)?;
    let parameter = parameter.ok_or_else(|| errors::not_found(&named.name))?;
    let number = match named.selector.as_deref() {
        None => parameter.latest,
        Some(selector) => match selector.parse() {
            Ok(number) => number,
            Err(_) => {
                let version = parameter.labels.get(selector);
                *version.ok_or_else(|| errors::no_such_label(&named.name, selector))?
            }
        },
    };
    let version = tables::VERSIONS.find(&mut reader, &(named.name.clone(), number))?;
    let version = version.ok_or_else(|| errors::no_such_version(&named.name, &number.to_string()))?;
    Ok((parameter, number, version))
}

/// A parameter as answers have it.
pub(super) async fn read(ctx: &Ctx, named: &Named, decrypts: bool) -> Result<ApiParameter, ApiError> {
    if let Some(secret) = reference::secret_of(&named.name) {
        return reference::read(ctx, named, secret, decrypts).await;
    }
    let (parameter, number, version) = find(ctx, named)?;
    let value = version.value.read(ctx, &parameter.name, decrypts).await?;
    Ok(ApiParameter {
        arn: Some(arn_of(ctx, &parameter.name)),
        name: Some(parameter.name),
        r#type: Some(version.head.kind.as_str().to_owned()),
        value: Some(value),
        version: i64::try_from(number).ok(),
        selector: named.told(),
        source_result: None,
        last_modified_date: Some(version.head.modified),
        data_type: Some(version.head.data_type),
    })
}
