//! UpdateItem: changes parts of an item, or makes it.

use cloud::{Ctx, Guard, Transact};
use dynamodb_api::op::UpdateItem;
use dynamodb_api::{UpdateItemInput, UpdateItemOutput};
use shapes::ApiError;
use store::Tx;

use super::{table_guard, table_name, values_of};
use crate::DynamoDb;
use crate::attribute::{item_of, item_to_api};
use crate::errors::{not_here_yet, validation};
use crate::expression::Update;
use crate::item::Item;
use crate::write::{Expressions, change, table};

pub(crate) struct Draft {
    table: String,
    key: Item,
    expressions: Expressions,
    returns: Returns,
}

#[derive(Clone, Copy, PartialEq)]
enum Returns {
    None,
    AllOld,
    UpdatedOld,
    AllNew,
    UpdatedNew,
}

impl Transact<UpdateItem> for DynamoDb {
    type Draft = Draft;

    fn guard(&self, ctx: &Ctx, input: &UpdateItemInput) -> Result<Guard, ApiError> {
        Ok(table_guard(ctx, &input.table_name))
    }

    fn prepare(&self, _: &Ctx, input: UpdateItemInput) -> Result<Draft, ApiError> {
        if input.expected.is_some()
            || input.attribute_updates.is_some()
            || input.conditional_operator.is_some()
        {
            return Err(not_here_yet("A legacy parameter of UpdateItem"));
        }
        let returns = match input.return_values.as_deref() {
            None | Some("NONE") => Returns::None,
            Some("ALL_OLD") => Returns::AllOld,
            Some("UPDATED_OLD") => Returns::UpdatedOld,
            Some("ALL_NEW") => Returns::AllNew,
            Some("UPDATED_NEW") => Returns::UpdatedNew,
            Some(_) => return Err(validation("Return values set to invalid value")),
        };
        let expressions = Expressions {
            condition: input.condition_expression,
            update: input.update_expression,
            names: input.expression_attribute_names,
            values: values_of(input.expression_attribute_values)?,
        };
        Ok(Draft { table: table_name(&input.table_name), key: item_of(input.key)?, expressions, returns })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Draft) -> Result<UpdateItemOutput, ApiError> {
        let table = table(tx, &draft.table)?;
        let keys = &table.definition.keys;
        let key = keys.exact_key(&draft.key).map_err(validation)?.into_bytes();
        let mut parts = (Item::new(), Item::new());
        let change = change(ctx, tx, &table, key, &draft.expressions, |old, placeholders| {
            // An item that is not there begins as its key.
            let before = old.unwrap_or(&draft.key);
            let Some(text) = &draft.expressions.update else { return Ok(Some(before.clone())) };
            let update = Update::parse(text, placeholders).map_err(validation)?;
            keys.check_not_updated(update.touched()).map_err(validation)?;
            let after = update.apply(before).map_err(validation)?;
            after.check_updated().map_err(validation)?;
            parts =
                (old.map_or_else(Item::new, |old| update.touched_parts(old)), update.touched_parts(&after));
            Ok(Some(after))
        })?;
        let attributes = match draft.returns {
            Returns::None => None,
            Returns::AllOld => change.old,
            Returns::AllNew => change.new,
            Returns::UpdatedOld => Some(parts.0),
            Returns::UpdatedNew => Some(parts.1),
        };
        let attributes = attributes.filter(|item| !item.is_empty()).map(item_to_api);
        Ok(UpdateItemOutput { attributes, ..Default::default() })
    }
}
