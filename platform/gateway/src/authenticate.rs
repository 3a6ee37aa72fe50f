//! Whose request it is.

use cloud::{Actor, Caller, Cloud};
use http::HeaderMap;
use identity::credentials::developer_principal;
use identity::sigv4::{Authentication, Dialect, KeyCache, PathRule, Payload, RequestView, SignatureError};
use identity::{AccountId, Principal, Region};
use shapes::{ApiError, Protocol};

use crate::Peer;
use crate::cors;

/// The caller, and the account and region it means.
pub(crate) struct Authenticated {
    pub caller: Caller,
    pub account: AccountId,
    pub region: Region,
}

/// A request with the signature it carries.
pub(crate) struct Signed<'a> {
    pub authentication: Option<&'a Authentication<'a>>,
    pub view: &'a RequestView<'a>,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

/// Checks the signature of a request in `protocol`.
pub(crate) fn authenticate(
    cloud: &Cloud,
    keys: &KeyCache,
    protocol: Protocol,
    signed: &Signed<'_>,
    peer: Peer,
) -> Result<Authenticated, ApiError> {
    let Signed { authentication, view, headers, body } = *signed;
    let refuse = |error: SignatureError| refused(protocol, &error);
    let authentication = authentication.ok_or_else(|| refuse(SignatureError::MissingAuthenticationToken))?;
    let region = Region::parse(&authentication.region).filter(Region::is_known).ok_or_else(|| {
        let text = format!("'{}' is not a region that AWS has; one is us-east-1.", authentication.region);
        refuse(SignatureError::Scope(format!("Credential should be scoped to a valid region. {text}")))
    })?;
    let actor = match cloud.directory()?.credential(&authentication.access_key)? {
        Some(credential) => {
            let now = cloud.clock().now();
            if !is_same_token(credential.session_token.as_deref(), authentication.token.as_deref()) {
                return Err(refuse(SignatureError::InvalidToken));
            }
            if credential.expires.is_some_and(|expires| expires <= now) {
                return Err(refuse(SignatureError::ExpiredToken));
            }
            let payload = Payload::of(headers, body);
            let (secret, rule) = (&credential.secret_access_key, PathRule::Normalised);
            // The client's clock is the machine's, whatever the region's was advanced by.
            let wall = now.seconds() - cloud.clock().offset().as_secs() as i64;
            authentication.verify(view, payload, secret, rule, wall, keys).map_err(refuse)?;
            credential.actor.clone()
        }
        None if cloud.settings().is_strict => return Err(refuse(SignatureError::InvalidToken)),
        None => {
            // Nobody was given this key, so anybody may use it; but not a page of some other site in a browser.
            if cors::is_foreign(headers) {
                let message =
                    "A web page of another site may use only access keys that the region has given out.";
                return Err(ApiError::with_status(403, "AccessDenied", message));
            }
            Actor::of(developer_principal(&authentication.access_key))
        }
    };
    let account = actor.principal.account().unwrap_or(AccountId::DEFAULT);
    let caller = Caller {
        actor,
        access_key_id: Some(authentication.access_key.to_string()),
        source_ip: peer.address,
        user_agent: headers
            .get(http::header::USER_AGENT)
            .and_then(|agent| agent.to_str().ok())
            .map(str::to_owned),
        is_tls: peer.is_tls,
        source: None,
    };
    Ok(Authenticated { caller, account, region })
}

/// The caller of an operation that needs no signature.
pub(crate) fn anonymous(cloud: &Cloud, peer: Peer) -> Authenticated {
    let caller = Caller {
        actor: Actor::of(Principal::Anonymous),
        access_key_id: None,
        source_ip: peer.address,
        user_agent: None,
        is_tls: peer.is_tls,
        source: None,
    };
    Authenticated { caller, account: AccountId::DEFAULT, region: cloud.settings().default_region }
}

fn is_same_token(issued: Option<&str>, sent: Option<&str>) -> bool {
    match (issued, sent) {
        (Some(issued), Some(sent)) => {
            // In time that does not tell where they differ.
            issued.len() == sent.len()
                && issued.bytes().zip(sent.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
        }
        (None, None) => true,
        _ => false,
    }
}

/// A refused signature in the words of the protocol's services.
pub(crate) fn refused(protocol: Protocol, error: &SignatureError) -> ApiError {
    let dialect = match protocol {
        Protocol::AwsQuery | Protocol::Ec2Query => Dialect::Query,
        Protocol::RestJson | Protocol::RestXml => Dialect::RestJson,
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RpcV2Cbor => Dialect::Json,
    };
    let answer = error.answer(dialect);
    ApiError::with_status(answer.status, answer.code, answer.message)
}
