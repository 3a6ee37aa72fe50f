//! DeleteMessage and DeleteMessageBatch: take received messages away.

use std::sync::Arc;

use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use sqs_api::op::{DeleteMessage, DeleteMessageBatch};
use sqs_api::{
    DeleteMessageBatchInput, DeleteMessageBatchOutput, DeleteMessageBatchResultEntry, DeleteMessageInput,
    DeleteMessageOutput,
};
use store::Tx;

use super::{check_batch, failed_entry};
use crate::metrics::publish;
use crate::receipt::Handle;
use crate::timeline::{Standing, Timeline};
use crate::{Sqs, errors, tables};

/// The queue's timeline, and the handles as they were given.
pub(crate) struct Draft<T> {
    timeline: Arc<Timeline>,
    handles: T,
}

impl Transact<DeleteMessage> for Sqs {
    type Draft = Draft<String>;

    fn guard(&self, ctx: &Ctx, input: &DeleteMessageInput) -> Result<Guard, ApiError> {
        self.queue_guard(ctx, &input.queue_url)
    }

    fn prepare(&self, ctx: &Ctx, input: DeleteMessageInput) -> Result<Self::Draft, ApiError> {
        let (_, timeline) = self.open_named(ctx, &input.queue_url)?;
        Ok(Draft { timeline, handles: input.receipt_handle })
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &Self::Draft,
    ) -> Result<DeleteMessageOutput, ApiError> {
        let timeline = &draft.timeline;
        tx.with_scope(&timeline.scope, |tx| timeline.delete(ctx, tx, &draft.handles))?;
        publish(ctx, &timeline.name, "NumberOfMessagesDeleted", 1.0);
        Ok(DeleteMessageOutput {})
    }
}

impl Transact<DeleteMessageBatch> for Sqs {
    type Draft = Draft<Vec<(String, String)>>;

    fn guard(&self, ctx: &Ctx, input: &DeleteMessageBatchInput) -> Result<Guard, ApiError> {
        Ok(self.queue_guard(ctx, &input.queue_url)?.action("sqs:DeleteMessage"))
    }

    fn prepare(&self, ctx: &Ctx, input: DeleteMessageBatchInput) -> Result<Self::Draft, ApiError> {
        check_batch("DeleteMessageBatchRequestEntry", input.entries.iter().map(|entry| entry.id.as_str()))?;
        let handles = input.entries.into_iter().map(|entry| (entry.id, entry.receipt_handle)).collect();
        let (_, timeline) = self.open_named(ctx, &input.queue_url)?;
        Ok(Draft { timeline, handles })
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &Self::Draft,
    ) -> Result<DeleteMessageBatchOutput, ApiError> {
        let mut output = DeleteMessageBatchOutput::default();
        let timeline = &draft.timeline;
        tx.with_scope(&timeline.scope, |tx| {
            for (id, handle) in &draft.handles {
                match timeline.delete(ctx, tx, handle) {
                    Ok(()) => output.successful.push(DeleteMessageBatchResultEntry { id: id.clone() }),
                    // An entry that is wrong fails alone; a store that cannot be read fails the batch.
                    Err(error) if error.status() < 500 => {
                        output.failed.push(failed_entry(id.clone(), &error));
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        })?;
        publish(ctx, &timeline.name, "NumberOfMessagesDeleted", output.successful.len() as f64);
        Ok(output)
    }
}

impl Timeline {
    /// Deletes what a handle names. A handle from before a later receive names nothing, and the message stays.
    fn delete(self: &Arc<Self>, ctx: &Ctx, tx: &mut Tx<'_>, handle: &str) -> Result<(), ApiError> {
        let Handle { place, nonce, receives, .. } = Handle::parse(handle, self.queue)?;
        let now = ctx.now();
        let standing = self.change(|state| {
            state.promote(now);
            state.standing(place, nonce, receives)
        });
        let has_row = match standing {
            Standing::Held { has_row, .. } => has_row,
            // In a FIFO queue the message may be on its way to another consumer already (API Reference,
            // DeleteMessage).
            Standing::Visible { .. } | Standing::Outdated if self.is_fifo => {
                return Err(errors::receipt_has_expired(handle));
            }
            Standing::Visible { has_row } | Standing::Forgotten { has_row } => has_row,
            Standing::Unknown if tables::MESSAGES.contains(tx, &(self.queue, place))? => true,
            Standing::Unknown | Standing::Outdated | Standing::Gone => return Ok(()),
        };
        tables::MESSAGES.delete(tx, &(self.queue, place));
        if has_row {
            tables::RECEIPTS.delete(tx, &(self.queue, place));
        }
        self.change(|state| state.mark_leaving(place));
        let timeline = Arc::clone(self);
        tx.after_commit(move || timeline.change(|state| state.leave(place)));
        Ok(())
    }
}
