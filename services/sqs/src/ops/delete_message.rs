//! DeleteMessage and DeleteMessageBatch: take received messages away.

use cloud::{Ctx, Guard, Transact};
use shapes::{ApiError, Timestamp};
use sqs_api::op::{DeleteMessage, DeleteMessageBatch};
use sqs_api::{
    DeleteMessageBatchInput, DeleteMessageBatchOutput, DeleteMessageBatchResultEntry, DeleteMessageInput,
    DeleteMessageOutput,
};
use store::{Reader, Tx};

use super::{Target, check_batch, failed_entry};
use crate::message::Message;
use crate::queue::Queue;
use crate::receipt::Receipt;
use crate::{Sqs, errors, tables};

pub(crate) struct BatchDraft {
    target: Target,
    entries: Vec<(String, String)>,
}

impl Transact<DeleteMessage> for Sqs {
    type Draft = (Target, String);

    fn guard(&self, ctx: &Ctx, input: &DeleteMessageInput) -> Result<Guard, ApiError> {
        self.queue_guard(ctx, &input.queue_url)
    }

    fn prepare(&self, ctx: &Ctx, input: DeleteMessageInput) -> Result<Self::Draft, ApiError> {
        Ok((Target::parse(ctx, &input.queue_url)?, input.receipt_handle))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (target, handle): &Self::Draft,
    ) -> Result<DeleteMessageOutput, ApiError> {
        tx.with_scope(&target.scope, |tx| {
            let queue = self.queue(tx, target)?;
            delete(tx, &queue, handle)
        })?;
        ctx.publish("AWS/SQS", "NumberOfMessagesDeleted", ("QueueName", &target.url.name), 1.0);
        Ok(DeleteMessageOutput {})
    }
}

impl Transact<DeleteMessageBatch> for Sqs {
    type Draft = BatchDraft;

    fn guard(&self, ctx: &Ctx, input: &DeleteMessageBatchInput) -> Result<Guard, ApiError> {
        Ok(self.queue_guard(ctx, &input.queue_url)?.action("sqs:DeleteMessage"))
    }

    fn prepare(&self, ctx: &Ctx, input: DeleteMessageBatchInput) -> Result<BatchDraft, ApiError> {
        check_batch("DeleteMessageBatchRequestEntry", input.entries.iter().map(|entry| entry.id.as_str()))?;
        let entries = input.entries.into_iter().map(|entry| (entry.id, entry.receipt_handle)).collect();
        Ok(BatchDraft { target: Target::parse(ctx, &input.queue_url)?, entries })
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &BatchDraft,
    ) -> Result<DeleteMessageBatchOutput, ApiError> {
        let mut output = DeleteMessageBatchOutput::default();
        tx.with_scope(&draft.target.scope, |tx| {
            let queue = self.queue(tx, &draft.target)?;
            for (id, handle) in &draft.entries {
                match delete(tx, &queue, handle) {
                    Ok(()) => output.successful.push(DeleteMessageBatchResultEntry { id: id.clone() }),
                    Err(error) => output.failed.push(failed_entry(id.clone(), &error)),
                }
            }
            Ok::<_, ApiError>(())
        })?;
        let count = output.successful.len() as f64;
        ctx.publish("AWS/SQS", "NumberOfMessagesDeleted", ("QueueName", &draft.target.url.name), count);
        Ok(output)
    }
}

/// Deletes what a handle names. A handle from before a later receive names nothing, and the message stays.
fn delete(tx: &mut Tx<'_>, queue: &Queue, handle: &str) -> Result<(), ApiError> {
    let receipt = Receipt::parse(handle)?;
    if receipt.queue != queue.id {
        return Err(errors::invalid_receipt_handle(handle));
    }
    if let Some((visible_at, message)) = locate(tx, receipt)? {
        tables::MESSAGES.delete(tx, &(queue.id, visible_at, receipt.place));
        if message.has_moved {
            tables::MOVED.delete(tx, &(queue.id, receipt.place));
        }
    }
    Ok(())
}

/// Where the message lies now that a handle was given for.
pub(crate) fn locate(
    reader: &mut dyn Reader,
    receipt: Receipt,
) -> Result<Option<(Timestamp, Message)>, ApiError> {
    let Receipt { queue, visible_at, place } = receipt;
    if let Some(message) = tables::MESSAGES.find(reader, &(queue, visible_at, place))? {
        return Ok(Some((visible_at, message)));
    }
    match tables::MOVED.find(reader, &(queue, place))? {
        Some(moved) if moved.from == visible_at => {
            let message = tables::MESSAGES.find(reader, &(queue, moved.to, place))?;
            Ok(message.map(|message| (moved.to, message)))
        }
        _ => Ok(None),
    }
}
