//! Push notifications on their way through the platforms' services, which the test plays.

#![allow(clippy::unwrap_used, reason = "what the tests share is test code as well")]

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use rsa::pkcs8::EncodePrivateKey;
use serde_json::{Value, json};
use sns_api::op::{
    CreatePlatformApplication, CreatePlatformEndpoint, GetEndpointAttributes,
    GetPlatformApplicationAttributes, Publish,
};
use sns_api::{
    CreatePlatformApplicationInput, CreatePlatformEndpointInput, GetEndpointAttributesInput,
    GetPlatformApplicationAttributesInput, MessageAttributeValue, PublishInput,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::kit::Sns;

/// What a platform was asked.
struct Asked {
    version: http::Version,
    path: String,
    headers: HashMap<String, String>,
    body: String,
}

/// Google and Apple in one: grants tokens, and answers notifications with one status after the other.
struct Platform {
    url: String,
    asked: mpsc::UnboundedReceiver<Asked>,
}

impl Platform {
    async fn start(answers: &'static [(u16, &'static str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, asked) = mpsc::unbounded_channel();
        let turn = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (sender, turn) = (sender.clone(), turn.clone());
                let answer = service_fn(move |request: Request<Incoming>| {
                    let (sender, turn) = (sender.clone(), turn.clone());
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.unwrap().to_bytes();
                        let (status, answer) = if head.uri.path() == "/token" {
                            (200, r#"{"access_token":"granted","expires_in":3600}"#)
                        } else {
                            let turn = turn.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                            answers[turn.min(answers.len() - 1)]
                        };
                        let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
                            (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
                        };
                        let asked = Asked {
                            version: head.version,
                            path: head.uri.path().to_owned(),
                            headers: head.headers.iter().map(header).collect(),
                            body: String::from_utf8(body.to_vec()).unwrap(),
                        };
                        let _ = sender.send(asked);
                        let answer = Response::builder().status(status).body(Full::new(Bytes::from(answer)));
                        Ok::<_, Infallible>(answer.unwrap())
                    }
                });
                tokio::spawn(async move {
                    let serving = auto::Builder::new(TokioExecutor::new());
                    let _ = serving.serve_connection(TokioIo::new(stream), answer).await;
                });
            }
        });
        Self { url, asked }
    }

    async fn next(&mut self) -> Asked {
        self.asked.recv().await.expect("the platform runs")
    }
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
}

fn apples_key() -> String {
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    pem(key.as_ref())
}

async fn device(sns: &Sns, platform: &str, token: &str, attributes: &[(&str, &str)]) -> String {
    let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let input = CreatePlatformApplicationInput {
        name: "shop".to_owned(),
        platform: platform.to_owned(),
        attributes: attributes.collect(),
    };
    let made = sns.region.call::<CreatePlatformApplication>(input).await.unwrap();
    let input = CreatePlatformEndpointInput {
        platform_application_arn: made.platform_application_arn.unwrap(),
        token: token.to_owned(),
        ..Default::default()
    };
    sns.region.call::<CreatePlatformEndpoint>(input).await.unwrap().endpoint_arn.unwrap()
}

async fn publish(sns: &Sns, device: &str, message: &Value, attributes: &[(&str, &str)]) {
    let attribute = |(name, value): &(&str, &str)| {
        let value = MessageAttributeValue {
            data_type: "String".to_owned(),
            string_value: Some((*value).to_owned()),
            ..Default::default()
        };
        ((*name).to_owned(), value)
    };
    let input = PublishInput {
        target_arn: Some(device.to_owned()),
        message: message.to_string(),
        message_structure: Some("json".to_owned()),
        message_attributes: Some(attributes.iter().map(attribute).collect()),
        ..Default::default()
    };
    sns.region.call::<Publish>(input).await.unwrap();
}

async fn is_enabled(sns: &Sns, device: &str) -> bool {
    sns.region.settle().await;
    let input = GetEndpointAttributesInput { endpoint_arn: device.to_owned() };
    let attributes = sns.region.call::<GetEndpointAttributes>(input).await.unwrap().attributes.unwrap();
    attributes["Enabled"] == "true"
}

#[tokio::test]
async fn apple_gets_notifications_over_http2_under_the_applications_key() {
    let mut apple = Platform::start(&[(200, "")]).await;
    let sns = Sns::with_push(&apple.url).await;
    let key = apples_key();
    let attributes = [
        ("PlatformPrincipal", "KEY1234567"),
        ("PlatformCredential", key.as_str()),
        ("ApplePlatformTeamID", "TEAM123456"),
        ("ApplePlatformBundleID", "com.example.shop"),
    ];
    let device = device(&sns, "APNS", "c0ffee", &attributes).await;
    let message = json!({ "default": "d", "APNS": r#"{"aps":{"alert":"hello"}}"# });
    publish(
        &sns,
        &device,
        &message,
        &[("AWS.SNS.MOBILE.APNS.PRIORITY", "5"), ("AWS.SNS.MOBILE.APNS.TTL", "60")],
    )
    .await;
    let asked = apple.next().await;
    assert_eq!((asked.version, asked.path.as_str()), (http::Version::HTTP_2, "/3/device/c0ffee"));
    assert_eq!(asked.body, r#"{"aps":{"alert":"hello"}}"#);
    let header = |name: &str| asked.headers.get(name).map(String::as_str);
    assert_eq!((header("apns-topic"), header("apns-push-type")), (Some("com.example.shop"), Some("alert")));
    assert_eq!((header("apns-priority"), header("apns-expiration")), (Some("5"), Some("1767225660")));
    let token = header("authorization").unwrap().strip_prefix("bearer ").unwrap();
    let part = |at: usize| -> Value {
        let part = token.split('.').nth(at).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(part(0), json!({ "alg": "ES256", "kid": "KEY1234567" }));
    assert_eq!(part(1), json!({ "iss": "TEAM123456", "iat": 1_767_225_600 }));
    publish(&sns, &device, &json!({ "default": "again" }), &[]).await;
    let again = apple.next().await;
    assert_eq!(again.headers["authorization"].strip_prefix("bearer "), Some(token), "one token for an hour");
    assert_eq!(again.body, r#"{"aps":{"alert":"again"}}"#);
    let input = GetPlatformApplicationAttributesInput {
        platform_application_arn: "arn:aws:sns:us-east-1:000000000000:app/APNS/shop".to_owned(),
    };
    let told = sns.region.call::<GetPlatformApplicationAttributes>(input).await.unwrap().attributes.unwrap();
    assert!(!told.contains_key("PlatformCredential"), "secrets are told to nobody");
}

#[tokio::test]
async fn google_grants_a_token_and_gets_the_message_in_its_own_form() {
    let mut google = Platform::start(&[(200, "{}")]).await;
    let sns = Sns::with_push(&google.url).await;
    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    let account = json!({
        "project_id": "shop-1", "client_email": "push@shop-1.example", "private_key_id": "k",
        "private_key": pem(key.to_pkcs8_der().unwrap().as_bytes()),
        "token_uri": format!("{}/token", google.url),
    });
    let device = device(&sns, "GCM", "phone", &[("PlatformCredential", &account.to_string())]).await;
    let message = json!({ "default": "d", "GCM": r#"{"notification":{"title":"t"},"data":{"n":1}}"# });
    publish(&sns, &device, &message, &[]).await;
    let grant = google.next().await;
    assert_eq!(grant.path, "/token");
    assert!(
        grant
            .body
            .starts_with("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=ey")
    );
    let asked = google.next().await;
    assert_eq!(
        (asked.version, asked.path.as_str()),
        (http::Version::HTTP_2, "/v1/projects/shop-1/messages:send")
    );
    assert_eq!(asked.headers["authorization"], "Bearer granted");
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(
        body,
        json!({ "message": { "token": "phone", "notification": { "title": "t" }, "data": { "n": "1" } } })
    );
}

#[tokio::test]
async fn a_platform_that_is_busy_is_asked_again_and_a_device_that_is_gone_is_switched_off() {
    let mut apple = Platform::start(&[
        (503, r#"{"reason":"ServiceUnavailable"}"#),
        (200, ""),
        (410, r#"{"reason":"Unregistered"}"#),
    ])
    .await;
    let sns = Sns::with_push(&apple.url).await;
    let key = apples_key();
    let attributes = [
        ("PlatformPrincipal", "K"),
        ("PlatformCredential", key.as_str()),
        ("ApplePlatformTeamID", "T"),
        ("ApplePlatformBundleID", "b"),
    ];
    let device = device(&sns, "APNS_SANDBOX", "abc", &attributes).await;
    publish(&sns, &device, &json!({ "default": "one" }), &[]).await;
    apple.next().await;
    // The first attempts follow at once.
    let again = apple.next().await;
    assert!(again.body.contains("one") && is_enabled(&sns, &device).await);
    publish(&sns, &device, &json!({ "default": "two" }), &[]).await;
    apple.next().await;
    for _ in 0..1000 {
        if !is_enabled(&sns, &device).await {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(!is_enabled(&sns, &device).await);
    let input = PublishInput { target_arn: Some(device), message: "three".to_owned(), ..Default::default() };
    assert_eq!(sns.region.call::<Publish>(input).await.unwrap_err().name(), "EndpointDisabledException");
    sns.region.advance(Duration::from_secs(3600)).await;
    assert!(apple.asked.try_recv().is_err(), "nothing is sent to it any more");
}
