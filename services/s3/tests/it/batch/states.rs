//! What jobs go through.

use std::collections::HashSet;
use std::time::Duration;

use s3control_api::op::{
    CreateJob, DeleteJobTagging, DescribeJob, GetJobTagging, ListJobs, PutJobTagging, UpdateJobPriority,
};
use s3control_api::{
    CreateJobInput, DeleteJobTaggingInput, DescribeJobInput, GetJobTaggingInput, JobOperation,
    LambdaInvokeOperation, ListJobsInput, PutJobTaggingInput, S3Tag, UpdateJobPriorityInput,
};

use super::{
    ACCOUNT, asks, create, describe, manifest, report, set_status, tagging, told, until, with_reports,
};
use crate::kit::{Bucket, code};

fn lines(count: usize) -> String {
    (0..count).map(|number| format!("photos,k{number}\n")).collect()
}

fn slow() -> JobOperation {
    let function_arn = Some("arn:aws:lambda:us-east-1:000000000000:function:slow".to_owned());
    let invoke = LambdaInvokeOperation { function_arn, ..Default::default() };
    JobOperation { lambda_invoke: Some(invoke), ..Default::default() }
}

fn named(token: &str, input: CreateJobInput) -> CreateJobInput {
    CreateJobInput { client_request_token: token.to_owned(), ..input }
}

async fn listed(bucket: &Bucket, statuses: &[&str]) -> Vec<String> {
    let input = ListJobsInput {
        account_id: ACCOUNT.to_owned(),
        job_statuses: Some(statuses.iter().map(|&status| status.to_owned()).collect()),
        ..Default::default()
    };
    let jobs = bucket.call::<ListJobs>(input).await.unwrap().jobs.unwrap_or_default();
    jobs.into_iter().filter_map(|job| job.job_id).collect()
}

#[tokio::test]
async fn a_job_waits_to_be_confirmed() {
    let bucket = with_reports(Bucket::create().await).await;
    bucket.put("k0", "x").await;
    let of_k = manifest(&bucket, &lines(1), &["Bucket", "Key"]).await;
    let input = CreateJobInput { confirmation_required: Some(true), ..asks(of_k, tagging()) };
    let id = create(&bucket, input).await;
    let waiting = until(&bucket, &id, &["Suspended"]).await;
    assert_eq!(waiting.progress_summary.unwrap().total_number_of_tasks, Some(1));
    bucket.region.advance(Duration::from_secs(3600)).await;
    assert_eq!(told(&describe(&bucket, &id).await), "Suspended 0+0");
    assert_eq!(set_status(&bucket, &id, "Ready").await, "Ok");
    assert_eq!(told(&until(&bucket, &id, &["Complete"]).await), "Complete 1+0");
    assert_eq!(set_status(&bucket, &id, "Cancelled").await, "JobStatusException");
}

#[tokio::test]
async fn a_cancelled_job_reports_what_was_done() {
    let bucket = with_reports(Bucket::create().await).await;
    let of_many = manifest(&bucket, &lines(250), &["Bucket", "Key"]).await;
    let id = create(&bucket, asks(of_many.clone(), slow())).await;
    until(&bucket, &id, &["Active"]).await;
    assert_eq!(set_status(&bucket, &id, "Cancelled").await, "Ok");
    bucket.functions.let_through();
    // The tasks of the step that was under way are done, and no other.
    assert_eq!(told(&until(&bucket, &id, &["Cancelled"]).await), "Cancelled 100+0");
    assert_eq!(report(&bucket, &id).await.len(), 100);
    let input = CreateJobInput { confirmation_required: Some(true), ..asks(of_many, tagging()) };
    let waiting = create(&bucket, named("two", input)).await;
    until(&bucket, &waiting, &["Suspended"]).await;
    set_status(&bucket, &waiting, "Cancelled").await;
    assert_eq!(told(&until(&bucket, &waiting, &["Cancelled"]).await), "Cancelled 0+0");
}

#[tokio::test]
async fn a_job_can_be_cancelled_at_any_step_of_its_preparation() {
    let bucket = with_reports(Bucket::create().await).await;
    bucket.put("k0", "x").await;
    let of_k = manifest(&bucket, &lines(1), &["Bucket", "Key"]).await;
    for steps in 0..60 {
        let input = CreateJobInput { confirmation_required: Some(true), ..asks(of_k.clone(), tagging()) };
        let id = create(&bucket, named(&format!("after-{steps}"), input)).await;
        for _ in 0..steps {
            tokio::task::yield_now().await;
        }
        assert_eq!(set_status(&bucket, &id, "Cancelled").await, "Ok");
        assert_eq!(told(&until(&bucket, &id, &["Cancelled"]).await), "Cancelled 0+0");
    }
}

#[tokio::test]
async fn a_job_of_lower_priority_is_paused_meanwhile() {
    let bucket = with_reports(Bucket::create().await).await;
    bucket.put("k0", "x").await;
    let of_k = manifest(&bucket, &lines(1), &["Bucket", "Key"]).await;
    let first = create(&bucket, asks(of_k.clone(), slow())).await;
    until(&bucket, &first, &["Active"]).await;
    let input = CreateJobInput { priority: 1, ..asks(of_k, tagging()) };
    let second = create(&bucket, named("two", input)).await;
    until(&bucket, &second, &["Paused"]).await;
    assert_eq!(listed(&bucket, &["Paused"]).await, std::slice::from_ref(&second));
    bucket.functions.let_through();
    assert_eq!(told(&until(&bucket, &first, &["Complete"]).await), "Complete 1+0");
    assert_eq!(told(&until(&bucket, &second, &["Complete"]).await), "Complete 1+0");
}

#[tokio::test]
async fn a_paused_job_goes_on_when_its_priority_is_raised() {
    let bucket = with_reports(Bucket::create().await).await;
    bucket.put("k0", "x").await;
    let of_k = manifest(&bucket, &lines(1), &["Bucket", "Key"]).await;
    let first = create(&bucket, asks(of_k.clone(), slow())).await;
    until(&bucket, &first, &["Active"]).await;
    let input = CreateJobInput { priority: 1, ..asks(of_k, tagging()) };
    let second = create(&bucket, named("two", input)).await;
    until(&bucket, &second, &["Paused"]).await;
    let input =
        UpdateJobPriorityInput { account_id: ACCOUNT.to_owned(), job_id: second.clone(), priority: 20 };
    bucket.call::<UpdateJobPriority>(input).await.unwrap();
    assert_eq!(told(&until(&bucket, &second, &["Complete"]).await), "Complete 1+0");
    assert_eq!(told(&describe(&bucket, &first).await), "Active 0+0");
}

#[tokio::test]
async fn a_job_fails_when_more_than_half_of_its_tasks_do() {
    let bucket = with_reports(Bucket::create().await).await;
    let of_many = manifest(&bucket, &lines(1500), &["Bucket", "Key"]).await;
    let id = create(&bucket, asks(of_many, tagging())).await;
    let job = until(&bucket, &id, &["Failed", "Complete"]).await;
    assert_eq!(told(&job), "Failed 0+1000");
    assert_eq!(job.failure_reasons.unwrap()[0].failure_code.as_deref(), Some("FailureThresholdExceeded"));
    assert_eq!(report(&bucket, &id).await.len(), 1000);
}

#[tokio::test]
async fn a_job_goes_on_after_a_restart_and_counts_each_task_once() {
    let bucket = with_reports(Bucket::create().await).await;
    let of_many = manifest(&bucket, &lines(250), &["Bucket", "Key"]).await;
    let id = create(&bucket, asks(of_many, slow())).await;
    until(&bucket, &id, &["Active"]).await;
    // Some tasks are under way: they end nowhere, and are done again.
    let bucket = bucket.restarted();
    bucket.functions.let_through();
    assert_eq!(told(&until(&bucket, &id, &["Complete"]).await), "Complete 250+0");
    let lines = report(&bucket, &id).await;
    assert_eq!((lines.len(), lines.iter().collect::<HashSet<_>>().len()), (250, 250));
}

#[tokio::test]
async fn the_same_token_makes_one_job() {
    let bucket = with_reports(Bucket::create().await).await;
    let of_k = manifest(&bucket, &lines(1), &["Bucket", "Key"]).await;
    let first = create(&bucket, asks(of_k.clone(), tagging())).await;
    assert_eq!(create(&bucket, asks(of_k.clone(), tagging())).await, first);
    let other = CreateJobInput { priority: 1, ..asks(of_k, tagging()) };
    assert_eq!(code(bucket.call::<CreateJob>(other).await), "IdempotencyException");
    assert_eq!(listed(&bucket, &[]).await, [first]);
}

#[tokio::test]
async fn jobs_are_listed_in_pages_and_for_ninety_days() {
    let bucket = with_reports(Bucket::create().await).await;
    bucket.put("k0", "x").await;
    let of_k = manifest(&bucket, &lines(1), &["Bucket", "Key"]).await;
    let mut made = Vec::new();
    for token in ["1", "2", "3"] {
        made.push(create(&bucket, named(token, asks(of_k.clone(), tagging()))).await);
        bucket.region.advance(Duration::from_secs(1)).await;
    }
    for id in &made {
        until(&bucket, id, &["Complete"]).await;
    }
    let mut input =
        ListJobsInput { account_id: ACCOUNT.to_owned(), max_results: Some(2), ..Default::default() };
    let page = bucket.call::<ListJobs>(input.clone()).await.unwrap();
    let ids = |page: Option<Vec<s3control_api::JobListDescriptor>>| -> Vec<String> {
        page.unwrap_or_default().into_iter().filter_map(|job| job.job_id).collect()
    };
    assert_eq!(ids(page.jobs), [made[2].clone(), made[1].clone()]);
    input.next_token = page.next_token;
    let page = bucket.call::<ListJobs>(input).await.unwrap();
    assert_eq!((ids(page.jobs), page.next_token), (vec![made[0].clone()], None));
    bucket.region.advance(Duration::from_secs(91 * 24 * 3600)).await;
    assert!(listed(&bucket, &[]).await.is_empty());
    let input = DescribeJobInput { account_id: ACCOUNT.to_owned(), job_id: made[0].clone() };
    assert_eq!(code(bucket.call::<DescribeJob>(input).await), "NotFoundException");
}

#[tokio::test]
async fn jobs_have_tags() {
    let bucket = with_reports(Bucket::create().await).await;
    let of_k = manifest(&bucket, &lines(1), &["Bucket", "Key"]).await;
    let tag = |key: &str| S3Tag { key: key.to_owned(), value: "v".to_owned() };
    let input = CreateJobInput { tags: Some(vec![tag("one")]), ..asks(of_k, tagging()) };
    let id = create(&bucket, input).await;
    let tags = async || {
        let input = GetJobTaggingInput { account_id: ACCOUNT.to_owned(), job_id: id.clone() };
        bucket.call::<GetJobTagging>(input).await.unwrap().tags.unwrap()
    };
    assert_eq!(tags().await, [tag("one")]);
    let put =
        |tags: Vec<S3Tag>| PutJobTaggingInput { account_id: ACCOUNT.to_owned(), job_id: id.clone(), tags };
    bucket.call::<PutJobTagging>(put(vec![tag("two"), tag("three")])).await.unwrap();
    assert_eq!(tags().await, [tag("two"), tag("three")]);
    assert_eq!(code(bucket.call::<PutJobTagging>(put(vec![tag("a"), tag("a")])).await), "InvalidTag");
    let many = (0..51).map(|number| tag(&number.to_string())).collect();
    assert_eq!(code(bucket.call::<PutJobTagging>(put(many)).await), "TooManyTagsException");
    let input = DeleteJobTaggingInput { account_id: ACCOUNT.to_owned(), job_id: id.clone() };
    bucket.call::<DeleteJobTagging>(input).await.unwrap();
    assert!(tags().await.is_empty());
}
