//! Apple Push Notification service, over HTTP/2 with a signing key (Apple Developer Documentation, "Sending notification
//! requests to APNs" and "Establishing a token-based connection to APNs").

use std::collections::BTreeMap;

use http::Request;
use serde_json::{Value, json};
use shapes::Timestamp;

use super::web_token::{Algorithm, Tokens, sign};
use super::{BOUNDS, Notification, Refusal, Secrets, told};

/// Apple takes a token for an hour, and not more than one in 20 minutes.
const TOKEN_SECONDS: i64 = 50 * 60;

/// A device, and the attributes of its application.
pub(super) struct Device<'d> {
    pub platform: &'d str,
    pub token: &'d str,
    pub attributes: &'d BTreeMap<String, String>,
}

impl Device<'_> {
    fn attribute(&self, name: &str) -> Result<&str, Refusal> {
        let value = self.attributes.get(name).map(String::as_str);
        value.ok_or_else(|| Refusal::Lasting(format!("the application has no attribute {name}")))
    }
}

pub(super) async fn send(
    url: &str,
    tokens: &Tokens,
    secrets: &Secrets,
    device: &Device<'_>,
    notification: &Notification,
    now: Timestamp,
) -> Result<(), Refusal> {
    let topic = match notification.mobile.get("APNS.TOPIC") {
        Some(topic) => topic.clone(),
        None => device.attribute("ApplePlatformBundleID")?.to_owned(),
    };
    let is_voip = device.platform.contains("VOIP");
    let (topic, usual_type) = if is_voip { (format!("{topic}.voip"), "voip") } else { (topic, "alert") };
    if !device.token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Refusal::Gone(format!("{} is no token of a device", device.token)));
    }
    let proof = proof(tokens, secrets, device, now)?;
    let mobile = |name: &str| notification.mobile.get(name).map(String::as_str);
    let mut request = Request::post(format!("{url}/3/device/{}", device.token))
        .header("authorization", format!("bearer {proof}"))
        .header("apns-id", &notification.message_id)
        .header("apns-topic", topic)
        .header("apns-push-type", mobile("APNS.PUSH_TYPE").unwrap_or(usual_type));
    if let Some(priority) = mobile("APNS.PRIORITY") {
        request = request.header("apns-priority", priority);
    }
    if let Some(collapse) = mobile("APNS.COLLAPSE_ID") {
        request = request.header("apns-collapse-id", collapse);
    }
    let lifetime = mobile(&format!("{}.TTL", device.platform)).and_then(|text| text.parse::<i64>().ok());
    if let Some(seconds) = lifetime {
        request = request.header("apns-expiration", now.seconds() + seconds);
    }
    let request = request.body(payload(notification).to_string().into());
    let request = request.map_err(|error| Refusal::Lasting(error.to_string()))?;
    let answer = outbound::send_over_http2(request, BOUNDS).await;
    let answer = answer.map_err(|error| Refusal::Passing(error.to_string()))?;
    let (status, reason) = (answer.status().as_u16(), told(answer.status().as_u16(), answer.body()));
    let named: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    match (status, named["reason"].as_str()) {
        (200, _) => Ok(()),
        (410, _) | (400, Some("BadDeviceToken" | "DeviceTokenNotForTopic")) => Err(Refusal::Gone(reason)),
        (403, Some("ExpiredProviderToken")) => {
            tokens.forget(&owner(secrets, device));
            Err(Refusal::Passing(reason))
        }
        (429 | 500.., _) => Err(Refusal::Passing(reason)),
        _ => Err(Refusal::Lasting(reason)),
    }
}

/// JSON for Apple as it was published, or an alert of the text.
fn payload(notification: &Notification) -> Value {
    match serde_json::from_str(&notification.body) {
        Ok(given @ Value::Object(_)) => given,
        _ => match &notification.subject {
            Some(title) => json!({ "aps": { "alert": { "title": title, "body": notification.body } } }),
            None => json!({ "aps": { "alert": notification.body } }),
        },
    }
}

fn owner(secrets: &Secrets, device: &Device<'_>) -> String {
    let team = device.attributes.get("ApplePlatformTeamID").map(String::as_str).unwrap_or_default();
    format!("apns {team} {}", secrets.principal.as_deref().unwrap_or_default())
}

fn proof(tokens: &Tokens, secrets: &Secrets, device: &Device<'_>, now: Timestamp) -> Result<String, Refusal> {
    let owner = owner(secrets, device);
    if let Some(token) = tokens.find(&owner, now) {
        return Ok(token);
    }
    let team = device.attribute("ApplePlatformTeamID")?;
    let missing = |name: &str| Refusal::Lasting(format!("the application has no {name}"));
    let key_id = secrets.principal.as_deref().ok_or_else(|| missing("PlatformPrincipal"))?;
    let key = secrets.credential.as_deref().ok_or_else(|| missing("PlatformCredential"))?;
    if key.contains("BEGIN CERTIFICATE") || key_id.contains("BEGIN CERTIFICATE") {
        let reason = "the application has a certificate; notifications are sent with signing keys alone";
        return Err(Refusal::Lasting(reason.to_owned()));
    }
    let header = json!({ "alg": "ES256", "kid": key_id });
    let claims = json!({ "iss": team, "iat": now.seconds() });
    let token = sign(Algorithm::Es256, &header, &claims, key).map_err(Refusal::Lasting)?;
    tokens.keep(owner, token.clone(), Timestamp::from_seconds(now.seconds() + TOKEN_SECONDS));
    Ok(token)
}
