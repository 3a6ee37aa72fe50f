//! UpdateJobPriority, UpdateJobStatus.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3control_api::op::{UpdateJobPriority, UpdateJobStatus};
use s3control_api::{
    UpdateJobPriorityInput, UpdateJobPriorityOutput, UpdateJobStatusInput, UpdateJobStatusOutput,
};
use shapes::ApiError;

use super::batch_job::{find, guard};
use super::check_account;
use crate::batch::job::Status;
use crate::{S3, batch, errors, tables};

impl Handle<UpdateJobPriority> for S3 {
    fn guard(&self, ctx: &Ctx, input: &UpdateJobPriorityInput) -> Result<Guard, ApiError> {
        let guard = guard(ctx, &input.job_id, "s3:UpdateJobPriority");
        Ok(guard.with("s3:RequestJobPriority", vec![input.priority.to_string()]))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: UpdateJobPriorityInput,
    ) -> Result<UpdateJobPriorityOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        if input.priority < 0 {
            return Err(errors::bad_request("Priority must be zero or a positive integer"));
        }
        let (s3, own, job_id, priority) =
            (Arc::clone(self), ctx.clone(), input.job_id.clone(), input.priority);
        self.write(move |tx| {
            let mut job = find(tx, &own, &job_id)?;
            if job.status.is_ending() {
                return Err(errors::bad_request("The priority of a job that has ended cannot be changed"));
            }
            job.priority = priority;
            let was_paused = job.status == Status::Paused;
            if was_paused {
                job.become_status(Status::Ready, own.now());
            }
            tables::BATCH_JOBS.put(tx, &job.place(), &job);
            if was_paused {
                batch::wake(tx, &s3, &job)?;
            }
            // Others may be the more important ones now.
            batch::wake_paused(tx, &s3, &job)
        })
        .await?;
        Ok(UpdateJobPriorityOutput { job_id: input.job_id, priority: input.priority })
    }
}

impl Handle<UpdateJobStatus> for S3 {
    fn guard(&self, ctx: &Ctx, input: &UpdateJobStatusInput) -> Result<Guard, ApiError> {
        let guard = guard(ctx, &input.job_id, "s3:UpdateJobStatus");
        let found = find(&mut self.read()?, ctx, &input.job_id).ok();
        let cause = found.filter(|job| job.status == Status::Suspended);
        Ok(match cause {
            Some(_) => guard.with("s3:JobSuspendedCause", vec!["AWAITING_CONFIRMATION".to_owned()]),
            None => guard,
        })
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: UpdateJobStatusInput,
    ) -> Result<UpdateJobStatusOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let (s3, own) = (Arc::clone(self), ctx.clone());
        let job = self
            .write(move |tx| {
                let mut job = find(tx, &own, &input.job_id)?;
                // A job that waits has no timer that would take it further.
                let waits = matches!(job.status, Status::Suspended | Status::Paused);
                match (input.requested_job_status.as_str(), job.status) {
                    ("Ready", Status::Suspended) => job.become_status(Status::Ready, own.now()),
                    ("Cancelled", status) if !status.is_ending() => {
                        job.become_status(Status::Cancelling, own.now());
                    }
                    (wanted, status) => {
                        let message = format!("A job that is {} cannot become {wanted}", status.name());
                        return Err(errors::job_status(message));
                    }
                }
                job.status_reason.clone_from(&input.status_update_reason);
                tables::BATCH_JOBS.put(tx, &job.place(), &job);
                if waits {
                    batch::wake(tx, &s3, &job)?;
                }
                Ok(job)
            })
            .await?;
        Ok(UpdateJobStatusOutput {
            job_id: Some(job.id),
            status: Some(job.status.name().to_owned()),
            status_update_reason: job.status_reason,
        })
    }
}
