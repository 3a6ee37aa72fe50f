//! ExecuteStatement: one PartiQL statement.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::ExecuteStatement;
use dynamodb_api::{AttributeValue, ExecuteStatementInput, ExecuteStatementOutput};
use shapes::ApiError;

use crate::DynamoDb;
use crate::attribute::{ApiItem, from_api, item_of, item_to_api};
use crate::consumed::Wants;
use crate::errors::{duplicate_item, validation};
use crate::item::Item;
use crate::partiql::plan::Reading;
use crate::partiql::{self, Statement};
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
        let statement = statement(&input.statement, input.parameters)?;
        let wants = Wants::parse(input.return_consumed_capacity.as_deref());
        if let Statement::Select(select) = &statement {
            let reading = Reading {
                start: input.next_token.as_deref().map(parse_token).transpose()?,
                limit: input.limit.map(|limit| limit.max(1).unsigned_abs() as usize),
                is_consistent: input.consistent_read == Some(true),
                wants,
            };
            let page = select.read(self, ctx, reading)?.run(self)?;
            return Ok(ExecuteStatementOutput {
                items: Some(page.items.unwrap_or_default()),
                next_token: page.last.clone().map(token).transpose()?,
                last_evaluated_key: page.last,
                consumed_capacity: page.consumed,
            });
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
                write.perform(&service, &own, tx).map_err(|error| as_statements(&statement, error))
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
        let reading = Reading { start: None, limit: None, is_consistent: false, wants: Wants::Nothing };
        let mut is_full_scan = false;
        let guard = self.asked_of_read(ctx, guard, || {
            let read = select.read(self, ctx, reading)?;
            is_full_scan = read.is_scan();
            Ok(read)
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

/// Where the next page begins.
fn token(last: ApiItem) -> Result<String, ApiError> {
    Ok(STANDARD.encode(item_of(last)?.encode()))
}

fn parse_token(token: &str) -> Result<Item, ApiError> {
    let bytes = STANDARD.decode(token).ok();
    let item = bytes.and_then(|bytes| Item::decode(&bytes).ok());
    item.ok_or_else(|| validation("Invalid NextToken"))
}
