//! Runs the published protocol vectors: every request is encoded and decoded, every response decoded, and encoded
//! and decoded again.

mod compare;
mod dynamic;
mod skipped;

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use codegen::model::Model;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value as Json, json};
use shapes::{ApiError, Kind, Location, Member, OperationSchema, Protocol, ServiceSchema, StructShape};
use wire::router::Router;
use wire::{Request, Response, identify};

use compare::{normal_json, normal_pairs, normal_xml};
use dynamic::{Structure, to_json};

/// What clients fill absent idempotency tokens with in the vectors.
const TOKEN: &str = "00000000-0000-4000-8000-000000000000";

struct Case {
    file: String,
    id: String,
    json: Json,
    protocol: Protocol,
    service: &'static ServiceSchema,
    operation: &'static OperationSchema,
    model: Model,
}

fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/protocols");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: there are no protocol vectors beside the repository");
    None
}

fn cases(folder: &Path, kind: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut files: Vec<PathBuf> = fs::read_dir(folder.join(kind))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    for path in files {
        let file = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let suites: Json = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
        for suite in suites.as_array().expect("suites") {
            suite_cases(&file, suite, &mut cases);
        }
    }
    cases
}

fn suite_cases(file: &str, suite: &Json, cases: &mut Vec<Case>) {
    for case in suite["cases"].as_array().expect("cases") {
        let name = case["given"]["name"].as_str().expect("a name");
        let model = json!({
            "metadata": suite["metadata"], "shapes": suite["shapes"], "operations": {name: case["given"]},
        });
        let model = Model::parse(&model).expect("a model");
        let service = dynamic::service(&model);
        cases.push(Case {
            file: file.to_owned(),
            id: case["id"].as_str().expect("an id").to_owned(),
            json: case.clone(),
            protocol: service.protocols[0],
            service,
            operation: &service.operations[0],
            model,
        });
    }
}

/// Runs a check on cases; panics with all failures, so that one run shows them all.
fn run(
    cases: &[Case],
    skipped: &[(&'static str, &'static str)],
    check: impl Fn(&Case) -> Result<(), String>,
) -> usize {
    let mut failures = Vec::new();
    let mut ran = 0;
    for case in cases {
        if let Some(reason) = skipped::reason(skipped, &case.id) {
            println!("skipped {} {}: {reason}", case.file, case.id);
            continue;
        }
        ran += 1;
        if let Err(failure) = check(case) {
            failures.push(format!("{} {}: {failure}", case.file, case.id));
        }
    }
    assert!(failures.is_empty(), "{} of {ran} failed:\n{}", failures.len(), failures.join("\n"));
    ran
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, actual: &T, expected: &T) -> Result<(), String> {
    if actual == expected {
        Ok(())
    } else {
        Err(format!("{what}\n    is       {actual:?}\n    expected {expected:?}"))
    }
}

fn same_json(what: &str, actual: &Json, expected: &Json, without_empty: bool) -> Result<(), String> {
    same(what, &normal_json(actual, without_empty), &normal_json(expected, without_empty))
}

/// The input's parameters, with the token that a client would have made.
fn params(case: &Case) -> Json {
    let mut params = case.json["params"].clone();
    for member in case.operation.input.members.iter().filter(|member| member.idempotency_token) {
        if params.get(member.name).is_none() {
            params[member.name] = Json::from(TOKEN);
        }
    }
    params
}

/// The expected path and query, without the path that belongs to the client's endpoint.
fn expected_uri(case: &Case) -> (String, String) {
    let serialized = &case.json["serialized"];
    let uri = serialized["uri"].as_str().expect("a uri");
    let endpoint_path =
        serialized["host"].as_str().and_then(|host| host.split_once('/')).map(|(_, path)| path);
    let uri = endpoint_path.and_then(|path| uri.strip_prefix('/')?.strip_prefix(path)).unwrap_or(uri);
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    (path.to_owned(), query.to_owned())
}

fn headers(json: &Json) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in json.as_object().into_iter().flatten() {
        let name = HeaderName::try_from(name).expect("a header's name");
        headers
            .insert(name, HeaderValue::from_str(value.as_str().expect("a text")).expect("a header's value"));
    }
    headers
}

fn body(case: &Case, json: &Json) -> Bytes {
    let text = json["body"].as_str().unwrap_or_default();
    if case.protocol == Protocol::RpcV2Cbor {
        return BASE64.decode(text).expect("base64").into();
    }
    Bytes::from(text.to_owned())
}

fn encode_input(case: &Case) -> Result<(), String> {
    let expected = &case.json["serialized"];
    let input = Structure::from_json(case.operation.input, &params(case));
    let request = wire::encode_input(case.protocol, case.service, case.operation, &input)
        .map_err(|error| error.to_string())?;
    same("method", &request.method, &expected["method"].as_str().unwrap_or("POST"))?;

    let (path, query) = expected_uri(case);
    let (actual_path, actual_query) =
        request.path_and_query.split_once('?').unwrap_or((&request.path_and_query, ""));
    same("path", &actual_path, &path.as_str())?;
    same("query", &normal_pairs(actual_query), &normal_pairs(&query))?;

    for (name, value) in &headers(&expected["headers"]) {
        let normal = |value: &HeaderValue| {
            let text = value.to_str().expect("a text").replace(", ", ",");
            text.strip_suffix("; charset=utf-8").map(str::to_owned).unwrap_or(text)
        };
        same(name.as_str(), &request.headers.get(name).map(normal), &Some(normal(value)))?;
    }
    for name in expected["forbidHeaders"].as_array().into_iter().flatten() {
        let name = name.as_str().expect("a header's name");
        same(name, &request.headers.get(name), &None)?;
    }
    if expected.get("body").is_some() {
        same_body(case, &request.body, &body(case, expected))?;
    }
    Ok(())
}

fn same_body(case: &Case, actual: &Bytes, expected: &Bytes) -> Result<(), String> {
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).map_err(|error| error.to_string());
    match case.protocol {
        // Lengths may be given or not, so only the meaning is compared; decoding has its own test.
        Protocol::RpcV2Cbor => {
            let read = |body: &Bytes| {
                let response = Response { status: 200, headers: HeaderMap::new(), body: body.clone() };
                let mut value = Structure::new(case.operation.input);
                wire::decode_response(case.protocol, case.operation, &response, &mut value)
                    .map_err(|error| error.to_string())?;
                Ok::<_, String>((to_json(&value), body.is_empty()))
            };
            let (actual, expected) = (read(actual)?, read(expected)?);
            same("emptiness of body", &actual.1, &expected.1)?;
            same_json("body", &actual.0, &expected.0, false)
        }
        Protocol::AwsQuery | Protocol::Ec2Query => {
            same("body", &normal_pairs(&text(actual)?), &normal_pairs(&text(expected)?))
        }
        Protocol::RestXml if expected.trim_ascii_start().starts_with(b"<") => {
            same("body", &normal_xml(&text(actual)?), &normal_xml(&text(expected)?))
        }
        _ => match (serde_json::from_slice(actual), serde_json::from_slice(expected)) {
            (Ok(actual), Ok(expected)) => same_json("body", &actual, &expected, false),
            _ => same("body", actual, expected),
        },
    }
}

fn decode_input(case: &Case) -> Result<(), String> {
    let serialized = &case.json["serialized"];
    let (path, query) = expected_uri(case);
    let (headers, body) = (headers(&serialized["headers"]), body(case, serialized));
    let method = serialized["method"].as_str().unwrap_or("POST");
    let request = Request::new(method, &path, &query, &headers, &body);

    let has_named_protocol = !headers.is_empty();
    if has_named_protocol {
        same("protocol", &identify::protocol_of(case.service, &request), &Some(case.protocol))?;
    }
    let (operation, labels) = match case.protocol {
        Protocol::RestJson | Protocol::RestXml => {
            Router::new(case.service).find(method, &path, &query).ok_or("no operation is found")?
        }
        _ => {
            let operation = identify::operation(case.protocol, case.service, &request);
            // Some cases leave the headers out.
            (operation.unwrap_or(case.operation), Vec::new())
        }
    };
    same("operation", &operation.name, &case.operation.name)?;

    let mut input = Structure::new(operation.input);
    let missing = wire::decode_request(case.protocol, operation, &request, &labels, &mut input)
        .map_err(|error| error.to_string())?;
    let params = params(case);
    let is_required_there = |name: &str| params.get(name).is_some();
    let wrongly_missing: Vec<&str> = missing.top_level().filter(|name| is_required_there(name)).collect();
    same("missing members", &wrongly_missing, &vec![])?;
    let is_lossy = !matches!(case.protocol, Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RpcV2Cbor);
    let (actual, params) = (without_named(case, to_json(&input)), without_named(case, params));
    same_json("input", &actual, &params, is_lossy)
}

/// Query maps without the parameters that other members have: cases disagree on whether these are in the maps too.
fn without_named(case: &Case, mut input: Json) -> Json {
    let members = case.operation.input.members;
    let in_query = || members.iter().filter(|member| member.location == Location::QueryString);
    let named: Vec<&str> = in_query().map(Member::wire_name).collect();
    for member in in_query().filter(|member| matches!(member.shape.kind, Kind::Map(..))) {
        if let Some(map) = input.get_mut(member.name).and_then(Json::as_object_mut) {
            map.retain(|name, _| !named.contains(&name.as_str()));
        }
    }
    input
}

fn response(case: &Case) -> Response {
    let response = &case.json["response"];
    Response {
        status: response["status_code"].as_u64().expect("a status") as u16,
        headers: headers(&response["headers"]),
        body: body(case, response),
    }
}

/// The error shape of a case: of the operation's errors the one that its code names.
fn error_shape(case: &Case) -> Option<&'static StructShape> {
    let code = case.json["errorCode"].as_str()?;
    let errors = &case.model.operations[case.operation.name].errors;
    let named = errors.iter().map(|name| dynamic::structure(&case.model, name));
    named.into_iter().find(|shape| shape.error.is_some_and(|error| error.code == code) || shape.name == code)
}

fn decode_output(case: &Case) -> Result<(), String> {
    if case.json.get("error").is_some() {
        return decode_error(case, &response(case));
    }
    let output = read_output(case, &response(case))?;
    same_json("output", &output, &case.json["result"], false)
}

fn read_output(case: &Case, response: &Response) -> Result<Json, String> {
    let mut output = Structure::new(case.operation.output);
    wire::decode_response(case.protocol, case.operation, response, &mut output)
        .map_err(|error| error.to_string())?;
    Ok(to_json(&output))
}

fn decode_error(case: &Case, response: &Response) -> Result<(), String> {
    let mut output = Structure::new(case.operation.output);
    let error = wire::decode_response(case.protocol, case.operation, response, &mut output)
        .err()
        .ok_or("it is a success")?;
    let code = case.json["errorCode"].as_str().unwrap_or_default();
    if error.code() != code && error.name() != code {
        return Err(format!("code {} / {}, expected {code}", error.code(), error.name()));
    }
    if let Some(message) = case.json["errorMessage"].as_str() {
        same("message", &error.message(), &message)?;
    }
    let shape = error_shape(case).ok_or("the error's shape is not among the operation's")?;
    let mut detail = Structure::new(shape);
    wire::decode_error_detail(case.protocol, response, &mut detail).map_err(|error| error.to_string())?;
    let mut actual = to_json(&detail);
    if case.json["errorMessage"].is_null() {
        // Where the vectors are silent about the message, whatever is there will do.
        actual.as_object_mut().expect("members").retain(|name, _| !name.eq_ignore_ascii_case("message"));
    }
    same_json("error", &actual, &case.json["error"], false)
}

fn round_trip(case: &Case) -> Result<(), String> {
    if case.json.get("error").is_some() {
        let shape = error_shape(case).ok_or("the error's shape is not among the operation's")?;
        let message = case.json["errorMessage"].as_str().unwrap_or("what went wrong");
        let error = ApiError::modelled(shape.error.ok_or("it is no error")?, message)
            .with_detail(Structure::from_json(shape, &case.json["error"]));
        let response = wire::encode_error(case.protocol, case.service, &error, "id-1");
        same("status", &response.status, &error.status())?;
        return decode_error(case, &response);
    }
    let output = Structure::from_json(case.operation.output, &case.json["result"]);
    let response = wire::encode_output(case.protocol, case.service, case.operation, &output, "id-1");
    same("request id", &response.header("x-amzn-requestid"), &Some("id-1"))?;
    let decoded = read_output(case, &response)?;
    let is_lossy = matches!(case.protocol, Protocol::RestJson | Protocol::RestXml);
    same_json("output", &decoded, &case.json["result"], is_lossy)
}

#[test]
fn requests_are_encoded() {
    let Some(folder) = folder() else { return };
    let cases = cases(&folder, "input");
    assert_eq!(cases.len(), 367);
    let skipped = [skipped::INPUT, skipped::ENCODE_INPUT].concat();
    assert_eq!(run(&cases, &skipped, encode_input), 348);
}

#[test]
fn requests_are_decoded() {
    let Some(folder) = folder() else { return };
    let cases = cases(&folder, "input");
    assert_eq!(run(&cases, skipped::INPUT, decode_input), 355);
}

#[test]
fn responses_are_decoded() {
    let Some(folder) = folder() else { return };
    let cases = cases(&folder, "output");
    assert_eq!(cases.len(), 365);
    assert_eq!(run(&cases, &[], decode_output), 365);
}

#[test]
fn responses_are_encoded() {
    let Some(folder) = folder() else { return };
    let cases = cases(&folder, "output");
    assert_eq!(run(&cases, skipped::ROUND_TRIP, round_trip), 364);
}
