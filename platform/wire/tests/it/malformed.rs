//! No input makes a decoder panic, and none that is wrong is our fault.

use bytes::Bytes;
use http::HeaderMap;
use proptest::prelude::*;
use shapes::{ApiError, Protocol};
use wire::{Request, Response};

use crate::dynamic::{Structure, to_json};
use crate::sample::{PROTOCOLS, Sample, sample, thing};

fn valid_request(sample: &Sample) -> Vec<u8> {
    let input = Structure::from_json(sample.operation.input, &thing(sample));
    let request = wire::encode_input(sample.protocol, sample.service, sample.operation, &input);
    request.expect("a request").body.to_vec()
}

fn valid_response(sample: &Sample) -> Vec<u8> {
    let output = Structure::from_json(sample.operation.output, &thing(sample));
    let response = wire::encode_output(sample.protocol, sample.service, sample.operation, &output, "id");
    response.body.to_vec()
}

fn decode_request(sample: &Sample, body: Vec<u8>) -> Result<Structure, ApiError> {
    let mut input = Structure::new(sample.operation.input);
    let (headers, body) = (HeaderMap::new(), Bytes::from(body));
    let request = Request::new("POST", "/things", "", &headers, &body);
    wire::decode_request(sample.protocol, sample.operation, &request, &Vec::new(), &mut input)?;
    Ok(input)
}

fn decode_response(sample: &Sample, status: u16, body: Vec<u8>) -> Result<Structure, ApiError> {
    let mut output = Structure::new(sample.operation.output);
    let response = Response { status, headers: HeaderMap::new(), body: body.into() };
    wire::decode_response(sample.protocol, sample.operation, &response, &mut output)?;
    Ok(output)
}

/// Decodes as a server and as a client, and makes sure that errors of requests are the sender's.
fn decode(sample: &Sample, body: &[u8]) {
    if let Err(error) = decode_request(sample, body.to_vec()) {
        assert_eq!(error.status(), 400, "{error}");
        assert!(!error.message().is_empty());
    }
    let _ = decode_response(sample, 200, body.to_vec());
    assert!(decode_response(sample, 400, body.to_vec()).is_err());
}

#[test]
fn valid_bodies_decode_to_what_they_were() {
    for (_, protocol) in PROTOCOLS {
        let sample = sample(protocol);
        let expected = to_json(&Structure::from_json(sample.operation.input, &thing(&sample)));
        let input = decode_request(&sample, valid_request(&sample)).expect("a valid request");
        assert_eq!(to_json(&input), expected, "{protocol:?}");
        let output = decode_response(&sample, 200, valid_response(&sample)).expect("a valid response");
        assert_eq!(to_json(&output), expected, "{protocol:?}");
    }
}

#[test]
fn truncated_bodies() {
    for (_, protocol) in PROTOCOLS {
        let sample = sample(protocol);
        for body in [valid_request(&sample), valid_response(&sample)] {
            for length in 0..body.len() {
                decode(&sample, &body[..length]);
            }
        }
    }
}

#[test]
fn nesting_has_an_end() {
    const DEEP: usize = 200_000;
    let json = format!(r#"{{"Value":{}"#, r#"{"L":["#.repeat(DEEP));
    let mut cbor = b"\xA1\x65Value".to_vec();
    cbor.extend(b"\xA1\x61L\x81".repeat(DEEP));
    let tags = [&b"\xA1\x64Free"[..], &b"\xC1".repeat(DEEP)].concat();
    let xml = "<Value>".repeat(DEEP);
    let form = format!("Value{}=1", ".L.member.1".repeat(DEEP));
    for (protocol, body) in [
        (Protocol::AwsJson11, json.as_bytes()),
        (Protocol::RestJson, json.as_bytes()),
        (Protocol::RpcV2Cbor, &cbor),
        (Protocol::RpcV2Cbor, &tags),
        (Protocol::RestXml, xml.as_bytes()),
        (Protocol::AwsQuery, form.as_bytes()),
        (Protocol::Ec2Query, form.as_bytes()),
    ] {
        let sample = sample(protocol);
        assert!(decode_request(&sample, body.to_vec()).is_err(), "{protocol:?}");
        decode(&sample, body);
    }
}

#[test]
fn document_types_and_entities_are_refused() {
    let sample = sample(Protocol::RestXml);
    for body in [
        r#"<!DOCTYPE a [<!ENTITY x "y">]><Thing><Name>&x;</Name></Thing>"#,
        "<Thing><Name>&x;</Name></Thing>",
        "<Thing><Name>a</Name></Thing><Thing/>",
        "<Thing><Name>a</Thing></Name>",
        "text",
    ] {
        let error = decode_request(&sample, body.as_bytes().to_vec()).err().expect(body);
        assert_eq!(error.name(), "MalformedXML", "{body}");
    }
}

#[test]
fn lengths_that_lie() {
    let sample = sample(Protocol::RpcV2Cbor);
    for body in [
        &b"\xBB\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"[..],
        b"\xA1\x64Name\x7B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
        b"\xA1\x65Lines\x9B\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
        b"\xA1\x64Data\x5F\x61a",
        b"\xFF",
        b"\x1C",
    ] {
        let error = decode_request(&sample, body.to_vec()).err().expect("malformed");
        assert_eq!(error.name(), "SerializationException");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_bodies(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..8)) {
        for (_, protocol) in PROTOCOLS {
            let sample = sample(protocol);
            for mut body in [valid_request(&sample), valid_response(&sample)] {
                for (index, byte, change) in &changes {
                    let at = index.index(body.len().max(1));
                    match change {
                        0 if at < body.len() => body[at] = *byte,
                        1 if at < body.len() => { body.remove(at); }
                        _ => body.insert(at.min(body.len()), *byte),
                    }
                }
                decode(&sample, &body);
            }
        }
    }

    #[test]
    fn arbitrary_bodies(body in prop::collection::vec(any::<u8>(), 0..200), text in "[\\[\\]{}<>/&=%.:,\"a-zA-Z0-9 -]{0,100}") {
        for (_, protocol) in PROTOCOLS {
            let sample = sample(protocol);
            decode(&sample, &body);
            decode(&sample, text.as_bytes());
        }
    }
}
