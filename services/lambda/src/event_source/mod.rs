//! Event source mappings: the records of a queue or a stream go to a function, as the function's role.
//!
//! Reading the source is the `sources` crate's. A mapping's task is started from its row: when the row is made or
//! changed, and at the start of the region.

mod discard;
mod mapping;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use cloud::{BoxFuture, Cloud, Ctx, TraceContext, tenant};
use identity::{AccountId, Region};
use serde_json::{Value, json};
use shapes::ApiError;
use sources::{Checkpoint, Consumer, Delivered, GivenUp, ItemFailures, Source, Status, item_failures};
use store::{Range, Scope};

pub(crate) use mapping::{Given, Mapping, Settings, source_kind};

use crate::function::Target;
use crate::invocation::{Outcome, Request};
use crate::{Lambda, PRINCIPAL, tables};

/// Mappings of one region at most.
const MOST_MAPPINGS: usize = 100_000;

/// A mapping with its function.
struct Mapped {
    lambda: Arc<Lambda>,
    mapping: Mapping,
    source: Source,
    target: Target,
    status: Status,
}

impl Lambda {
    /// Starts the tasks of all enabled mappings of the region.
    pub(crate) fn start_sources(self: &Arc<Self>) -> Result<(), ApiError> {
        let mut reader = self.cloud.store().read(&Scope::global())?;
        let enabled = tables::ENABLED_MAPPINGS.list(&mut reader, &Range::all(), MOST_MAPPINGS)?;
        for ((account, region, uuid), ()) in enabled {
            let Some((account, region)) = AccountId::parse(&account).zip(Region::parse(&region)) else {
                continue;
            };
            reader.set_scope(&tenant(account, region));
            if let Some(mapping) = tables::MAPPINGS.find(&mut reader, &uuid)? {
                self.start_source(account, region, mapping);
            }
        }
        Ok(())
    }

    /// Starts, or starts anew, the task of a mapping; one that is disabled only ends.
    pub(crate) fn start_source(self: &Arc<Self>, account: AccountId, region: Region, mapping: Mapping) {
        let scope = tenant(account, region);
        self.sources.stop(&scope, &mapping.uuid);
        // What is no source was refused when the mapping was made.
        let Ok(kind) = source_kind(&mapping.source_arn) else { return };
        if !mapping.is_enabled {
            return;
        }
        self.sources.start(scope, mapping.uuid.clone(), kind, |status| {
            let (name, qualifier) = (mapping.function.clone(), mapping.qualifier.clone());
            let target = Target { account, region, name, qualifier };
            let source = mapping.source();
            Arc::new(Mapped { lambda: Arc::clone(self), mapping, source, target, status })
        });
    }
}

impl Consumer for Mapped {
    fn source(&self) -> &Source {
        &self.source
    }

    fn cloud(&self) -> &Cloud {
        &self.lambda.cloud
    }

    fn ctx(&self) -> Ctx {
        let Target { account, region, .. } = self.target;
        self.lambda.cloud.background(PRINCIPAL, &self.target.arn(), account, region)
    }

    fn as_role(&self, ctx: &Ctx) -> Result<Ctx, ApiError> {
        let version = self.target.version(&mut ctx.store().read(&self.target.scope())?, 1.0)?;
        ctx.with_role(PRINCIPAL, &self.target.arn(), &version.role)
    }

    fn take(&self, trace: Option<TraceContext>, records: Vec<Value>) -> BoxFuture<'_, Delivered> {
        Box::pin(async move {
            let identifiers: Option<BTreeSet<String>> = self
                .mapping
                .settings
                .reports_item_failures
                .then(|| records.iter().filter_map(identifier).map(str::to_owned).collect());
            let payload = json!({ "Records": records }).to_string();
            let outcome = match self.invoke(trace, payload.into()).await {
                Ok(outcome) if !outcome.is_error => outcome,
                Ok(outcome) => {
                    let response = json!({
                        "statusCode": 200, "executedVersion": outcome.version, "functionError": "Unhandled",
                    });
                    return Delivered::Nothing(Some(response));
                }
                Err(_) => return Delivered::Nothing(None),
            };
            let Some(identifiers) = identifiers else { return Delivered::All };
            match item_failures(&outcome.payload, &identifiers) {
                ItemFailures::None => Delivered::All,
                ItemFailures::Some(failed) => Delivered::AllBut(failed),
                ItemFailures::All => Delivered::Nothing(None),
            }
        })
    }

    fn checkpoint(&self, shard: &str) -> Result<Checkpoint, ApiError> {
        let key = (self.mapping.uuid.clone(), shard.to_owned());
        let mut reader = self.lambda.cloud.store().read(&self.target.scope())?;
        Ok(tables::CHECKPOINTS.find(&mut reader, &key)?.unwrap_or_default())
    }

    fn keep_checkpoint(&self, shard: String, checkpoint: Checkpoint) -> BoxFuture<'_, Result<(), ApiError>> {
        let key = (self.mapping.uuid.clone(), shard);
        let scope = self.target.scope();
        let work = move |tx: &mut store::Tx<'_>| {
            // A mapping that is gone leaves nothing behind.
            if tables::MAPPINGS.contains(tx, &key.0)? {
                tables::CHECKPOINTS.put(tx, &key, &checkpoint);
            }
            Ok(())
        };
        Box::pin(async move { self.lambda.cloud.store().write(&scope, work).await })
    }

    fn give_up<'a>(&'a self, ctx: &'a Ctx, records: GivenUp<'a>) -> BoxFuture<'a, ()> {
        Box::pin(self.discard(ctx, records))
    }
}

/// What a function names a failed record by.
fn identifier(record: &Value) -> Option<&str> {
    record["messageId"].as_str().or_else(|| record["dynamodb"]["SequenceNumber"].as_str())
}

impl Mapped {
    /// Invokes the function with a batch, in the trace of its first record.
    async fn invoke(&self, trace: Option<TraceContext>, payload: Bytes) -> Result<Outcome, ApiError> {
        let ctx = self.ctx();
        let ctx = trace.map_or(ctx.clone(), |trace| ctx.in_trace(trace));
        let request = Request {
            target: self.target.clone(),
            payload,
            client_context: None,
            request_id: ctx.ids().uuid(),
            wants_tail: false,
        };
        let begun = Instant::now();
        let outcome = self.lambda.invoke(&ctx, request).await;
        let failed = !matches!(&outcome, Ok(outcome) if !outcome.is_error);
        let (from, to) = (self.mapping.source_arn.as_str().into(), self.target.arn().into());
        let picture = ctx.cloud().architecture();
        picture.record(ctx.now(), from, to, &"lambda:Invoke".into(), begun.elapsed(), failed);
        self.status.set(match &outcome {
            Ok(_) if !failed => "OK".to_owned(),
            Ok(_) => "PROBLEM: Function call failed".to_owned(),
            Err(error) => format!("PROBLEM: {error}"),
        });
        outcome
    }
}
