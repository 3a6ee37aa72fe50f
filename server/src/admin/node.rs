//! What the console shows of one resource: facts, its lists, and the latest that happened there.

use cloud::trace::TraceContext;
use cloud::{Actor, Caller, Cloud, Ctx};
use identity::{AccountId, Principal, Region, arn};
use serde_json::{Value, json};
use shapes::ApiError;
use sqs::SqsService;

use super::picture::kind;
use super::resources::{self, SHOWN};
use super::section::{Found, Part, Section};

/// Whose resources are meant: an account in a region.
pub(super) type Tenant = (AccountId, Region);

/// A resource by its ARN.
pub(super) async fn describe(cloud: &Cloud, queues: &SqsService, arn: &str, tenant: Tenant) -> Value {
    let recent = calls(cloud, arn);
    let mut error = None;
    let mut found = Found::default();
    let mut sections = Vec::new();
    if let Some((ctx, resource)) = owner(cloud, arn, tenant) {
        match resources::describe(&ctx, queues, arn, resource).await {
            Ok(described) => found = described,
            Err(cause) => error = Some(cause.to_string()),
        }
        for id in std::mem::take(&mut found.sections) {
            let section = resources::section(&ctx, arn, resource, id, &Part::default()).await;
            sections.push(section.unwrap_or_else(|cause| failed(id, &cause)).json());
        }
    }
    if found.title.is_empty() {
        found.title = arn.rsplit([':', '/']).next().unwrap_or(arn).to_owned();
    }
    let documents: Vec<Value> =
        found.documents.iter().map(|(title, text)| json!({ "title": title, "text": text })).collect();
    json!({
        "arn": arn,
        "kind": kind(arn),
        "title": found.title,
        "error": error,
        "facts": found.facts,
        "waiting": found.waiting,
        "recent": if found.recent.is_empty() { recent } else { found.recent },
        "sections": sections,
        "documents": documents,
    })
}

/// A page of one of a resource's lists.
pub(super) async fn section(
    cloud: &Cloud,
    arn: &str,
    tenant: Tenant,
    id: &str,
    part: &Part,
) -> Result<Value, ApiError> {
    let (ctx, resource) = owner(cloud, arn, tenant)
        .ok_or_else(|| ApiError::sender("InvalidRequest", format!("{arn} is no ARN")))?;
    Ok(resources::section(&ctx, arn, resource, id, part).await?.json())
}

/// What stands in the place of a list that could not be read.
fn failed(id: &'static str, cause: &ApiError) -> Section {
    Section { id, title: id, error: Some(cause.to_string()), ..Section::default() }
}

/// The owner of a resource's account, and the resource's part of the ARN. ARNs of buckets and of roles leave out the
/// account or the region, so `tenant` says where to look.
fn owner<'a>(cloud: &Cloud, resource: &'a str, tenant: Tenant) -> Option<(Ctx, &'a str)> {
    let parts = arn::split(resource)?;
    let account = parts.account_id().unwrap_or(tenant.0);
    let region = Region::parse(parts.region).unwrap_or(tenant.1);
    Some((as_owner(cloud, account, region), parts.resource))
}

/// The console's own calls: those of the owner of the account. Looking leaves no trace in the picture.
pub(super) fn as_owner(cloud: &Cloud, account: AccountId, region: Region) -> Ctx {
    let caller = Caller {
        actor: Actor::of(Principal::root(account)),
        access_key_id: None,
        source_ip: None,
        user_agent: Some("brume console".to_owned()),
        is_tls: false,
        source: None,
    };
    let trace = TraceContext::begin(cloud.ids(), cloud.clock().now());
    let ctx = Ctx::new(cloud.clone(), caller, (account, region), trace, "".into(), &cloud.ids().uuid());
    ctx.unobserved()
}

/// The latest calls that touched a resource.
fn calls(cloud: &Cloud, arn: &str) -> Vec<Value> {
    let spans = cloud.traces().touching(arn, SHOWN);
    spans
        .into_iter()
        .map(|span| {
            let outcome = span.error.as_deref().unwrap_or("ok");
            json!({
                "time": span.start.iso8601_millis(),
                "text": format!("{} · {:.1} ms · {outcome}", span.name, span.duration_micros as f64 / 1000.0),
                "trace": TraceContext { trace: span.trace, parent: 0 }.trace_id(),
            })
        })
        .collect()
}
