//! What PutItem, UpdateItem and DeleteItem have in common: one write, and what is told of it.

use cloud::Ctx;
use dynamodb_api::{ConsumedCapacity, ItemCollectionMetrics};
use shapes::ApiError;
use store::Tx;

use crate::DynamoDb;
use crate::consumed::Wants;
use crate::item::Item;
use crate::write::{WantsMetrics, WriteDraft, collection_metrics};

pub(crate) struct Draft {
    pub write: WriteDraft,
    pub wants: Wants,
    pub metrics: WantsMetrics,
}

/// The members that all three answers have.
pub(crate) struct Answer {
    pub attributes: Option<Item>,
    pub consumed: Option<ConsumedCapacity>,
    pub metrics: Option<ItemCollectionMetrics>,
}

impl Draft {
    pub(crate) fn perform(
        &self,
        service: &DynamoDb,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        operation: &'static str,
    ) -> Result<Answer, ApiError> {
        let written = self.write.perform(service, ctx, tx).map_err(|refusal| refusal.refuse(operation))?;
        let metrics = tx.with_scope(&self.write.target.scope, |tx| {
            collection_metrics(tx, &written.table, self.write.action.key_source(), self.metrics)
        })?;
        Ok(Answer {
            consumed: self.wants.write(&written.table, &written.costs),
            attributes: written.attributes,
            metrics,
        })
    }
}
