//! BatchGetItem: up to 100 items of several tables, each found or not.

use std::collections::HashSet;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::BatchGetItem;
use dynamodb_api::{AttributeValue, BatchGetItemInput, BatchGetItemOutput, KeysAndAttributes};
use shapes::{ApiError, Map};

use crate::DynamoDb;
use crate::attribute::item_of;
use crate::capacity::{ReadMode, read_units};
use crate::consumed::{Consumed, Told, Wants};
use crate::errors::validation;
use crate::item::Item;
use crate::legacy_parameters::Mixture;
use crate::read::{GetDraft, ProjectionSource};
use crate::target::Target;

/// API Reference, BatchGetItem.
const MOST_KEYS: usize = 100;
const MOST_BYTES: usize = 16 << 20;

struct Request {
    given: String,
    target: Target,
    keys: Vec<Item>,
    draft: GetDraft,
    mode: ReadMode,
}

impl Handle<BatchGetItem> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &BatchGetItemInput) -> Result<Guard, ApiError> {
        let mut whole: Option<Guard> = None;
        for (given, request) in &input.request_items {
            let guard = self.table_guard(ctx, given)?;
            let parsed = || parse(ctx, given.clone(), request.clone());
            let target = Target::parse(ctx, given)?;
            let guard =
                self.asked_of_get(ctx, guard, &target, || Ok(parsed()?.keys), || Ok(parsed()?.draft))?;
            whole = Some(match whole {
                None => guard,
                Some(whole) => whole.and(guard),
            });
        }
        Ok(whole.unwrap_or_default())
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: BatchGetItemInput,
    ) -> Result<BatchGetItemOutput, ApiError> {
        if input.request_items.values().map(|request| request.keys.len()).sum::<usize>() > MOST_KEYS {
            return Err(validation("Too many items requested for the BatchGetItem call"));
        }
        let wants = Wants::parse(input.return_consumed_capacity.as_deref());
        let mut consumed = Consumed::default();
        let mut responses: Map<Vec<Map<AttributeValue>>> = Map::new();
        let mut unprocessed: Map<KeysAndAttributes> = Map::new();
        let (mut is_any_processed, mut throttled) = (false, None);
        let mut bytes = 0;
        let originals = input.request_items.clone();
        let requests = input.request_items.into_iter().map(|(given, request)| parse(ctx, given, request));
        for request in requests.collect::<Result<Vec<_>, ApiError>>()? {
            let projection = request.draft.bind()?;
            let table = self.definitions.for_read(ctx.store(), &request.target)?;
            let mut seen = HashSet::new();
            for key in &request.keys {
                let key = table.keys().exact_key(key).map_err(validation)?;
                if !seen.insert(key.into_bytes()) {
                    return Err(validation("Provided list of item keys contains duplicates"));
                }
            }
            let mut snapshot = ctx.store().read(&request.target.scope)?;
            let found = responses.entry(request.given.clone()).or_default();
            for (index, key) in request.keys.iter().enumerate() {
                let leave = |unprocessed: &mut Map<KeysAndAttributes>| {
                    let Some(original) = originals.get(&request.given) else { return };
                    let rest =
                        KeysAndAttributes { keys: original.keys[index..].to_vec(), ..original.clone() };
                    unprocessed.insert(request.given.clone(), rest);
                };
                if bytes >= MOST_BYTES {
                    leave(&mut unprocessed);
                    break;
                }
                let item = GetDraft::find(&mut snapshot, &table, key, projection.as_ref())?;
                bytes += item.size;
                let units = read_units(item.size, request.mode);
                if let Err(refused) = self.spend_read(&table, None, units, item.key.as_ref().map(Into::into))
                {
                    leave(&mut unprocessed);
                    throttled = Some(refused);
                    break;
                }
                is_any_processed = true;
                consumed.add_read(table.name(), None, units);
                found.extend(item.item);
            }
        }
        // A batch of which nothing could be read fails as a whole.
        if let Some(throttled) = throttled.filter(|_| !is_any_processed) {
            return Err(throttled.refuse("BatchGetItem"));
        }
        Ok(BatchGetItemOutput {
            responses: Some(responses),
            unprocessed_keys: Some(unprocessed),
            consumed_capacity: wants.anything().then(|| consumed.told(wants, Told::Plain)),
        })
    }
}

fn parse(ctx: &Ctx, given: String, request: KeysAndAttributes) -> Result<Request, ApiError> {
    Mixture {
        expressions: &[("ProjectionExpression", request.projection_expression.is_some())],
        legacy: &[("AttributesToGet", request.attributes_to_get.is_some())],
        has_names: request.expression_attribute_names.is_some(),
        has_values: false,
    }
    .check()?;
    let is_consistent = request.consistent_read == Some(true);
    Ok(Request {
        target: Target::parse(ctx, &given)?,
        given,
        keys: request.keys.into_iter().map(item_of).collect::<Result<_, _>>()?,
        draft: GetDraft {
            projection: ProjectionSource::of(request.projection_expression, request.attributes_to_get)?,
            names: request.expression_attribute_names,
        },
        mode: if is_consistent { ReadMode::Consistent } else { ReadMode::Eventual },
    })
}
