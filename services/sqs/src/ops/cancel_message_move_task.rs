//! CancelMessageMoveTask: stops a move; what was moved stays moved.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use shapes::ApiError;
use sqs_api::op::CancelMessageMoveTask;
use sqs_api::{CancelMessageMoveTaskInput, CancelMessageMoveTaskOutput};

use super::start_message_move_task::target_of;
use crate::move_task::{MoveTask, Status};
use crate::{Sqs, errors, jobs};

impl Handle<CancelMessageMoveTask> for Sqs {
    fn guard(&self, ctx: &Ctx, input: &CancelMessageMoveTaskInput) -> Result<Guard, ApiError> {
        let (_, arn) = parse(&input.task_handle)?;
        self.arn_guard(ctx, "SourceArn", &arn)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: CancelMessageMoveTaskInput,
    ) -> Result<CancelMessageMoveTaskOutput, ApiError> {
        let (id, arn) = parse(&input.task_handle)?;
        let source = target_of(ctx, "SourceArn", &arn)?;
        let moved = ctx
            .store()
            .write(&source.scope.clone(), move |tx| {
                let (key, mut task) =
                    jobs::moving::find(tx, &source, &id)?.ok_or_else(errors::no_such_task)?;
                if !task.is_active() {
                    return Err(errors::task_is_over());
                }
                task.status = Status::Cancelling;
                let moved = task.moved;
                crate::tables::MOVE_TASKS.put(tx, &key, &task);
                Ok(moved)
            })
            .await?;
        Ok(CancelMessageMoveTaskOutput { approximate_number_of_messages_moved: Some(moved) })
    }
}

fn parse(handle: &str) -> Result<(String, String), ApiError> {
    if handle.is_empty() {
        return Err(errors::missing_parameter("TaskHandle"));
    }
    MoveTask::parse_handle(handle).ok_or_else(errors::invalid_task_handle)
}
