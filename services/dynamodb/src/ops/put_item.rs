//! PutItem: puts a whole item in the place of one with its key.

use cloud::{Ctx, Guard, Transact};
use dynamodb_api::op::PutItem;
use dynamodb_api::{PutItemInput, PutItemOutput};
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
    item: Item,
    expressions: Expressions,
    returns_old: bool,
}

impl Transact<PutItem> for DynamoDb {
    type Draft = Draft;

    fn guard(&self, ctx: &Ctx, input: &PutItemInput) -> Result<Guard, ApiError> {
        Ok(table_guard(ctx, &input.table_name))
    }

    fn prepare(&self, _: &Ctx, input: PutItemInput) -> Result<Draft, ApiError> {
        if input.expected.is_some() || input.conditional_operator.is_some() {
            return Err(not_here_yet("The parameter Expected of PutItem"));
        }
        let returns_old = match input.return_values.as_deref() {
            None | Some("NONE") => false,
            Some("ALL_OLD") => true,
            Some(_) => return Err(validation("Return values set to invalid value")),
        };
        let item = item_of(input.item)?;
        item.check().map_err(validation)?;
        let expressions = Expressions {
            condition: input.condition_expression,
            update: None,
            names: input.expression_attribute_names,
            values: values_of(input.expression_attribute_values)?,
        };
        Ok(Draft { table: table_name(&input.table_name), item, expressions, returns_old })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Draft) -> Result<PutItemOutput, ApiError> {
        let table = table(tx, &draft.table)?;
        let key = table.definition.keys.key_of(&draft.item).map_err(validation)?.into_bytes();
        let change = change(ctx, tx, &table, key, &draft.expressions, |_, _| Ok(Some(draft.item.clone())))?;
        let old = change.old.filter(|_| draft.returns_old);
        Ok(PutItemOutput { attributes: old.map(item_to_api), ..Default::default() })
    }
}
