//! What a payload is sent to, and for whom.

use cloud::{Ctx, tenant};
use identity::{AccountId, Region, arn};
use serde::{Deserialize, Serialize};
use shapes::ApiError;
use store::Scope;

use crate::{Failure, HttpParameters, code};

/// The resource for which a payload is sent: a rule, a schedule, a pipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    pub arn: String,
    pub account: AccountId,
    pub region: Region,
}

impl Origin {
    pub fn scope(&self) -> Scope {
        tenant(self.account, self.region)
    }
}

/// A target with what its kind needs to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Target {
    pub arn: String,
    /// Acts instead of the service's own principal.
    pub role_arn: Option<String>,
    pub queue: QueueFields,
    pub http: HttpParameters,
    pub event: EventFields,
    /// A function is waited for, and its answer is what the call answers.
    pub waits_for_answer: bool,
    /// The log stream; one that is named after the payload's id when there is none.
    pub log_stream: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueueFields {
    pub message_group_id: Option<String>,
    pub deduplication_id: Option<String>,
}

/// What an event is made with when its target is an event bus.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventFields {
    pub source: String,
    pub detail_type: String,
    pub resources: Vec<String>,
    /// Of the event, or of a log event.
    pub time_millis: Option<i64>,
}

/// What kind of thing an ARN names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Queue,
    Topic,
    Function,
    LogGroup,
    EventBus,
    ApiDestination,
    RestApi,
    /// Any operation of any service: `arn:aws:scheduler:::aws-sdk:sqs:sendMessage`.
    Operation,
}

/// Why an ARN cannot be a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetError {
    NotAnArn,
    /// A target on AWS, but not here yet.
    NotHere(String),
}

/// Service and operation of a universal target (EventBridge Scheduler User Guide, "Using universal targets").
pub fn operation(arn: &str) -> Option<(&str, &str)> {
    arn.strip_prefix("arn:aws:scheduler:::aws-sdk:")?.split_once(':')
}

impl Kind {
    pub fn of(text: &str) -> Result<Self, TargetError> {
        let parts = arn::split(text).filter(|parts| !parts.service.is_empty() && !parts.resource.is_empty());
        let parts = parts.ok_or(TargetError::NotAnArn)?;
        match parts.service {
            "sqs" => Ok(Self::Queue),
            "sns" => Ok(Self::Topic),
            "lambda" => Ok(Self::Function),
            "logs" => Ok(Self::LogGroup),
            "events" if parts.resource.starts_with("api-destination/") => Ok(Self::ApiDestination),
            "events" if parts.resource.starts_with("event-bus/") => Ok(Self::EventBus),
            "execute-api" => Ok(Self::RestApi),
            "scheduler" if operation(text).is_some() => Ok(Self::Operation),
            other => Err(TargetError::NotHere(other.to_owned())),
        }
    }

    /// Whether a payload can be handed over as a part of a transaction.
    pub fn is_transactional(self) -> bool {
        matches!(self, Self::Queue | Self::Topic | Self::LogGroup | Self::EventBus)
    }
}

impl Target {
    pub(crate) fn kind(&self) -> Result<Kind, Failure> {
        Kind::of(&self.arn).map_err(|_| {
            Failure::permanent(code::INVALID_PARAMETER, format!("{} is no target that is here", self.arn))
        })
    }

    /// The place of the resource; the origin's where the ARN does not say.
    pub(crate) fn place(&self, origin: &Origin) -> (AccountId, Region) {
        let parts = arn::split(&self.arn);
        let account = parts.and_then(|parts| parts.account_id()).unwrap_or(origin.account);
        let region = parts.and_then(|parts| Region::parse(parts.region)).unwrap_or(origin.region);
        (account, region)
    }

    /// Who calls the target: the role, or the service for the origin.
    pub(crate) fn caller(&self, ctx: &Ctx, principal: &str, origin: &Origin) -> Result<Ctx, Failure> {
        let ctx = ctx.in_tenant(origin.account, origin.region);
        let caller = match &self.role_arn {
            Some(role) => ctx.with_role(principal, &origin.arn, role).map_err(|error| {
                Failure::permanent(code::FAILED_TO_ASSUME_ROLE, error.message().to_owned())
            })?,
            None => ctx.as_service(principal, &origin.arn),
        };
        let (account, region) = self.place(origin);
        Ok(caller.in_tenant(account, region))
    }
}

/// The URL of the queue that an ARN names.
pub fn queue_url(ctx: &Ctx, queue_arn: &str) -> Result<String, ApiError> {
    let parts = arn::split(queue_arn).filter(|parts| parts.service == "sqs" && !parts.resource.is_empty());
    let parts = parts.ok_or_else(|| {
        ApiError::sender("InvalidParameterValue", format!("{queue_arn} is not the ARN of a queue"))
    })?;
    Ok(format!("{}/{}/{}", ctx.cloud().settings().endpoint, parts.account, parts.resource))
}
