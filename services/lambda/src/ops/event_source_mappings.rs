//! Create-, Get-, List-, Update- and DeleteEventSourceMapping.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, tenant};
use lambda_api::op::{
    CreateEventSourceMapping, DeleteEventSourceMapping, GetEventSourceMapping, ListEventSourceMappings,
    UpdateEventSourceMapping,
};
use lambda_api::{
    CreateEventSourceMappingInput, DeleteEventSourceMappingInput, EventSourceMappingConfiguration,
    GetEventSourceMappingInput, ListEventSourceMappingsInput, ListEventSourceMappingsOutput,
    UpdateEventSourceMappingInput,
};
use shapes::ApiError;
use sources::SourceKind;
use sqs_api::GetQueueAttributesInput;
use sqs_api::op::GetQueueAttributes;
use store::{Order, Range, Reader, Scope, Tx};
use targets::queue_url;

use super::page_size;
use super::versions::MOST_LISTED;
use crate::event_source::{Given, Mapping, Settings, source_kind};
use crate::function::{Target, Version};
use crate::{Lambda, PRINCIPAL, errors, tables};

fn not_found() -> ApiError {
    lambda_api::error::resource_not_found_exception("The resource you requested does not exist.")
}

fn find(reader: &mut dyn Reader, uuid: &str) -> Result<Mapping, ApiError> {
    tables::MAPPINGS.find(reader, &uuid.to_owned())?.ok_or_else(not_found)
}

/// Stores a mapping, and whether its task is to run.
fn put(tx: &mut Tx<'_>, ctx: &Ctx, mapping: &Mapping) {
    tables::MAPPINGS.put(tx, &mapping.uuid, mapping);
    let key = (ctx.account().to_string(), ctx.region().to_string(), mapping.uuid.clone());
    tx.with_scope(&Scope::global(), |tx| match mapping.is_enabled {
        true => tables::ENABLED_MAPPINGS.put(tx, &key, &()),
        false => tables::ENABLED_MAPPINGS.delete(tx, &key),
    });
}

fn mapping_guard(ctx: &Ctx, uuid: &str) -> Guard {
    let arn = format!("arn:aws:lambda:{}:{}:event-source-mapping:{uuid}", ctx.region(), ctx.account());
    Guard::resource(arn)
}

impl Lambda {
    /// Refuses a queue that the function's role cannot read, or whose messages would come back too early.
    async fn check_queue(
        &self,
        ctx: &Ctx,
        target: &Target,
        version: &Version,
        queue_arn: &str,
    ) -> Result<(), ApiError> {
        let as_role = ctx
            .with_role(PRINCIPAL, &target.arn(), &version.role)
            .map_err(|error| errors::role_cannot_be_assumed(&error))?;
        let input = GetQueueAttributesInput {
            queue_url: queue_url(&as_role, queue_arn)?,
            attribute_names: Some(vec!["VisibilityTimeout".to_owned()]),
        };
        let attributes = as_role.call::<GetQueueAttributes>(input).await.map_err(|error| match error.status() {
            403 => errors::invalid(format!(
                "The provided execution role does not have permissions to call ReceiveMessage on SQS ({})",
                error.message()
            )),
            _ => errors::invalid(format!(
                "Error occurred while ReceiveMessage. SQS Error Code: {}. SQS Error Message: {}",
                error.code(),
                error.message()
            )),
        })?;
        let visibility =
            attributes.attributes.and_then(|all| all.get("VisibilityTimeout")?.parse::<u32>().ok());
        match visibility {
            Some(seconds) if seconds < version.timeout_seconds => Err(errors::invalid(format!(
                "Queue visibility timeout: {seconds} seconds is less than Function timeout: {} seconds",
                version.timeout_seconds
            ))),
            _ => Ok(()),
        }
    }

    fn describe(&self, ctx: &Ctx, mapping: &Mapping, state: Option<&str>) -> EventSourceMappingConfiguration {
        let lasting = if mapping.is_enabled { "Enabled" } else { "Disabled" };
        let last = self.sources.last_result(ctx.scope(), &mapping.uuid);
        mapping.to_api(state.unwrap_or(lasting), last)
    }
}

impl Handle<CreateEventSourceMapping> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &CreateEventSourceMappingInput) -> Result<Guard, ApiError> {
        let target = Target::parse(ctx, &input.function_name, None)?;
        Ok(mapping_guard(ctx, "*").with("lambda:FunctionArn", vec![target.qualified_arn()]))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: CreateEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration, ApiError> {
        let target = Target::parse(ctx, &input.function_name, None)?;
        let source_arn = input
            .event_source_arn
            .ok_or_else(|| errors::not_here_yet("An event source mapping without EventSourceArn"))?;
        let kind = source_kind(&source_arn)?;
        let version = target.version(&mut ctx.store().read(&target.scope())?, 1.0)?;
        let mut settings = Settings::defaults(kind);
        settings.change(
            kind,
            Given {
                batch_size: input.batch_size,
                window_seconds: input.maximum_batching_window_in_seconds,
                filters: input.filter_criteria,
                response_types: input.function_response_types,
                scaling: input.scaling_config,
                starting_position: input.starting_position,
                bisects: input.bisect_batch_on_function_error,
                maximum_retries: input.maximum_retry_attempts,
                maximum_age_seconds: input.maximum_record_age_in_seconds,
                parallelization: input.parallelization_factor,
                destination: input.destination_config,
                tumbling_window_seconds: input.tumbling_window_in_seconds,
            },
        )?;
        if kind == SourceKind::Queue {
            self.check_queue(ctx, &target, &version, &source_arn).await?;
        }
        let mapping = Mapping {
            uuid: ctx.ids().uuid(),
            function: target.name.clone(),
            qualifier: target.qualifier.clone(),
            function_arn: target.qualified_arn(),
            source_arn,
            is_enabled: input.enabled.unwrap_or(true),
            settings,
            modified: ctx.now(),
            revision: 1,
        };
        let (own, row) = (ctx.clone(), mapping.clone());
        ctx.write(move |tx| {
            let mut twin = None;
            tables::MAPPINGS.visit(tx, &Range::all(), Order::Ascending, |uuid, other| {
                if other.source_arn == row.source_arn && other.function_arn == row.function_arn {
                    twin = Some(uuid);
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })?;
            if let Some(uuid) = twin {
                return Err(lambda_api::error::resource_conflict_exception(format!(
                    "An event source mapping with event source arn (\" {} \") and function (\" {} \") already exists. \
                     Please update or delete the existing mapping with UUID {uuid}",
                    row.source_arn, row.function
                )));
            }
            put(tx, &own, &row);
            Ok::<_, ApiError>(())
        })
        .await?;
        self.start_source(ctx.account(), ctx.region(), mapping.clone());
        Ok(self.describe(ctx, &mapping, Some("Creating")))
    }
}

impl Handle<UpdateEventSourceMapping> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &UpdateEventSourceMappingInput) -> Result<Guard, ApiError> {
        Ok(mapping_guard(ctx, &input.uuid))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: UpdateEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration, ApiError> {
        let target = input.function_name.as_deref().map(|name| Target::parse(ctx, name, None)).transpose()?;
        if let Some(target) = &target {
            target.version(&mut ctx.store().read(&target.scope())?, 1.0)?;
        }
        let given = Given {
            batch_size: input.batch_size,
            window_seconds: input.maximum_batching_window_in_seconds,
            filters: input.filter_criteria,
            response_types: input.function_response_types,
            scaling: input.scaling_config,
            starting_position: None,
            bisects: input.bisect_batch_on_function_error,
            maximum_retries: input.maximum_retry_attempts,
            maximum_age_seconds: input.maximum_record_age_in_seconds,
            parallelization: input.parallelization_factor,
            destination: input.destination_config,
            tumbling_window_seconds: input.tumbling_window_in_seconds,
        };
        let (own, uuid, enabled) = (ctx.clone(), input.uuid, input.enabled);
        let mapping = ctx
            .write(move |tx| {
                let mut mapping = find(tx, &uuid)?;
                mapping.settings.change(source_kind(&mapping.source_arn)?, given.clone())?;
                if let Some(target) = &target {
                    mapping.function.clone_from(&target.name);
                    mapping.qualifier.clone_from(&target.qualifier);
                    mapping.function_arn = target.qualified_arn();
                }
                mapping.is_enabled = enabled.unwrap_or(mapping.is_enabled);
                mapping.modified = own.now();
                mapping.revision += 1;
                put(tx, &own, &mapping);
                Ok::<_, ApiError>(mapping)
            })
            .await?;
        self.start_source(ctx.account(), ctx.region(), mapping.clone());
        Ok(self.describe(ctx, &mapping, Some("Updating")))
    }
}

impl Handle<DeleteEventSourceMapping> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &DeleteEventSourceMappingInput) -> Result<Guard, ApiError> {
        Ok(mapping_guard(ctx, &input.uuid))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration, ApiError> {
        let (own, uuid) = (ctx.clone(), input.uuid);
        let mapping = ctx
            .write(move |tx| {
                let mapping = find(tx, &uuid)?;
                put(tx, &own, &Mapping { is_enabled: false, ..mapping.clone() });
                tables::MAPPINGS.delete(tx, &uuid);
                for (key, _) in tables::CHECKPOINTS.list(tx, &Range::prefix(&uuid), MOST_LISTED)? {
                    tables::CHECKPOINTS.delete(tx, &key);
                }
                Ok::<_, ApiError>(mapping)
            })
            .await?;
        let answer = self.describe(ctx, &mapping, Some("Deleting"));
        self.sources.stop(&tenant(ctx.account(), ctx.region()), &mapping.uuid);
        Ok(answer)
    }
}

impl Handle<GetEventSourceMapping> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &GetEventSourceMappingInput) -> Result<Guard, ApiError> {
        Ok(mapping_guard(ctx, &input.uuid))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration, ApiError> {
        let mapping = find(&mut ctx.read()?, &input.uuid)?;
        Ok(self.describe(ctx, &mapping, None))
    }
}

impl Handle<ListEventSourceMappings> for Lambda {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListEventSourceMappingsInput,
    ) -> Result<ListEventSourceMappingsOutput, ApiError> {
        let target = input.function_name.as_deref().map(|name| Target::parse(ctx, name, None)).transpose()?;
        let function_arn = target.map(|target| target.qualified_arn());
        let size = page_size(input.max_items.map(|size| size.min(100)));
        let mut range = Range::all();
        if let Some(marker) = &input.marker {
            range = range.after(marker);
        }
        let mut found: Vec<Mapping> = Vec::new();
        let mut next_marker = None;
        tables::MAPPINGS.visit(&mut ctx.read()?, &range, Order::Ascending, |_, mapping| {
            let is_wanted = function_arn.as_ref().is_none_or(|arn| *arn == mapping.function_arn)
                && input.event_source_arn.as_ref().is_none_or(|arn| *arn == mapping.source_arn);
            if !is_wanted {
                return ControlFlow::Continue(());
            }
            if found.len() == size {
                next_marker = found.last().map(|last| last.uuid.clone());
                return ControlFlow::Break(());
            }
            found.push(mapping);
            ControlFlow::Continue(())
        })?;
        let mappings = found.iter().map(|mapping| self.describe(ctx, mapping, None)).collect();
        Ok(ListEventSourceMappingsOutput { event_source_mappings: Some(mappings), next_marker })
    }
}
