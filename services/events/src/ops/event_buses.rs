//! CreateEventBus, DeleteEventBus, DescribeEventBus, ListEventBuses and UpdateEventBus.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use events_api::op::{CreateEventBus, DeleteEventBus, DescribeEventBus, ListEventBuses, UpdateEventBus};
use events_api::{
    CreateEventBusInput, CreateEventBusOutput, DeadLetterConfig, DeleteEventBusInput, DeleteEventBusOutput,
    DescribeEventBusInput, DescribeEventBusOutput, EventBus, ListEventBusesInput, ListEventBusesOutput,
    LogConfig, UpdateEventBusInput, UpdateEventBusOutput,
};
use shapes::ApiError;
use store::{Range, Tx};

use super::{page_size, paged};
use crate::bus::{Bus, BusArn, DEFAULT};
use crate::rule_target::check_dead_letter_queue;
use crate::{Events, errors, partner, tables, tags};

/// EventBridge quotas.
const MOST_BUSES: usize = 100;

fn dead_letter_queue(config: Option<DeadLetterConfig>) -> Result<Option<String>, ApiError> {
    let queue = config.and_then(|config| config.arn);
    if let Some(queue) = &queue {
        check_dead_letter_queue(queue)?;
    }
    Ok(queue)
}

fn log_config(config: Option<LogConfig>) -> Option<(Option<String>, Option<String>)> {
    config.map(|config| (config.include_detail, config.level))
}

impl Bus {
    fn dead_letter_config(&self) -> Option<DeadLetterConfig> {
        self.dead_letter_queue.clone().map(|queue| DeadLetterConfig { arn: Some(queue) })
    }

    fn api_log_config(&self) -> Option<LogConfig> {
        self.log_config.clone().map(|(include_detail, level)| LogConfig { include_detail, level })
    }
}

impl Transact<CreateEventBus> for Events {
    type Draft = (BusArn, Bus);

    fn guard(&self, ctx: &Ctx, input: &CreateEventBusInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(BusArn::here(ctx, &input.name).to_string()))
    }

    fn prepare(&self, ctx: &Ctx, input: CreateEventBusInput) -> Result<Self::Draft, ApiError> {
        if input.kms_key_identifier.is_some() {
            return Err(errors::is_not_here_yet("KmsKeyIdentifier of an event bus is"));
        }
        let arn = BusArn::here(ctx, &input.name);
        let is_partner = input.event_source_name.is_some();
        if !is_partner && input.name.contains('/') {
            return Err(errors::invalid_parameter("Name", "Event bus name must not contain '/'."));
        }
        if is_partner && input.event_source_name.as_ref() != Some(&input.name) {
            let reason = "the name of a partner event bus has to be that of its event source";
            return Err(errors::invalid_parameter("Name", reason));
        }
        let bus = Bus {
            name: input.name,
            description: input.description,
            policy: None,
            dead_letter_queue: dead_letter_queue(input.dead_letter_config)?,
            log_config: log_config(input.log_config),
            event_source: input.event_source_name,
            tags: tags::parse(input.tags)?,
            created: Some(ctx.now()),
            modified: Some(ctx.now()),
        };
        Ok((arn, bus))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (arn, bus): &Self::Draft,
    ) -> Result<CreateEventBusOutput, ApiError> {
        if arn.find(tx)?.is_some() {
            return Err(errors::bus_exists(&arn.name));
        }
        if let Some(source) = &bus.event_source {
            partner::take(ctx, tx, source)?;
        }
        if tables::BUSES.list(tx, &Range::all(), MOST_BUSES)?.len() >= MOST_BUSES {
            return Err(errors::limit_exceeded());
        }
        tables::BUSES.put(tx, &arn.name, bus);
        Ok(CreateEventBusOutput {
            event_bus_arn: Some(arn.to_string()),
            description: bus.description.clone(),
            dead_letter_config: bus.dead_letter_config(),
            log_config: bus.api_log_config(),
            ..Default::default()
        })
    }
}

impl Transact<DeleteEventBus> for Events {
    type Draft = BusArn;

    fn guard(&self, ctx: &Ctx, input: &DeleteEventBusInput) -> Result<Guard, ApiError> {
        self.bus_guard(&BusArn::here(ctx, &input.name))
    }

    fn prepare(&self, ctx: &Ctx, input: DeleteEventBusInput) -> Result<BusArn, ApiError> {
        if input.name == DEFAULT {
            return Err(errors::validation("Cannot delete event bus default."));
        }
        Ok(BusArn::here(ctx, &input.name))
    }

    /// A bus that is gone is no error.
    fn apply(&self, _: &Ctx, tx: &mut Tx<'_>, bus: &BusArn) -> Result<DeleteEventBusOutput, ApiError> {
        if !tables::RULES.list(tx, &Range::prefix(&bus.name), 1)?.is_empty() {
            return Err(errors::bus_has_rules(&bus.name));
        }
        tables::BUSES.delete(tx, &bus.name);
        tables::GENERATIONS.delete(tx, &bus.name);
        Ok(DeleteEventBusOutput {})
    }
}

impl Transact<UpdateEventBus> for Events {
    type Draft = (BusArn, UpdateEventBusInput);

    fn guard(&self, ctx: &Ctx, input: &UpdateEventBusInput) -> Result<Guard, ApiError> {
        self.bus_guard(&BusArn::of(ctx, input.name.as_deref())?)
    }

    fn prepare(&self, ctx: &Ctx, input: UpdateEventBusInput) -> Result<Self::Draft, ApiError> {
        if input.kms_key_identifier.as_ref().is_some_and(|key| !key.is_empty()) {
            return Err(errors::is_not_here_yet("KmsKeyIdentifier of an event bus is"));
        }
        dead_letter_queue(input.dead_letter_config.clone())?;
        Ok((BusArn::of(ctx, input.name.as_deref())?, input))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (arn, input): &Self::Draft,
    ) -> Result<UpdateEventBusOutput, ApiError> {
        let mut bus = arn.get(tx)?;
        if let Some(description) = &input.description {
            bus.description = Some(description.clone());
        }
        if input.dead_letter_config.is_some() {
            bus.dead_letter_queue = dead_letter_queue(input.dead_letter_config.clone())?;
        }
        if input.log_config.is_some() {
            bus.log_config = log_config(input.log_config.clone());
        }
        bus.modified = Some(ctx.now());
        tables::BUSES.put(tx, &arn.name, &bus);
        Ok(UpdateEventBusOutput {
            arn: Some(arn.to_string()),
            name: Some(arn.name.clone()),
            description: bus.description.clone(),
            dead_letter_config: bus.dead_letter_config(),
            log_config: bus.api_log_config(),
            ..Default::default()
        })
    }
}

impl Handle<DescribeEventBus> for Events {
    fn guard(&self, ctx: &Ctx, input: &DescribeEventBusInput) -> Result<Guard, ApiError> {
        self.bus_guard(&BusArn::of(ctx, input.name.as_deref())?)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeEventBusInput,
    ) -> Result<DescribeEventBusOutput, ApiError> {
        let arn = BusArn::of(ctx, input.name.as_deref())?;
        let bus = arn.get(&mut ctx.store().read(&arn.scope())?)?;
        Ok(DescribeEventBusOutput {
            dead_letter_config: bus.dead_letter_config(),
            log_config: bus.api_log_config(),
            name: Some(bus.name),
            arn: Some(arn.to_string()),
            description: bus.description,
            policy: bus.policy,
            creation_time: bus.created,
            last_modified_time: bus.modified,
            ..Default::default()
        })
    }
}

impl Handle<ListEventBuses> for Events {
    fn guard(&self, ctx: &Ctx, _: &ListEventBusesInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(BusArn::here(ctx, "*").to_string()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListEventBusesInput,
    ) -> Result<ListEventBusesOutput, ApiError> {
        let size = page_size(input.limit);
        let prefix = input.name_prefix.unwrap_or_default();
        let mut reader = ctx.read()?;
        let mut buses: Vec<Bus> = Vec::new();
        buses.extend(BusArn::here(ctx, DEFAULT).find(&mut reader)?);
        let stored = tables::BUSES.list(&mut reader, &Range::all(), MOST_BUSES + 1)?;
        buses.extend(stored.into_iter().map(|(_, bus)| bus).filter(|bus| bus.name != DEFAULT));
        buses.sort_by(|left, right| left.name.cmp(&right.name));
        let from = input.next_token.unwrap_or_default();
        buses.retain(|bus| bus.name.starts_with(&prefix) && bus.name > from);
        let (buses, next_token) = paged(buses, size, |bus| bus.name.clone());
        let event_buses = buses
            .into_iter()
            .map(|bus| EventBus {
                arn: Some(BusArn::here(ctx, &bus.name).to_string()),
                name: Some(bus.name),
                description: bus.description,
                policy: bus.policy,
                creation_time: bus.created,
                last_modified_time: bus.modified,
            })
            .collect();
        Ok(ListEventBusesOutput { event_buses: Some(event_buses), next_token })
    }
}
