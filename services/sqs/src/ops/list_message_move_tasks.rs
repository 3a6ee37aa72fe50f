//! ListMessageMoveTasks: the latest moves out of a dead-letter queue, at most ten.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use shapes::ApiError;
use sqs_api::op::ListMessageMoveTasks;
use sqs_api::{ListMessageMoveTasksInput, ListMessageMoveTasksOutput, ListMessageMoveTasksResultEntry};
use store::Range;

use super::start_message_move_task::target_of;
use crate::move_task::{MoveTask, Status};
use crate::{Sqs, errors, tables};

const MOST: i32 = 10;

impl Handle<ListMessageMoveTasks> for Sqs {
    fn guard(&self, ctx: &Ctx, input: &ListMessageMoveTasksInput) -> Result<Guard, ApiError> {
        self.arn_guard(ctx, "SourceArn", &input.source_arn)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListMessageMoveTasksInput,
    ) -> Result<ListMessageMoveTasksOutput, ApiError> {
        let most = input.max_results.unwrap_or(1);
        if !(1..=MOST).contains(&most) {
            return Err(errors::out_of_range("MaxResults", most.into(), 1, MOST.into()));
        }
        let source = target_of(ctx, "SourceArn", &input.source_arn)?;
        if self.queue(&source).is_err() {
            return Err(errors::no_such_source());
        }
        let mut snapshot = ctx.store().read(&source.scope)?;
        let range = Range::prefix(&source.url.name);
        let tasks = tables::MOVE_TASKS.list(&mut snapshot, &range, most.unsigned_abs() as usize)?;
        Ok(ListMessageMoveTasksOutput {
            results: Some(tasks.into_iter().map(|(_, task)| entry(task)).collect()),
        })
    }
}

fn entry(task: MoveTask) -> ListMessageMoveTasksResultEntry {
    ListMessageMoveTasksResultEntry {
        task_handle: (task.status == Status::Running).then(|| task.handle()),
        status: Some(task.status.name().to_owned()),
        source_arn: Some(task.source_arn),
        destination_arn: task.destination_arn,
        max_number_of_messages_per_second: task.most_per_second,
        approximate_number_of_messages_moved: Some(task.moved),
        approximate_number_of_messages_to_move: Some(task.to_move),
        failure_reason: task.failure,
        started_timestamp: Some(task.started.millis()),
    }
}
