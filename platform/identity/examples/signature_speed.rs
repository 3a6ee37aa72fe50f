//! Measures verification of a typical request of 1 KB, signature and all, and a policy decision. Build it for release.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use identity::policy::{ContextKeys, NamedPolicy, Policies, PolicyKind, Request, evaluate};
use identity::sigv4::{Authentication, KeyCache, PathRule, Payload, RequestView, Signer};
use identity::{AccountId, Principal};

const NOW: i64 = 1_700_000_000;
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn main() {
    measure_verification();
    measure_decision();
}

fn measure_verification() {
    let body = vec![b'x'; 1024];
    let mut headers = http::HeaderMap::new();
    let given = [
        ("host", "sqs.us-east-1.localhost:4566"),
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amz-target", "AmazonSQS.SendMessage"),
        ("user-agent", "Boto3/1.40 md/Botocore#1.40 ua/2.1 os/linux#6 md/arch#x86_64 lang/python#3.11"),
        ("amz-sdk-invocation-id", "0f2b3f60-1c1c-4d7e-9a51-6c9d0ac9c1aa"),
        ("amz-sdk-request", "attempt=1"),
        ("content-length", "1024"),
    ];
    for (name, value) in given {
        headers.insert(name, http::HeaderValue::from_static(value));
    }
    let keys = KeyCache::default();
    let signer = Signer {
        access_key: "AKIDEXAMPLE",
        secret: SECRET,
        token: None,
        region: "us-east-1",
        service: "sqs",
        rule: PathRule::Normalised,
        keys: Some(&keys),
    };
    let bare = RequestView { method: "POST", path: "/", query: "", headers: &headers, authority: None };
    let added = signer.sign(&bare, Payload::Body(&body), NOW);
    report("sign", || {
        black_box(signer.sign(&bare, Payload::Body(&body), NOW));
    });
    let mut signed = headers.clone();
    for (name, value) in added {
        if let Ok(value) = value.parse() {
            signed.insert(name, value);
        }
    }
    let view = RequestView { method: "POST", path: "/", query: "", headers: &signed, authority: None };
    report("verify", || {
        let Ok(Some(auth)) = Authentication::of(&view) else { panic!("the request is signed") };
        let payload = Payload::of(view.headers, &body);
        let verified = auth.verify(&view, payload, SECRET, PathRule::Normalised, NOW, &keys);
        assert!(black_box(verified).is_ok());
    });
}

fn measure_decision() {
    let document = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":["s3:Get*","s3:List*"],"Resource":"*"},
        {"Effect":"Allow","Action":"dynamodb:*","Resource":"arn:aws:dynamodb:*:*:table/orders*"},
        {"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:us-east-1:123456789012:*"}]}"#;
    let Ok(policy) = NamedPolicy::parse("p", document, PolicyKind::Identity) else {
        panic!("the policy is good")
    };
    let policies = [Arc::new(policy)];
    let principal = Principal::user(AccountId::DEFAULT, "/", "ann", "AIDAX");
    let context = ContextKeys::default();
    let request = Request {
        principal: &principal,
        action: "sqs:SendMessage",
        resources: &["arn:aws:sqs:us-east-1:123456789012:orders"],
        resource_account: None,
        context: &context,
    };
    report("decide", || {
        assert!(
            black_box(evaluate(&request, &Policies { identity: &policies, ..Policies::default() })).allowed
        );
    });
}

/// The best of several rounds: others use the machine as well.
fn report(what: &str, mut run: impl FnMut()) {
    const ROUND: u32 = 20_000;
    let mut best = f64::MAX;
    for _ in 0..10 {
        let start = Instant::now();
        for _ in 0..ROUND {
            run();
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e6 / f64::from(ROUND));
    }
    println!("{what}: {best:.2} µs");
}
