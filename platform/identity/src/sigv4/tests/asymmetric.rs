//! A signature that AWS's own client library made (awscrt 0.27.6).

use super::*;

const SIGNATURE: &str = "304602210080a3ae117eaa296f06d927670597c08c8f2fbb0ec1755176ca9f30ca93d60976022100c3e0c562013f08e0\
                         02a2eb2410b13de05f883cabaa61426aab893193331668e3";

fn case(host: &str, set: &str, signed: &str) -> Case {
    let authorization = format!(
        "AWS4-ECDSA-P256-SHA256 Credential={KEY}/20150830/events/aws4_request, SignedHeaders={signed}, \
         Signature={SIGNATURE}"
    );
    let headers = [
        ("Host", host),
        ("X-Amz-Target", "AWSEvents.PutEvents"),
        ("X-Amz-Date", "20150830T123600Z"),
        ("X-Amz-Region-Set", set),
        ("Authorization", &authorization),
    ];
    Case {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        body: String::new(),
    }
}

#[test]
fn signatures_of_clients_hold_for_every_region_and_for_what_was_signed_alone() {
    let (host, all) =
        ("abcde.veo.endpoint.events.amazonaws.com", "host;x-amz-date;x-amz-region-set;x-amz-target");
    let good = case(host, "*", all);
    let view = good.view();
    let authentication = Authentication::of(&view).unwrap().unwrap();
    assert_eq!((&*authentication.region, &*authentication.service), (ANY_REGION, "events"));
    verify(&good, SECRET, SIGNED_AT).unwrap();
    for (case, secret) in [
        (case("other.veo.endpoint.events.amazonaws.com", "*", all), SECRET),
        (case(host, "us-east-1", all), SECRET),
        (case(host, "*", all), "another"),
    ] {
        assert!(matches!(verify(&case, secret, SIGNED_AT), Err(SignatureError::Mismatch(_))));
    }
    let unsigned_set = case(host, "*", "host;x-amz-date;x-amz-target");
    assert!(matches!(verify(&unsigned_set, SECRET, SIGNED_AT), Err(SignatureError::HeadersNotSigned(_))));
    assert!(matches!(verify(&good, SECRET, SIGNED_AT + 3600), Err(SignatureError::Expired { .. })));
}
