//! rpc-v2-cbor: the operation in the path, everything else in one CBOR map.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use shapes::{ApiError, OperationSchema, ServiceSchema, Struct};

use super::fault;
use crate::cbor::{self, Writer};
use crate::{ClientRequest, Missing, Request, Response, Side};

const CBOR: &str = "application/cbor";
const PROTOCOL: &str = "rpc-v2-cbor";

pub(super) fn decode_request(request: &Request<'_>, input: &mut dyn Struct) -> Result<Missing, ApiError> {
    cbor::body_into(request.body, input, Side::Server)
}

pub(super) fn encode_output(output: &dyn Struct, request_id: &str) -> Response {
    let mut writer = Writer::default();
    writer.structure(output);
    respond(200, writer, request_id)
}

fn respond(status: u16, writer: Writer, request_id: &str) -> Response {
    let mut response = Response::new(status, CBOR, writer.finish());
    response.set("smithy-protocol", PROTOCOL);
    response.set("x-amzn-requestid", request_id);
    response
}

pub(super) fn encode_error(service: &'static ServiceSchema, error: &ApiError, request_id: &str) -> Response {
    let mut writer = Writer::default();
    writer.begin();
    writer.text("__type");
    writer.text(error.name());
    writer.text(fault::message_name(error));
    writer.text(error.message());
    if let Some(detail) = error.detail() {
        writer.members(detail, |member| !fault::is_message(member));
    }
    writer.end();
    let mut response = respond(error.status(), writer, request_id);
    fault::add_query_error(&mut response, service, error);
    response
}

pub(super) fn encode_input(
    service: &'static ServiceSchema,
    operation: &'static OperationSchema,
    input: &dyn Struct,
) -> ClientRequest {
    let path = format!("/service/{}/operation/{}", service.target_prefix, operation.name);
    let mut writer = Writer::default();
    writer.structure(input);
    let mut request = ClientRequest::post(path, CBOR, writer.finish());
    // An operation without input has no body at all, as opposed to one with an empty input.
    if input.shape().name.is_empty() {
        request.body = Bytes::new();
        request.headers.remove(CONTENT_TYPE);
    }
    request.set("accept", CBOR);
    request.set("smithy-protocol", PROTOCOL);
    if service.query_compatible {
        request.set("x-amzn-query-mode", "true");
    }
    request
}

pub(super) fn decode_output(response: &Response, output: &mut dyn Struct) -> Result<(), ApiError> {
    cbor::body_into(&response.body, output, Side::Client).map(drop)
}
