//! What web clients reach of Lambda without its API: function URLs, and the packages that answers name.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use cloud::{Actor, BoxFuture, Caller, Ctx, HttpEndpoint, TraceContext};
use http::header::{HOST, HeaderValue, ORIGIN};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use identity::credentials::developer_principal;
use identity::policy::{Policies, Request as Question, RequestFacts, evaluate, global_keys};
use identity::sigv4::{Authentication, KeyCache, PathRule, Payload, RequestView};
use identity::{AccountId, Principal};
use serde_json::json;
use shapes::ApiError;
use store::Scope;

use crate::function::Target;
use crate::function_url::{self, FunctionUrl};
use crate::invocation::Request as Invocation;
use crate::ops::policy_qualifier;
use crate::url_event::{self, Circumstances, failure};
use crate::{Lambda, tables};

/// Followed by the package's SHA-256 in hex.
pub(crate) const PACKAGES_PATH: &str = "/_brume/lambda/packages/";
/// For clients that cannot make up host names: followed by the URL's id and the path.
const URL_PATH: &str = "/_aws/lambda-url/";
/// Of a request (Developer Guide, "Lambda quotas").
const MOST_BODY_BYTES: usize = 6_291_456;
const TRACE_HEADER: &str = "x-amzn-trace-id";

pub(crate) struct FrontDoor {
    pub(crate) lambda: Arc<Lambda>,
    pub(crate) keys: KeyCache,
}

/// A function's URL, taken apart.
struct Address<'a> {
    id: &'a str,
    path: &'a str,
}

fn host(head: &Parts) -> &str {
    let own = head.uri.authority().map(|authority| authority.as_str());
    own.or_else(|| head.headers.get(HOST)?.to_str().ok()).unwrap_or_default()
}

impl<'a> Address<'a> {
    fn of(head: &'a Parts) -> Option<Self> {
        let path = head.uri.path();
        if let Some((id, rest)) = host(head).split_once('.')
            && rest.starts_with("lambda-url.")
        {
            return Some(Self { id, path });
        }
        let rest = path.strip_prefix(URL_PATH)?;
        let (id, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
        Some(Self { id, path })
    }
}

impl HttpEndpoint for FrontDoor {
    fn claims(&self, head: &Parts) -> bool {
        Address::of(head).is_some()
            || (head.method == Method::GET && head.uri.path().starts_with(PACKAGES_PATH))
    }

    /// Whoever may call a function is the function's own affair.
    fn is_public(&self) -> bool {
        true
    }

    fn serve<'a>(
        &'a self,
        request: Request<Bytes>,
        peer: Option<IpAddr>,
        request_id: &'a str,
    ) -> BoxFuture<'a, Response<Bytes>> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let served = match Address::of(&head) {
                Some(address) => self.call(&address, &head, &body, peer, request_id).await,
                None => self.package(head.uri.path()).await,
            };
            served.unwrap_or_else(|error| {
                if error.status() >= 500 {
                    tracing::warn!(%error, "a request to a function URL failed");
                }
                failure(StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
            })
        })
    }
}

impl FrontDoor {
    async fn package(&self, path: &str) -> Result<Response<Bytes>, ApiError> {
        let name = path.strip_prefix(PACKAGES_PATH).unwrap_or_default();
        let Some(digest) = digest(name) else { return Ok(failure(StatusCode::NOT_FOUND)) };
        let Some(zip) = self.lambda.code.zip(digest).await? else {
            return Ok(failure(StatusCode::NOT_FOUND));
        };
        let mut response = Response::new(zip);
        let kind = HeaderValue::from_static("application/zip");
        response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
        Ok(response)
    }

    fn find(&self, id: &str) -> Result<Option<(Target, FunctionUrl)>, ApiError> {
        let mut reader = self.lambda.cloud.store().read(&Scope::global())?;
        let owner = tables::URL_OWNERS.find(&mut reader, &id.to_owned())?;
        let Some(target) = owner.and_then(|owner| owner.target()) else { return Ok(None) };
        reader.set_scope(&target.scope());
        let url = tables::FUNCTION_URLS.find(&mut reader, &function_url::key(&target))?;
        Ok(url.map(|url| (target, url)))
    }

    async fn call(
        &self,
        address: &Address<'_>,
        head: &Parts,
        body: &Bytes,
        peer: Option<IpAddr>,
        request_id: &str,
    ) -> Result<Response<Bytes>, ApiError> {
        let Some((target, url)) = self.find(address.id)? else { return Ok(failure(StatusCode::FORBIDDEN)) };
        let origin = head.headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
        let shared = origin.zip(url.cors.as_ref()).filter(|(origin, cors)| cors.allows_origin(origin));
        let is_preflight = head.method == Method::OPTIONS
            && head.headers.contains_key("access-control-request-method")
            && url.cors.is_some();
        let mut response = if is_preflight {
            Response::new(Bytes::new())
        } else if body.len() > MOST_BODY_BYTES {
            failure(StatusCode::PAYLOAD_TOO_LARGE)
        } else {
            self.invoke(address, &target, &url, (head, body), peer, request_id).await?
        };
        for (name, value) in shared.iter().flat_map(|(origin, cors)| cors.headers(origin, is_preflight)) {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        Ok(response)
    }

    async fn invoke(
        &self,
        address: &Address<'_>,
        target: &Target,
        url: &FunctionUrl,
        (head, body): (&Parts, &Bytes),
        peer: Option<IpAddr>,
        request_id: &str,
    ) -> Result<Response<Bytes>, ApiError> {
        let Some(caller) = self.caller(url, (head, body), peer)? else {
            return Ok(failure(StatusCode::FORBIDDEN));
        };
        let cloud = &self.lambda.cloud;
        let sent = head.headers.get(TRACE_HEADER).and_then(|header| header.to_str().ok()?.parse().ok());
        let trace = sent.unwrap_or_else(|| TraceContext::begin(cloud.ids(), cloud.clock().now()));
        let place = (target.account, target.region);
        let signer = url.needs_signature.then(|| signer(&caller));
        let ctx = Ctx::new(cloud.clone(), caller, place, trace, "client".into(), request_id);
        if !self.may_call(&ctx, target, url)? {
            return Ok(failure(StatusCode::FORBIDDEN));
        }
        let circumstances = Circumstances {
            id: address.id,
            host: host(head),
            path: address.path,
            request_id,
            source_ip: peer.map(|peer| peer.to_string()).unwrap_or_default(),
            now: ctx.now(),
            signer,
        };
        let request = Invocation {
            target: target.clone(),
            payload: url_event::event(head, body, &circumstances).to_string().into(),
            client_context: None,
            request_id: ctx.ids().uuid(),
            wants_tail: false,
        };
        ctx.publish("AWS/Lambda", "UrlRequestCount", ("FunctionName", &target.name), 1.0);
        let begun = std::time::Instant::now();
        let outcome = self.lambda.invoke(&ctx, request).await;
        let failed = !matches!(&outcome, Ok(outcome) if !outcome.is_error);
        let (from, to) = ("client".into(), target.arn().into());
        let action = "lambda:InvokeFunctionUrl".into();
        cloud.architecture().record(ctx.now(), from, to, &action, begun.elapsed(), failed);
        let mut response = match outcome {
            Ok(outcome) if outcome.is_error => failure(StatusCode::BAD_GATEWAY),
            Ok(outcome) => url_event::response(&outcome.payload),
            Err(error) if error.status() == 429 => failure(StatusCode::TOO_MANY_REQUESTS),
            Err(error) => return Err(error),
        };
        if let Ok(value) = HeaderValue::from_str(&trace.to_string()) {
            response.headers_mut().insert(TRACE_HEADER, value);
        }
        Ok(response)
    }

    /// Who calls; `None` when a signature is missing or wrong.
    fn caller(
        &self,
        url: &FunctionUrl,
        (head, body): (&Parts, &Bytes),
        peer: Option<IpAddr>,
    ) -> Result<Option<Caller>, ApiError> {
        let user_agent = head.headers.get(http::header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let caller = |actor, access_key_id| Caller {
            actor,
            access_key_id,
            source_ip: peer,
            user_agent: user_agent.map(str::to_owned),
            is_tls: false,
            source: None,
        };
        if !url.needs_signature {
            return Ok(Some(caller(Actor::of(Principal::Anonymous), None)));
        }
        let view = RequestView {
            method: head.method.as_str(),
            path: head.uri.path(),
            query: head.uri.query().unwrap_or_default(),
            headers: &head.headers,
            authority: Some(host(head)),
        };
        let Ok(Some(signature)) = Authentication::of(&view) else { return Ok(None) };
        let cloud = &self.lambda.cloud;
        let key = signature.access_key.to_string();
        let Some(credential) = cloud.directory()?.credential(&key)? else {
            let is_strict = cloud.settings().is_strict;
            let anybody = || caller(Actor::of(developer_principal(&key)), Some(key.clone()));
            return Ok((!is_strict).then(anybody));
        };
        let is_valid = credential.expires.is_none_or(|expires| expires > cloud.clock().now())
            && credential.session_token.as_deref() == signature.token.as_deref();
        // The client's clock is the machine's, whatever the region's was advanced by.
        let wall = cloud.clock().now().seconds() - cloud.clock().offset().as_secs() as i64;
        let payload = Payload::of(&head.headers, body);
        let secret = &credential.secret_access_key;
        let verified = signature.verify(&view, payload, secret, PathRule::Normalised, wall, &self.keys);
        Ok((is_valid && verified.is_ok()).then(|| caller(credential.actor.clone(), Some(key))))
    }

    /// Whether the policies let the caller call the URL.
    fn may_call(&self, ctx: &Ctx, target: &Target, url: &FunctionUrl) -> Result<bool, ApiError> {
        let (actor, caller) = (&ctx.caller().actor, ctx.caller());
        let key = (target.name.clone(), policy_qualifier(target));
        let policy = tables::POLICIES.find(&mut ctx.store().read(&target.scope())?, &key)?;
        let document = policy.and_then(|policy| policy.document());
        let policy = document.map(|text| self.lambda.policies.resource_policy(&text)).transpose()?;
        if policy.is_none()
            && matches!(actor.principal, Principal::Root { account } if account == target.account)
        {
            return Ok(true);
        }
        let own = ctx.cloud().directory()?.policies_of(&actor.principal)?;
        let facts = RequestFacts {
            now: ctx.now().seconds(),
            source_ip: caller.source_ip,
            user_agent: caller.user_agent.as_deref(),
            region: target.region.as_str(),
            ..RequestFacts::default()
        };
        let mut context = global_keys(&actor.principal, &actor.session, &facts);
        context.set("lambda:functionurlauthtype", url.auth_type());
        let arn = target.qualified_arn();
        let question = Question {
            principal: &actor.principal,
            action: "lambda:InvokeFunctionUrl",
            resources: &[&arn],
            resource_account: Some(target.account),
            context: &context,
        };
        let policies = Policies {
            identity: &own.identity,
            boundary: own.boundary.as_deref(),
            session: &actor.session_policies,
            resource: policy.as_deref(),
            resource_must_allow: false,
            is_trust: false,
            control: &[],
        };
        Ok(evaluate(&question, &policies).allowed)
    }
}

/// What an event tells of who signed.
fn signer(caller: &Caller) -> (String, serde_json::Value) {
    let principal = &caller.actor.principal;
    let account = principal.account().unwrap_or(AccountId::DEFAULT).to_string();
    let identity = json!({
        "accessKey": caller.access_key_id,
        "accountId": account,
        "callerId": principal.userid(),
        "cognitoIdentity": null,
        "principalOrgId": null,
        "userArn": principal.arn(),
        "userId": principal.userid(),
    });
    (account, identity)
}

fn digest(hex: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (index, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(digest)
}
