//! Methods with the authorization type AWS_IAM: who signed a request, and whether the signer's policies and the API's own
//! let it be made (Developer Guide, "Control access to a REST API with IAM permissions").

use std::borrow::Cow;

use bytes::Bytes;
use cloud::{Actor, Caller, Cloud, Ctx, Guard, SignerError};
use http::request::Parts;
use identity::credentials::developer_principal;
use identity::sigv4::{Authentication, Dialect, KeyCache, PathRule, Payload, RequestView, SignatureError};
use shapes::ApiError;

use super::authorizer::{INVOKE, called_arn, masked};
use super::deployed::Deployed;
use super::failures::Refusal;
use super::request::MethodRequest;
use crate::gateway_response::Cause;

/// The service of a credential's scope.
const SIGNING_NAME: &str = "execute-api";

/// Whoever signed a request, acting in the account of the API.
pub(crate) struct Signer {
    pub ctx: Ctx,
    access_key: String,
}

/// Finds out who signed a request, and refuses one that the signer may not make. `ctx` is the request's.
pub(super) fn admit(
    cloud: &Cloud,
    keys: &KeyCache,
    ctx: &Ctx,
    (head, body): (&Parts, &Bytes),
    deployed: &Deployed,
    request: &MethodRequest,
) -> Result<Signer, Refusal> {
    let (actor, access_key) = signed_by(cloud, keys, head, body, deployed)?;
    let caller = Caller {
        actor,
        access_key_id: Some(access_key.clone()),
        source_ip: request.source_ip.parse().ok(),
        user_agent: request.header("user-agent").map(str::to_owned),
        is_tls: false,
        source: None,
    };
    let tenant = (deployed.account, deployed.region);
    let ctx = Ctx::new(cloud.clone(), caller, tenant, ctx.trace(), "client".into(), &request.request_id);
    let guard = Guard::resource(called_arn(deployed, request))
        .action(INVOKE)
        .policy(deployed.policy.clone())
        .owned_by(deployed.account);
    let denied = |error: ApiError| Refusal::new(Cause::AccessDenied, masked(error.message(), deployed));
    ctx.authorize(&apigateway_api::SERVICE, &guard).map_err(denied)?;
    Ok(Signer { ctx, access_key })
}

fn signed_by(
    cloud: &Cloud,
    keys: &KeyCache,
    head: &Parts,
    body: &Bytes,
    deployed: &Deployed,
) -> Result<(Actor, String), Refusal> {
    let view = RequestView {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        headers: &head.headers,
        authority: head.uri.authority().map(|authority| authority.as_str()),
    };
    let authentication = Authentication::of(&view).map_err(|error| refused(&error))?;
    let authentication =
        authentication.ok_or_else(|| refused(&SignatureError::MissingAuthenticationToken))?;
    let in_scope = authentication.check_scope(deployed.region.as_str(), &[SIGNING_NAME]);
    in_scope.map_err(|error| refused(&error))?;
    let payload = Payload::of(&head.headers, body);
    let access_key = authentication.access_key.to_string();
    match cloud.signer(keys, &authentication, &view, payload, PathRule::Normalised) {
        Ok(Some((credential, _))) => Ok((credential.actor.clone(), access_key)),
        // A web page may make up a key as well, and nobody knows whose page it is.
        Ok(None) if head.headers.contains_key("origin") => Err(refused(&SignatureError::InvalidToken)),
        Ok(None) => Ok((Actor::of(developer_principal(&access_key)), access_key)),
        Err(SignerError::Signature(error)) => Err(refused(&error)),
        Err(SignerError::Directory(_)) => Err(Refusal::internal()),
    }
}

fn refused(error: &SignatureError) -> Refusal {
    let cause = match error {
        SignatureError::MissingAuthenticationToken => Cause::MissingAuthenticationToken,
        SignatureError::ExpiredToken | SignatureError::RequestExpired { .. } => Cause::ExpiredToken,
        _ => Cause::InvalidSignature,
    };
    Refusal::new(cause, error.answer(Dialect::RestJson).message)
}

impl Signer {
    /// `$context.identity` of a signed request, by the names after the dot.
    pub(crate) fn identity(&self) -> [(&'static str, String); 5] {
        let principal = self.ctx.principal();
        let account = principal.account().map(|account| account.to_string()).unwrap_or_default();
        [
            ("accessKey", self.access_key.clone()),
            ("accountId", account),
            ("caller", principal.userid()),
            ("user", principal.userid()),
            ("userArn", principal.arn()),
        ]
    }

    /// The same as variables of `$context`.
    pub(crate) fn entries(&self) -> Vec<(Cow<'static, str>, String)> {
        let identity = self.identity().into_iter();
        identity.map(|(name, value)| (format!("identity.{name}").into(), value)).collect()
    }
}
