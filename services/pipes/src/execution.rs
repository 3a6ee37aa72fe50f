//! A batch on its way: enrichment, transformation, target.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use cloud::{BoxFuture, Cloud, Ctx, TraceContext, tenant};
use identity::{AccountId, Region, arn};
use serde_json::{Value, json};
use shapes::ApiError;
use sources::{
    Checkpoint, Consumer, Delivered, GivenUp, ItemFailures, Source, SourceKind, Status, item_failures,
};
use store::{Range, Scope, Tx};
use targets::{AfterFailure, EventFields, Failure, Kind, Origin, QueueFields, Target, code};

use crate::log::{Execution, Level};
use crate::pipe::Pipe;
use crate::settings::source_kind;
use crate::state::State;
use crate::tables::{CHECKPOINTS, PIPES, RUNNING};
use crate::transform::{Dynamic, Facts, Payload};
use crate::{PRINCIPAL, Pipes};

/// Pipes of one region at most.
const MOST_PIPES: usize = 100_000;

/// A pipe that runs.
struct Running {
    pipes: Arc<Pipes>,
    pipe: Pipe,
    source: Source,
    /// What comes behind a record must not overtake it.
    is_ordered: bool,
    origin: Origin,
    enrichment: Payload,
    target: Payload,
    status: Status,
}

/// What the target made of a batch.
enum Outcome {
    Done,
    /// The events of these records were not taken, and why the first one was not. `None`: an event tells no longer which
    /// record it was made of.
    Refused(Option<BTreeSet<String>>, Failure),
    /// A function's own word on which events it has not worked through.
    Answered(Bytes),
}

impl Pipes {
    /// Starts the tasks of all running pipes of the region.
    pub(crate) fn start_all(self: &Arc<Self>) -> Result<(), ApiError> {
        let mut reader = self.cloud.store().read(&Scope::global())?;
        let running = RUNNING.list(&mut reader, &Range::all(), MOST_PIPES)?;
        for ((account, region, name), ()) in running {
            let Some((account, region)) = AccountId::parse(&account).zip(Region::parse(&region)) else {
                continue;
            };
            reader.set_scope(&tenant(account, region));
            if let Some(pipe) = PIPES.find(&mut reader, &name)? {
                self.start_pipe(account, region, pipe);
            }
        }
        Ok(())
    }

    /// Starts, or starts anew, the task of a pipe; one that does not run only ends.
    pub(crate) fn start_pipe(self: &Arc<Self>, account: AccountId, region: Region, pipe: Pipe) {
        let scope = tenant(account, region);
        self.tasks.stop(&scope, &pipe.name);
        // What is no source was refused when the pipe was made.
        let Ok(kind) = source_kind(&pipe.source) else { return };
        if pipe.state != State::Running {
            return;
        }
        let arn = format!("arn:aws:pipes:{}:{account}:pipe/{}", region.as_str(), pipe.name);
        self.tasks.start(scope, pipe.name.clone(), kind, |status| {
            let template = pipe.enrichment.as_ref().and_then(|enrichment| enrichment.template.as_deref());
            Arc::new(Running {
                pipes: Arc::clone(self),
                source: pipe.source_settings.source(&pipe.source, kind, pipe.most_records()),
                is_ordered: kind != SourceKind::Queue || pipe.source.ends_with(".fifo"),
                origin: Origin { arn, account, region },
                enrichment: Payload::new(template),
                target: Payload::new(pipe.target.template.as_deref()),
                pipe,
                status,
            })
        });
    }
}

/// Keeps the list of what the region's start has to start.
pub(crate) fn list_running(tx: &mut Tx<'_>, ctx: &Ctx, name: &str, runs: bool) {
    let key = (ctx.account().to_string(), ctx.region().as_str().to_owned(), name.to_owned());
    tx.with_scope(&Scope::global(), |tx| match runs {
        true => RUNNING.put(tx, &key, &()),
        false => RUNNING.delete(tx, &key),
    });
}

impl Consumer for Running {
    fn source(&self) -> &Source {
        &self.source
    }

    fn cloud(&self) -> &Cloud {
        &self.pipes.cloud
    }

    fn ctx(&self) -> Ctx {
        let Origin { arn, account, region } = &self.origin;
        self.pipes.cloud.background(PRINCIPAL, arn, *account, *region)
    }

    fn as_role(&self, ctx: &Ctx) -> Result<Ctx, ApiError> {
        ctx.with_role(PRINCIPAL, &self.origin.arn, &self.pipe.role)
    }

    fn take(&self, trace: Option<TraceContext>, records: Vec<Value>) -> BoxFuture<'_, Delivered> {
        Box::pin(async move {
            let ctx = self.ctx();
            let ctx = trace.map_or(ctx.clone(), |trace| ctx.in_trace(trace));
            let mut execution = Execution::begin(&ctx, self.pipe.log.as_ref(), &self.origin.arn);
            let delivered = self.execute(&ctx, records, &mut execution).await;
            execution.write(&self.pipes, &ctx, &self.origin, &self.pipe.name).await;
            delivered
        })
    }

    fn checkpoint(&self, shard: &str) -> Result<Checkpoint, ApiError> {
        let mut reader = self.pipes.cloud.store().read(&self.origin.scope())?;
        Ok(CHECKPOINTS.find(&mut reader, &(self.pipe.id.clone(), shard.to_owned()))?.unwrap_or_default())
    }

    fn keep_checkpoint(&self, shard: String, checkpoint: Checkpoint) -> BoxFuture<'_, Result<(), ApiError>> {
        let (name, key) = (self.pipe.name.clone(), (self.pipe.id.clone(), shard));
        let work = move |tx: &mut Tx<'_>| {
            // A pipe that is gone leaves nothing behind.
            if PIPES.find(tx, &name)?.is_some_and(|pipe| pipe.id == key.0) {
                CHECKPOINTS.put(tx, &key, &checkpoint);
            }
            Ok(())
        };
        Box::pin(async move { self.pipes.cloud.store().write(&self.origin.scope(), work).await })
    }

    fn give_up<'a>(&'a self, ctx: &'a Ctx, records: GivenUp<'a>) -> BoxFuture<'a, ()> {
        Box::pin(self.bury(ctx, records))
    }
}

impl Running {
    /// Takes a batch through the pipe.
    async fn execute(&self, ctx: &Ctx, records: Vec<Value>, log: &mut Execution<'_>) -> Delivered {
        let count = |name: &'static str, number: usize| {
            ctx.publish("AWS/EventBridge/Pipes", name, ("PipeName", &self.pipe.name), number as f64);
        };
        count("Invocations", 1);
        count("EventCount", records.len());
        log.note(ctx, Level::Info, "ExecutionStarted", None, || json!(records));
        let names: Names = records.iter().map(|record| (public_name(record), source_name(record))).collect();
        let outcome = match self.enrich(ctx, records, log).await {
            Ok(events) if events.is_empty() => Ok(Outcome::Done),
            Ok(events) => self.send(ctx, &events, &names, log).await,
            Err(failure) => Err(failure),
        };
        let (delivered, problem) = match outcome {
            Ok(Outcome::Done) => (Delivered::All, None),
            Ok(Outcome::Refused(Some(failed), failure)) if failed.len() < names.len() => {
                (Delivered::AllBut(failed), Some(failure.message))
            }
            Ok(Outcome::Refused(_, failure)) => (Delivered::Nothing(None), Some(failure.message)),
            Ok(Outcome::Answered(answer)) => match item_failures(&answer, &names.keys().cloned().collect()) {
                ItemFailures::None => (Delivered::All, None),
                ItemFailures::Some(failed) => {
                    let failed = failed.iter().filter_map(|name| names.get(name).cloned()).collect();
                    (Delivered::AllBut(failed), Some("The target reported failed items.".to_owned()))
                }
                ItemFailures::All => {
                    (Delivered::Nothing(None), Some("The target reported that all items failed.".to_owned()))
                }
            },
            Err(failure) => (Delivered::Nothing(None), Some(failure.message)),
        };
        let (level, kind) = match &delivered {
            Delivered::All => (Level::Info, "ExecutionSucceeded"),
            Delivered::AllBut(_) => (Level::Error, "ExecutionPartiallyFailed"),
            Delivered::Nothing(_) => (Level::Error, "ExecutionFailed"),
        };
        log.note(ctx, level, kind, problem.as_deref(), || Value::Null);
        match kind {
            "ExecutionFailed" => count("ExecutionFailed", 1),
            "ExecutionPartiallyFailed" => count("ExecutionPartiallyFailed", 1),
            _ => {}
        }
        self.status.set(problem.map_or_else(|| "OK".to_owned(), |problem| format!("PROBLEM: {problem}")));
        delivered
    }

    fn facts(&self, ctx: &Ctx) -> Facts<'_> {
        Facts { pipe: &self.pipe, pipe_arn: &self.origin.arn, ingested: ctx.now().iso8601_millis() }
    }

    /// The events as the enrichment gives them back.
    async fn enrich(
        &self,
        ctx: &Ctx,
        events: Vec<Value>,
        log: &mut Execution<'_>,
    ) -> Result<Vec<Value>, Failure> {
        let Some(enrichment) = &self.pipe.enrichment else { return Ok(events) };
        let facts = self.facts(ctx);
        let payloads: Vec<Value> = events.iter().map(|event| self.enrichment.of(event, &facts)).collect();
        log.note(ctx, Level::Info, "EnrichmentStageStarted", None, || json!(payloads));
        let target = |http| Target {
            arn: enrichment.arn.clone(),
            role_arn: Some(self.pipe.role.clone()),
            waits_for_answer: true,
            http,
            ..Target::default()
        };
        let enriched = if Kind::of(&enrichment.arn) == Ok(Kind::Function) {
            let answer = self.call(ctx, &target(Default::default()), &json!(payloads).to_string()).await;
            answer.map(|answer| answered(&answer))
        } else {
            let mut enriched = Vec::new();
            for (event, payload) in events.iter().zip(&payloads) {
                let http = Dynamic::of(event).http(&enrichment.http);
                let answer = self.call(ctx, &target(http), &payload.to_string()).await?;
                enriched.extend(answered(&answer));
            }
            Ok(enriched)
        };
        match &enriched {
            Ok(events) => log.note(ctx, Level::Info, "EnrichmentStageSucceeded", None, || json!(events)),
            Err(failure) => {
                log.note(ctx, Level::Error, "EnrichmentStageFailed", Some(&failure.message), || Value::Null);
            }
        }
        enriched
    }

    /// Hands the events to the target: to a function all at once, to everything else one by one and in order.
    async fn send(
        &self,
        ctx: &Ctx,
        events: &[Value],
        names: &Names,
        log: &mut Execution<'_>,
    ) -> Result<Outcome, Failure> {
        // "Batching behavior": a pipe does not call a target with more than it takes at once.
        if let Some(most) = self.pipe.target.most_events().filter(|most| events.len() > *most as usize) {
            let message = format!(
                "The enrichment returned {} events, and the target takes {most} at once.",
                events.len()
            );
            log.note(ctx, Level::Error, "TargetStageFailed", Some(&message), || Value::Null);
            return Err(Failure::permanent(code::INVALID_PARAMETER, message));
        }
        let facts = self.facts(ctx);
        let payloads: Vec<Value> = events.iter().map(|event| self.target.of(event, &facts)).collect();
        log.note(ctx, Level::Info, "TargetStageStarted", None, || json!(payloads));
        let outcome = if Kind::of(&self.pipe.target.arn) == Ok(Kind::Function) {
            let mut target = self.target_of(&Value::Null);
            target.waits_for_answer = self.pipe.target.invocation_type.as_deref() != Some("FIRE_AND_FORGET");
            let answer = self.call(ctx, &target, &json!(payloads).to_string()).await;
            answer
                .map(|answer| if target.waits_for_answer { Outcome::Answered(answer) } else { Outcome::Done })
        } else {
            let calls = events.iter().zip(&payloads);
            let calls: Vec<(Target, String)> =
                calls.map(|(event, payload)| (self.target_of(event), text(payload))).collect();
            for (target, _) in &calls {
                self.wait_for_rate(ctx, target).await;
            }
            let after_failure = if self.is_ordered { AfterFailure::Stop } else { AfterFailure::GoOn };
            let outcomes = self.pipes.courier.call_each(ctx, &self.origin, calls, after_failure).await;
            let is_refused = |place: usize| outcomes.get(place).is_none_or(Result::is_err);
            let refused = events.iter().enumerate().filter(|(place, _)| is_refused(*place));
            // An enrichment may have made its own events, without the names of the records.
            let failed = refused.map(|(_, event)| names.get(&public_name(event)).cloned()).collect();
            match outcomes.into_iter().find_map(Result::err) {
                Some(failure) => Ok(Outcome::Refused(failed, failure)),
                None => Ok(Outcome::Done),
            }
        };
        match &outcome {
            Ok(Outcome::Refused(failed, failure)) => {
                let is_part = failed.as_ref().is_some_and(|failed| failed.len() < names.len());
                let kind = if is_part { "TargetStagePartiallyFailed" } else { "TargetStageFailed" };
                log.note(ctx, Level::Error, kind, Some(&failure.message), || Value::Null);
            }
            Ok(_) => log.note(ctx, Level::Info, "TargetStageSucceeded", None, || Value::Null),
            Err(failure) => {
                log.note(ctx, Level::Error, "TargetStageFailed", Some(&failure.message), || Value::Null);
            }
        }
        outcome
    }

    async fn call(&self, ctx: &Ctx, target: &Target, payload: &str) -> Result<Bytes, Failure> {
        self.wait_for_rate(ctx, target).await;
        self.pipes.courier.call(ctx, &self.origin, target, payload).await
    }

    /// API destinations are called no faster than they allow.
    async fn wait_for_rate(&self, ctx: &Ctx, target: &Target) {
        if Kind::of(&target.arn) == Ok(Kind::ApiDestination) {
            let due = self.pipes.destinations.reserve(ctx, &target.arn);
            self.pipes.cloud.clock().sleep_until(due).await;
        }
    }

    /// The target with what its dynamic paths lead to in `event`.
    fn target_of(&self, event: &Value) -> Target {
        let settings = &self.pipe.target;
        let dynamic = Dynamic::of(event);
        let or_usual = |text: &String, usual: String| match dynamic.text(text) {
            Some(text) if !text.is_empty() => text,
            _ => usual,
        };
        let service = arn::split(&self.pipe.source).map_or("sqs", |parts| parts.service);
        Target {
            arn: settings.arn.clone(),
            role_arn: Some(self.pipe.role.clone()),
            queue: QueueFields {
                message_group_id: dynamic.optional(settings.message_group_id.as_ref()),
                deduplication_id: dynamic.optional(settings.deduplication_id.as_ref()),
            },
            http: dynamic.http(&settings.http),
            event: EventFields {
                source: or_usual(&settings.event.source, format!("Pipe {}", self.pipe.name)),
                detail_type: or_usual(&settings.event.detail_type, format!("Event from aws:{service}")),
                resources: settings.event.resources.iter().filter_map(|text| dynamic.text(text)).collect(),
                time_millis: dynamic.time(settings.time.as_ref()),
            },
            waits_for_answer: false,
            log_stream: dynamic.optional(settings.log_stream.as_ref()),
        }
    }

    /// Tells the dead-letter queue or topic of records that are given up (User Guide, "Error handling and
    /// troubleshooting": the metadata of the batch, and not its records).
    async fn bury(&self, ctx: &Ctx, records: GivenUp<'_>) {
        let Some(dead_letter) = &self.pipe.source_settings.dead_letter else { return };
        let message = json!({
            "context": {
                "partnerResourceArn": self.origin.arn,
                "condition": records.condition,
            },
            "version": "1.0",
            "timestamp": ctx.now().iso8601_millis(),
            "DDBStreamBatchInfo": {
                "shardId": records.shard,
                "startSequenceNumber": records.first_sequence_number,
                "endSequenceNumber": records.last_sequence_number,
                "approximateArrivalOfFirstRecord": records.first_arrival.iso8601(),
                "approximateArrivalOfLastRecord": records.last_arrival.iso8601(),
                "batchSize": records.records,
                "streamArn": self.pipe.source,
            },
        });
        let ctx = records.trace.map_or_else(|| self.ctx(), |trace| self.ctx().in_trace(trace));
        let target =
            Target { arn: dead_letter.clone(), role_arn: Some(self.pipe.role.clone()), ..Target::default() };
        if let Err(failure) = self.pipes.courier.call(&ctx, &self.origin, &target, &message.to_string()).await
        {
            tracing::warn!(pipe = %self.origin.arn, reason = %failure.message, "a dead letter was refused");
        }
    }
}

/// The names that a batch's records have outside, and those that their source knows them by.
type Names = BTreeMap<String, String>;

/// What a target names a failed record by: the id of a message, or of a stream's event (User Guide, "Partial batch failure").
fn public_name(event: &Value) -> String {
    let named = event["messageId"].as_str().or_else(|| event["eventID"].as_str());
    named.unwrap_or_default().to_owned()
}

/// The id of a message, or the sequence number of a stream's record.
fn source_name(record: &Value) -> String {
    let named = record["messageId"].as_str().or_else(|| record["dynamodb"]["SequenceNumber"].as_str());
    named.unwrap_or_default().to_owned()
}

/// The events of an enrichment's answer: those of a list, or the one that it is. `""`, `{}` and `[]` have none, and
/// `[{}]` is one without content (User Guide, "Filtering events using enrichment").
fn answered(answer: &[u8]) -> Vec<Value> {
    match serde_json::from_slice(answer) {
        Ok(Value::Array(events)) => events,
        Ok(Value::Null) => Vec::new(),
        Ok(Value::Object(event)) if event.is_empty() => Vec::new(),
        Ok(Value::String(text)) if text.is_empty() => Vec::new(),
        Ok(event) => vec![event],
        Err(_) if answer.is_empty() => Vec::new(),
        Err(_) => vec![Value::String(String::from_utf8_lossy(answer).into_owned())],
    }
}

/// A payload as a message's body: text as it is, everything else as JSON.
fn text(payload: &Value) -> String {
    match payload {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
