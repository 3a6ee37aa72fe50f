//! Firebase Cloud Messaging, HTTP v1, with the key of a service account (Firebase documentation, "Send a message using FCM
//! HTTP v1 API"; Google Identity, "Using OAuth 2.0 for server to server applications").

use http::Request;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use shapes::Timestamp;

use super::web_token::{Algorithm, Tokens, sign};
use super::{BOUNDS, Notification, Refusal, Secrets, told};

const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// For which a signed request for a token is good.
const REQUEST_SECONDS: i64 = 3600;
/// A token that ends within this time is asked for anew.
const MARGIN_SECONDS: i64 = 60;

/// The file that Google's console gives.
#[derive(Deserialize)]
struct ServiceAccount {
    project_id: String,
    client_email: String,
    private_key: String,
    private_key_id: Option<String>,
    token_uri: String,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: i64,
}

pub(super) async fn send(
    url: &str,
    tokens: &Tokens,
    secrets: &Secrets,
    device: &str,
    notification: &Notification,
    now: Timestamp,
) -> Result<(), Refusal> {
    let given = secrets.credential.as_deref().unwrap_or_default();
    let account: ServiceAccount = serde_json::from_str(given).map_err(|error| {
        Refusal::Lasting(format!("PlatformCredential is not the JSON of a service account: {error}"))
    })?;
    let token = token(tokens, &account, now).await?;
    let body = json!({ "message": message(device, notification) });
    let request = Request::post(format!("{url}/v1/projects/{}/messages:send", account.project_id))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(body.to_string().into());
    let request = request.map_err(|error| Refusal::Lasting(error.to_string()))?;
    let answer = outbound::send_over_http2(request, BOUNDS).await;
    let answer = answer.map_err(|error| Refusal::Passing(error.to_string()))?;
    let (status, reason) = (answer.status().as_u16(), told(answer.status().as_u16(), answer.body()));
    match status {
        200 => Ok(()),
        401 => {
            tokens.forget(&account.client_email);
            Err(Refusal::Passing(reason))
        }
        404 => Err(Refusal::Gone(reason)),
        429 | 500.. => Err(Refusal::Passing(reason)),
        _ if reason.contains("UNREGISTERED") => Err(Refusal::Gone(reason)),
        _ => Err(Refusal::Lasting(reason)),
    }
}

/// The message of HTTP v1: as it was published below `fcmV1Message`, or made of what the older API took, or of the text
/// (SNS Developer Guide, "Using Firebase Cloud Messaging v1 payloads").
fn message(device: &str, notification: &Notification) -> Value {
    let mut message = match serde_json::from_str(&notification.body) {
        Ok(Value::Object(mut given)) => match given.remove("fcmV1Message") {
            Some(Value::Object(mut wrapped)) => match wrapped.remove("message") {
                Some(Value::Object(message)) => message,
                _ => wrapped,
            },
            _ => of_older(given),
        },
        _ => {
            let mut shown = json!({ "body": notification.body });
            if let Some(title) = &notification.subject {
                shown["title"] = json!(title);
            }
            Map::from_iter([("notification".to_owned(), shown)])
        }
    };
    message.insert("token".to_owned(), json!(device));
    if let Some(seconds) = notification.mobile.get("GCM.TTL").filter(|_| !message.contains_key("android")) {
        message.insert("android".to_owned(), json!({ "ttl": format!("{seconds}s") }));
    }
    Value::Object(message)
}

/// `notification`, `data`, `priority`, `time_to_live` and `collapse_key` of the older API.
fn of_older(mut given: Map<String, Value>) -> Map<String, Value> {
    let mut message = Map::new();
    if let Some(shown) = given.remove("notification") {
        message.insert("notification".to_owned(), shown);
    }
    if let Some(Value::Object(data)) = given.remove("data") {
        // Values are text in HTTP v1.
        let text = |value: Value| match value {
            Value::String(text) => Value::String(text),
            other => Value::String(other.to_string()),
        };
        let data = data.into_iter().map(|(name, value)| (name, text(value)));
        message.insert("data".to_owned(), Value::Object(data.collect()));
    }
    let mut android = Map::new();
    if let Some(priority) = given.remove("priority") {
        android.insert("priority".to_owned(), priority);
    }
    if let Some(seconds) = given.remove("time_to_live") {
        android.insert("ttl".to_owned(), json!(format!("{seconds}s")));
    }
    if let Some(key) = given.remove("collapse_key") {
        android.insert("collapse_key".to_owned(), key);
    }
    if !android.is_empty() {
        message.insert("android".to_owned(), Value::Object(android));
    }
    message
}

async fn token(tokens: &Tokens, account: &ServiceAccount, now: Timestamp) -> Result<String, Refusal> {
    if let Some(token) = tokens.find(&account.client_email, now) {
        return Ok(token);
    }
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": account.private_key_id });
    let claims = json!({
        "iss": account.client_email, "scope": SCOPE, "aud": account.token_uri,
        "iat": now.seconds(), "exp": now.seconds() + REQUEST_SECONDS,
    });
    let assertion =
        sign(Algorithm::Rs256, &header, &claims, &account.private_key).map_err(Refusal::Lasting)?;
    let grant = GRANT.replace(':', "%3A");
    let request = Request::post(&account.token_uri)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("grant_type={grant}&assertion={assertion}").into());
    let request = request.map_err(|error| Refusal::Lasting(error.to_string()))?;
    let answer = outbound::send(request, BOUNDS).await;
    let answer = answer.map_err(|error| Refusal::Passing(error.to_string()))?;
    let (status, reason) = (answer.status().as_u16(), told(answer.status().as_u16(), answer.body()));
    let refused = |reason| if status >= 500 { Refusal::Passing(reason) } else { Refusal::Lasting(reason) };
    if status != 200 {
        return Err(refused(format!("no token was granted: {reason}")));
    }
    let granted: Granted = serde_json::from_slice(answer.body())
        .map_err(|error| Refusal::Lasting(format!("the grant of a token cannot be read: {error}")))?;
    let until = now.seconds() + (granted.expires_in - MARGIN_SECONDS).max(1);
    let owner = account.client_email.clone();
    tokens.keep(owner, granted.access_token.clone(), Timestamp::from_seconds(until));
    Ok(granted.access_token)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Notification, message};

    fn made(body: &str, subject: Option<&str>) -> Value {
        let notification = Notification {
            endpoint: String::new(),
            message_id: String::new(),
            subject: subject.map(str::to_owned),
            body: body.to_owned(),
            mobile: [("GCM.TTL".to_owned(), "60".to_owned())].into(),
        };
        message("device", &notification)
    }

    #[test]
    fn messages_of_both_apis_and_plain_text_are_sent() {
        let v1 =
            r#"{"fcmV1Message":{"message":{"notification":{"title":"t"},"android":{"priority":"high"}}}}"#;
        assert_eq!(
            made(v1, None),
            json!({"token": "device", "notification": {"title": "t"}, "android": {"priority": "high"}})
        );
        let older =
            r#"{"notification":{"body":"b"},"data":{"n":1,"s":"x"},"time_to_live":5,"priority":"high"}"#;
        assert_eq!(
            made(older, None),
            json!({
                "token": "device", "notification": {"body": "b"}, "data": {"n": "1", "s": "x"},
                "android": {"ttl": "5s", "priority": "high"},
            })
        );
        assert_eq!(
            made("hello", Some("title")),
            json!({
                "token": "device", "notification": {"body": "hello", "title": "title"}, "android": {"ttl": "60s"},
            })
        );
    }
}
