//! Which protocol a request is in.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use shapes::Protocol;
use wire::{Request, identify};

fn check(
    headers: &[(&'static str, &'static str)],
    path: &str,
    query: &str,
    body: &'static str,
    expected: Option<(Protocol, &str)>,
) {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let body = Bytes::from_static(body.as_bytes());
    let request = Request::new("POST", path, query, &map, &body);
    let protocol = identify::protocol(&request);
    let name = protocol.and_then(|protocol| identify::operation_name(protocol, &request));
    assert_eq!(protocol.map(|protocol| (protocol, name.as_deref().unwrap_or_default())), expected);
}

#[test]
fn protocols_show_themselves() {
    let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    check(
        &[("content-type", "application/x-amz-json-1.0"), ("x-amz-target", "AmazonSQS.SendMessage")],
        "/",
        "",
        "{}",
        Some((Protocol::AwsJson10, "SendMessage")),
    );
    check(
        &[("x-amz-target", "Logs_20140328.PutLogEvents")],
        "/",
        "",
        "{}",
        Some((Protocol::AwsJson11, "PutLogEvents")),
    );
    check(&[form], "/", "", "Version=1&Action=SendMessage", Some((Protocol::AwsQuery, "SendMessage")));
    check(&[], "/1/q", "Action=SendMessage", "", Some((Protocol::AwsQuery, "SendMessage")));
    check(
        &[("smithy-protocol", "rpc-v2-cbor")],
        "/service/GraniteServiceVersion20100801/operation/PutMetricData",
        "",
        "",
        Some((Protocol::RpcV2Cbor, "PutMetricData")),
    );
    check(&[("content-type", "application/json")], "/2015-03-31/functions", "", "{}", None);
}
