//! Put-, Update-, Get-, List- and DeleteFunctionEventInvokeConfig: how asynchronous events are treated.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use lambda_api::op::{
    DeleteFunctionEventInvokeConfig, GetFunctionEventInvokeConfig, ListFunctionEventInvokeConfigs,
    PutFunctionEventInvokeConfig, UpdateFunctionEventInvokeConfig,
};
use lambda_api::{
    DeleteFunctionEventInvokeConfigInput, DeleteFunctionEventInvokeConfigOutput, DestinationConfig,
    FunctionEventInvokeConfig, GetFunctionEventInvokeConfigInput, ListFunctionEventInvokeConfigsInput,
    ListFunctionEventInvokeConfigsOutput, PutFunctionEventInvokeConfigInput,
    UpdateFunctionEventInvokeConfigInput,
};
use shapes::ApiError;
use store::{Range, Tx};

use super::versions::MOST_LISTED;
use crate::async_invoke::{EventInvokeConfig, LONGEST_AGE_SECONDS, MOST_RETRIES};
use crate::destination::Destinations;
use crate::function::Target;
use crate::{Lambda, errors, tables};

/// What a request gives, checked; what it leaves out is `None`.
pub(crate) struct Draft {
    target: Target,
    maximum_retries: Option<u32>,
    maximum_age_seconds: Option<u32>,
    destinations: Option<Destinations>,
}

impl Draft {
    fn parse(
        target: Target,
        retries: Option<i32>,
        age: Option<i32>,
        destinations: Option<DestinationConfig>,
    ) -> Result<Self, ApiError> {
        Ok(Self {
            target,
            maximum_retries: within("maximumRetryAttempts", retries, 0, MOST_RETRIES)?,
            maximum_age_seconds: within("maximumEventAgeInSeconds", age, 60, LONGEST_AGE_SECONDS)?,
            destinations: destinations.map(|given| Destinations::parse(Some(given))).transpose()?,
        })
    }

    /// Changes `config` by what was given and stores it.
    fn store(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        mut config: EventInvokeConfig,
    ) -> Result<FunctionEventInvokeConfig, ApiError> {
        config.maximum_retries = self.maximum_retries.unwrap_or(config.maximum_retries);
        config.maximum_age_seconds = self.maximum_age_seconds.unwrap_or(config.maximum_age_seconds);
        if let Some(destinations) = &self.destinations {
            config.destinations.clone_from(destinations);
        }
        config.modified = ctx.now();
        tables::EVENT_CONFIGS.put(tx, &key(&self.target), &config);
        Ok(answer(&self.target.arn(), self.target.qualifier.as_deref(), &config))
    }
}

fn within(name: &str, value: Option<i32>, least: u32, most: u32) -> Result<Option<u32>, ApiError> {
    let Some(value) = value else { return Ok(None) };
    match u32::try_from(value) {
        Ok(value) if (least..=most).contains(&value) => Ok(Some(value)),
        _ => Err(errors::invalid(format!("{name} has to be between {least} and {most}, not {value}"))),
    }
}

fn key(target: &Target) -> (String, String) {
    (target.name.clone(), target.qualifier.clone().unwrap_or_default())
}

fn answer(arn: &str, qualifier: Option<&str>, config: &EventInvokeConfig) -> FunctionEventInvokeConfig {
    let qualifier = qualifier.filter(|qualifier| !qualifier.is_empty()).unwrap_or("$LATEST");
    FunctionEventInvokeConfig {
        function_arn: Some(format!("{arn}:{qualifier}")),
        maximum_retry_attempts: Some(config.maximum_retries as i32),
        maximum_event_age_in_seconds: Some(config.maximum_age_seconds as i32),
        destination_config: Some(config.destinations.to_api()),
        last_modified: Some(config.modified),
    }
}

fn not_found(target: &Target) -> ApiError {
    let qualifier = target.qualifier.as_deref().unwrap_or("$LATEST");
    let arn = format!("{}:{qualifier}", target.arn());
    lambda_api::error::resource_not_found_exception(format!(
        "The function {arn} doesn't have an EventInvokeConfig"
    ))
}

impl Transact<PutFunctionEventInvokeConfig> for Lambda {
    type Draft = Draft;

    fn guard(&self, ctx: &Ctx, input: &PutFunctionEventInvokeConfigInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, input.qualifier.as_deref())
    }

    fn prepare(&self, ctx: &Ctx, input: PutFunctionEventInvokeConfigInput) -> Result<Draft, ApiError> {
        let target = Target::parse(ctx, &input.function_name, input.qualifier.as_deref())?;
        let (retries, age) = (input.maximum_retry_attempts, input.maximum_event_age_in_seconds);
        Draft::parse(target, retries, age, input.destination_config)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &Draft,
    ) -> Result<FunctionEventInvokeConfig, ApiError> {
        tx.with_scope(&draft.target.scope(), |tx| {
            draft.target.version(tx, 1.0)?;
            draft.store(ctx, tx, EventInvokeConfig::default())
        })
    }
}

impl Transact<UpdateFunctionEventInvokeConfig> for Lambda {
    type Draft = Draft;

    fn guard(&self, ctx: &Ctx, input: &UpdateFunctionEventInvokeConfigInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, input.qualifier.as_deref())
    }

    fn prepare(&self, ctx: &Ctx, input: UpdateFunctionEventInvokeConfigInput) -> Result<Draft, ApiError> {
        let target = Target::parse(ctx, &input.function_name, input.qualifier.as_deref())?;
        let (retries, age) = (input.maximum_retry_attempts, input.maximum_event_age_in_seconds);
        Draft::parse(target, retries, age, input.destination_config)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &Draft,
    ) -> Result<FunctionEventInvokeConfig, ApiError> {
        tx.with_scope(&draft.target.scope(), |tx| {
            let config = tables::EVENT_CONFIGS.find(tx, &key(&draft.target))?;
            draft.store(ctx, tx, config.ok_or_else(|| not_found(&draft.target))?)
        })
    }
}

impl Transact<DeleteFunctionEventInvokeConfig> for Lambda {
    type Draft = Target;

    fn guard(&self, ctx: &Ctx, input: &DeleteFunctionEventInvokeConfigInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, input.qualifier.as_deref())
    }

    fn prepare(&self, ctx: &Ctx, input: DeleteFunctionEventInvokeConfigInput) -> Result<Target, ApiError> {
        Target::parse(ctx, &input.function_name, input.qualifier.as_deref())
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        target: &Target,
    ) -> Result<DeleteFunctionEventInvokeConfigOutput, ApiError> {
        tx.with_scope(&target.scope(), |tx| {
            if !tables::EVENT_CONFIGS.contains(tx, &key(target))? {
                return Err(not_found(target));
            }
            tables::EVENT_CONFIGS.delete(tx, &key(target));
            Ok(DeleteFunctionEventInvokeConfigOutput {})
        })
    }
}

impl Handle<GetFunctionEventInvokeConfig> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &GetFunctionEventInvokeConfigInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, input.qualifier.as_deref())
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetFunctionEventInvokeConfigInput,
    ) -> Result<FunctionEventInvokeConfig, ApiError> {
        let target = Target::parse(ctx, &input.function_name, input.qualifier.as_deref())?;
        let mut reader = ctx.store().read(&target.scope())?;
        let config = tables::EVENT_CONFIGS.find(&mut reader, &key(&target))?;
        let config = config.ok_or_else(|| not_found(&target))?;
        Ok(answer(&target.arn(), target.qualifier.as_deref(), &config))
    }
}

impl Handle<ListFunctionEventInvokeConfigs> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &ListFunctionEventInvokeConfigsInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, None)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListFunctionEventInvokeConfigsInput,
    ) -> Result<ListFunctionEventInvokeConfigsOutput, ApiError> {
        let target = Target::parse(ctx, &input.function_name, None)?;
        let mut reader = ctx.store().read(&target.scope())?;
        let rows = tables::EVENT_CONFIGS.list(&mut reader, &Range::prefix(&target.name), MOST_LISTED)?;
        let configs =
            rows.iter().map(|((_, qualifier), config)| answer(&target.arn(), Some(qualifier), config));
        Ok(ListFunctionEventInvokeConfigsOutput {
            function_event_invoke_configs: Some(configs.collect()),
            next_marker: None,
        })
    }
}
