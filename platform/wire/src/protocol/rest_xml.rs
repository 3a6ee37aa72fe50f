//! rest-xml: like rest-json, with XML bodies.

use bytes::Bytes;
use shapes::{ApiError, Kind, Member, OperationSchema, ServiceSchema, Slot, Struct, View, XmlNamespace};

use super::rest_json::{
    build_request, finish_output, raw_body, raw_payload, read_bindings, read_response_bindings,
};
use super::{aws_query, fault};
use crate::missing::{Missing, Seen};
use crate::rest::BodyOf;
use crate::xml::{Dialect, Element, Writer};
use crate::{ClientRequest, Labels, Request, Response, Side, errors, rest, xml};

const XML: &str = "application/xml";

pub(super) fn decode_request(
    operation: &'static OperationSchema,
    request: &Request<'_>,
    labels: &Labels,
    input: &mut dyn Struct,
) -> Result<Missing, ApiError> {
    let seen = read_bindings(operation, request, labels, input)?;
    read_body(request.body, input, Side::Server, seen)
}

fn read_body(body: &Bytes, target: &mut dyn Struct, side: Side, mut seen: Seen) -> Result<Missing, ApiError> {
    let shape = target.shape();
    let mut missing = Missing::default();
    match shape.payload {
        _ if body.is_empty() => {}
        None if BodyOf::read_by(side).has_any(shape) => {
            let root = Element::parse(body).map_err(errors::malformed_xml)?;
            return xml::structure_into(&root, target, Dialect::Rest, side, Some(seen));
        }
        None => {}
        Some(payload) => {
            seen.add(payload);
            let member = &shape.members[payload];
            let slot = target.member_mut(payload).slot();
            if let Slot::Blob(_) | Slot::Stream(_) | Slot::String(_) = slot {
                raw_payload(body, slot)?;
            } else {
                let root = Element::parse(body).map_err(errors::malformed_xml)?;
                missing = xml::value_into(&root, slot, member, side)?;
            }
        }
    }
    missing.note(shape, &seen);
    Ok(missing)
}

pub(super) fn encode_output(
    service: &'static ServiceSchema,
    operation: &'static OperationSchema,
    output: &dyn Struct,
    request_id: &str,
) -> Response {
    let root = Root { name: None, namespace: aws_query::namespace(service) };
    let body = write_body(output, root, BodyOf::Response);
    let has_body = body.is_some();
    let (content_type, body) = body.unwrap_or((XML, Bytes::new()));
    let mut response = Response::new(operation.status, content_type, body);
    if !has_body {
        response.headers.clear();
    }
    finish_output(operation, output, request_id, response)
}

/// What the model, the operation and the service say about the outermost element.
struct Root {
    name: Option<&'static str>,
    namespace: Option<XmlNamespace>,
}

fn write_body(value: &dyn Struct, root: Root, body_of: BodyOf) -> Option<(&'static str, Bytes)> {
    let shape = value.shape();
    let mut writer = Writer::new(Dialect::Rest);
    let Some(payload) = shape.payload else {
        if !body_of.has_any(shape) {
            return None;
        }
        let name = root.name.or(shape.xml_name).unwrap_or(shape.name);
        writer.structure(name, value, shape.xml_namespace.or(root.namespace), body_of);
        return Some((XML, writer.finish().into()));
    };
    let member = &shape.members[payload];
    let view = value.member(payload).view();
    if let View::Blob(_) | View::Stream(_) | View::String(_) = view {
        return raw_body(&view);
    }
    if let View::Absent = view {
        return None;
    }
    writer.payload(payload_name(member), &view, member, root.namespace);
    Some((XML, writer.finish().into()))
}

fn payload_name(member: &'static Member) -> &'static str {
    member.location_name.unwrap_or(match member.shape.kind {
        Kind::Struct(shape) => shape.xml_name.unwrap_or(shape.name),
        _ => member.name,
    })
}

pub(super) fn encode_error(service: &'static ServiceSchema, error: &ApiError, request_id: &str) -> Response {
    let body = fault::xml_body(error, request_id, aws_query::namespace(service), BodyOf::Response);
    let mut response = Response::new(error.status(), XML, body);
    if let Some(detail) = error.detail() {
        rest::write_headers(detail, &mut response.headers);
    }
    response.set("x-amzn-requestid", request_id);
    response
}

pub(super) fn encode_bare_error(
    error: &ApiError,
    facts: &[(&'static str, String)],
    request_id: &str,
) -> Response {
    let has_body = error.status() >= 400;
    let body = if has_body { fault::bare_xml_body(error, facts, request_id) } else { Vec::new() };
    let mut response = Response::new(error.status(), XML, body);
    if !has_body {
        response.headers.clear();
    }
    if let Some(detail) = error.detail() {
        rest::write_headers(detail, &mut response.headers);
    }
    response
}

pub(super) fn encode_input(
    service: &'static ServiceSchema,
    operation: &'static OperationSchema,
    input: &dyn Struct,
) -> Result<ClientRequest, ApiError> {
    let namespace = operation.input_namespace.or(aws_query::namespace(service));
    let root = Root { name: operation.input_element, namespace };
    build_request(operation, input, write_body(input, root, BodyOf::Request))
}

pub(super) fn decode_output(response: &Response, output: &mut dyn Struct) -> Result<(), ApiError> {
    let seen = read_response_bindings(response, output)?;
    read_body(&response.body, output, Side::Client, seen).map(drop)
}

pub(super) fn decode_error_detail(response: &Response, detail: &mut dyn Struct) -> Result<(), ApiError> {
    let seen = read_response_bindings(response, detail)?;
    fault::detail_of_xml(response, detail, Some(seen))
}
