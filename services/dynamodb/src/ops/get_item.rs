//! GetItem.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::GetItem;
use dynamodb_api::{GetItemInput, GetItemOutput};
use shapes::ApiError;
use store::Tail;

use super::{table_guard, table_name};
use crate::DynamoDb;
use crate::attribute::{item_of, item_to_api};
use crate::errors::{not_here_yet, table_not_found, validation};
use crate::expression::Projection;
use crate::tables::{ITEMS, TABLES};
use crate::write::Expressions;

impl Handle<GetItem> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &GetItemInput) -> Result<Guard, ApiError> {
        Ok(table_guard(ctx, &input.table_name))
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: GetItemInput) -> Result<GetItemOutput, ApiError> {
        if input.attributes_to_get.is_some() {
            return Err(not_here_yet("The parameter AttributesToGet of GetItem"));
        }
        let key = item_of(input.key)?;
        let mut snapshot = ctx.read()?;
        let table =
            TABLES.find(&mut snapshot, &table_name(&input.table_name))?.ok_or_else(table_not_found)?;
        let key = table.definition.keys.exact_key(&key).map_err(validation)?.into_bytes();
        let expressions = Expressions { names: input.expression_attribute_names, ..Expressions::default() };
        let placeholders = expressions.placeholders()?;
        let projection = input.projection_expression.as_ref();
        let projection =
            projection.map(|text| Projection::parse(text, &placeholders)).transpose().map_err(validation)?;
        placeholders.check_used().map_err(validation)?;
        let found = ITEMS.find(&mut snapshot, &(table.id, Tail(key)))?.map(|stored| stored.0);
        let item = match projection {
            Some(projection) => found.map(|item| projection.project(&item)),
            None => found,
        };
        Ok(GetItemOutput { item: item.map(item_to_api), ..Default::default() })
    }
}
