//! CreateJob, DescribeJob, ListJobs.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3control_api::op::{CreateJob, DescribeJob, ListJobs};
use s3control_api::{
    CreateJobInput, CreateJobOutput, DescribeJobInput, DescribeJobOutput, JobDescriptor, JobFailure,
    JobListDescriptor, JobManifestLocation, JobProgressSummary, JobReport, JobTimers, ListJobsInput,
    ListJobsOutput, S3GeneratedManifestDescriptor,
};
use shapes::{ApiError, Timestamp};
use store::Reader;

use super::batch_job_tags::check_tags;
use super::check_account;
use crate::batch::job::{BatchJob, Preparation, Report, Status, Token, arn};
use crate::batch::{self, MOST_JOBS};
use crate::{S3, checksum, errors, stored_shape, tables};

const MOST_LISTED: i32 = 1000;
const GENERATED_FORMAT: &str = "S3InventoryReport_CSV_20211130";

/// The guard of an operation on one job.
pub(super) fn guard(ctx: &Ctx, id: &str, action: &'static str) -> Guard {
    Guard::resource(arn(ctx.region().as_str(), ctx.account(), id)).action(action).owned_by(ctx.account())
}

/// The caller's job of this id.
pub(super) fn find(reader: &mut dyn Reader, ctx: &Ctx, id: &str) -> Result<BatchJob, ApiError> {
    let place = (ctx.account().number(), ctx.region().as_str().to_owned(), id.to_owned());
    tables::BATCH_JOBS.find(reader, &place)?.ok_or_else(errors::no_such_job)
}

impl Handle<CreateJob> for S3 {
    fn guard(&self, ctx: &Ctx, input: &CreateJobInput) -> Result<Guard, ApiError> {
        let own = Guard::any().action("s3:CreateJob").owned_by(ctx.account());
        let own = own.with("s3:RequestJobPriority", vec![input.priority.to_string()]);
        let own =
            own.with("s3:RequestJobOperation", vec![batch::operation_name(&input.operation).to_owned()]);
        // Whoever makes a job passes its role on to Batch Operations.
        let passed = Guard::resource(input.role_arn.clone()).action("iam:PassRole").owned_by(ctx.account());
        Ok(own.and(passed.with("iam:PassedToService", vec![batch::SERVICE.to_owned()])))
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: CreateJobInput) -> Result<CreateJobOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        check(ctx, &input)?;
        let job = new_job(ctx, &input);
        let (s3, token) = (Arc::clone(self), input.client_request_token);
        let job_id = self
            .write(move |tx| {
                let place = job.place();
                let token = (place.0, place.1.clone(), token.clone());
                if let Some(made) = tables::BATCH_TOKENS.find(tx, &token)? {
                    if made.request == job.request {
                        return Ok(made.id);
                    }
                    let message = "The client request token was used before with another request";
                    return Err(s3control_api::error::idempotency_exception(message));
                }
                if batch::of_tenant(tx, place.0, &place.1)?.len() >= MOST_JOBS {
                    let message = "You have attempted to create more jobs than allowed";
                    return Err(s3control_api::error::too_many_requests_exception(message));
                }
                let made = Token { id: job.id.clone(), request: job.request.clone() };
                tables::BATCH_TOKENS.put(tx, &token, &made);
                tables::BATCH_JOBS.put(tx, &place, &job);
                batch::wake(tx, &s3, &job)?;
                Ok(job.id.clone())
            })
            .await?;
        Ok(CreateJobOutput { job_id: Some(job_id) })
    }
}

fn check(ctx: &Ctx, input: &CreateJobInput) -> Result<(), ApiError> {
    batch::check_operation(&input.operation)?;
    batch::check_manifest(input)?;
    check_report(&input.report)?;
    check_tags(input.tags.as_deref().unwrap_or_default())?;
    if input.priority < 0 {
        return Err(errors::bad_request("Priority must be zero or a positive integer"));
    }
    let role = identity::arn::split(&input.role_arn).and_then(|parts| parts.account_id());
    if role != Some(ctx.account()) {
        return Err(errors::bad_request("The role must be of the account that creates the job"));
    }
    Ok(())
}

fn check_report(report: &JobReport) -> Result<(), ApiError> {
    let is_whole = report.bucket.is_some() && report.format.is_some() && report.report_scope.is_some();
    if report.enabled && !is_whole {
        return Err(errors::bad_request("A completion report needs Bucket, Format and ReportScope"));
    }
    Ok(())
}

fn new_job(ctx: &Ctx, input: &CreateJobInput) -> BatchJob {
    let tags = input.tags.iter().flatten().map(|tag| (tag.key.clone(), tag.value.clone())).collect();
    BatchJob {
        id: ctx.ids().uuid(),
        number: ctx.ids().number(),
        account: ctx.account(),
        region: ctx.region().as_str().to_owned(),
        request: stored_shape::to_json(input).to_string(),
        tags,
        priority: input.priority,
        status: Status::New,
        status_reason: None,
        created: ctx.now(),
        suspended: None,
        ended: None,
        failure: None,
        preparation: Preparation::default(),
        cursor: 0,
        succeeded: 0,
        failed: 0,
        active_since: None,
        active_millis: 0,
        report: Report::default(),
    }
}

impl Handle<DescribeJob> for S3 {
    fn guard(&self, ctx: &Ctx, input: &DescribeJobInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.job_id, "s3:DescribeJob"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeJobInput,
    ) -> Result<DescribeJobOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let job = find(&mut self.read()?, ctx, &input.job_id)?;
        Ok(DescribeJobOutput { job: Some(described(job, ctx.now())) })
    }
}

fn described(job: BatchJob, now: Timestamp) -> JobDescriptor {
    let request = job.request();
    let failure = |(code, reason): (String, String)| JobFailure {
        failure_code: Some(code),
        failure_reason: Some(reason),
    };
    let written = job.preparation.written.clone().map(|(object_arn, e_tag)| S3GeneratedManifestDescriptor {
        format: Some(GENERATED_FORMAT.to_owned()),
        location: Some(JobManifestLocation { object_arn, e_tag, object_version_id: None }),
    });
    JobDescriptor {
        job_id: Some(job.id.clone()),
        job_arn: Some(job.arn()),
        confirmation_required: request.confirmation_required,
        description: request.description,
        manifest: request.manifest,
        manifest_generator: request.manifest_generator,
        operation: Some(request.operation),
        report: Some(request.report),
        role_arn: Some(request.role_arn),
        priority: Some(job.priority),
        progress_summary: Some(progress(&job, now)),
        status: Some(job.status.name().to_owned()),
        status_update_reason: job.status_reason,
        failure_reasons: job.failure.map(|own| vec![failure(own)]),
        generated_manifest_descriptor: written,
        creation_time: Some(job.created),
        termination_date: job.ended,
        suspended_date: job.suspended,
        suspended_cause: job.suspended.map(|_| "Awaiting confirmation".to_owned()),
    }
}

fn progress(job: &BatchJob, now: Timestamp) -> JobProgressSummary {
    let count = |count: u64| Some(i64::try_from(count).unwrap_or(i64::MAX));
    let since = job.active_since.map_or(0, |since| now.millis() - since.millis());
    let active = (job.active_millis + u64::try_from(since).unwrap_or(0)) / 1000;
    JobProgressSummary {
        total_number_of_tasks: count(job.preparation.tasks),
        number_of_tasks_succeeded: count(job.succeeded),
        number_of_tasks_failed: count(job.failed),
        timers: Some(JobTimers { elapsed_time_in_active_seconds: count(active) }),
    }
}

impl Handle<ListJobs> for S3 {
    fn guard(&self, ctx: &Ctx, _: &ListJobsInput) -> Result<Guard, ApiError> {
        Ok(Guard::any().action("s3:ListJobs").owned_by(ctx.account()))
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: ListJobsInput) -> Result<ListJobsOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let most = usize::try_from(input.max_results.unwrap_or(MOST_LISTED).clamp(1, MOST_LISTED));
        let most = most.unwrap_or(1);
        let mut jobs = batch::of_tenant(&mut self.read()?, ctx.account().number(), ctx.region().as_str())?;
        let statuses = input.job_statuses.unwrap_or_default();
        jobs.retain(|job| statuses.is_empty() || statuses.iter().any(|status| status == job.status.name()));
        // The youngest first.
        let order = |job: &BatchJob| (std::cmp::Reverse(job.created), job.id.clone());
        jobs.sort_by_key(order);
        if let Some(token) = &input.next_token {
            let invalid =
                || s3control_api::error::invalid_next_token_exception("The continuation token is not valid");
            let text = checksum::from_base64(token).and_then(|bytes| String::from_utf8(bytes).ok());
            let text = text.ok_or_else(invalid)?;
            let (created, id) = text.split_once('/').ok_or_else(invalid)?;
            let created = Timestamp::from_millis(created.parse().map_err(|_| invalid())?);
            let last = (std::cmp::Reverse(created), id.to_owned());
            jobs.retain(|job| order(job) > last);
        }
        let has_more = jobs.len() > most;
        jobs.truncate(most);
        let next_token = jobs
            .last()
            .filter(|_| has_more)
            .map(|last| checksum::base64(format!("{}/{}", last.created.millis(), last.id).as_bytes()));
        let now = ctx.now();
        let told = jobs.into_iter().map(|job| {
            let request = job.request();
            JobListDescriptor {
                creation_time: Some(job.created),
                description: request.description,
                operation: Some(batch::operation_name(&request.operation).to_owned()),
                priority: Some(job.priority),
                progress_summary: Some(progress(&job, now)),
                status: Some(job.status.name().to_owned()),
                termination_date: job.ended,
                job_id: Some(job.id),
            }
        });
        Ok(ListJobsOutput { jobs: Some(told.collect()), next_token })
    }
}
