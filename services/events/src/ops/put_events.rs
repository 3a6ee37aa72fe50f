//! PutEvents: events and everything that follows from them, as one transaction.

use std::collections::BTreeSet;

use cloud::{Ctx, Guard, Transact};
use events_api::op::PutEvents;
use events_api::{PutEventsInput, PutEventsOutput, PutEventsRequestEntry, PutEventsResultEntry};
use serde_json::Value;
use shapes::ApiError;
use store::Tx;

use crate::bus::BusArn;
use crate::endpoint::Entrance;
use crate::event::{Event, Facts, compact};
use crate::routing::Matched;
use crate::{Events, errors};

/// Entries together (API Reference, PutEvents; 1 MB since 2026, 256 KB before).
const MOST_BYTES: usize = 1_048_576;
const LONGEST_DETAIL_TYPE: usize = 128;

pub(crate) struct Draft {
    /// The global endpoint that the events were sent to.
    entrance: Option<Entrance>,
    entries: Vec<Result<Entry, Refusal>>,
}

struct Entry {
    bus: BusArn,
    event: Event,
    /// What the event sets off, as far as could be seen before the transaction.
    ahead: Option<Matched>,
}

struct Refusal {
    code: &'static str,
    message: String,
}

impl Refusal {
    fn argument(parameter: &str, reason: impl std::fmt::Display) -> Self {
        let message = format!("Parameter {parameter} is not valid. Reason: {reason}");
        Self { code: "InvalidArgument", message }
    }

    fn missing(parameter: &str) -> Self {
        Self::argument(parameter, format_args!("{parameter} is a required argument."))
    }
}

impl Transact<PutEvents> for Events {
    type Draft = Draft;

    fn guard(&self, ctx: &Ctx, input: &PutEventsInput) -> Result<Guard, ApiError> {
        let entrance = input.endpoint_id.as_deref().map(|id| self.entrance(id)).transpose()?;
        let names: BTreeSet<_> = input.entries.iter().map(|entry| entry.event_bus_name.as_deref()).collect();
        let values = |value: fn(&PutEventsRequestEntry) -> &Option<String>| {
            let values: BTreeSet<&String> =
                input.entries.iter().filter_map(|entry| value(entry).as_ref()).collect();
            values.into_iter().cloned().collect::<Vec<String>>()
        };
        let (sources, detail_types) = (values(|entry| &entry.source), values(|entry| &entry.detail_type));
        let mut guards = Vec::new();
        for name in names {
            // A name that is none refuses its entry alone.
            let Ok(bus) = bus_of(ctx, entrance.as_ref(), name) else { continue };
            let guard = self.bus_guard(&bus)?;
            guards.push(
                guard.with("events:source", sources.clone()).with("events:detail-type", detail_types.clone()),
            );
        }
        let Some(first) = guards.pop() else { return Ok(Guard::any()) };
        Ok(guards.into_iter().fold(first, Guard::and))
    }

    fn prepare(&self, ctx: &Ctx, input: PutEventsInput) -> Result<Draft, ApiError> {
        let entrance = input.endpoint_id.as_deref().map(|id| self.entrance(id)).transpose()?;
        let size: usize = input.entries.iter().map(size).sum();
        if size > MOST_BYTES {
            return Err(errors::validation("Total size of the entries in the request is over the limit."));
        }
        let mut entries = Vec::with_capacity(input.entries.len());
        for entry in input.entries {
            entries.push(match parse(ctx, entrance.as_ref(), entry) {
                Ok((bus, event)) => Ok(self.look_ahead(bus, event)?),
                Err(refusal) => Err(refusal),
            });
        }
        Ok(Draft { entrance, entries })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Draft) -> Result<PutEventsOutput, ApiError> {
        let mut results = Vec::with_capacity(draft.entries.len());
        for entry in &draft.entries {
            results.push(match entry {
                Ok(entry) => {
                    // An event for a bus that does not exist is taken and lost, as on AWS.
                    if tx.with_scope(&entry.bus.scope(), |tx| entry.bus.find(tx))?.is_some() {
                        self.route(ctx, tx, &entry.bus, &entry.event, entry.ahead.as_ref())?;
                        if let Some(entrance) = &draft.entrance {
                            self.replicate(ctx, tx, entrance, &entry.event)?;
                        }
                    }
                    PutEventsResultEntry {
                        event_id: Some(entry.event.facts.id.clone()),
                        ..Default::default()
                    }
                }
                Err(refusal) => PutEventsResultEntry {
                    error_code: Some(refusal.code.to_owned()),
                    error_message: Some(refusal.message.clone()),
                    ..Default::default()
                },
            });
        }
        let failed = draft.entries.iter().filter(|entry| entry.is_err()).count();
        Ok(PutEventsOutput {
            failed_entry_count: Some(i32::try_from(failed).unwrap_or(i32::MAX)),
            entries: Some(results),
        })
    }
}

impl Events {
    /// Finds what an event will set off, so that the transaction is as short as it can be.
    fn look_ahead(&self, bus: BusArn, event: Event) -> Result<Entry, ApiError> {
        let mut snapshot = self.cloud.store().read(&bus.scope())?;
        let compiled = self.compiled(&mut snapshot, &bus)?;
        let found = compiled.matches(&event.value);
        Ok(Entry { bus, event, ahead: Some(Matched { bus: compiled, found }) })
    }
}

/// EventBridge User Guide, "Calculating PutEvents event entry size".
fn size(entry: &PutEventsRequestEntry) -> usize {
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let time = if entry.time.is_some() { 14 } else { 0 };
    let resources: usize = entry.resources.iter().flatten().map(String::len).sum();
    time + length(&entry.source) + length(&entry.detail_type) + length(&entry.detail) + resources
}

/// The bus that an entry is for. Through a global endpoint it is the endpoint's own, in the primary Region.
fn bus_of(ctx: &Ctx, entrance: Option<&Entrance>, name: Option<&str>) -> Result<BusArn, ApiError> {
    let Some(Entrance { primary, .. }) = entrance else { return BusArn::of(ctx, name) };
    let bus = BusArn::of(&ctx.in_tenant(primary.account, primary.region), name)?;
    if bus == *primary {
        Ok(bus)
    } else {
        Err(errors::validation("It is not the event bus of the endpoint."))
    }
}

fn parse(
    ctx: &Ctx,
    entrance: Option<&Entrance>,
    entry: PutEventsRequestEntry,
) -> Result<(BusArn, Event), Refusal> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let source = given(entry.source).ok_or_else(|| Refusal::missing("Source"))?;
    let detail_type = given(entry.detail_type).ok_or_else(|| Refusal::missing("DetailType"))?;
    let detail = given(entry.detail).ok_or_else(|| Refusal::missing("Detail"))?;
    if source.starts_with("aws.") {
        let message = "Not authorized for the source.".to_owned();
        return Err(Refusal { code: "NotAuthorizedForSourceException", message });
    }
    if detail_type.chars().count() > LONGEST_DETAIL_TYPE {
        let reason = format!("DetailType has more than {LONGEST_DETAIL_TYPE} characters.");
        return Err(Refusal::argument("DetailType", reason));
    }
    let malformed = || Refusal { code: "MalformedDetail", message: "Detail is malformed.".to_owned() };
    let value: Value = serde_json::from_str(&detail).map_err(|_| malformed())?;
    if !value.is_object() {
        return Err(malformed());
    }
    let bus = bus_of(ctx, entrance, entry.event_bus_name.as_deref())
        .map_err(|error| Refusal::argument("EventBusName", error.message()))?;
    let facts = Facts {
        id: ctx.ids().uuid(),
        detail_type,
        source,
        account: ctx.account(),
        region: bus.region,
        time: entry.time.unwrap_or_else(|| ctx.now()),
        resources: entry.resources.unwrap_or_default(),
        detail: compact(&detail),
    };
    let mut event = Event::new(ctx, facts, value, None);
    event.trace = entry.trace_header;
    Ok((bus, event))
}
