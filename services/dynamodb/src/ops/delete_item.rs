//! DeleteItem.

use cloud::{Ctx, Guard, Transact};
use dynamodb_api::op::DeleteItem;
use dynamodb_api::{DeleteItemInput, DeleteItemOutput};
use shapes::ApiError;
use store::Tx;

use super::{table_guard, table_name, values_of};
use crate::DynamoDb;
use crate::attribute::{item_of, item_to_api};
use crate::errors::{not_here_yet, validation};
use crate::item::Item;
use crate::write::{Expressions, change, table};

pub(crate) struct Draft {
    table: String,
    key: Item,
    expressions: Expressions,
    returns_old: bool,
}

impl Transact<DeleteItem> for DynamoDb {
    type Draft = Draft;

    fn guard(&self, ctx: &Ctx, input: &DeleteItemInput) -> Result<Guard, ApiError> {
        Ok(table_guard(ctx, &input.table_name))
    }

    fn prepare(&self, _: &Ctx, input: DeleteItemInput) -> Result<Draft, ApiError> {
        if input.expected.is_some() || input.conditional_operator.is_some() {
            return Err(not_here_yet("The parameter Expected of DeleteItem"));
        }
        let returns_old = match input.return_values.as_deref() {
            None | Some("NONE") => false,
            Some("ALL_OLD") => true,
            Some(_) => return Err(validation("Return values set to invalid value")),
        };
        let expressions = Expressions {
            condition: input.condition_expression,
            update: None,
            names: input.expression_attribute_names,
            values: values_of(input.expression_attribute_values)?,
        };
        Ok(Draft { table: table_name(&input.table_name), key: item_of(input.key)?, expressions, returns_old })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Draft) -> Result<DeleteItemOutput, ApiError> {
        let table = table(tx, &draft.table)?;
        let key = table.definition.keys.exact_key(&draft.key).map_err(validation)?.into_bytes();
        let change = change(ctx, tx, &table, key, &draft.expressions, |_, _| Ok(None))?;
        let old = change.old.filter(|_| draft.returns_old);
        Ok(DeleteItemOutput { attributes: old.map(item_to_api), ..Default::default() })
    }
}
