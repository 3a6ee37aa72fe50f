//! awsJson 1.0 and 1.1: the operation in `X-Amz-Target`, everything else in one JSON object.

use shapes::{ApiError, OperationSchema, Protocol, ServiceSchema, Struct};

use super::fault;
use crate::rest::BodyOf;
use crate::{ClientRequest, Missing, Request, Response, Side, json};

/// Most answers fit in so many bytes.
const USUAL_ANSWER: usize = 640;

pub(super) fn decode_request(request: &Request<'_>, input: &mut dyn Struct) -> Result<Missing, ApiError> {
    json::body_into(request.body, input, Side::Server, None)
}

pub(super) fn encode_output(protocol: Protocol, output: &dyn Struct, request_id: &str) -> Response {
    let mut body = Vec::with_capacity(USUAL_ANSWER);
    json::structure(&mut body, output, BodyOf::Rpc);
    let mut response = Response::new(200, content_type(protocol), body);
    response.set("x-amzn-requestid", request_id);
    response
}

pub(super) fn encode_error(
    protocol: Protocol,
    service: &'static ServiceSchema,
    error: &ApiError,
    request_id: &str,
) -> Response {
    let body = fault::json_body(error, BodyOf::Rpc);
    let mut response = Response::new(error.status(), content_type(protocol), body);
    response.set("x-amzn-requestid", request_id);
    fault::add_query_error(&mut response, service, error);
    response
}

pub(super) fn encode_input(
    protocol: Protocol,
    service: &'static ServiceSchema,
    operation: &'static OperationSchema,
    input: &dyn Struct,
) -> ClientRequest {
    let mut body = Vec::with_capacity(256);
    json::structure(&mut body, input, BodyOf::Rpc);
    let mut request = ClientRequest::post("/", content_type(protocol), body);
    request.set("x-amz-target", &format!("{}.{}", service.target_prefix, operation.name));
    if service.query_compatible {
        request.set("x-amzn-query-mode", "true");
    }
    request
}

pub(super) fn decode_output(response: &Response, output: &mut dyn Struct) -> Result<(), ApiError> {
    json::body_into(&response.body, output, Side::Client, None).map(drop)
}

fn content_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::AwsJson10 => "application/x-amz-json-1.0",
        _ => "application/x-amz-json-1.1",
    }
}
