//! Lambda authorizers: functions that say who calls and what they may (Developer Guide, "Use API Gateway Lambda
//! authorizers").

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use cloud::Ctx;
use identity::Principal;
use identity::policy::{ContextKeys, NamedPolicy, Policies, PolicyKind, Reason, Request, evaluate};
use regex::Regex;
use serde_json::{Value, json};
use shapes::{ApiError, Timestamp};

use super::deployed::{Deployed, Found};
use super::failures::Refusal;
use super::integration::{Target, invoke, within};
use super::parameters::{Given, Source};
use super::request::MethodRequest;
use super::responses::selection;
use crate::gateway_response::Cause;
use crate::{PRINCIPAL, rows};

/// The action that policies of callers name.
pub(crate) const INVOKE: &str = "execute-api:Invoke";
/// Answers that are remembered for a stage; past it all are asked for anew.
const KEPT: usize = 10_000;
/// A function that authorizes has the time of any integration.
const TIME: Duration = Duration::from_secs(29);

/// A stage's authorizers by their ids.
pub(crate) struct Authorizers(BTreeMap<String, Authorizer>);

struct Authorizer {
    row: rows::Authorizer,
    function: String,
    sources: Vec<Source>,
    expression: Option<Regex>,
    known: Mutex<HashMap<Vec<String>, Known>>,
}

struct Known {
    verdict: Arc<Verdict>,
    until: Timestamp,
}

/// What a function said of a caller.
pub(crate) struct Verdict {
    principal: String,
    policy: Arc<NamedPolicy>,
    context: Vec<(String, Value)>,
    /// The API key that the caller stands for.
    pub usage_key: Option<String>,
}

impl Authorizers {
    pub(super) fn new(rows: &BTreeMap<String, rows::Authorizer>) -> Result<Self, ApiError> {
        let mut authorizers = BTreeMap::new();
        for (id, row) in rows {
            let uri = row.authorizer_uri.as_deref().unwrap_or_default();
            let Target::Function(function) = Target::parse("AWS", uri)? else { continue };
            let sources = row.identity_source.as_deref().unwrap_or_default().split(',');
            let expression = row.identity_validation_expression.as_deref().filter(|text| !text.is_empty());
            let authorizer = Authorizer {
                function,
                sources: sources.filter_map(|source| Source::of_request(source.trim())).collect(),
                expression: expression.map(selection).transpose()?,
                known: Mutex::default(),
                row: row.clone(),
            };
            authorizers.insert(id.clone(), authorizer);
        }
        Ok(Self(authorizers))
    }

    /// Asks the authorizer `id` about a request, unless it was asked lately.
    pub(crate) async fn ask(
        &self,
        id: &str,
        ctx: &Ctx,
        deployed: &Deployed,
        found: &Found,
        request: &MethodRequest,
    ) -> Result<Arc<Verdict>, Refusal> {
        let broken = || Refusal::new(Cause::AuthorizerConfigurationError, "Internal server error");
        let authorizer = self.0.get(id).ok_or_else(broken)?;
        let given = Given { request, deployed, found: Some(found), answer: None, extra: &[] };
        let identity: Option<Vec<String>> = authorizer
            .sources
            .iter()
            .map(|source| source.value(&given).map(Cow::into_owned).filter(|value| !value.is_empty()))
            .collect();
        // A request without what identifies its caller is refused before anybody is asked.
        let identity = identity.ok_or_else(unauthorized)?;
        if let (Some(expression), Some(token)) = (&authorizer.expression, identity.first())
            && !expression.is_match(token)
        {
            return Err(unauthorized());
        }
        if let Some(verdict) = authorizer.recall(&identity, ctx.now()) {
            return Ok(verdict);
        }
        let event = authorizer.event(&identity, deployed, found, request);
        let acting = match authorizer.row.authorizer_credentials.as_deref().filter(|role| !role.is_empty()) {
            Some(role) => ctx.with_role(PRINCIPAL, &deployed.arn(), role).map_err(|_| broken())?,
            None => ctx.as_service(PRINCIPAL, &format!("{}/authorizers/{id}", api_arn(deployed))),
        };
        let answer = within(TIME, invoke(&acting, &authorizer.function, event)).await;
        let answer = answer.map_err(|_| Refusal::new(Cause::AuthorizerFailure, "Internal server error"))?;
        if let Some(error) = &answer.error {
            return Err(match error.as_str() {
                "Unauthorized" => unauthorized(),
                _ => Refusal::new(Cause::AuthorizerFailure, "Internal server error"),
            });
        }
        let verdict = Arc::new(Verdict::parse(&answer.body).ok_or_else(broken)?);
        authorizer.remember(identity, &verdict, ctx.now());
        Ok(verdict)
    }
}

fn unauthorized() -> Refusal {
    Refusal::new(Cause::Unauthorized, "Unauthorized")
}

fn api_arn(deployed: &Deployed) -> String {
    format!("arn:aws:execute-api:{}:{}:{}", deployed.region.as_str(), deployed.account, deployed.api)
}

impl Authorizer {
    fn ttl(&self) -> Duration {
        let seconds = self.row.authorizer_result_ttl_in_seconds.unwrap_or(300);
        Duration::from_secs(u64::from(seconds.unsigned_abs()))
    }

    fn recall(&self, identity: &[String], now: Timestamp) -> Option<Arc<Verdict>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(identity).filter(|known| known.until > now).map(|known| Arc::clone(&known.verdict))
    }

    fn remember(&self, identity: Vec<String>, verdict: &Arc<Verdict>, now: Timestamp) {
        if self.ttl().is_zero() || identity.is_empty() {
            return;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(identity, Known { verdict: Arc::clone(verdict), until: now + self.ttl() });
    }

    /// Developer Guide, "Input to an API Gateway Lambda authorizer".
    fn event(
        &self,
        identity: &[String],
        deployed: &Deployed,
        found: &Found,
        request: &MethodRequest,
    ) -> Bytes {
        let arn = called_arn(deployed, request);
        let event = match self.row.r#type.as_str() {
            "TOKEN" => json!({
                "type": "TOKEN",
                "methodArn": arn,
                "authorizationToken": identity.first(),
            }),
            _ => json!({
                "type": "REQUEST",
                "methodArn": arn,
                "resource": found.resource_path,
                "path": request.path,
                "httpMethod": request.method,
                "headers": request.headers,
                "multiValueHeaders": request.header_values,
                "queryStringParameters": request.query,
                "multiValueQueryStringParameters": request.query_values,
                "pathParameters": found.path_parameters,
                "stageVariables": deployed.variables,
                "requestContext": {
                    "accountId": deployed.account.to_string(),
                    "apiId": deployed.api,
                    "stage": deployed.stage,
                    "resourceId": found.resource_id,
                    "resourcePath": found.resource_path,
                    "httpMethod": request.method,
                    "path": format!("/{}{}", deployed.stage, request.path),
                    "protocol": "HTTP/1.1",
                    "requestId": request.request_id,
                    "requestTimeEpoch": request.received.millis(),
                    "identity": {"sourceIp": request.source_ip, "userAgent": request.header("user-agent")},
                },
            }),
        };
        event.to_string().into()
    }
}

/// `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH`, with the path as it was called.
pub(crate) fn called_arn(deployed: &Deployed, request: &MethodRequest) -> String {
    format!("{}/{}{}", deployed.arn(), request.method, request.path)
}

impl Verdict {
    fn parse(body: &[u8]) -> Option<Self> {
        let json: Value = serde_json::from_slice(body).ok()?;
        let document = json.get("policyDocument")?.to_string();
        let policy = NamedPolicy::parse("authorizer", &document, PolicyKind::Identity).ok()?;
        let context = json.get("context").and_then(Value::as_object);
        let context = context.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone()));
        Some(Self {
            principal: json.get("principalId")?.as_str()?.to_owned(),
            policy: Arc::new(policy),
            context: context.collect(),
            usage_key: json.get("usageIdentifierKey").and_then(Value::as_str).map(str::to_owned),
        })
    }

    /// Refuses a request that neither the function's policy nor the API's own allows (Developer Guide, "How API Gateway
    /// resource policies affect authorization workflow").
    pub(crate) fn check(
        &self,
        deployed: &Deployed,
        request: &MethodRequest,
        granted: Granted,
    ) -> Result<(), Refusal> {
        let arn = called_arn(deployed, request);
        // The policy alone decides; whose it is does not matter to it.
        let caller = Principal::user(deployed.account, "/", &self.principal, "AIDAAUTHORIZED");
        let keys = ContextKeys::default();
        let asked = Request {
            principal: &caller,
            action: INVOKE,
            resources: &[arn.as_str()],
            resource_account: Some(deployed.account),
            context: &keys,
        };
        let own = [Arc::clone(&self.policy)];
        let decision = evaluate(&asked, &Policies { identity: &own, ..Policies::default() });
        if decision.allowed {
            return Ok(());
        }
        let is_explicit = matches!(decision.reason, Reason::ExplicitDeny { .. });
        if granted == Granted::ByPolicy && !is_explicit {
            return Ok(());
        }
        Err(Refusal::new(Cause::AccessDenied, denied(is_explicit)))
    }

    /// `$context.authorizer`
    pub(crate) fn entries(&self) -> Vec<(Cow<'static, str>, String)> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let own = self.context.iter().map(|(name, value)| (format!("authorizer.{name}").into(), text(value)));
        own.chain([("authorizer.principalId".into(), self.principal.clone())]).collect()
    }

    /// As functions behind it see it.
    pub(crate) fn to_json(&self) -> Value {
        let mut all: serde_json::Map<String, Value> = self.context.iter().cloned().collect();
        all.insert("principalId".to_owned(), self.principal.clone().into());
        Value::Object(all)
    }
}

pub(super) fn denied(is_explicit: bool) -> &'static str {
    match is_explicit {
        true => "User is not authorized to access this resource with an explicit deny",
        false => "User is not authorized to access this resource",
    }
}

/// What the API's own policy says of a request that it does not forbid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Granted {
    /// There is none, or it says nothing of the request.
    Silently,
    ByPolicy,
}

/// Refuses a request that the API's own policy forbids, or does not allow where nobody else is asked.
pub(crate) fn check_resource_policy(
    deployed: &Deployed,
    request: &MethodRequest,
    now: Timestamp,
    must_allow: bool,
) -> Result<Granted, Refusal> {
    let Some(policy) = &deployed.policy else { return Ok(Granted::Silently) };
    let arn = called_arn(deployed, request);
    let mut keys = ContextKeys::default();
    keys.set("aws:sourceip", request.source_ip.as_str());
    keys.set("aws:useragent", request.header("user-agent").unwrap_or_default());
    keys.set("aws:epochtime", now.seconds().to_string());
    keys.set("aws:currenttime", identity::timestamp::format_iso8601(now.seconds()));
    keys.set("aws:requestedregion", deployed.region.as_str());
    let asked = Request {
        principal: &Principal::Anonymous,
        action: INVOKE,
        resources: &[arn.as_str()],
        resource_account: Some(deployed.account),
        context: &keys,
    };
    let decision = evaluate(&asked, &Policies { resource: Some(policy), ..Policies::default() });
    if decision.allowed {
        return Ok(Granted::ByPolicy);
    }
    let is_explicit = matches!(decision.reason, Reason::ExplicitDeny { .. });
    if !is_explicit && !must_allow {
        return Ok(Granted::Silently);
    }
    let explicit = if is_explicit { " with an explicit deny" } else { "" };
    let message =
        format!("User: anonymous is not authorized to perform: {INVOKE} on resource: {arn}{explicit}");
    Err(Refusal::new(Cause::AccessDenied, masked(&message, deployed)))
}

/// A message that shows of the API's account only its last digits.
pub(super) fn masked(message: &str, deployed: &Deployed) -> String {
    let account = deployed.account.to_string();
    let arn = format!("arn:aws:execute-api:{}:", deployed.region.as_str());
    message.replace(&format!("{arn}{account}"), &format!("{arn}********{}", &account[8..]))
}
