//! DeleteQueue: takes a queue and all its messages away.

use std::ops::ControlFlow;

use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use sqs_api::op::DeleteQueue;
use sqs_api::{DeleteQueueInput, DeleteQueueOutput};
use store::{Order, Range, Reader, StoreError, Tx};

use super::Target;
use crate::{Sqs, tables};

impl Transact<DeleteQueue> for Sqs {
    type Draft = Target;

    fn guard(&self, ctx: &Ctx, input: &DeleteQueueInput) -> Result<Guard, ApiError> {
        self.queue_guard(ctx, &input.queue_url)
    }

    fn prepare(&self, ctx: &Ctx, input: DeleteQueueInput) -> Result<Target, ApiError> {
        Target::parse(ctx, &input.queue_url)
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, target: &Target) -> Result<DeleteQueueOutput, ApiError> {
        tx.with_scope(&target.scope, |tx| {
            let queue = target.find(tx)?;
            delete_messages(tx, queue.id)?;
            tables::QUEUES.delete(tx, &queue.name);
            self.queues.forget(tx.scope(), &queue.name);
            // A receiver that waits learns that its queue is gone.
            tx.announce(&super::arrivals_topic(queue.id));
            Ok::<_, ApiError>(())
        })?;
        ctx.cloud().architecture().forget(&target.arn(ctx));
        Ok(DeleteQueueOutput {})
    }
}

/// Takes all messages of a queue away.
pub(crate) fn delete_messages(tx: &mut Tx<'_>, queue: u64) -> Result<(), StoreError> {
    let mut keys = Vec::new();
    tables::MESSAGES.visit(tx, &Range::prefix(&queue), Order::Ascending, |key, _| {
        keys.push(key);
        ControlFlow::Continue(())
    })?;
    for (queue, visible_at, place) in keys {
        tables::MESSAGES.delete(tx, &(queue, visible_at, place));
        tables::MOVED.delete(tx, &(queue, place));
    }
    Ok(())
}
