//! Members outside the body of REST messages.

use bytes::Bytes;
use codegen::model::Model;
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use shapes::{ApiError, ServiceSchema};
use wire::router::Router;
use wire::{Request, Response};

use crate::dynamic::{self, Structure, to_json};

fn service() -> &'static ServiceSchema {
    let model = Model::parse(&json!({
        "metadata": {"serviceId": "Store", "apiVersion": "2020-01-01", "protocol": "rest-json"},
        "operations": {"PutKey": {
            "name": "PutKey", "http": {"method": "PUT", "requestUri": "/{Bucket}/{Key+}?tagging", "responseCode": 201},
            "input": {"shape": "PutKeyInput"}, "output": {"shape": "PutKeyOutput"},
        }},
        "shapes": {
            "PutKeyInput": {"type": "structure", "required": ["Bucket", "Key", "Owner"], "payload": "Data", "members": {
                "Bucket": {"shape": "String", "location": "uri"},
                "Key": {"shape": "String", "location": "uri"},
                "Part": {"shape": "Integer", "location": "querystring", "locationName": "part"},
                "Ids": {"shape": "Strings", "location": "querystring", "locationName": "id"},
                "Owner": {"shape": "String", "location": "header", "locationName": "x-owner"},
                "Since": {"shape": "When", "location": "header", "locationName": "if-modified-since"},
                "Names": {"shape": "Strings", "location": "header", "locationName": "x-names"},
                "Days": {"shape": "Times", "location": "header", "locationName": "x-days"},
                "Context": {"shape": "String", "location": "header", "locationName": "x-context", "jsonvalue": true},
                "Meta": {"shape": "Map", "location": "headers", "locationName": "x-meta-"},
                "Data": {"shape": "Data"},
            }},
            "PutKeyOutput": {"type": "structure", "members": {
                "Code": {"shape": "Integer", "location": "statusCode"},
                "Names": {"shape": "Strings", "location": "header", "locationName": "x-names"},
                "Id": {"shape": "String"},
            }},
            "String": {"type": "string"}, "Integer": {"type": "integer"}, "Data": {"type": "blob"},
            "When": {"type": "timestamp"}, "Strings": {"type": "list", "member": {"shape": "String"}},
            "Times": {"type": "list", "member": {"shape": "When"}},
            "Map": {"type": "map", "key": {"shape": "String"}, "value": {"shape": "String"}},
        },
    }));
    dynamic::service(&model.expect("a model"))
}

/// Finds and decodes a request; gives the input and the names of required members that are not there.
fn decode(
    service: &'static ServiceSchema,
    uri: &str,
    headers: &HeaderMap,
) -> Option<Result<(Json, Vec<&'static str>), ApiError>> {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let (operation, labels) = Router::new(service).find("PUT", path, query)?;
    let body = Bytes::from_static(b"data");
    let request = Request::new("PUT", path, query, headers, &body);
    let mut input = Structure::new(operation.input);
    let missing = wire::decode_request(service.protocols[0], operation, &request, &labels, &mut input);
    Some(missing.map(|missing| (to_json(&input), missing.top_level().collect())))
}

#[test]
fn requests_go_there_and_back() {
    let service = service();
    let operation = &service.operations[0];
    let input = json!({
        "Bucket": "b c", "Key": "a/%b/ü+", "Part": 7, "Ids": ["x&y", "", "z"], "Owner": "me",
        "Since": 946_845_296.0, "Names": ["plain", "with, comma", "with \"quote\" and \\", ""],
        "Days": [946_845_296.0, 0.0], "Context": "{\"a\":1}", "Meta": {"one": "1", "two": "b"}, "Data": "data",
    });
    let value = Structure::from_json(operation.input, &input);
    let request = wire::encode_input(service.protocols[0], service, operation, &value).expect("a request");
    assert_eq!(request.path_and_query, "/b%20c/a/%25b/%C3%BC%2B?tagging&id=x%26y&id=&id=z&part=7");
    let decoded = decode(service, &request.path_and_query, &request.headers).expect("an operation");
    assert_eq!(decoded.expect("an input"), (input, vec![]));
}

#[test]
fn what_is_not_there_or_does_not_fit() {
    let service = service();
    let mut headers = HeaderMap::new();
    let (_, missing) = decode(service, "/b/k?tagging", &headers).expect("an operation").expect("an input");
    assert_eq!(missing, ["Owner"]);

    headers.insert("if-modified-since", HeaderValue::from_static("yesterday"));
    let error = decode(service, "/b/k?tagging", &headers).expect("an operation").expect_err("no timestamp");
    assert_eq!(
        error.to_string(),
        "SerializationException: Invalid value in header if-modified-since: \"yesterday\" is not a timestamp"
    );
    headers.clear();
    let error =
        decode(service, "/b/k?tagging&part=x", &headers).expect("an operation").expect_err("no number");
    assert_eq!(
        error.to_string(),
        "SerializationException: Invalid value in query parameter part: \"x\" is not a 32-bit integer"
    );

    let operation = &service.operations[0];
    let value = Structure::from_json(operation.input, &json!({"Bucket": "", "Key": "k"}));
    let error = wire::encode_input(service.protocols[0], service, operation, &value).expect_err("no bucket");
    assert_eq!(error.message(), "Invalid value in path label Bucket: it is absent or empty");
}

#[test]
fn an_input_is_read_by_its_members_names_wherever_they_travel() {
    let operation = &service().operations[0];
    let read = |text: &str| {
        let mut input = Structure::new(operation.input);
        let missing = wire::decode_named(text.as_bytes(), &mut input)?;
        let names: Vec<_> = missing.top_level().collect();
        Ok::<_, ApiError>((to_json(&input), names))
    };
    let (input, missing) =
        read(r#"{"bucket":"b","Key":"k","Owner":"me","Part":7,"Data":"as it is"}"#).expect("it fits");
    assert_eq!(input, json!({"Bucket": "b", "Key": "k", "Owner": "me", "Part": 7, "Data": "as it is"}));
    assert_eq!(missing, Vec::<&str>::new());
    let (input, missing) = read(r#"{"Bucket":"b","Key":"k","Data":{"a":[1,"x"]}}"#).expect("it fits");
    assert_eq!(input, json!({"Bucket": "b", "Key": "k", "Data": r#"{"a":[1,"x"]}"#}));
    assert_eq!(missing, ["Owner"]);
    assert!(read(r#"{"Part":"seven"}"#).is_err());
}

#[test]
fn responses_have_a_status_of_their_own() {
    let service = service();
    let operation = &service.operations[0];
    let encode = |output: &Json| {
        let output = Structure::from_json(operation.output, output);
        wire::encode_output(service.protocols[0], service, operation, &output, "id-1")
    };
    assert_eq!(encode(&json!({})).status, 201);
    let response: Response = encode(&json!({"Code": 202, "Id": "i", "Names": ["a", "b"]}));
    assert_eq!((response.status, &response.body[..]), (202, &br#"{"Id":"i"}"#[..]));
    assert_eq!(response.header("x-names"), Some("a, b"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_outside_a_body_makes_a_panic(
        uri in "/[a-z%0-9+/&=.:]{0,20}\\?tagging&(part|id)=[a-z%0-9+&=,\"]{0,20}",
        values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..24), 5),
        texts in prop::collection::vec("[a-zA-Z0-9:,\" \\\\-]{0,30}", 5),
    ) {
        let service = service();
        let names = ["x-owner", "if-modified-since", "x-names", "x-days", "x-context"];
        for values in [values, texts.into_iter().map(String::into_bytes).collect()] {
            let mut headers = HeaderMap::new();
            for (name, value) in names.iter().zip(values) {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    headers.insert(HeaderName::from_static(name), value);
                }
            }
            if let Some(Err(error)) = decode(service, &uri, &headers) {
                prop_assert_eq!(error.status(), 400);
            }
        }
    }
}
