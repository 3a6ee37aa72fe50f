//! What the region holds, kind by kind, read through the services' own operations: lists in pages, and what there is
//! to know of one resource. Nothing here changes anything.

mod apigateway;
mod application_autoscaling;
mod dax;
mod dynamodb;
mod events;
mod glacier;
mod iam;
mod kms;
mod lambda;
mod logs;
mod pipes;
mod s3;
mod scheduler;
mod secretsmanager;
mod sns;
mod sqs;
mod ssm;

use ::sqs::SqsService;
use cloud::Ctx;
use serde_json::Value;
use shapes::ApiError;

use super::section::{Found, Part, Section};

/// Entries shown at most of what happened in a resource.
pub(super) const SHOWN: usize = 25;

/// The kinds of resources that can be listed.
pub(super) const KINDS: [&str; 20] = [
    "apigateway",
    "lambda",
    "sqs",
    "sns",
    "events",
    "scheduler",
    "pipes",
    "dynamodb",
    "application-autoscaling",
    "dax",
    "s3",
    "glacier",
    "logs",
    "kms",
    "secretsmanager",
    "ssm",
    "iam-roles",
    "iam-users",
    "iam-groups",
    "iam-policies",
];

/// A page of the resources of a kind in the context's account and region.
pub(super) async fn list(ctx: &Ctx, kind: &str, part: &Part) -> Result<Section, ApiError> {
    match kind {
        "apigateway" => apigateway::list(ctx, part).await,
        "lambda" => lambda::list(ctx, part).await,
        "sqs" => sqs::list(ctx, part).await,
        "sns" => sns::list(ctx, part).await,
        "events" => events::list(ctx, part).await,
        "scheduler" => scheduler::list(ctx, part).await,
        "pipes" => pipes::list(ctx, part).await,
        "dynamodb" => dynamodb::list(ctx, part).await,
        "application-autoscaling" => application_autoscaling::list(ctx, part).await,
        "dax" => dax::list(ctx, part).await,
        "s3" => s3::list(ctx, part).await,
        "glacier" => glacier::list(ctx, part).await,
        "logs" => logs::list(ctx, part).await,
        "kms" => kms::list(ctx, part).await,
        "secretsmanager" => secretsmanager::list(ctx, part).await,
        "ssm" => ssm::list(ctx, part).await,
        "iam-roles" => iam::list(ctx, "iam-roles", part).await,
        "iam-users" => iam::list(ctx, "iam-users", part).await,
        "iam-groups" => iam::list(ctx, "iam-groups", part).await,
        "iam-policies" => iam::list(ctx, "iam-policies", part).await,
        _ => Err(ApiError::sender("InvalidRequest", format!("there is no kind of resources called {kind}"))),
    }
}

/// What there is to know of the resource `arn`, whose own part is `resource`.
pub(super) async fn describe(
    ctx: &Ctx,
    queues: &SqsService,
    arn: &str,
    resource: &str,
) -> Result<Found, ApiError> {
    match service(arn) {
        "apigateway" | "execute-api" => apigateway::describe(ctx, resource).await,
        "lambda" if resource.starts_with("function:") => lambda::describe(ctx, resource).await,
        "sqs" => sqs::describe(ctx, queues, resource).await,
        "sns" => sns::describe(ctx, resource).await,
        "events" if resource.starts_with("event-bus/") || resource.starts_with("rule/") => {
            events::describe(ctx, resource).await
        }
        "scheduler" if resource.starts_with("schedule/") => scheduler::describe(ctx, resource).await,
        "pipes" => pipes::describe(ctx, resource).await,
        "dynamodb" if resource.starts_with("table/") => dynamodb::describe(ctx, resource).await,
        "application-autoscaling" => application_autoscaling::describe(ctx, resource).await,
        "dax" => dax::describe(ctx, resource).await,
        "s3" => s3::describe(ctx, resource).await,
        "glacier" => glacier::describe(ctx, resource).await,
        "logs" => logs::describe(ctx, resource).await,
        "kms" => kms::describe(ctx, arn).await,
        "secretsmanager" => secretsmanager::describe(ctx, arn).await,
        "ssm" => ssm::describe(ctx, resource).await,
        "iam" => iam::describe(ctx, arn, resource).await,
        _ => Ok(Found::default()),
    }
}

/// A page of one of a resource's lists, which [`describe`] names.
pub(super) async fn section(
    ctx: &Ctx,
    arn: &str,
    resource: &str,
    id: &str,
    part: &Part,
) -> Result<Section, ApiError> {
    match (service(arn), id) {
        ("apigateway" | "execute-api", "stages" | "resources" | "authorizers" | "deployments") => {
            apigateway::section(ctx, resource, id, part).await
        }
        ("lambda", "mappings" | "aliases" | "versions") => lambda::section(ctx, resource, id, part).await,
        ("sqs", "sources") => sqs::section(ctx, resource, part).await,
        ("sns", "subscriptions") => sns::section(ctx, resource, part).await,
        ("events", "rules" | "archives" | "targets") => events::section(ctx, arn, resource, id, part).await,
        ("dynamodb", "items" | "indexes" | "backups" | "contributors") => {
            dynamodb::section(ctx, resource, id, part).await
        }
        ("application-autoscaling", "activities" | "policies" | "actions") => {
            application_autoscaling::section(ctx, resource, id, part).await
        }
        ("dax", "nodes") => dax::section(ctx, resource).await,
        ("s3", "keys") => s3::section(ctx, resource, part).await,
        ("glacier", "jobs") => glacier::section(ctx, resource, part).await,
        ("logs", "streams") => logs::section(ctx, resource, part).await,
        ("kms", "aliases" | "grants") => kms::section(ctx, arn, id, part).await,
        ("secretsmanager", "versions") => secretsmanager::section(ctx, arn).await,
        ("ssm", "versions") => ssm::section(ctx, resource, part).await,
        ("iam", "attached" | "inline" | "keys" | "groups" | "members" | "entities") => {
            iam::section(ctx, arn, resource, id, part).await
        }
        _ => Err(ApiError::sender("InvalidRequest", format!("{arn} has no list called {id}"))),
    }
}

/// The service part of an ARN.
fn service(arn: &str) -> &str {
    arn.split(':').nth(2).unwrap_or_default()
}

/// The ARN of a resource in the context's account and region.
fn arn(ctx: &Ctx, service: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{}:{}:{resource}", ctx.region().as_str(), ctx.account())
}

/// A page's beginning that is a document.
fn page_key(text: &str) -> Result<Value, ApiError> {
    serde_json::from_str(text).map_err(|_| ApiError::sender("InvalidRequest", "this is no place in a list"))
}
