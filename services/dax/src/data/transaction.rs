//! Transactions pass through: what they read is not kept, and what they write makes copies old.

use std::sync::Arc;

use dax_wire::{
    Answer, Expressions, Options, Projection, TransactionGet, TransactionWrite, WriteKind, decode_key,
};
use dynamodb_api::op::{TransactGetItems, TransactWriteItems};
use dynamodb_api::{
    ConditionCheck, Delete, Get, Put, TransactGetItem, TransactGetItemsInput, TransactWriteItem,
    TransactWriteItemsInput, Update,
};

use super::{Refused, Session, validation};

impl Session<'_> {
    pub(super) async fn transact_get_items(
        &self,
        gets: Vec<TransactionGet<'_>>,
        options: &Options<'_>,
    ) -> Result<Vec<u8>, Refused> {
        self.check("dax:GetItem")?;
        let (mut items, mut tables, mut projections) = (Vec::new(), Vec::new(), Vec::new());
        for get in &gets {
            let table = self.serving.table(get.table).await?;
            let mut expressions = Expressions::default();
            let projection = get.projection.map(Projection::parse).transpose()?;
            let text = projection.as_ref().map(|projection| expressions.projection(projection));
            let get = Get {
                table_name: table.name.clone(),
                key: decode_key(&table.keys, get.key)?,
                projection_expression: text,
                expression_attribute_names: expressions.placeholders().0,
            };
            items.push(TransactGetItem { get });
            tables.push(table);
            projections.push(projection);
        }
        let input = TransactGetItemsInput {
            transact_items: items,
            return_consumed_capacity: options.capacity.map(str::to_owned),
        };
        let output = match self.role()?.call::<TransactGetItems>(input).await {
            Ok(output) => output,
            Err(error) => return Err(self.cancelled(error, &tables).await),
        };
        let responses = output.responses.unwrap_or_default();
        let mut answer = Answer::success();
        answer.0.array(2);
        answer.0.array(responses.len());
        for (index, response) in responses.iter().enumerate() {
            match (&response.item, projections.get(index)) {
                (Some(item), Some(Some(projection))) => answer.raw(&projection.encode(item, true)?),
                (Some(item), Some(None)) => {
                    let attributes = self.encoded(&tables[index], item).await?;
                    answer.0.bytes(&attributes);
                }
                _ => answer.0.null(),
            }
        }
        answer.write_consumed_in_transaction(output.consumed_capacity.as_deref().unwrap_or_default());
        Ok(answer.into_bytes())
    }

    pub(super) async fn transact_write_items(
        &self,
        writes: Vec<TransactionWrite<'_>>,
        options: &Options<'_>,
    ) -> Result<Vec<u8>, Refused> {
        let (mut items, mut tables) = (Vec::new(), Vec::new());
        for write in &writes {
            self.check(match write.kind {
                WriteKind::Put => "dax:PutItem",
                WriteKind::Delete => "dax:DeleteItem",
                WriteKind::Update => "dax:UpdateItem",
                WriteKind::Check => "dax:ConditionCheckItem",
            })?;
            let table = self.serving.table(write.table).await?;
            items.push(self.transaction_item(&table, write)?);
            tables.push(Arc::clone(&table));
        }
        let input = TransactWriteItemsInput {
            transact_items: items,
            client_request_token: options.token.map(str::to_owned),
            return_consumed_capacity: options.capacity.map(str::to_owned),
            return_item_collection_metrics: options.metrics.map(str::to_owned),
        };
        let output = match self.role()?.call::<TransactWriteItems>(input).await {
            Ok(output) => output,
            Err(error) => return Err(self.cancelled(error, &tables).await),
        };
        let mut answer = Answer::success();
        answer.0.array(3);
        answer.0.array(0);
        answer.write_consumed_in_transaction(output.consumed_capacity.as_deref().unwrap_or_default());
        answer.write_metrics(output.item_collection_metrics.as_ref())?;
        Ok(answer.into_bytes())
    }

    fn transaction_item(
        &self,
        table: &crate::serving::TableFacts,
        write: &TransactionWrite<'_>,
    ) -> Result<TransactWriteItem, Refused> {
        let mut expressions = Expressions::default();
        let update = write.update.map(|update| expressions.update(update)).transpose()?;
        let condition = write.condition.map(|condition| expressions.condition(condition)).transpose()?;
        let (expression_attribute_names, expression_attribute_values) = expressions.placeholders();
        let table_name = table.name.clone();
        let return_values_on_condition_check_failure = write.shows_item.then(|| "ALL_OLD".to_owned());
        let missing = |what: &str| validation(format!("A transaction's item has no {what}"));
        let mut item = TransactWriteItem::default();
        match write.kind {
            WriteKind::Put => {
                let values = write.values.ok_or_else(|| missing("item"))?;
                item.put = Some(Put {
                    item: self.decoded(table, write.key, values)?,
                    condition_expression: condition,
                    expression_attribute_names,
                    expression_attribute_values,
                    return_values_on_condition_check_failure,
                    table_name,
                });
            }
            WriteKind::Delete => {
                item.delete = Some(Delete {
                    key: decode_key(&table.keys, write.key)?,
                    condition_expression: condition,
                    expression_attribute_names,
                    expression_attribute_values,
                    return_values_on_condition_check_failure,
                    table_name,
                });
            }
            WriteKind::Update => {
                item.update = Some(Update {
                    key: decode_key(&table.keys, write.key)?,
                    update_expression: update.ok_or_else(|| missing("update"))?,
                    condition_expression: condition,
                    expression_attribute_names,
                    expression_attribute_values,
                    return_values_on_condition_check_failure,
                    table_name,
                });
            }
            WriteKind::Check => {
                item.condition_check = Some(ConditionCheck {
                    key: decode_key(&table.keys, write.key)?,
                    condition_expression: condition.ok_or_else(|| missing("condition"))?,
                    expression_attribute_names,
                    expression_attribute_values,
                    return_values_on_condition_check_failure,
                    table_name,
                });
            }
        }
        Ok(item)
    }
}
