//! ChangeMessageVisibility and its batch: hide a received message for longer, or show it at once.

use std::time::Duration;

use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use sqs_api::op::{ChangeMessageVisibility, ChangeMessageVisibilityBatch};
use sqs_api::{
    ChangeMessageVisibilityBatchInput, ChangeMessageVisibilityBatchOutput,
    ChangeMessageVisibilityBatchResultEntry, ChangeMessageVisibilityInput, ChangeMessageVisibilityOutput,
};
use store::Tx;

use super::delete_message::locate;
use super::{Target, arrivals_topic, check_batch, failed_entry};
use crate::queue::{MAXIMUM_VISIBILITY_SECONDS, Queue};
use crate::receipt::Receipt;
use crate::tables::Moved;
use crate::{Sqs, errors, tables};

pub(crate) struct Change {
    handle: String,
    timeout: Result<Duration, ApiError>,
}

pub(crate) struct BatchDraft {
    target: Target,
    entries: Vec<(String, Change)>,
}

impl Transact<ChangeMessageVisibility> for Sqs {
    type Draft = (Target, Change);

    fn guard(&self, ctx: &Ctx, input: &ChangeMessageVisibilityInput) -> Result<Guard, ApiError> {
        self.queue_guard(ctx, &input.queue_url)
    }

    fn prepare(&self, ctx: &Ctx, input: ChangeMessageVisibilityInput) -> Result<Self::Draft, ApiError> {
        let change =
            Change { handle: input.receipt_handle, timeout: timeout(Some(input.visibility_timeout)) };
        Ok((Target::parse(ctx, &input.queue_url)?, change))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (target, change): &Self::Draft,
    ) -> Result<ChangeMessageVisibilityOutput, ApiError> {
        tx.with_scope(&target.scope, |tx| {
            let queue = self.queue(tx, target)?;
            self.change(ctx, tx, &queue, change)
        })?;
        Ok(ChangeMessageVisibilityOutput {})
    }
}

impl Transact<ChangeMessageVisibilityBatch> for Sqs {
    type Draft = BatchDraft;

    fn guard(&self, ctx: &Ctx, input: &ChangeMessageVisibilityBatchInput) -> Result<Guard, ApiError> {
        Ok(self.queue_guard(ctx, &input.queue_url)?.action("sqs:ChangeMessageVisibility"))
    }

    fn prepare(&self, ctx: &Ctx, input: ChangeMessageVisibilityBatchInput) -> Result<BatchDraft, ApiError> {
        let ids = input.entries.iter().map(|entry| entry.id.as_str());
        check_batch("ChangeMessageVisibilityBatchRequestEntry", ids)?;
        let entries = input
            .entries
            .into_iter()
            .map(|entry| {
                let timeout = timeout(entry.visibility_timeout);
                (entry.id, Change { handle: entry.receipt_handle, timeout })
            })
            .collect();
        Ok(BatchDraft { target: Target::parse(ctx, &input.queue_url)?, entries })
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &BatchDraft,
    ) -> Result<ChangeMessageVisibilityBatchOutput, ApiError> {
        let mut output = ChangeMessageVisibilityBatchOutput::default();
        tx.with_scope(&draft.target.scope, |tx| {
            let queue = self.queue(tx, &draft.target)?;
            for (id, change) in &draft.entries {
                match self.change(ctx, tx, &queue, change) {
                    Ok(()) => {
                        output.successful.push(ChangeMessageVisibilityBatchResultEntry { id: id.clone() });
                    }
                    Err(error) => output.failed.push(failed_entry(id.clone(), &error)),
                }
            }
            Ok::<_, ApiError>(())
        })?;
        Ok(output)
    }
}

impl Sqs {
    fn change(&self, ctx: &Ctx, tx: &mut Tx<'_>, queue: &Queue, change: &Change) -> Result<(), ApiError> {
        let timeout = change.timeout.clone()?;
        let receipt = Receipt::parse(&change.handle)?;
        if receipt.queue != queue.id {
            return Err(errors::invalid_receipt_handle(&change.handle));
        }
        let now = ctx.now();
        let (visible_at, mut message) = match locate(tx, receipt)? {
            Some(found) if found.0 > now => found,
            _ => return Err(errors::message_not_in_flight()),
        };
        message.has_moved = true;
        let moved = Moved { from: receipt.visible_at, to: now + timeout };
        tables::MESSAGES.delete(tx, &(queue.id, visible_at, receipt.place));
        self.place(tx, queue.id, moved.to, receipt.place, &message);
        tables::MOVED.put(tx, &(queue.id, receipt.place), &moved);
        tx.announce(&arrivals_topic(queue.id));
        Ok(())
    }
}

fn timeout(seconds: Option<i32>) -> Result<Duration, ApiError> {
    let seconds = i64::from(seconds.unwrap_or(0));
    if (0..=MAXIMUM_VISIBILITY_SECONDS).contains(&seconds) {
        return Ok(Duration::from_secs(seconds.unsigned_abs()));
    }
    Err(errors::out_of_range("VisibilityTimeout", seconds, 0, MAXIMUM_VISIBILITY_SECONDS))
}
