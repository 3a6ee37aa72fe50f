//! awsQuery: the operation in `Action`, the input in form parameters, the output in XML.

use shapes::{ApiError, Fault, OperationSchema, ServiceSchema, Struct, XmlNamespace};

use super::fault;
use crate::query::{Flavour, Form};
use crate::rest::BodyOf;
use crate::xml::{Dialect, Element, Writer};
use crate::{ClientRequest, Missing, Request, Response, Side, errors, json, query, xml};

pub(super) const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
const XML: &str = "text/xml";
const JSON: &str = "application/json";

pub(super) fn decode_request(request: &Request<'_>, input: &mut dyn Struct) -> Result<Missing, ApiError> {
    query::form_into(&form(request)?, input, Flavour::Aws)
}

/// The parameters of a request: those of the query string, then those of a form body.
pub(super) fn form<'a>(request: &'a Request<'_>) -> Result<Form<'a>, ApiError> {
    let body = std::str::from_utf8(request.body);
    let body = body.map_err(|_| errors::malformed_input("The body is not UTF-8"))?;
    Form::parse([request.query, body.trim_end()])
}

pub(super) fn encode_output(
    service: &'static ServiceSchema,
    operation: &'static OperationSchema,
    output: &dyn Struct,
    request_id: &str,
) -> Response {
    let mut writer = Writer::new(Dialect::Query);
    let root = format!("{}Response", operation.name);
    writer.open(&root, namespace(service));
    if let Some(wrapper) = wrapper(operation, output) {
        writer.open(&wrapper, None);
        writer.members(output, BodyOf::Rpc, |_| true);
        writer.close(&wrapper);
    }
    writer.open("ResponseMetadata", None);
    writer.leaf("RequestId", request_id);
    writer.close("ResponseMetadata");
    writer.close(&root);
    let mut response = Response::new(200, XML, writer.finish());
    response.set("x-amzn-requestid", request_id);
    response
}

/// As [`encode_output`], for a client that accepts JSON: API Gateway.
pub(super) fn encode_output_as_json(
    operation: &'static OperationSchema,
    output: &dyn Struct,
    request_id: &str,
) -> Response {
    let mut body = format!("{{\"{}Response\":{{", operation.name).into_bytes();
    if let Some(wrapper) = wrapper(operation, output) {
        json::string(&mut body, &wrapper);
        body.push(b':');
        json::structure(&mut body, output, BodyOf::Rpc);
        body.push(b',');
    }
    body.extend_from_slice(b"\"ResponseMetadata\":{\"RequestId\":");
    json::string(&mut body, request_id);
    body.extend_from_slice(b"}}}");
    let mut response = Response::new(200, JSON, body);
    response.set("x-amzn-requestid", request_id);
    response
}

/// An error for a client that accepts JSON.
pub(super) fn encode_error_as_json(error: &ApiError, request_id: &str) -> Response {
    let mut body = b"{\"Error\":{\"Code\":".to_vec();
    json::string(&mut body, error.code());
    body.extend_from_slice(b",\"Message\":");
    json::string(&mut body, error.message());
    body.extend_from_slice(b",\"Type\":");
    json::string(&mut body, type_of(error));
    body.extend_from_slice(b"},\"RequestId\":");
    json::string(&mut body, request_id);
    body.push(b'}');
    let mut response = Response::new(error.status(), JSON, body);
    response.set("x-amzn-requestid", request_id);
    response
}

/// The element around the output; operations without output have none.
fn wrapper(operation: &'static OperationSchema, output: &dyn Struct) -> Option<String> {
    match operation.result_wrapper {
        Some(wrapper) => Some(wrapper.to_owned()),
        None if output.shape().members.is_empty() => None,
        None => Some(format!("{}Result", operation.name)),
    }
}

pub(super) fn namespace(service: &'static ServiceSchema) -> Option<XmlNamespace> {
    service.xml_namespace.map(|uri| XmlNamespace { uri, prefix: None })
}

pub(super) fn encode_error(service: &'static ServiceSchema, error: &ApiError, request_id: &str) -> Response {
    let body = fault::xml_body(error, request_id, namespace(service), BodyOf::Rpc);
    let mut response = Response::new(error.status(), XML, body);
    response.set("x-amzn-requestid", request_id);
    response
}

pub(super) fn type_of(error: &ApiError) -> &'static str {
    match error.fault() {
        Fault::Sender => "Sender",
        Fault::Receiver => "Receiver",
    }
}

pub(super) fn encode_input(
    service: &'static ServiceSchema,
    operation: &'static OperationSchema,
    input: &dyn Struct,
) -> ClientRequest {
    let form = query::form_of(operation.name, service.api_version, input, Flavour::Aws);
    ClientRequest::post("/", FORM, form.into_bytes())
}

pub(super) fn decode_output(
    operation: &'static OperationSchema,
    response: &Response,
    output: &mut dyn Struct,
) -> Result<(), ApiError> {
    if response.body.is_empty() {
        return Ok(());
    }
    let root = Element::parse(&response.body).map_err(errors::unreadable_response)?;
    let result = match operation.result_wrapper {
        Some(wrapper) => root.child(wrapper),
        None => root.child(&format!("{}Result", operation.name)),
    };
    xml::structure_into(result.unwrap_or(&root), output, Dialect::Query, Side::Client, None).map(drop)
}
