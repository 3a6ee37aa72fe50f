//! BatchExecuteStatement: up to 25 PartiQL statements, each for itself. Writes share one commit; one that fails changes
//! nothing.

use std::any::Any;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::BatchExecuteStatement;
use dynamodb_api::{
    BatchExecuteStatementInput, BatchExecuteStatementOutput, BatchStatementError, BatchStatementResponse,
    ConditionalCheckFailedException,
};
use shapes::ApiError;

use super::execute_statement::{as_statements, statement};
use crate::DynamoDb;
use crate::attribute::{ApiItem, item_to_api};
use crate::consumed::{Consumed, Told, Wants};
use crate::errors::validation;
use crate::partiql::Statement;
use crate::partiql::plan::Reading;
use crate::throttle::Refusal;
use crate::write::{Costs, WriteDraft};

type Outcome = Result<(Option<ApiItem>, String, Costs), Refusal>;

impl Handle<BatchExecuteStatement> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &BatchExecuteStatementInput) -> Result<Guard, ApiError> {
        let mut whole: Option<Guard> = None;
        for part in &input.statements {
            // A statement that cannot be read fails alone, and does nothing.
            let Ok(statement) = statement(&part.statement, part.parameters.clone()) else { continue };
            let guard = self.statement_guard(ctx, &statement)?;
            whole = Some(match whole {
                None => guard,
                Some(whole) => whole.and(guard),
            });
        }
        Ok(whole.unwrap_or_else(Guard::open))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: BatchExecuteStatementInput,
    ) -> Result<BatchExecuteStatementOutput, ApiError> {
        let wants = Wants::parse(input.return_consumed_capacity.as_deref());
        let mut statements = Vec::new();
        for part in input.statements {
            let shows_item = part.return_values_on_condition_check_failure.as_deref() == Some("ALL_OLD");
            let parsed = statement(&part.statement, part.parameters);
            statements.push((parsed, part.consistent_read == Some(true), shows_item));
        }
        let reads = |is_read: bool| {
            let mut parsed = statements.iter().filter_map(|(parsed, ..)| parsed.as_ref().ok());
            parsed.any(|statement| statement.is_read() == is_read)
        };
        if reads(true) && reads(false) {
            return Err(validation(
                "Statements in the batch must be either all read statements or all write statements",
            ));
        }
        let outcomes = if reads(true) {
            self.read_batch(ctx, statements)
        } else {
            self.write_batch(ctx, statements).await?
        };
        let mut consumed = Consumed::default();
        let mut throttled = Vec::new();
        let count = outcomes.len();
        let responses = outcomes.into_iter().map(|(table, outcome)| match outcome {
            Ok((item, table, costs)) => {
                consumed.add(&table, &costs);
                BatchStatementResponse { item, table_name: Some(table), ..Default::default() }
            }
            Err(refusal) => {
                let error = Some(batch_error(&refusal));
                if let Refusal::Throttled(refused) = refusal {
                    throttled.push(refused);
                }
                BatchStatementResponse { table_name: table, error, ..Default::default() }
            }
        });
        let responses: Vec<_> = responses.collect();
        if let Some(refused) = throttled.first().filter(|_| throttled.len() == count) {
            refused.refuse("BatchExecuteStatement");
        }
        Ok(BatchExecuteStatementOutput {
            responses: Some(responses),
            consumed_capacity: wants.anything().then(|| consumed.told(wants, Told::Plain)),
        })
    }
}

type Parsed = (Result<Statement, ApiError>, bool, bool);
/// By the table that a statement names.
type Outcomes = Vec<(Option<String>, Outcome)>;

fn table_of(parsed: &Parsed) -> Option<String> {
    parsed.0.as_ref().ok().map(|statement| statement.action().1.to_owned())
}

impl DynamoDb {
    fn read_batch(&self, ctx: &Ctx, statements: Vec<Parsed>) -> Outcomes {
        let read = |parsed: Result<Statement, ApiError>, is_consistent: bool| {
            let Statement::Select(select) = parsed? else {
                return Err(validation("Only SELECT statements read").into());
            };
            select.check_single(self, ctx)?;
            let reading = Reading { limit: None, is_consistent, wants: Wants::Total };
            let page = select.read(self, ctx, &reading)?.run(self, ctx)?;
            let units = page.consumed.and_then(|consumed| consumed.capacity_units).unwrap_or_default();
            let item = page.items.unwrap_or_default().pop();
            Ok((item, select.table, Costs { table: units, indexes: Vec::new() }))
        };
        statements.into_iter().map(|parsed| (table_of(&parsed), read(parsed.0, parsed.1))).collect()
    }

    async fn write_batch(self: &Arc<Self>, ctx: &Ctx, statements: Vec<Parsed>) -> Result<Outcomes, ApiError> {
        let mut drafts = Vec::with_capacity(statements.len());
        for parsed in statements {
            let table = table_of(&parsed);
            let draft = parsed.0.and_then(|statement| {
                let write = statement.write(self, ctx)?;
                let write = write.filter(|_| !matches!(statement, Statement::Exists(_)));
                let write = write.ok_or_else(|| validation("EXISTS can only be used in a transaction"))?;
                let write = WriteDraft { counts: true, shows_item: parsed.2, ..write };
                Ok((statement, write))
            });
            drafts.push((table, draft));
        }
        let (service, own) = (Arc::clone(self), ctx.clone());
        ctx.write(move |tx| {
            let mut outcomes = Vec::with_capacity(drafts.len());
            for (table, draft) in &drafts {
                let outcome = match draft {
                    Err(error) => Err(error.clone().into()),
                    Ok((statement, write)) => match write.perform(&service, &own, tx) {
                        Ok(written) => Ok((
                            written.attributes.map(item_to_api),
                            written.table.name().to_owned(),
                            written.costs,
                        )),
                        Err(Refusal::Other(error)) if error.status() >= 500 => return Err(error),
                        Err(Refusal::Other(error)) => Err(as_statements(statement, error).into()),
                        Err(throttled) => Err(throttled),
                    },
                };
                outcomes.push((table.clone(), outcome));
            }
            Ok(outcomes)
        })
        .await
    }
}

fn batch_error(refusal: &Refusal) -> BatchStatementError {
    let error = match refusal {
        Refusal::Throttled(throttled) => {
            return BatchStatementError {
                code: Some(throttled.code().to_owned()),
                message: Some(throttled.message().to_owned()),
                item: None,
            };
        }
        Refusal::Other(error) => error,
    };
    let code = match error.name() {
        "ConditionalCheckFailedException" => "ConditionalCheckFailed",
        "ItemCollectionSizeLimitExceededException" => "ItemCollectionSizeLimitExceeded",
        "ValidationException" => "ValidationError",
        "ResourceNotFoundException" => "ResourceNotFound",
        "DuplicateItemException" => "DuplicateItem",
        "AccessDeniedException" => "AccessDenied",
        _ => "InternalServerError",
    };
    let detail = error.detail().and_then(|detail| {
        let detail: &dyn Any = detail;
        detail.downcast_ref::<ConditionalCheckFailedException>()
    });
    BatchStatementError {
        code: Some(code.to_owned()),
        message: Some(error.message().to_owned()),
        item: detail.and_then(|detail| detail.item.clone()),
    }
}
