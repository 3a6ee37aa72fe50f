//! StartMessageMoveTask: has dead letters moved back to where they came from, or to another queue.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use shapes::ApiError;
use sqs_api::op::StartMessageMoveTask;
use sqs_api::{StartMessageMoveTaskInput, StartMessageMoveTaskOutput};
use store::{Order, Range, Reader};

use super::Target;
use crate::move_task::{FASTEST, MoveTask, Status};
use crate::{Sqs, errors, jobs, tables};

impl Handle<StartMessageMoveTask> for Sqs {
    /// Whoever moves messages receives, deletes and sends them (API Reference, StartMessageMoveTask).
    fn guard(&self, ctx: &Ctx, input: &StartMessageMoveTaskInput) -> Result<Guard, ApiError> {
        let source = self.arn_guard(ctx, "SourceArn", &input.source_arn)?;
        let mut guard = source.clone();
        for action in ["sqs:ReceiveMessage", "sqs:DeleteMessage"] {
            guard = guard.and(source.clone().action(action));
        }
        if let Some(destination) = &input.destination_arn {
            let destination = self.arn_guard(ctx, "DestinationArn", destination)?;
            guard = guard.and(destination.action("sqs:SendMessage"));
        }
        Ok(guard)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: StartMessageMoveTaskInput,
    ) -> Result<StartMessageMoveTaskOutput, ApiError> {
        if let Some(rate) = input.max_number_of_messages_per_second
            && !(1..=FASTEST).contains(&rate)
        {
            let name = "MaxNumberOfMessagesPerSecond";
            return Err(errors::out_of_range(name, rate.into(), 1, FASTEST.into()));
        }
        let source = target_of(ctx, "SourceArn", &input.source_arn)?;
        if let Some(arn) = &input.destination_arn {
            self.check_destination(ctx, &source, arn)?;
        }
        let Ok((queue, timeline)) = self.open(&source) else { return Err(errors::no_such_source()) };
        timeline.expire_below(ctx.store(), super::receive_message::expired_below(&queue, ctx.now()))?;
        let task = MoveTask {
            id: ctx.ids().uuid(),
            source_arn: input.source_arn,
            destination_arn: input.destination_arn,
            most_per_second: input.max_number_of_messages_per_second,
            started: ctx.now(),
            status: Status::Running,
            moved: 0,
            to_move: i64::try_from(timeline.change(|state| state.counts().visible)).unwrap_or(i64::MAX),
            failure: None,
        };
        let handle = task.handle();
        let own = ctx.clone();
        ctx.store()
            .write(&source.scope.clone(), move |tx| {
                if !is_dead_letter_queue(tx, &task.source_arn)? {
                    return Err(errors::not_a_dead_letter_queue());
                }
                let earlier = tables::MOVE_TASKS.list(tx, &Range::prefix(&source.url.name), 1)?;
                if earlier.iter().any(|(_, task)| task.is_active()) {
                    return Err(errors::task_is_running());
                }
                jobs::moving::add(&own, tx, &source, &task);
                Ok(())
            })
            .await?;
        Ok(StartMessageMoveTaskOutput { task_handle: Some(handle) })
    }
}

impl Sqs {
    /// The guard of an operation on the queue that an ARN names.
    pub(crate) fn arn_guard(&self, ctx: &Ctx, parameter: &str, arn: &str) -> Result<Guard, ApiError> {
        let target = target_of(ctx, parameter, arn)?;
        self.queue_guard(ctx, &self.queue_url(target.url.account, &target.url.name))
    }

    fn check_destination(&self, ctx: &Ctx, source: &Target, arn: &str) -> Result<(), ApiError> {
        let destination = target_of(ctx, "DestinationArn", arn)?;
        let queue = self.queue(&destination).map_err(|_| errors::no_such_destination())?;
        if destination.scope != source.scope || destination.url == source.url {
            return Err(errors::invalid_destination(arn));
        }
        if queue.attributes.is_fifo() != source.url.name.ends_with(".fifo") {
            return Err(errors::invalid_destination(arn));
        }
        Ok(())
    }
}

/// The queue that an ARN names, which is of this region.
pub(crate) fn target_of(ctx: &Ctx, parameter: &str, arn: &str) -> Result<Target, ApiError> {
    if arn.is_empty() {
        return Err(errors::missing_parameter(parameter));
    }
    let target = Target::of_arn(arn).ok_or_else(|| errors::invalid_arn(parameter, arn))?;
    if target.arn(ctx) == arn { Ok(target) } else { Err(errors::invalid_arn(parameter, arn)) }
}

/// Whether some queue names this one for its dead letters.
fn is_dead_letter_queue(reader: &mut dyn Reader, arn: &str) -> Result<bool, ApiError> {
    let mut is_named = false;
    tables::QUEUES.visit(reader, &Range::all(), Order::Ascending, |_, queue| {
        is_named = queue.attributes.redrive.is_some_and(|redrive| redrive.target_arn == arn);
        if is_named { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(is_named)
}
