//! ExecuteTransaction: PartiQL statements that read at one moment, or write together or not at all.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::ExecuteTransaction;
use dynamodb_api::{ExecuteTransactionInput, ExecuteTransactionOutput, ItemResponse};
use shapes::ApiError;

use super::execute_statement::statement;
use super::transact_write_items::{Draft, Token};
use crate::DynamoDb;
use crate::consumed::{Consumed, Told, Wants};
use crate::errors::validation;
use crate::partiql::Statement;
use crate::partiql::plan::Reading;
use crate::write::{WantsMetrics, WriteDraft};

impl Handle<ExecuteTransaction> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &ExecuteTransactionInput) -> Result<Guard, ApiError> {
        let mut whole: Option<Guard> = None;
        for part in &input.transact_statements {
            let statement = statement(&part.statement, part.parameters.clone())?;
            let guard = self.statement_guard(ctx, &statement)?;
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
        input: ExecuteTransactionInput,
    ) -> Result<ExecuteTransactionOutput, ApiError> {
        let wants = Wants::parse(input.return_consumed_capacity.as_deref());
        let request = input.client_request_token.as_ref().map(|_| format!("{:?}", input.transact_statements));
        let token = Token::of(input.client_request_token, &request.unwrap_or_default());
        let mut statements = Vec::with_capacity(input.transact_statements.len());
        for part in input.transact_statements {
            let shows_item = part.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
            statements.push((statement(&part.statement, part.parameters)?, shows_item));
        }
        let reads = statements.iter().filter(|(statement, _)| statement.is_read()).count();
        if reads == statements.len() {
            return self.read_transaction(ctx, statements, wants);
        }
        if reads > 0 {
            return Err(validation(
                "Statements in the transaction must be either all read statements or all write statements",
            ));
        }
        let mut writes = Vec::with_capacity(statements.len());
        for (statement, shows_item) in statements {
            let table = statement.action().1.to_owned();
            let Some(write) = statement.write(self, ctx)? else { continue };
            let is_insert = matches!(statement, Statement::Insert { .. });
            let counts = wants.anything();
            let write = WriteDraft { shows_item, counts, is_insert, is_transactional: true, ..write };
            write.bind()?;
            writes.push((table, write));
        }
        let count = writes.len();
        let draft =
            Draft { writes, token, wants, metrics: WantsMetrics(false), operation: "ExecuteTransaction" };
        let (service, own) = (Arc::clone(self), ctx.clone());
        let (consumed, told) = ctx
            .write(move |tx| draft.perform(&service, &own, tx).map(|done| (done.consumed, done.told)))
            .await?;
        Ok(ExecuteTransactionOutput {
            responses: Some(vec![ItemResponse::default(); count]),
            consumed_capacity: wants.anything().then(|| consumed.told(wants, told)),
        })
    }
}

impl DynamoDb {
    fn read_transaction(
        &self,
        ctx: &Ctx,
        statements: Vec<(Statement, bool)>,
        wants: Wants,
    ) -> Result<ExecuteTransactionOutput, ApiError> {
        let mut consumed = Consumed::default();
        let mut responses = Vec::with_capacity(statements.len());
        let mut snapshot = ctx.read()?;
        for (statement, _) in statements {
            let Statement::Select(select) = statement else { continue };
            select.check_single(self, ctx)?;
            let reading = Reading { limit: None, is_consistent: true, wants: Wants::Total };
            let read = select.read(self, ctx, &reading)?;
            snapshot.set_scope(&read.target.scope);
            let page = read
                .run_on(self, ctx, &mut snapshot)
                .map_err(|refusal| refusal.refuse("ExecuteTransaction"))?;
            // Twice what a consistent read costs.
            let units = page.consumed.and_then(|consumed| consumed.capacity_units).unwrap_or_default() * 2.0;
            consumed.add_read(&read.target.name, None, units);
            responses.push(ItemResponse { item: page.items.unwrap_or_default().pop() });
        }
        Ok(ExecuteTransactionOutput {
            responses: Some(responses),
            consumed_capacity: wants.anything().then(|| consumed.told(wants, Told::AsReads)),
        })
    }
}
