//! ExecuteStatement: one PartiQL statement.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::ExecuteStatement;
use dynamodb_api::{AttributeValue, ConsumedCapacity, ExecuteStatementInput, ExecuteStatementOutput};
use shapes::ApiError;

use crate::DynamoDb;
use crate::attribute::{from_api, item_of, item_to_api};
use crate::consumed::Wants;
use crate::errors::{duplicate_item, validation};
use crate::item::Item;
use crate::partiql::plan::Reading;
use crate::partiql::syntax::Select;
use crate::partiql::{self, Statement};
use crate::read::{PAGE_BYTES, ReadDraft};
use crate::write::{WriteDraft, Written};

impl Handle<ExecuteStatement> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &ExecuteStatementInput) -> Result<Guard, ApiError> {
        self.statement_guard(ctx, &statement(&input.statement, input.parameters.clone())?)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ExecuteStatementInput,
    ) -> Result<ExecuteStatementOutput, ApiError> {
        let statement = statement(&input.statement, input.parameters.clone())?;
        let wants = Wants::parse(input.return_consumed_capacity.as_deref());
        if let Statement::Select(select) = &statement {
            return self.select(ctx, select, &input, wants);
        }
        if matches!(statement, Statement::Exists(_)) {
            return Err(validation("EXISTS can only be used in a transaction"));
        }
        let write = statement.write(self, ctx)?.map(|write| WriteDraft {
            counts: wants.anything(),
            shows_item: input.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD"),
            ..write
        });
        let write = write.ok_or_else(|| validation("The statement neither reads nor writes"))?;
        let (service, own, scope) = (Arc::clone(self), ctx.clone(), write.target.scope.clone());
        let written = ctx
            .store()
            .write(&scope, move |tx| {
                let written = write.perform(&service, &own, tx);
                written.map_err(|refusal| as_statements(&statement, refusal.refuse("ExecuteStatement")))
            })
            .await?;
        let Written { table, attributes, costs } = written;
        Ok(ExecuteStatementOutput {
            items: Some(attributes.into_iter().map(item_to_api).collect()),
            consumed_capacity: wants.write(&table, &costs),
            ..Default::default()
        })
    }
}

impl DynamoDb {
    /// Reads one page, of as many of the statement's reads as fit.
    fn select(
        &self,
        ctx: &Ctx,
        select: &Select,
        input: &ExecuteStatementInput,
        wants: Wants,
    ) -> Result<ExecuteStatementOutput, ApiError> {
        let is_consistent = input.consistent_read == Some(true);
        let mut limit = input.limit.map(|limit| limit.max(1).unsigned_abs() as usize);
        let reads = select.reads(self, ctx, &Reading { limit, is_consistent, wants })?;
        let place = input.next_token.as_deref().map(Place::parse).transpose()?.unwrap_or_default();
        let (mut items, mut bytes, mut start) = (Vec::new(), 0, place.start);
        let mut consumed = Vec::new();
        let mut next = None;
        for (read, mut draft) in reads.into_iter().enumerate().skip(place.read) {
            if limit == Some(0) || bytes >= PAGE_BYTES {
                next = Some(Place { read, start: None });
                break;
            }
            draft.start = start.take();
            draft.limit = limit;
            let page = draft.run(self, ctx).map_err(|refusal| refusal.refuse("ExecuteStatement"))?;
            items.extend(page.items.unwrap_or_default());
            bytes += page.bytes;
            limit = limit.map(|limit| limit.saturating_sub(page.scanned.unsigned_abs() as usize));
            consumed.extend(page.consumed);
            if let Some(last) = page.last {
                next = Some(Place { read, start: Some(item_of(last)?) });
                break;
            }
        }
        let last = next.as_ref().and_then(|place| place.start.clone());
        Ok(ExecuteStatementOutput {
            items: Some(items),
            next_token: next.map(|place| place.token()),
            last_evaluated_key: last.map(item_to_api),
            consumed_capacity: sum(consumed),
        })
    }

    /// The guard of a PartiQL statement.
    pub(super) fn statement_guard(&self, ctx: &Ctx, statement: &Statement) -> Result<Guard, ApiError> {
        let (action, table, index) = statement.action();
        let guard = self.index_guard(ctx, table, index)?.action(action);
        let Statement::Select(select) = statement else {
            return self.asked_of_write(ctx, guard, || {
                let write = statement.write(self, ctx)?;
                write.ok_or_else(|| validation("The statement neither reads nor writes"))
            });
        };
        let reading = Reading { limit: None, is_consistent: false, wants: Wants::Nothing };
        let mut is_full_scan = false;
        let guard = self.asked_of_reads(ctx, guard, || {
            let reads = select.reads(self, ctx, &reading)?;
            is_full_scan = reads.iter().any(ReadDraft::is_scan);
            Ok(reads)
        })?;
        Ok(guard.with("dynamodb:FullTableScan", vec![is_full_scan.to_string()]))
    }
}

pub(super) fn statement(text: &str, parameters: Option<Vec<AttributeValue>>) -> Result<Statement, ApiError> {
    let parameters = parameters.unwrap_or_default().into_iter().map(from_api);
    partiql::parse(text, parameters.collect::<Result<_, _>>()?)
}

/// The error of a write as PartiQL names it: an INSERT's condition is that there is no such item.
pub(super) fn as_statements(statement: &Statement, error: ApiError) -> ApiError {
    let is_insert = matches!(statement, Statement::Insert { .. });
    if is_insert && error.name() == "ConditionalCheckFailedException" { duplicate_item() } else { error }
}

/// What several reads of one table consumed.
fn sum(parts: Vec<ConsumedCapacity>) -> Option<ConsumedCapacity> {
    let add = |whole: &mut Option<f64>, part: Option<f64>| {
        if let (Some(whole), Some(part)) = (whole, part) {
            *whole += part;
        }
    };
    parts.into_iter().reduce(|mut whole, part| {
        add(&mut whole.capacity_units, part.capacity_units);
        if let (Some(table), Some(part)) = (&mut whole.table, part.table) {
            add(&mut table.capacity_units, part.capacity_units);
        }
        for (indexes, part) in [
            (&mut whole.local_secondary_indexes, part.local_secondary_indexes),
            (&mut whole.global_secondary_indexes, part.global_secondary_indexes),
        ] {
            for (name, part) in part.into_iter().flatten() {
                if let Some(index) = indexes.as_mut().and_then(|indexes| indexes.get_mut(&name)) {
                    add(&mut index.capacity_units, part.capacity_units);
                }
            }
        }
        whole
    })
}

/// Where the next page begins: in which of the statement's reads, and behind which key.
#[derive(Default)]
struct Place {
    read: usize,
    start: Option<Item>,
}

impl Place {
    fn token(&self) -> String {
        let key = self.start.as_ref().map(|key| STANDARD.encode(key.encode())).unwrap_or_default();
        STANDARD.encode(format!("{}|{key}", self.read))
    }

    fn parse(token: &str) -> Result<Self, ApiError> {
        let read = || {
            let text = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
            let (read, key) = text.split_once('|')?;
            let start = match key {
                "" => None,
                key => Some(Item::decode(&STANDARD.decode(key).ok()?).ok()?),
            };
            Some(Self { read: read.parse().ok()?, start })
        };
        read().ok_or_else(|| validation("Invalid NextToken"))
    }
}
