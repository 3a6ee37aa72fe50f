//! DeleteQueue: takes a queue away. Its messages are out of reach at once, and a job removes them.

use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use sqs_api::op::DeleteQueue;
use sqs_api::{DeleteQueueInput, DeleteQueueOutput};
use store::Tx;

use super::Target;
use crate::tables::Deletion;
use crate::{Sqs, jobs, tables};

impl Transact<DeleteQueue> for Sqs {
    type Draft = Target;

    fn guard(&self, ctx: &Ctx, input: &DeleteQueueInput) -> Result<Guard, ApiError> {
        self.queue_guard(ctx, &input.queue_url)
    }

    fn prepare(&self, ctx: &Ctx, input: DeleteQueueInput) -> Result<Target, ApiError> {
        let target = Target::parse(ctx, &input.queue_url)?;
        self.open(&target)?;
        Ok(target)
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, target: &Target) -> Result<DeleteQueueOutput, ApiError> {
        tx.with_scope(&target.scope, |tx| {
            let queue = target.find(tx)?;
            let timeline = self.timeline(target, &queue)?;
            tables::QUEUES.delete(tx, &queue.name);
            tables::DELETED.put(tx, &queue.name, &Deletion { at: ctx.now() });
            jobs::removal::schedule(ctx, tx, target, &queue);
            self.forget_queues(tx);
            let timelines = self.timelines.clone();
            tx.after_commit(move || {
                timelines.remove(timeline.queue);
                // A receiver that waits learns that its queue is gone.
                timeline.close();
            });
            Ok::<_, ApiError>(())
        })?;
        ctx.cloud().architecture().forget(&target.arn(ctx));
        Ok(DeleteQueueOutput {})
    }
}
