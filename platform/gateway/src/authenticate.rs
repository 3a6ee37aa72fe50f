//! Whose request it is.

use cloud::{Actor, Caller, Cloud, SignerError};
use identity::credentials::developer_principal;
use identity::sigv2::SignatureV2;
use identity::sigv4::{
    ANY_REGION, Authentication, Dialect, KeyCache, PathRule, Payload, RequestView, SignatureError, Verified,
};
use identity::{AccountId, Principal, Region};
use shapes::{ApiError, Protocol};
use wire::identify::Head;

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
    pub head: &'a Head<'a>,
    pub payload: Payload<'a>,
    pub rule: PathRule,
}

/// Checks the signature of a request. What was verified is nothing when the key is one that nobody was given.
pub(crate) fn authenticate(
    cloud: &Cloud,
    keys: &KeyCache,
    dialect: Dialect,
    signed: &Signed<'_>,
    peer: Peer,
) -> Result<(Authenticated, Option<Verified>), ApiError> {
    let Signed { authentication, view, head, payload, rule } = *signed;
    let refuse = |error: SignatureError| refused_in(dialect, &error);
    let authentication = authentication.ok_or_else(|| refuse(SignatureError::MissingAuthenticationToken))?;
    let named = match &*authentication.region {
        ANY_REGION => Some(cloud.settings().default_region),
        region => Region::known(region),
    };
    let region = named.ok_or_else(|| {
        let text = format!("'{}' is not a region that AWS has; one is us-east-1.", authentication.region);
        refuse(SignatureError::Scope(format!("Credential should be scoped to a valid region. {text}")))
    })?;
    let signer = cloud.signer(keys, authentication, view, payload, rule).map_err(|error| match error {
        SignerError::Signature(error) => refuse(error),
        SignerError::Directory(error) => error,
    })?;
    let (actor, verified) = match signer {
        Some((credential, verified)) => (credential.actor.clone(), Some(verified)),
        None => (anybody(&authentication.access_key, head)?, None),
    };
    Ok((caller_of(actor, &authentication.access_key, region, head, peer), verified))
}

/// As [`authenticate`], for signatures of version 2; `path` is the resource's.
pub(crate) fn authenticate_v2(
    cloud: &Cloud,
    signature: &SignatureV2<'_>,
    view: &RequestView<'_>,
    path: &str,
    head: &Head<'_>,
    peer: Peer,
) -> Result<Authenticated, ApiError> {
    let refuse = |error: SignatureError| refused_in(Dialect::S3, &error);
    let wall = cloud.wall_seconds();
    let actor = match cloud.directory()?.credential(&signature.access_key)? {
        Some(credential) => {
            cloud.check_token(&credential, signature.token.as_deref()).map_err(refuse)?;
            signature.verify(view, path, &credential.secret_access_key, wall).map_err(refuse)?;
            credential.actor.clone()
        }
        None if cloud.settings().is_strict => return Err(refuse(SignatureError::InvalidToken)),
        None => {
            signature.check_time(view, wall).map_err(refuse)?;
            anybody(&signature.access_key, head)?
        }
    };
    Ok(caller_of(actor, &signature.access_key, cloud.settings().default_region, head, peer))
}

/// Nobody was given this key, so anybody may use it; but not a page of some other site in a browser.
fn anybody(access_key: &str, head: &Head<'_>) -> Result<Actor, ApiError> {
    if cors::is_foreign(head) {
        let message = "A web page of another site may use only access keys that the region has given out.";
        return Err(ApiError::with_status(403, "AccessDenied", message));
    }
    Ok(Actor::of(developer_principal(access_key)))
}

fn caller_of(actor: Actor, access_key: &str, region: Region, head: &Head<'_>, peer: Peer) -> Authenticated {
    let account = actor.principal.account().unwrap_or(AccountId::DEFAULT);
    let caller = Caller {
        actor,
        access_key_id: Some(access_key.to_owned()),
        source_ip: peer.address,
        user_agent: head.user_agent.map(str::to_owned),
        is_tls: peer.is_tls,
        source: None,
    };
    Authenticated { caller, account, region }
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

/// A refused signature in the words of the protocol's services.
pub(crate) fn refused(protocol: Protocol, error: &SignatureError) -> ApiError {
    refused_in(dialect_of(protocol), error)
}

/// The family whose words a protocol's services use.
pub(crate) fn dialect_of(protocol: Protocol) -> Dialect {
    match protocol {
        Protocol::AwsQuery | Protocol::Ec2Query => Dialect::Query,
        Protocol::RestJson | Protocol::RestXml => Dialect::RestJson,
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RpcV2Cbor => Dialect::Json,
    }
}

pub(crate) fn refused_in(dialect: Dialect, error: &SignatureError) -> ApiError {
    let answer = error.answer(dialect);
    ApiError::with_status(answer.status, answer.code, answer.message)
}
