//! PutItem, UpdateItem and DeleteItem: to DynamoDB first, and then into the item cache.

use dax_wire::{Answer, Encoder, Expressions, Options, Page, decode_key, encode_value};
use dynamodb_api::op::{DeleteItem, PutItem, UpdateItem};
use dynamodb_api::{DeleteItemInput, PutItemInput, UpdateItemInput};
use shapes::ApiError;

use super::read::original;
use super::{Item, Refused, Session};
use crate::cache::Made;
use crate::serving::TableFacts;

impl Session<'_> {
    pub(super) async fn put_item(
        &self,
        table: &str,
        key: &[u8],
        values: &[u8],
        options: &Options<'_>,
    ) -> Result<Vec<u8>, Refused> {
        self.check_write("dax:PutItem", options)?;
        let table = self.serving.table(table).await?;
        let item = self.decoded(&table, key, values)?;
        let made = Made::now(self.ctx.cloud().copies(), original(&table, &item));
        let mut expressions = Expressions::default();
        let condition = condition(&mut expressions, options)?;
        let (names, given) = expressions.placeholders();
        let output = self
            .role()?
            .call::<PutItem>(PutItemInput {
                table_name: table.name.clone(),
                item,
                condition_expression: condition,
                expression_attribute_names: names,
                expression_attribute_values: given,
                return_values: options.return_values.map(str::to_owned),
                return_consumed_capacity: options.capacity.map(str::to_owned),
                return_item_collection_metrics: options.metrics.map(str::to_owned),
                ..PutItemInput::default()
            })
            .await?;
        self.keep_written(&table, key, Some(values.to_vec()), made)?;
        let attributes = self.returned(&table, options, output.attributes.as_ref()).await?;
        let (consumed, metrics) = (output.consumed_capacity, output.item_collection_metrics);
        Ok(Answer::page(&Page { attributes, consumed, metrics, ..Page::default() })?.into_bytes())
    }

    pub(super) async fn delete_item(
        &self,
        table: &str,
        key: &[u8],
        options: &Options<'_>,
    ) -> Result<Vec<u8>, Refused> {
        self.check_write("dax:DeleteItem", options)?;
        let table = self.serving.table(table).await?;
        let decoded = decode_key(&table.keys, key)?;
        let made = Made::now(self.ctx.cloud().copies(), original(&table, &decoded));
        let mut expressions = Expressions::default();
        let condition = condition(&mut expressions, options)?;
        let (names, given) = expressions.placeholders();
        let output = self
            .role()?
            .call::<DeleteItem>(DeleteItemInput {
                table_name: table.name.clone(),
                key: decoded,
                condition_expression: condition,
                expression_attribute_names: names,
                expression_attribute_values: given,
                return_values: options.return_values.map(str::to_owned),
                return_consumed_capacity: options.capacity.map(str::to_owned),
                return_item_collection_metrics: options.metrics.map(str::to_owned),
                ..DeleteItemInput::default()
            })
            .await?;
        self.keep_written(&table, key, None, made)?;
        let attributes = self.returned(&table, options, output.attributes.as_ref()).await?;
        let (consumed, metrics) = (output.consumed_capacity, output.item_collection_metrics);
        Ok(Answer::page(&Page { attributes, consumed, metrics, ..Page::default() })?.into_bytes())
    }

    pub(super) async fn update_item(
        &self,
        table: &str,
        key: &[u8],
        options: &Options<'_>,
    ) -> Result<Vec<u8>, Refused> {
        self.check_write("dax:UpdateItem", options)?;
        let table = self.serving.table(table).await?;
        let decoded = decode_key(&table.keys, key)?;
        let made = Made::now(self.ctx.cloud().copies(), original(&table, &decoded));
        let mut expressions = Expressions::default();
        let update = options.update.map(|update| expressions.update(update)).transpose()?;
        let condition = condition(&mut expressions, options)?;
        let (names, given) = expressions.placeholders();
        let wants_nothing = matches!(options.return_values, None | Some("NONE"));
        // The whole item is what the cache takes; who asked for a part of it gets that part instead.
        let returns = if wants_nothing { Some("ALL_NEW") } else { options.return_values };
        let output = self
            .role()?
            .call::<UpdateItem>(UpdateItemInput {
                table_name: table.name.clone(),
                key: decoded,
                update_expression: update,
                condition_expression: condition,
                expression_attribute_names: names,
                expression_attribute_values: given,
                return_values: returns.map(str::to_owned),
                return_consumed_capacity: options.capacity.map(str::to_owned),
                return_item_collection_metrics: options.metrics.map(str::to_owned),
                ..UpdateItemInput::default()
            })
            .await?;
        if let (Some("ALL_NEW"), Some(item)) = (returns, &output.attributes) {
            let encoded = self.encoded(&table, item).await?;
            self.keep_written(&table, key, Some(encoded), made)?;
        }
        let shown = output.attributes.as_ref().filter(|_| !wants_nothing);
        let attributes = self.returned(&table, options, shown).await?;
        let (consumed, metrics) = (output.consumed_capacity, output.item_collection_metrics);
        Ok(Answer::page(&Page { attributes, consumed, metrics, ..Page::default() })?.into_bytes())
    }

    /// A write with a condition asks for ConditionCheckItem as well.
    fn check_write(&self, action: &'static str, options: &Options<'_>) -> Result<(), ApiError> {
        self.check(action)?;
        if options.condition.is_some() { self.check("dax:ConditionCheckItem") } else { Ok(()) }
    }

    /// Puts what was just written into the cache, unless somebody else wrote meanwhile.
    pub(super) fn keep_written(
        &self,
        table: &TableFacts,
        key: &[u8],
        attributes: Option<Vec<u8>>,
        before: Made,
    ) -> Result<(), Refused> {
        match before.next(self.ctx.cloud().copies()) {
            Some(made) => self.keep(table, key, attributes, made),
            None => Ok(()),
        }
    }

    /// Attributes that a write returns: whole items by their list, parts of them by their places in the list.
    async fn returned(
        &self,
        table: &TableFacts,
        options: &Options<'_>,
        item: Option<&Item>,
    ) -> Result<Option<Vec<u8>>, Refused> {
        let Some(item) = item else { return Ok(None) };
        if !matches!(options.return_values, Some("UPDATED_OLD" | "UPDATED_NEW")) {
            return self.encoded(table, item).await.map(Some);
        }
        let names: Vec<String> = item.keys().cloned().collect();
        let id = self.dax.lists.id(self.ctx.cloud(), &self.serving.name, names).await?;
        let mut encoder = Encoder::default();
        encoder.integer(id);
        encoder.open_map();
        for (ordinal, value) in item.values().enumerate() {
            encoder.integer(ordinal as i64);
            encode_value(&mut encoder, value)?;
        }
        encoder.end();
        Ok(Some(encoder.0))
    }
}

pub(super) fn condition(
    expressions: &mut Expressions,
    options: &Options<'_>,
) -> Result<Option<String>, Refused> {
    Ok(options.condition.map(|condition| expressions.condition(condition)).transpose()?)
}
