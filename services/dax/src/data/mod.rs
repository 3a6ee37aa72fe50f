//! Requests of clients: answered from the caches, or by DynamoDB.

mod batch;
mod describe;
mod query;
mod read;
mod transaction;
mod write;

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use cloud::{Ctx, Guard, TraceContext};
use dax_wire::{Cancellation, Failure, Request, WireError};
use dynamodb_api::{AttributeValue, TransactionCanceledException};
use shapes::{ApiError, Map};

use crate::Dax;
use crate::serving::{Serving, TableFacts};

/// A client's connection to a cluster.
pub(crate) struct Session<'a> {
    pub dax: &'a Arc<Dax>,
    pub serving: &'a Arc<Serving>,
    pub ctx: &'a Ctx,
    /// The request was answered from the item cache.
    is_hit: AtomicBool,
}

impl<'a> Session<'a> {
    pub(crate) fn new(dax: &'a Arc<Dax>, serving: &'a Arc<Serving>, ctx: &'a Ctx) -> Self {
        Self { dax, serving, ctx, is_hit: AtomicBool::new(false) }
    }
}

pub(crate) type Item = Map<AttributeValue>;

/// More than any item takes as it travels: 400 KiB (Amazon DynamoDB Developer Guide, "Quotas"), its numbers somewhat
/// longer than there.
const MAXIMUM_ITEM_BYTES: usize = 1 << 20;

/// Why a request has no other answer.
pub(crate) enum Refused {
    Api(ApiError),
    Cancelled(Box<Failure>),
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<WireError> for Refused {
    fn from(error: WireError) -> Self {
        Self::Api(validation(error.to_string()))
    }
}

pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::sender("ValidationException", message)
}

/// The answer of a request, whatever becomes of it. `bytes` is all of the request, which was begun to be read at
/// `started`.
pub(crate) async fn answer(
    session: &Session<'_>,
    request: Request<'_>,
    bytes: &[u8],
    started: Instant,
) -> Vec<u8> {
    let name = name_of(&request);
    let outcome = dispatch(session, request, bytes).await;
    let is_error = outcome.is_err();
    let (answer, status) = match outcome {
        Ok(answer) => (answer, 200),
        Err(Refused::Cancelled(failure)) => (failure.encode(), 400),
        Err(Refused::Api(error)) => {
            if error.status() >= 500 {
                tracing::warn!(error = %error, request = %name, "a request of DAX failed");
            }
            (failure_of(&error, session.ctx.request_id()).encode(), error.status())
        }
    };
    let (cloud, elapsed) = (session.ctx.cloud(), started.elapsed());
    let (from, to) = (Arc::clone(session.ctx.origin()), Arc::clone(&session.serving.arn));
    cloud.architecture().record(session.ctx.now(), from, to, &name.into(), elapsed, is_error);
    cloud.metrics().calls_of("dax", name.trim_start_matches("dax:")).record(elapsed, status);
    if session.is_hit.load(Relaxed) {
        session.serving.hits.record(started.elapsed(), status);
    }
    answer
}

fn failure_of(error: &ApiError, request_id: &str) -> Failure {
    Failure::of_dynamodb(error.name(), error.message(), error.status(), request_id)
}

fn name_of(request: &Request<'_>) -> &'static str {
    match request {
        Request::Authorize(_) => "dax:AuthorizeConnection",
        Request::Endpoints => "dax:Endpoints",
        Request::DefineKeySchema { .. } => "dax:DefineKeySchema",
        Request::DefineAttributeList { .. } => "dax:DefineAttributeList",
        Request::DefineAttributeListId { .. } => "dax:DefineAttributeListId",
        Request::GetItem { .. } => "dax:GetItem",
        Request::PutItem { .. } => "dax:PutItem",
        Request::UpdateItem { .. } => "dax:UpdateItem",
        Request::DeleteItem { .. } => "dax:DeleteItem",
        Request::Query { .. } => "dax:Query",
        Request::Scan { .. } => "dax:Scan",
        Request::BatchGetItem { .. } => "dax:BatchGetItem",
        Request::BatchWriteItem { .. } => "dax:BatchWriteItem",
        Request::TransactGetItems { .. } => "dax:TransactGetItems",
        Request::TransactWriteItems { .. } => "dax:TransactWriteItems",
    }
}

async fn dispatch(session: &Session<'_>, request: Request<'_>, bytes: &[u8]) -> Result<Vec<u8>, Refused> {
    match request {
        Request::Authorize(_) => Ok(Vec::new()),
        Request::Endpoints => session.endpoints(),
        Request::DefineKeySchema { table } => session.define_key_schema(table).await,
        Request::DefineAttributeList { id } => session.define_attribute_list(id),
        Request::DefineAttributeListId { names } => session.define_attribute_list_id(names).await,
        Request::GetItem { table, key, options } => session.get_item(table, key, &options).await,
        Request::PutItem { table, key, values, options } => {
            session.put_item(table, key, values, &options).await
        }
        Request::UpdateItem { table, key, options } => session.update_item(table, key, &options).await,
        Request::DeleteItem { table, key, options } => session.delete_item(table, key, &options).await,
        Request::Query { table, key_condition, options } => {
            session.query(table, key_condition, &options, bytes).await
        }
        Request::Scan { table, options } => session.scan(table, &options, bytes).await,
        Request::BatchGetItem { tables, options } => session.batch_get_item(tables, &options).await,
        Request::BatchWriteItem { tables, options } => session.batch_write_item(tables, &options).await,
        Request::TransactGetItems { gets, options } => session.transact_get_items(gets, &options).await,
        Request::TransactWriteItems { writes, options } => {
            session.transact_write_items(writes, &options).await
        }
    }
}

impl Session<'_> {
    /// Whether the caller may do this on the cluster. What the cluster may do on tables is its role's matter.
    fn check(&self, action: &'static str) -> Result<(), ApiError> {
        let guard = Guard::resource(self.serving.arn.to_string()).action(action);
        self.ctx.authorize(&dax_api::SERVICE, &guard)
    }

    /// The cluster's role, in a trace of this request.
    fn role(&self) -> Result<Ctx, ApiError> {
        let ctx = self.serving.as_role()?;
        Ok(ctx.in_trace(TraceContext::begin(ctx.ids(), ctx.now())))
    }

    fn count(&self, metric: &'static str) {
        self.ctx.publish("AWS/DAX", metric, ("ClusterId", &self.serving.name.cluster), 1.0);
    }

    /// An item's attributes without its key, as they travel.
    async fn encoded(&self, table: &TableFacts, item: &Item) -> Result<Vec<u8>, Refused> {
        let names: Vec<String> = item.keys().filter(|name| !table.keys.has(name)).cloned().collect();
        let id = self.dax.lists.id(self.ctx.cloud(), &self.serving.name, names.clone()).await?;
        Ok(dax_wire::encode_attributes(id, &names, item)?)
    }

    /// The whole item of a key and of attributes as they travel.
    fn decoded(&self, table: &TableFacts, key: &[u8], attributes: &[u8]) -> Result<Item, Refused> {
        if attributes.len() > MAXIMUM_ITEM_BYTES {
            return Err(validation("Item size has exceeded the maximum allowed size").into());
        }
        let mut item = dax_wire::decode_key(&table.keys, key)?;
        let (id, values) = dax_wire::decode_attributes(attributes)?;
        let names = self.dax.lists.names(self.ctx.cloud(), &self.serving.name, id)?;
        let names = names.ok_or_else(|| validation("The list of attributes is not known"))?;
        dax_wire::decode_item(&names, values, &mut item)?;
        Ok(item)
    }

    /// A cancelled transaction with the items that its reasons show.
    async fn cancelled(&self, error: ApiError, tables: &[Arc<TableFacts>]) -> Refused {
        let detail = error.detail().map(|detail| detail as &dyn Any);
        let Some(detail) = detail.and_then(|detail| detail.downcast_ref::<TransactionCanceledException>())
        else {
            return Refused::Api(error);
        };
        let mut cancellations = Vec::new();
        for (index, reason) in detail.cancellation_reasons.iter().flatten().enumerate() {
            let mut cancellation =
                Cancellation { code: reason.code.clone(), message: reason.message.clone(), item: None };
            if let (Some(item), Some(table)) = (&reason.item, tables.get(index)) {
                cancellation.item = self.encoded(table, item).await.ok();
            }
            cancellations.push(cancellation);
        }
        let mut failure = failure_of(&error, self.ctx.request_id());
        failure.cancellations = Some(cancellations);
        Refused::Cancelled(Box::new(failure))
    }
}

/// Bytes as a CBOR value.
fn as_bytes_value(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = dax_wire::Encoder::default();
    encoder.bytes(bytes);
    encoder.0
}
