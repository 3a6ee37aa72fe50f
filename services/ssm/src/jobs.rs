//! What the policies of parameters have happen: they end, and it is told that they will or have not changed.

use std::sync::Arc;

use clock::{Job, JobId, JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::{Ctx, ServiceEvent};
use identity::{AccountId, Region};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shapes::ApiError;
use store::{Range, Row, Tx};

use crate::name::arn_of;
use crate::parameter::{Kind, Parameter};
use crate::policies::{Policy, PolicyKind};
use crate::{PRINCIPAL, Ssm, tables};

const KIND: &str = "ssm/parameter-policy";
/// More than a parameter has.
const MOST_VERSIONS: usize = 1000;

/// The policy that a job is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Subject {
    account: AccountId,
    region: String,
    name: String,
    /// A later version has policies of its own.
    version: u64,
    policy: PolicyKind,
}

store::row!(Subject, 1);

/// Adds a job in the transaction that causes it.
pub(crate) fn schedule(ctx: &Ctx, tx: &mut Tx<'_>, name: &str, version: u64, policy: &Policy) -> JobId {
    let (account, region) = (ctx.account(), ctx.region().to_string());
    let subject = Subject { account, region, name: name.to_owned(), version, policy: policy.kind };
    let mut payload = Vec::new();
    subject.encode(&mut payload);
    let job = NewJob { kind: KIND, subject: arn_of(ctx, name), payload, due: policy.due };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job)
}

pub(crate) fn kinds(ssm: &Arc<Ssm>) -> Vec<JobKind> {
    let ssm = Arc::clone(ssm);
    vec![JobKind {
        name: KIND,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: 2,
        handler: Arc::new(move |_, job| {
            let ssm = Arc::clone(&ssm);
            Box::pin(async move {
                run(&ssm, &job).await.unwrap_or_else(|error| JobOutcome::Failed(error.to_string()))
            })
        }),
        given_up: None,
    }]
}

async fn run(ssm: &Arc<Ssm>, job: &Job) -> Result<JobOutcome, ApiError> {
    let Ok(subject) = Subject::decode(&job.payload) else { return Ok(JobOutcome::Done) };
    let Some(region) = Region::parse(&subject.region) else { return Ok(JobOutcome::Done) };
    let ctx = ssm.cloud.background(PRINCIPAL, &job.subject, subject.account, region);
    let owned = ctx.clone();
    ctx.write(move |tx| {
        let found = tables::PARAMETERS.find(tx, &subject.name)?;
        let Some(parameter) = found.filter(|parameter| parameter.latest == subject.version) else {
            return Ok(JobOutcome::Done);
        };
        tell(
            &owned,
            tx,
            "Parameter Store Policy Action",
            &parameter,
            ("policy-type", subject.policy.as_str()),
        )?;
        if subject.policy == PolicyKind::Expiration {
            remove(&owned, tx, &parameter)?;
        }
        Ok::<_, ApiError>(JobOutcome::Done)
    })
    .await
}

/// Deletes a parameter with its versions.
pub(crate) fn remove(ctx: &Ctx, tx: &mut Tx<'_>, parameter: &Parameter) -> Result<(), ApiError> {
    for (place, _) in tables::VERSIONS.list(tx, &Range::prefix(&parameter.name), MOST_VERSIONS)? {
        tables::VERSIONS.delete(tx, &place);
    }
    for job in &parameter.jobs {
        Jobs::cancel(tx, *job);
    }
    tables::PARAMETERS.delete(tx, &parameter.name);
    told(ctx, tx, "Delete", parameter)
}

/// Tells that a parameter was changed (EventBridge User Guide, "Parameter Store Change").
pub(crate) fn told(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    operation: &str,
    parameter: &Parameter,
) -> Result<(), ApiError> {
    tell(ctx, tx, "Parameter Store Change", parameter, ("operation", operation))
}

fn tell(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    detail_type: &'static str,
    parameter: &Parameter,
    (name, value): (&str, &str),
) -> Result<(), ApiError> {
    let kind: Kind = parameter.head.kind;
    let mut detail = json!({ "name": parameter.name, "type": kind.as_str() });
    detail[name] = json!(value);
    if let Some(description) = &parameter.head.description {
        detail["description"] = json!(description);
    }
    let event = ServiceEvent {
        source: "aws.ssm".into(),
        detail_type: detail_type.into(),
        resources: vec![arn_of(ctx, &parameter.name)],
        detail: detail.to_string(),
    };
    ctx.tell(tx, event)
}
