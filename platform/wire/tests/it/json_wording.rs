//! What a client reads when its JSON does not fit.

use bytes::Bytes;
use http::HeaderMap;
use shapes::{ApiError, Protocol};
use wire::Request;

use crate::dynamic::{Structure, to_json};
use crate::sample::sample;

fn decode(body: &str) -> Result<serde_json::Value, ApiError> {
    let sample = sample(Protocol::AwsJson11);
    let mut input = Structure::new(sample.operation.input);
    let (headers, body) = (HeaderMap::new(), Bytes::from(body.to_owned()));
    let request = Request::new("POST", "/", "", &headers, &body);
    wire::decode_request(sample.protocol, sample.operation, &request, &Vec::new(), &mut input)?;
    Ok(to_json(&input))
}

fn check(body: &str, expected: &str) {
    let error = decode(body).expect_err(body);
    assert_eq!(error.to_string(), expected, "{body}");
    assert_eq!(error.status(), 400);
}

#[test]
fn types_that_do_not_fit() {
    for (body, message) in [
        (r#"{"Name": 1}"#, "NUMBER_VALUE can not be converted to a String"),
        (r#"{"Name": true}"#, "TRUE_VALUE can not be converted to a String"),
        (r#"{"Name": {}}"#, "Start of structure or map found where not expected"),
        (r#"{"Name": []}"#, "Start of list found where not expected"),
        (r#"{"Count": "1"}"#, "STRING_VALUE can not be converted to an Integer"),
        (r#"{"Count": 3000000000}"#, "NUMBER_VALUE can not be converted to an Integer"),
        (r#"{"Size": 1e30}"#, "NUMBER_VALUE can not be converted to a Long"),
        (r#"{"Ratio": 1e999}"#, "NUMBER_VALUE can not be converted to a Double"),
        (r#"{"IsOpen": "true"}"#, "STRING_VALUE can not be converted to a Boolean"),
        (r#"{"Lines": {}}"#, "Expected list or null"),
        (r#"{"Tags": []}"#, "Expected map or null"),
        (r#"{"Lines": [1]}"#, "Unexpected value type in payload"),
        ("[]", "Unexpected value type in payload"),
        (r#"{"When": "soon"}"#, "STRING_VALUE can not be converted to a Timestamp"),
        (r#"{"Name": "a", "Name": "b"}"#, "Duplicate field \"Name\""),
    ] {
        check(body, &format!("SerializationException: {message}"));
    }
}

#[test]
fn texts_that_are_not_json() {
    for (body, message) in [
        ("{", "Unexpected end of input: expected a field name"),
        ("{}x", "Unexpected token 'x' at offset 2: expected the end of the body"),
        (r#"{"Name" 1}"#, "Unexpected token '1' at offset 8: expected ':'"),
        (r#"{"Other": 01}"#, "Unexpected token '0' at offset 10: expected a number without leading zeros"),
        ("{\"Name\": \"a\nb\"}", "Unexpected token '\\n' at offset 11: expected the rest of a string"),
        (r#"{"Name": "\x"}"#, "Unexpected token 'x' at offset 11: expected an escape character"),
    ] {
        check(body, &format!("SerializationException: {message}"));
    }
    let deep = format!(r#"{{"Other": {}"#, "[".repeat(100_000));
    check(&deep, "SerializationException: Nesting is deeper than 128 levels");
}

#[test]
fn unions_have_exactly_one_member() {
    check(
        r#"{"Value": {"S": "a", "N": 1}}"#,
        "ValidationException: Supplied Value has more than one datatypes set, must contain exactly one of the \
         supported datatypes",
    );
    check(
        r#"{"Value": {"S": null}}"#,
        "ValidationException: Supplied Value is empty, must contain exactly one of the supported datatypes",
    );
}

#[test]
fn what_clients_may_send() {
    let body = r#" {"Name":"a\u00e9\ud83d\ude39\/", "Unknown":{"x":[1,{"y":null}]}, "Colour":null,
        "Count":7.9, "Size":-9223372036854775808, "Ratio":"NaN", "When":1.4E9, "Lines":[null, {"Id":"i"}],
        "Share":-0.5e-1, "Data":"AAE="} "#;
    let expected = serde_json::json!({
        "Name": "aé\u{1F639}/", "Count": 7, "Size": i64::MIN, "Ratio": "NaN", "When": 1_400_000_000.0,
        "Lines": [{"Id": "i"}], "Share": -0.05, "Data": "\u{0}\u{1}",
    });
    assert_eq!(decode(body).expect("a thing"), expected);
    assert_eq!(decode("").expect("nothing"), serde_json::json!({}));
}
