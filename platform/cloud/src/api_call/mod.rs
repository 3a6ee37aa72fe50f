//! What EventBridge is told of calls of the region's APIs, as CloudTrail tells it on AWS: one event for each call that
//! manages a resource, `AWS API Call via CloudTrail` (EventBridge User Guide, "AWS service events delivered via
//! AWS CloudTrail"; CloudTrail User Guide, "CloudTrail record contents").
//!
//! A call costs nothing of this unless a rule of its account listens. The events are told after the call and not by its
//! transaction: AWS delivers them on a best-effort basis as well.

mod kind;
mod value;

use std::borrow::Cow;

use identity::{AccountId, Principal, Region};
use serde_json::{Value, json};
use shapes::{OperationSchema, ServiceSchema, Struct};

pub(crate) use kind::CallKind;

use crate::operation::Outcome;
use crate::{Ctx, ServiceEvent};

/// The type of these events.
pub const API_CALL: &str = "AWS API Call via CloudTrail";
/// Bytes of a field of a record; a longer one is left out.
const LONGEST_FIELD: usize = 100 * 1024;

/// Whose calls the rules of a tenant's default bus want to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallInterest {
    Nothing,
    /// Calls that change something.
    Changes,
    /// Those that only read as well: rules that are `ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS`.
    All,
}

/// A call under way that somebody wants to hear of.
pub(crate) struct ApiCall {
    /// Where it is told: calls of global services in us-east-1.
    ctx: Ctx,
    service: &'static ServiceSchema,
    operation: &'static OperationSchema,
    is_read: bool,
    parameters: Value,
}

impl ApiCall {
    /// The call that is about to be made, where there is a rule that may want to hear of it.
    pub(crate) fn begin(
        ctx: &Ctx,
        (service, operation): (&'static ServiceSchema, &'static OperationSchema),
        kind: CallKind,
        input: &dyn Struct,
    ) -> Option<Box<Self>> {
        let needed = match kind {
            CallKind::Data => return None,
            CallKind::Read => CallInterest::All,
            CallKind::Change => CallInterest::Changes,
        };
        let sink = ctx.cloud().event_sink()?;
        let region = if service.name == "iam" { Region::US_EAST_1 } else { ctx.region() };
        let told = ctx.in_tenant(ctx.account(), region);
        if sink.interest_in_calls(&told) < needed {
            return None;
        }
        let is_read = kind == CallKind::Read;
        let parameters = value::of_struct(input);
        Some(Box::new(Self { ctx: told, service, operation, is_read, parameters }))
    }

    /// Tells what came of it.
    pub(crate) fn end(self, outcome: &Outcome) {
        let Self { ctx, service, operation, is_read, parameters } = self;
        let Some(sink) = ctx.cloud().event_sink() else { return };
        let caller = ctx.caller();
        let inside = match &caller.actor.principal {
            Principal::Service { name } => Some(name.to_string()),
            _ if caller.source_ip.is_none() => ctx.called_via().last().map(|name| (*name).to_owned()),
            _ => None,
        };
        let address = caller.source_ip.map(|address| address.to_string());
        let mut detail = json!({
            "eventVersion": "1.11",
            "userIdentity": identity_of(&caller.actor.principal, caller.access_key_id.as_deref()),
            "eventTime": ctx.now().iso8601(),
            "eventSource": format!("{}.amazonaws.com", service.signing_name),
            "eventName": kind::event_name(service, operation.name),
            "awsRegion": ctx.region().as_str(),
            "sourceIPAddress": address.or_else(|| inside.clone()).unwrap_or_else(|| "AWS Internal".to_owned()),
            "userAgent": caller.user_agent.clone().or(inside).unwrap_or_else(|| "AWS Internal".to_owned()),
            "requestParameters": field(parameters),
            "responseElements": null,
            "requestID": ctx.request_id(),
            "eventID": ctx.ids().uuid(),
            "readOnly": is_read,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": ctx.account().to_string(),
            "eventCategory": "Management",
        });
        match outcome {
            Ok(output) if !is_read => detail["responseElements"] = field(value::of_struct(&**output)),
            Ok(_) => {}
            Err(error) => {
                detail["errorCode"] = json!(error.name());
                detail["errorMessage"] = json!(error.message());
            }
        }
        let event = ServiceEvent {
            source: Cow::Owned(format!("aws.{}", service.signing_name)),
            detail_type: Cow::Borrowed(API_CALL),
            resources: Vec::new(),
            detail: detail.to_string(),
        };
        sink.put_later(&ctx, event);
    }
}

/// An object that is empty is told as nothing, and one that is too long by its length.
fn field(value: Value) -> Value {
    if value.as_object().is_some_and(serde_json::Map::is_empty) {
        return Value::Null;
    }
    let length = value.to_string().len();
    match length > LONGEST_FIELD {
        true => {
            json!({ "omitted": true, "originalSize": length, "reason": "The field is larger than 100 KB" })
        }
        false => value,
    }
}

/// CloudTrail User Guide, "CloudTrail userIdentity element".
fn identity_of(principal: &Principal, key: Option<&str>) -> Value {
    let of_account = |kind: &str, account: AccountId, id: String| {
        let mut identity = json!({
            "type": kind,
            "principalId": id,
            "arn": principal.arn(),
            "accountId": account.to_string(),
        });
        if let Some(key) = key {
            identity["accessKeyId"] = json!(key);
        }
        identity
    };
    match principal {
        Principal::Root { account } => of_account("Root", *account, account.to_string()),
        Principal::User { account, name, id, .. } => {
            let mut identity = of_account("IAMUser", *account, id.to_string());
            identity["userName"] = json!(name);
            identity
        }
        Principal::AssumedRole { account, role, role_id, .. } => {
            let mut identity = of_account("AssumedRole", *account, principal.userid());
            identity["sessionContext"] = json!({ "sessionIssuer": {
                "type": "Role",
                "principalId": role_id,
                "arn": principal.identity_arn(),
                "accountId": account.to_string(),
                "userName": role,
            }});
            identity
        }
        Principal::FederatedUser { account, user, .. } => {
            let mut identity = of_account("FederatedUser", *account, principal.userid());
            let issuer = json!({ "type": "IAMUser", "arn": user, "accountId": account.to_string() });
            identity["sessionContext"] = json!({ "sessionIssuer": issuer });
            identity
        }
        Principal::Federated { provider, subject } => json!({
            "type": "WebIdentityUser",
            "principalId": format!("{provider}:{subject}"),
            "userName": subject,
            "identityProvider": provider,
        }),
        Principal::Service { name } => json!({ "type": "AWSService", "invokedBy": name }),
        Principal::Anonymous => json!({ "type": "Unknown" }),
    }
}
