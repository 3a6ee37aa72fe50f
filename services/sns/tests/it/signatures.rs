//! Signed messages, verified as a client does: with the certificate that the message names.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use ring::signature::{
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters,
    UnparsedPublicKey,
};
use serde_json::Value;
use sns_api::SetTopicAttributesInput;
use sns_api::op::SetTopicAttributes;

use crate::kit::{Sns, TOPIC, body};

/// The public key in a certificate: what follows the algorithm's identifier, as RFC 3279 writes it.
fn public_key(pem: &str) -> Vec<u8> {
    let text: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(text).expect("PEM is base64");
    let mark = [
        0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f,
        0x00,
    ];
    let at = der.windows(mark.len()).position(|window| window == mark).expect("it is an RSA key");
    der[at + mark.len()..at + mark.len() + 270].to_vec()
}

async fn certificate(sns: &Sns, url: &str) -> String {
    let endpoint = sns::endpoint(sns.region.cloud.clone());
    let path = url.strip_prefix("http://127.0.0.1:4566").expect("the region serves it");
    let request = Request::get(path).body(Bytes::new()).expect("it is a path");
    let (head, _) = request.into_parts();
    assert!(endpoint.claims(&head), "{path}");
    let response = endpoint.serve(Request::from_parts(head, Bytes::new()), None, "id").await;
    assert_eq!(response.status(), 200);
    String::from_utf8(response.into_body().to_vec()).expect("PEM is text")
}

fn canonical(message: &Value, names: &[&str]) -> String {
    let lines = names.iter().filter_map(|name| Some(format!("{name}\n{}\n", message[name].as_str()?)));
    lines.collect()
}

async fn is_genuine(sns: &Sns, message: &Value, names: &[&str], scheme: &'static RsaParameters) -> bool {
    let member = |name: &str| message[name].as_str().expect("a signed message has it");
    let pem = certificate(sns, member("SigningCertURL")).await;
    let signature = STANDARD.decode(member("Signature")).expect("signatures are base64");
    let key = UnparsedPublicKey::new(scheme, public_key(&pem));
    key.verify(canonical(message, names).as_bytes(), &signature).is_ok()
}

const OF_NOTIFICATION: [&str; 6] = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"];
const OF_CONFIRMATION: [&str; 7] =
    ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];

async fn set_version(sns: &Sns, version: &str) -> Result<(), shapes::ApiError> {
    let input = SetTopicAttributesInput {
        topic_arn: TOPIC.to_owned(),
        attribute_name: "SignatureVersion".to_owned(),
        attribute_value: Some(version.to_owned()),
    };
    sns.region.call::<SetTopicAttributes>(input).await.map(|_| ())
}

#[tokio::test]
async fn notifications_are_signed_in_both_versions() {
    let sns = Sns::start().await;
    let queue = sns.create_queue("one", true).await;
    sns.subscribe("sqs", &queue, &[]).await.unwrap();
    sns.publish("hello\nthere").await.unwrap();
    let message = body(&sns.drain("one").await[0]);
    assert_eq!(message["SignatureVersion"], "1");
    let url = message["SigningCertURL"].as_str().unwrap().to_owned();
    assert!(
        url.starts_with("http://127.0.0.1:4566/SimpleNotificationService-") && url.ends_with(".pem"),
        "{url}"
    );
    let sha1 = &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY;
    assert!(is_genuine(&sns, &message, &OF_NOTIFICATION, sha1).await);
    let mut forged = message.clone();
    forged["Message"] = "goodbye".into();
    assert!(!is_genuine(&sns, &forged, &OF_NOTIFICATION, sha1).await);

    set_version(&sns, "2").await.unwrap();
    sns.publish("again").await.unwrap();
    let message = body(&sns.drain("one").await[0]);
    assert_eq!(
        (message["SignatureVersion"].as_str(), message["SigningCertURL"].as_str()),
        (Some("2"), Some(&*url))
    );
    assert!(is_genuine(&sns, &message, &OF_NOTIFICATION, &RSA_PKCS1_2048_8192_SHA256).await);
    assert_eq!(set_version(&sns, "3").await.unwrap_err().message(), "Invalid parameter: SignatureVersion");
}

#[tokio::test]
async fn confirmations_are_signed_too() {
    let sns = Sns::start().await;
    sns.subscribe("email-json", "a@b.example", &[]).await.unwrap();
    let mail = sns::inbox(&sns.region.cloud).latest(None, 1).unwrap().remove(0);
    let message: Value = serde_json::from_str(&mail.body).unwrap();
    assert_eq!(message["Type"], "SubscriptionConfirmation");
    let sha1 = &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY;
    assert!(is_genuine(&sns, &message, &OF_CONFIRMATION, sha1).await);
}

#[tokio::test]
async fn functions_get_signatures_spelled_their_way() {
    let sns = Sns::start().await;
    sns.subscribe("lambda", "arn:aws:lambda:us-east-1:000000000000:function:f", &[]).await.unwrap();
    sns.publish("hello").await.unwrap();
    sns.region.settle().await;
    let invocations = sns.functions.invocations.lock().unwrap().clone();
    let event: Value = serde_json::from_slice(invocations[0].0.payload.as_ref().unwrap()).unwrap();
    let mut message = event["Records"][0]["Sns"].clone();
    assert_eq!(message["SignatureVersion"], "1");
    message["SigningCertURL"] = message["SigningCertUrl"].clone();
    message["Subject"] = Value::Null;
    let sha1 = &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY;
    assert!(is_genuine(&sns, &message, &OF_NOTIFICATION, sha1).await);
}

#[tokio::test]
async fn other_certificates_are_not_there() {
    let sns = Sns::start().await;
    let endpoint = sns::endpoint(sns.region.cloud.clone());
    let request = Request::get("/SimpleNotificationService-0.pem").body(Bytes::new()).unwrap();
    assert_eq!(endpoint.serve(request, None, "id").await.status(), 404);
}
