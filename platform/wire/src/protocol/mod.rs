//! The public functions, handing over to the protocol in question.

mod aws_json;
mod aws_query;
mod ec2_query;
mod fault;
mod rest_json;
mod rest_xml;
mod rpc_v2_cbor;

use shapes::{ApiError, OperationSchema, Protocol, ServiceSchema, Struct};

use crate::rest::BodyOf;
use crate::{ClientRequest, Labels, Missing, Request, Response};

/// Reads a request into `input`. The error is about syntax and types alone; required members that are not there
/// come back for [`crate::constraints::check`], or for services with words of their own.
///
/// `labels` are those that [`crate::router::Router::find`] gave; RPC protocols have none.
pub fn decode_request(
    protocol: Protocol,
    operation: &'static OperationSchema,
    request: &Request<'_>,
    labels: &Labels,
    input: &mut dyn Struct,
) -> Result<Missing, ApiError> {
    match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => aws_json::decode_request(request, input),
        Protocol::AwsQuery => aws_query::decode_request(request, input),
        Protocol::Ec2Query => ec2_query::decode_request(request, input),
        Protocol::RestJson => rest_json::decode_request(operation, request, labels, input),
        Protocol::RestXml => rest_xml::decode_request(operation, request, labels, input),
        Protocol::RpcV2Cbor => rpc_v2_cbor::decode_request(request, input),
    }
}

/// Reads an operation's input from one JSON object by the model's names, as whoever names an operation instead of sending
/// a request gives it (EventBridge Scheduler User Guide, "Using universal targets"): `{"FunctionName": "f", "Payload": "{}"}`.
pub fn decode_named(document: &[u8], input: &mut dyn Struct) -> Result<Missing, ApiError> {
    crate::json::named_into(document, input)
}

/// Writes the answer to a successful request.
pub fn encode_output(
    protocol: Protocol,
    service: &'static ServiceSchema,
    operation: &'static OperationSchema,
    output: &dyn Struct,
    request_id: &str,
) -> Response {
    match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => aws_json::encode_output(protocol, output, request_id),
        Protocol::AwsQuery => aws_query::encode_output(service, operation, output, request_id),
        Protocol::Ec2Query => ec2_query::encode_output(service, operation, output, request_id),
        Protocol::RestJson => rest_json::encode_output(operation, output, request_id),
        Protocol::RestXml => rest_xml::encode_output(service, operation, output, request_id),
        Protocol::RpcV2Cbor => rpc_v2_cbor::encode_output(output, request_id),
    }
}

/// Writes the answer to a request of awsQuery whose client accepts JSON; see [`crate::identify::Head::accepts_json`].
pub fn encode_query_as_json(
    operation: &'static OperationSchema,
    outcome: Result<&dyn Struct, &ApiError>,
    request_id: &str,
) -> Response {
    match outcome {
        Ok(output) => aws_query::encode_output_as_json(operation, output, request_id),
        Err(error) => aws_query::encode_error_as_json(error, request_id),
    }
}

/// Writes the answer to a failed request, also to one of which not even the operation is known.
pub fn encode_error(
    protocol: Protocol,
    service: &'static ServiceSchema,
    error: &ApiError,
    request_id: &str,
) -> Response {
    match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            aws_json::encode_error(protocol, service, error, request_id)
        }
        Protocol::AwsQuery => aws_query::encode_error(service, error, request_id),
        Protocol::Ec2Query => ec2_query::encode_error(error, request_id),
        Protocol::RestJson => rest_json::encode_error(error, request_id),
        Protocol::RestXml => rest_xml::encode_error(service, error, request_id),
        Protocol::RpcV2Cbor => rpc_v2_cbor::encode_error(service, error, request_id),
    }
}

/// Writes the answer to a request of which not even the service is known.
pub fn encode_unrouted_error(is_json: bool, error: &ApiError, request_id: &str) -> Response {
    let mut response = if is_json {
        Response::new(error.status(), "application/json", fault::json_body(error, BodyOf::Rpc))
    } else {
        Response::new(error.status(), "text/xml", fault::xml_body(error, request_id, None, BodyOf::Rpc))
    };
    response.set("x-amzn-requestid", request_id);
    response
}

/// Writes the answer to a failed request as S3 does: `<Error>` is the whole document, with `facts` beside its code and
/// message. Statuses below 400 tell in headers alone.
pub fn encode_bare_error(error: &ApiError, facts: &[(&'static str, String)], request_id: &str) -> Response {
    rest_xml::encode_bare_error(error, facts, request_id)
}

/// Writes a request. Fails when a path label is absent or empty.
pub fn encode_input(
    protocol: Protocol,
    service: &'static ServiceSchema,
    operation: &'static OperationSchema,
    input: &dyn Struct,
) -> Result<ClientRequest, ApiError> {
    match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            Ok(aws_json::encode_input(protocol, service, operation, input))
        }
        Protocol::AwsQuery => Ok(aws_query::encode_input(service, operation, input)),
        Protocol::Ec2Query => Ok(ec2_query::encode_input(service, operation, input)),
        Protocol::RestJson => rest_json::encode_input(operation, input),
        Protocol::RestXml => rest_xml::encode_input(service, operation, input),
        Protocol::RpcV2Cbor => Ok(rpc_v2_cbor::encode_input(service, operation, input)),
    }
}

/// Reads an answer: into `output` when it is a success, else as the error that it tells of.
pub fn decode_response(
    protocol: Protocol,
    operation: &'static OperationSchema,
    response: &Response,
    output: &mut dyn Struct,
) -> Result<(), ApiError> {
    let is_success = (200..300).contains(&response.status);
    match protocol {
        _ if !is_success => Err(fault::read(protocol, response)),
        Protocol::AwsJson10 | Protocol::AwsJson11 => aws_json::decode_output(response, output),
        Protocol::AwsQuery => aws_query::decode_output(operation, response, output),
        Protocol::Ec2Query => ec2_query::decode_output(response, output),
        Protocol::RestJson => rest_json::decode_output(response, output),
        Protocol::RestXml => rest_xml::decode_output(response, output),
        Protocol::RpcV2Cbor => rpc_v2_cbor::decode_output(response, output),
    }
}

/// Reads the members of an error's shape from a failed answer.
pub fn decode_error_detail(
    protocol: Protocol,
    response: &Response,
    detail: &mut dyn Struct,
) -> Result<(), ApiError> {
    match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => aws_json::decode_output(response, detail),
        Protocol::AwsQuery | Protocol::Ec2Query => fault::detail_of_xml(response, detail, None),
        Protocol::RestJson => rest_json::decode_output(response, detail),
        Protocol::RestXml => rest_xml::decode_error_detail(response, detail),
        Protocol::RpcV2Cbor => rpc_v2_cbor::decode_output(response, detail),
    }
}
