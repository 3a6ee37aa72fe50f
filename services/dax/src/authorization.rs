//! Whose connection it is: Signature Version 4 of an empty request for DAX, sent along instead of a header.

use std::net::IpAddr;
use std::time::Duration;

use cloud::{Actor, Caller, Cloud, Ctx, TraceContext};
use dax_wire::{Authorization, Failure};
use identity::credentials::developer_principal;
use identity::sigv4::SigningKey;
use identity::timestamp::parse_basic;
use shapes::Timestamp;

use crate::serving::Serving;

/// For how long a client is who it said: the clients say so again in time.
pub(crate) const LASTS: Duration = Duration::from_secs(300);
/// How far a client's clock may be off (IAM User Guide, "Signing AWS API requests").
const SKEW_SECONDS: i64 = 300;

/// The caller of a connection, and until when, by the machine's clock.
pub(crate) struct Authorized {
    pub ctx: Ctx,
    pub until_seconds: i64,
}

/// The machine's time: a client's clock is not that of a region whose time was advanced.
pub(crate) fn wall_seconds(cloud: &Cloud) -> i64 {
    cloud.clock().now().seconds() - cloud.clock().offset().as_secs() as i64
}

pub(crate) fn authorize(
    cloud: &Cloud,
    serving: &Serving,
    authorization: &Authorization<'_>,
    peer: Option<IpAddr>,
) -> Result<Authorized, Box<Failure>> {
    let request_id = cloud.ids().uuid();
    let refuse = |name: &str, message: &str| Box::new(Failure::of_authentication(name, message, &request_id));
    let internal = |_| refuse("InternalServerError", "The region is not ready.");
    let directory = cloud.directory().map_err(internal)?;
    let actor = match directory.credential(authorization.access_key).map_err(internal)? {
        Some(credential) => {
            let token = "The security token included in the request is invalid.";
            let is_token = credential.session_token.as_deref() == authorization.session_token;
            if !credential.is_active || !is_token {
                return Err(refuse("UnrecognizedClientException", token));
            }
            if credential.expires.is_some_and(|expires| expires <= cloud.clock().now()) {
                return Err(refuse(
                    "ExpiredTokenException",
                    "The security token included in the request is expired",
                ));
            }
            check_signature(cloud, authorization, &credential.secret_access_key)
                .map_err(|message| refuse("InvalidSignatureException", message))?;
            credential.actor.clone()
        }
        None if cloud.settings().is_strict => {
            let message = "The security token included in the request is invalid.";
            return Err(refuse("UnrecognizedClientException", message));
        }
        None => Actor::of(developer_principal(authorization.access_key)),
    };
    let caller = Caller {
        actor,
        access_key_id: Some(authorization.access_key.to_owned()),
        source_ip: peer,
        user_agent: authorization.user_agent.map(str::to_owned),
        is_tls: false,
        source: None,
    };
    let trace = TraceContext::begin(cloud.ids(), cloud.clock().now());
    let tenant = (serving.name.account, serving.name.region);
    let ctx = Ctx::new(cloud.clone(), caller, tenant, trace, "client".into(), &request_id);
    Ok(Authorized { ctx, until_seconds: wall_seconds(cloud) + LASTS.as_secs() as i64 })
}

/// The string to sign is `AWS4-HMAC-SHA256`, the time, the scope `date/region/dax/aws4_request`, and a hash.
fn check_signature(
    cloud: &Cloud,
    authorization: &Authorization<'_>,
    secret: &str,
) -> Result<(), &'static str> {
    let malformed = "The string to sign is malformed.";
    let lines: Vec<&str> = authorization.string_to_sign.split('\n').collect();
    let ["AWS4-HMAC-SHA256", time, scope, hash] = lines[..] else { return Err(malformed) };
    let parts: Vec<&str> = scope.split('/').collect();
    let [date, region, "dax", "aws4_request"] = parts[..] else { return Err(malformed) };
    let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hash || !time.starts_with(date) {
        return Err(malformed);
    }
    let signed_at = parse_basic(time).ok_or(malformed)?;
    if (signed_at - wall_seconds(cloud)).abs() > SKEW_SECONDS {
        return Err("Signature expired.");
    }
    let key = SigningKey::derive(secret, date, region, "dax");
    if key.is_signature_of(authorization.string_to_sign, authorization.signature) {
        return Ok(());
    }
    Err("The request signature we calculated does not match the signature you provided.")
}

/// When a copy that is made now ends; a time of nothing is never.
pub(crate) fn end_after(now: Timestamp, millis: u64) -> Timestamp {
    match millis {
        0 => Timestamp::from_millis(i64::MAX),
        millis => now + Duration::from_millis(millis),
    }
}
