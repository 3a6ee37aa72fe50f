//! BatchWriteItem: up to 25 puts and deletes of whole items. They are one transaction here, so that all of them wait for
//! one commit; AWS promises less.

use std::collections::HashSet;

use cloud::{Ctx, Guard, Transact};
use dynamodb_api::op::BatchWriteItem;
use dynamodb_api::{
    BatchWriteItemInput, BatchWriteItemOutput, DeleteRequest, ItemCollectionMetrics, PutRequest, WriteRequest,
};
use shapes::{ApiError, Map};
use store::Tx;

use crate::DynamoDb;
use crate::attribute::{item_of, item_to_api};
use crate::consumed::{Consumed, Told, Wants};
use crate::errors::validation;
use crate::target::Target;
use crate::throttle::{Refusal, Throttled};
use crate::write::{Action, WantsMetrics, WriteDraft, collection_metrics};

/// API Reference, BatchWriteItem.
const MOST_WRITES: usize = 25;
const MOST_BYTES: usize = 16 << 20;

pub(crate) struct Draft {
    /// By table as the request names it.
    writes: Vec<(String, WriteDraft)>,
    wants: Wants,
    metrics: WantsMetrics,
}

impl Transact<BatchWriteItem> for DynamoDb {
    type Draft = Draft;

    fn guard(&self, ctx: &Ctx, input: &BatchWriteItemInput) -> Result<Guard, ApiError> {
        let mut whole: Option<Guard> = None;
        for (given, requests) in &input.request_items {
            let target = Target::parse(ctx, given)?;
            for request in requests {
                let guard = self.table_guard(ctx, given)?;
                let write = || Ok(WriteDraft::plain(target.clone(), action(request.clone())?));
                let guard = self.asked_of_write(ctx, guard, write)?;
                whole = Some(match whole {
                    None => guard,
                    Some(whole) => whole.and(guard),
                });
            }
        }
        Ok(whole.unwrap_or_default())
    }

    fn prepare(&self, ctx: &Ctx, input: BatchWriteItemInput) -> Result<Draft, ApiError> {
        if input.request_items.values().map(Vec::len).sum::<usize>() > MOST_WRITES {
            return Err(validation("Too many items requested for the BatchWriteItem call"));
        }
        let wants = Wants::parse(input.return_consumed_capacity.as_deref());
        let mut writes = Vec::new();
        let mut bytes = 0;
        for (given, requests) in input.request_items {
            let target = Target::parse(ctx, &given)?;
            for request in requests {
                let action = action(request)?;
                bytes += action.key_source().size();
                let counts = wants.anything();
                let write = WriteDraft { counts, ..WriteDraft::plain(target.clone(), action) };
                writes.push((given.clone(), write));
            }
        }
        if bytes > MOST_BYTES {
            return Err(validation("The batch write request exceeds the limit of 16 MB"));
        }
        let metrics = WantsMetrics::parse(input.return_item_collection_metrics.as_deref());
        Ok(Draft { writes, wants, metrics })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Draft) -> Result<BatchWriteItemOutput, ApiError> {
        let mut seen = HashSet::new();
        for (_, write) in &draft.writes {
            let table =
                tx.with_scope(&write.target.scope, |tx| self.definitions.for_write(tx, &write.target))?;
            let is_new = write.identity(&table).is_none_or(|identity| seen.insert(identity));
            if !is_new {
                return Err(validation("Provided list of item keys contains duplicates"));
            }
        }
        let mut consumed = Consumed::default();
        let mut metrics: Map<Vec<ItemCollectionMetrics>> = Map::new();
        let mut unprocessed: Map<Vec<WriteRequest>> = Map::new();
        let (mut is_any_processed, mut throttled) = (false, None::<Throttled>);
        for (given, write) in &draft.writes {
            let written = match write.perform(self, ctx, tx) {
                Ok(written) => written,
                // What is throttled has stored nothing yet.
                Err(Refusal::Throttled(refused)) => {
                    unprocessed.entry(given.clone()).or_default().push(request_of(&write.action));
                    throttled.get_or_insert(refused);
                    continue;
                }
                Err(Refusal::Other(error)) => return Err(error),
            };
            is_any_processed = true;
            consumed.add(written.table.name(), &written.costs);
            let collection = tx.with_scope(&write.target.scope, |tx| {
                collection_metrics(tx, &written.table, write.action.key_source(), draft.metrics)
            })?;
            if let Some(collection) = collection {
                metrics.entry(given.clone()).or_default().push(collection);
            }
        }
        if let Some(throttled) = throttled.filter(|_| !is_any_processed) {
            return Err(throttled.refuse("BatchWriteItem"));
        }
        Ok(BatchWriteItemOutput {
            unprocessed_items: Some(unprocessed),
            item_collection_metrics: Some(metrics).filter(|metrics| !metrics.is_empty()),
            consumed_capacity: draft.wants.anything().then(|| consumed.told(draft.wants, Told::Plain)),
        })
    }
}

/// The request that an action came from.
fn request_of(action: &Action) -> WriteRequest {
    let item = item_to_api(action.key_source().clone());
    match action {
        Action::Put(_) => WriteRequest { put_request: Some(PutRequest { item }), ..Default::default() },
        _ => WriteRequest { delete_request: Some(DeleteRequest { key: item }), ..Default::default() },
    }
}

fn action(request: WriteRequest) -> Result<Action, ApiError> {
    match (request.put_request, request.delete_request) {
        (Some(put), None) => {
            let item = item_of(put.item)?;
            item.check().map_err(validation)?;
            Ok(Action::Put(item))
        }
        (None, Some(delete)) => Ok(Action::Delete(item_of(delete.key)?)),
        (Some(_), Some(_)) => Err(validation(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported \
             datatypes",
        )),
        (None, None) => Err(validation(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
        )),
    }
}
