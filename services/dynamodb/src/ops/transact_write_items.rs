//! TransactWriteItems: up to 100 writes and checks that happen together or not at all, once per token.

use std::any::Any;
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::PoisonError;
use std::time::Duration;

use cloud::{Ctx, Guard, Transact};
use dynamodb_api::op::TransactWriteItems;
use dynamodb_api::{
    CancellationReason, ConditionalCheckFailedException, ItemCollectionMetrics, TransactWriteItem,
    TransactWriteItemsInput, TransactWriteItemsOutput,
};
use sha2::{Digest, Sha256};
use shapes::{ApiError, Map, Timestamp};
use store::{Order, Range, Reader, Tx};

use super::values_of;
use crate::DynamoDb;
use crate::attribute::item_of;
use crate::consumed::{Consumed, Told, Wants};
use crate::errors::{DUPLICATE_ITEM, other_request_with_token, transaction_canceled, validation};
use crate::legacy_parameters::Mixture;
use crate::tables::{TOKEN_TIMES, TOKENS, TokenRow};
use crate::target::Target;
use crate::throttle::{Refusal, Throttled};
use crate::write::{
    Action, ConditionSource, Costs, UpdateSource, WantsMetrics, WriteDraft, collection_metrics,
};

/// API Reference, TransactWriteItems: the items together.
const MOST_BYTES: usize = 4 << 20;
/// API Reference, TransactWriteItems, "ClientRequestToken".
const TOKEN_LIFE: Duration = Duration::from_secs(600);
/// Old tokens that each new one clears away.
const TOKENS_CLEARED: usize = 4;

/// Writes that happen together.
pub(crate) struct Draft {
    /// With the table as the request names it.
    pub writes: Vec<(String, WriteDraft)>,
    pub token: Option<Token>,
    pub wants: Wants,
    pub metrics: WantsMetrics,
    /// The name of the operation.
    pub operation: &'static str,
}

pub(crate) struct Token {
    pub text: String,
    pub digest: Vec<u8>,
}

impl Token {
    /// `request`: what must be the same when the token comes again.
    pub(crate) fn of(text: Option<String>, request: &str) -> Option<Self> {
        text.map(|text| Self { text, digest: Sha256::digest(request.as_bytes()).to_vec() })
    }
}

impl Transact<TransactWriteItems> for DynamoDb {
    type Draft = Draft;

    fn guard(&self, ctx: &Ctx, input: &TransactWriteItemsInput) -> Result<Guard, ApiError> {
        let mut whole: Option<Guard> = None;
        for item in &input.transact_items {
            let Some((action, table)) = action_and_table(item) else { continue };
            let guard = self.table_guard(ctx, table)?.action(action);
            let write = || Ok(WriteDraft { is_transactional: true, ..parse(ctx, item.clone())? });
            let guard = self.asked_of_write(ctx, guard, write)?;
            whole = Some(match whole {
                None => guard,
                Some(whole) => whole.and(guard),
            });
        }
        Ok(whole.unwrap_or_default())
    }

    fn prepare(&self, ctx: &Ctx, input: TransactWriteItemsInput) -> Result<Draft, ApiError> {
        let wants = Wants::parse(input.return_consumed_capacity.as_deref());
        let request = input.client_request_token.as_ref().map(|_| format!("{:?}", input.transact_items));
        let token = Token::of(input.client_request_token, &request.unwrap_or_default());
        let mut writes = Vec::with_capacity(input.transact_items.len());
        for item in input.transact_items {
            let given = action_and_table(&item).map(|(_, table)| table.to_owned()).unwrap_or_default();
            let write = parse(ctx, item)?;
            // Wrong expressions are told before anything is looked for.
            write.bind()?;
            let counts = wants.anything();
            writes.push((given, WriteDraft { counts, is_transactional: true, ..write }));
        }
        let metrics = WantsMetrics::parse(input.return_item_collection_metrics.as_deref());
        Ok(Draft { writes, token, wants, metrics, operation: "TransactWriteItems" })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Draft) -> Result<TransactWriteItemsOutput, ApiError> {
        let done = draft.perform(self, ctx, tx)?;
        Ok(TransactWriteItemsOutput {
            consumed_capacity: draft.wants.anything().then(|| done.consumed.told(draft.wants, done.told)),
            item_collection_metrics: Some(done.metrics).filter(|metrics| !metrics.is_empty()),
        })
    }
}

/// What a transaction came to.
pub(crate) struct Done {
    pub consumed: Consumed,
    pub told: Told,
    pub metrics: Map<Vec<ItemCollectionMetrics>>,
}

impl Draft {
    pub(crate) fn perform(&self, service: &DynamoDb, ctx: &Ctx, tx: &mut Tx<'_>) -> Result<Done, ApiError> {
        let mut done = Done { consumed: Consumed::default(), told: Told::AsWrites, metrics: Map::new() };
        if let Some(token) = &self.token
            && token.is_spent(service, ctx, tx)?
        {
            for (_, write) in &self.writes {
                done.consumed.add(&write.target.name, &Costs::of_replay(write.action.key_source()));
            }
            done.told = Told::AsReads;
            return Ok(done);
        }
        let mut tables = Vec::with_capacity(self.writes.len());
        let mut seen = HashSet::new();
        let mut bytes = 0;
        for (_, write) in &self.writes {
            let scope = &write.target.scope;
            let table = tx.with_scope(scope, |tx| service.definitions.for_write(tx, &write.target))?;
            if write.identity(&table).is_some_and(|identity| !seen.insert(identity)) {
                return Err(validation("Transaction request cannot include multiple operations on one item"));
            }
            bytes += write.action.key_source().size();
            tables.push(table);
        }
        if bytes > MOST_BYTES {
            return Err(validation("Collection size of the transaction exceeds the limit of 4 MB"));
        }
        let mut reasons = Vec::with_capacity(self.writes.len());
        let mut is_cancelled = false;
        let mut throttled: Option<Throttled> = None;
        for ((given, write), table) in self.writes.iter().zip(tables) {
            let bound = write.bind()?;
            let written = tx.with_scope(&write.target.scope, |tx| {
                let written = bound.run(service, ctx, tx, table)?;
                let item = write.action.key_source();
                let metrics = collection_metrics(tx, &written.table, item, self.metrics)?;
                Ok::<_, Refusal>((written, metrics))
            });
            match written {
                Ok((written, metrics)) => {
                    done.consumed.add(written.table.name(), &written.costs);
                    if let Some(metrics) = metrics {
                        done.metrics.entry(given.clone()).or_default().push(metrics);
                    }
                    reasons.push(CancellationReason { code: Some("None".to_owned()), ..Default::default() });
                }
                Err(Refusal::Throttled(refused)) => {
                    is_cancelled = true;
                    reasons.push(refused.cancellation());
                    throttled.get_or_insert(refused);
                }
                Err(Refusal::Other(error)) => {
                    is_cancelled = true;
                    let mut reason = reason_of(error)?;
                    if write.is_insert && reason.code.as_deref() == Some("ConditionalCheckFailed") {
                        reason.code = Some("DuplicateItem".to_owned());
                        reason.message = Some(DUPLICATE_ITEM.to_owned());
                    }
                    reasons.push(reason);
                }
            }
        }
        if let Some(throttled) = throttled {
            throttled.refuse(self.operation);
        }
        if is_cancelled { Err(transaction_canceled(reasons)) } else { Ok(done) }
    }
}

impl Token {
    /// Whether a transaction under the token has happened; otherwise this one is now the one that has.
    fn is_spent(&self, service: &DynamoDb, ctx: &Ctx, tx: &mut Tx<'_>) -> Result<bool, ApiError> {
        let now = ctx.now();
        clear_tokens(service, tx, now)?;
        if let Some(spent) = TOKENS.find(tx, &self.text)? {
            if spent.at + TOKEN_LIFE > now {
                return if spent.digest == self.digest { Ok(true) } else { Err(other_request_with_token()) };
            }
            TOKEN_TIMES.delete(tx, &(spent.at, self.text.clone()));
        }
        TOKENS.put(tx, &self.text, &TokenRow { at: now, digest: self.digest.clone() });
        TOKEN_TIMES.put(tx, &(now, self.text.clone()), &());
        Ok(false)
    }
}

/// Clears some tokens away whose time is over.
fn clear_tokens(service: &DynamoDb, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), ApiError> {
    let scope = tx.scope().clone();
    let frontier = {
        let frontiers = service.token_frontiers.lock().unwrap_or_else(PoisonError::into_inner);
        frontiers.get(&scope).copied()
    };
    let range = frontier.map_or_else(Range::all, |from| Range::all().starting_at(&from));
    let mut old = Vec::new();
    TOKEN_TIMES.visit(tx, &range, Order::Ascending, |key, ()| {
        if key.0 + TOKEN_LIFE > now || old.len() == TOKENS_CLEARED {
            return ControlFlow::Break(());
        }
        old.push(key);
        ControlFlow::Continue(())
    })?;
    for key in &old {
        TOKENS.delete(tx, &key.1);
        TOKEN_TIMES.delete(tx, key);
    }
    // The first of them, not the last: should this transaction come to nothing, they are still there.
    if let Some((from, _)) = old.into_iter().next() {
        let mut frontiers = service.token_frontiers.lock().unwrap_or_else(PoisonError::into_inner);
        frontiers.insert(scope, from);
    }
    Ok(())
}

/// Why one part of a transaction cancels it; faults of ours and requests that cannot be are errors of the whole.
pub(crate) fn reason_of(error: ApiError) -> Result<CancellationReason, ApiError> {
    let code = match error.name() {
        "ConditionalCheckFailedException" => "ConditionalCheckFailed",
        "ValidationException" => "ValidationError",
        "ItemCollectionSizeLimitExceededException" => "ItemCollectionSizeLimitExceeded",
        _ => return Err(error),
    };
    let detail = error.detail().and_then(|detail| {
        let detail: &dyn Any = detail;
        detail.downcast_ref::<ConditionalCheckFailedException>()
    });
    Ok(CancellationReason {
        code: Some(code.to_owned()),
        message: Some(error.message().to_owned()),
        item: detail.and_then(|detail| detail.item.clone()),
    })
}

/// The action that a part asks for, and its table; `None` when it has not exactly one.
fn action_and_table(item: &TransactWriteItem) -> Option<(&'static str, &str)> {
    let mut parts = [
        item.condition_check.as_ref().map(|part| ("dynamodb:ConditionCheckItem", part.table_name.as_str())),
        item.put.as_ref().map(|part| ("dynamodb:PutItem", part.table_name.as_str())),
        item.delete.as_ref().map(|part| ("dynamodb:DeleteItem", part.table_name.as_str())),
        item.update.as_ref().map(|part| ("dynamodb:UpdateItem", part.table_name.as_str())),
    ]
    .into_iter()
    .flatten();
    parts.next().filter(|_| parts.next().is_none())
}

fn parse(ctx: &Ctx, item: TransactWriteItem) -> Result<WriteDraft, ApiError> {
    match (item.condition_check, item.put, item.delete, item.update) {
        (Some(check), None, None, None) => {
            let write =
                WriteDraft::plain(Target::parse(ctx, &check.table_name)?, Action::Check(item_of(check.key)?));
            Ok(WriteDraft {
                condition: ConditionSource::Text(check.condition_expression),
                names: check.expression_attribute_names,
                values: values_of(check.expression_attribute_values)?,
                shows_item: check.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD"),
                ..write
            })
        }
        (None, Some(put), None, None) => {
            check_placeholders(
                &[("ConditionExpression", put.condition_expression.is_some())],
                put.expression_attribute_names.is_some(),
                put.expression_attribute_values.is_some(),
            )?;
            let item = item_of(put.item)?;
            item.check().map_err(validation)?;
            Ok(WriteDraft {
                condition: ConditionSource::of(put.condition_expression, None),
                names: put.expression_attribute_names,
                values: values_of(put.expression_attribute_values)?,
                shows_item: put.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD"),
                ..WriteDraft::plain(Target::parse(ctx, &put.table_name)?, Action::Put(item))
            })
        }
        (None, None, Some(delete), None) => {
            check_placeholders(
                &[("ConditionExpression", delete.condition_expression.is_some())],
                delete.expression_attribute_names.is_some(),
                delete.expression_attribute_values.is_some(),
            )?;
            let key = item_of(delete.key)?;
            Ok(WriteDraft {
                condition: ConditionSource::of(delete.condition_expression, None),
                names: delete.expression_attribute_names,
                values: values_of(delete.expression_attribute_values)?,
                shows_item: delete.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD"),
                ..WriteDraft::plain(Target::parse(ctx, &delete.table_name)?, Action::Delete(key))
            })
        }
        (None, None, None, Some(update)) => {
            let key = item_of(update.key)?;
            let action = Action::Update { key, update: UpdateSource::Text(update.update_expression) };
            Ok(WriteDraft {
                condition: ConditionSource::of(update.condition_expression, None),
                names: update.expression_attribute_names,
                values: values_of(update.expression_attribute_values)?,
                shows_item: update.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD"),
                ..WriteDraft::plain(Target::parse(ctx, &update.table_name)?, action)
            })
        }
        _ => Err(validation("TransactItems can only contain one of Check, Put, Update or Delete")),
    }
}

fn check_placeholders(
    expressions: &[(&'static str, bool)],
    has_names: bool,
    has_values: bool,
) -> Result<(), ApiError> {
    Mixture { expressions, legacy: &[], has_names, has_values }.check()
}
