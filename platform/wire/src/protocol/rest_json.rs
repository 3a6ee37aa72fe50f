//! rest-json: the operation in method and path, members in path, query string, headers and a JSON body.

use bytes::Bytes;
use shapes::{ApiError, Kind, Location, OperationSchema, Slot, Struct, View};

use super::fault;
use crate::missing::{Missing, Seen};
use crate::rest::BodyOf;
use crate::{ClientRequest, Labels, Request, Response, Side, errors, json, rest};

const JSON: &str = "application/json";

pub(super) fn decode_request(
    operation: &'static OperationSchema,
    request: &Request<'_>,
    labels: &Labels,
    input: &mut dyn Struct,
) -> Result<Missing, ApiError> {
    let seen = read_bindings(operation, request, labels, input)?;
    read_body(request.body, input, Side::Server, seen)
}

/// Fills what a request has outside its body.
pub(super) fn read_bindings(
    operation: &'static OperationSchema,
    request: &Request<'_>,
    labels: &Labels,
    input: &mut dyn Struct,
) -> Result<Seen, ApiError> {
    let mut seen = Seen::default();
    rest::read_labels(labels, input, &mut seen)?;
    rest::read_query(operation, request.query, input, &mut seen)?;
    rest::read_headers(request.headers, input, &mut seen)?;
    rest::read_prefixed(request.headers, input, Side::Server, &mut seen);
    Ok(seen)
}

fn read_body(body: &Bytes, target: &mut dyn Struct, side: Side, mut seen: Seen) -> Result<Missing, ApiError> {
    let shape = target.shape();
    let mut missing = Missing::default();
    match shape.payload {
        None if BodyOf::read_by(side).has_any(shape) => {
            return json::body_into(body, target, side, Some(seen));
        }
        None => {}
        Some(_) if body.is_empty() => {}
        Some(payload) => {
            seen.add(payload);
            let member = &shape.members[payload];
            missing = read_payload(body, target.member_mut(payload).slot(), side)?;
            missing.leave(0, || crate::missing::Step::Member(member.name));
        }
    }
    missing.note(shape, &seen);
    Ok(missing)
}

fn read_payload(body: &Bytes, slot: Slot<'_>, side: Side) -> Result<Missing, ApiError> {
    match slot {
        Slot::Struct(target) => return json::body_into(body, target, side, None),
        Slot::Union(target) => json::union_into(body, target, side)?,
        Slot::Document(target) => json::document_into(body, target)?,
        slot => raw_payload(body, slot)?,
    }
    Ok(Missing::default())
}

/// A blob or string that is the whole body.
pub(super) fn raw_payload(body: &Bytes, slot: Slot<'_>) -> Result<(), ApiError> {
    match slot {
        Slot::Blob(target) => *target = body.clone(),
        Slot::Stream(target) => *target = body.clone().into(),
        Slot::String(target) => {
            let text = std::str::from_utf8(body);
            text.map_err(|_| errors::serialization("The body is not UTF-8"))?.clone_into(target);
        }
        _ => return Err(errors::serialization("The body has a type that cannot be read")),
    }
    Ok(())
}

pub(super) fn encode_output(
    operation: &'static OperationSchema,
    output: &dyn Struct,
    request_id: &str,
) -> Response {
    let (content_type, body) = write_body(output, Side::Server).unwrap_or((JSON, Bytes::new()));
    finish_output(operation, output, request_id, Response::new(operation.status, content_type, body))
}

/// Adds headers and status code of an output to a response with its body.
pub(super) fn finish_output(
    operation: &'static OperationSchema,
    output: &dyn Struct,
    request_id: &str,
    mut response: Response,
) -> Response {
    for (index, member) in output.shape().members.iter().enumerate() {
        if let (Location::StatusCode, View::Integer(status)) = (member.location, output.member(index).view())
        {
            response.status = u16::try_from(status).unwrap_or(operation.status);
        }
    }
    rest::write_headers(output, &mut response.headers);
    response.set("x-amzn-requestid", request_id);
    response
}

/// The body of a message and its type; `None` when the message has none.
fn write_body(value: &dyn Struct, side: Side) -> Option<(&'static str, Bytes)> {
    let shape = value.shape();
    let mut body = Vec::new();
    let Some(payload) = shape.payload else {
        let body_of = BodyOf::written_by(side);
        if !body_of.has_any(shape) {
            return None;
        }
        json::structure(&mut body, value, body_of);
        return Some((JSON, body.into()));
    };
    match value.member(payload).view() {
        View::Struct(payload) => json::structure(&mut body, payload, BodyOf::Rpc),
        View::Union(payload) => json::union(&mut body, payload),
        View::Document(payload) => json::document(&mut body, payload),
        View::Absent => {
            let is_object =
                matches!(shape.members[payload].shape.kind, Kind::Struct(shape) if !shape.is_union);
            if !is_object || side == Side::Server {
                return None;
            }
            body.extend_from_slice(b"{}");
        }
        view => return raw_body(&view),
    }
    Some((JSON, body.into()))
}

/// A blob or string that is the whole body.
pub(super) fn raw_body(view: &View<'_>) -> Option<(&'static str, Bytes)> {
    match view {
        View::Blob(payload) => Some(("application/octet-stream", (*payload).clone())),
        // What comes in pieces is the sender's to add: here are only the headers that go with it.
        View::Stream(payload) => {
            Some(("application/octet-stream", payload.whole().cloned().unwrap_or_default()))
        }
        View::String(payload) => Some(("text/plain", Bytes::copy_from_slice(payload.as_bytes()))),
        _ => None,
    }
}

pub(super) fn encode_error(error: &ApiError, request_id: &str) -> Response {
    let mut response = Response::new(error.status(), JSON, fault::json_body(error, BodyOf::Response));
    if let Some(detail) = error.detail() {
        rest::write_headers(detail, &mut response.headers);
    }
    response.set("x-amzn-errortype", error.name());
    response.set("x-amzn-requestid", request_id);
    response
}

pub(super) fn encode_input(
    operation: &'static OperationSchema,
    input: &dyn Struct,
) -> Result<ClientRequest, ApiError> {
    build_request(operation, input, write_body(input, Side::Client))
}

/// A request with a body written by either REST protocol.
pub(super) fn build_request(
    operation: &'static OperationSchema,
    input: &dyn Struct,
    body: Option<(&'static str, Bytes)>,
) -> Result<ClientRequest, ApiError> {
    let path_and_query = rest::path_and_query(operation, input)?;
    let mut request = match body {
        Some((content_type, body)) => ClientRequest::post(path_and_query, content_type, body),
        None => ClientRequest {
            method: operation.method,
            path_and_query,
            headers: http::HeaderMap::new(),
            body: Bytes::new(),
        },
    };
    request.method = operation.method;
    rest::write_headers(input, &mut request.headers);
    Ok(request)
}

pub(super) fn decode_output(response: &Response, output: &mut dyn Struct) -> Result<(), ApiError> {
    let seen = read_response_bindings(response, output)?;
    read_body(&response.body, output, Side::Client, seen).map(drop)
}

/// Fills what a response has outside its body.
pub(super) fn read_response_bindings(response: &Response, output: &mut dyn Struct) -> Result<Seen, ApiError> {
    let mut seen = Seen::default();
    rest::read_headers(&response.headers, output, &mut seen)?;
    rest::read_prefixed(&response.headers, output, Side::Client, &mut seen);
    for (index, member) in output.shape().members.iter().enumerate() {
        if member.location == Location::StatusCode
            && let Slot::Integer(target) = output.member_mut(index).slot()
        {
            *target = i32::from(response.status);
        }
    }
    Ok(seen)
}
