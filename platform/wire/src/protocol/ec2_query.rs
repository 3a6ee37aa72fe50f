//! ec2Query: like awsQuery, with flat lists, names of its own, and no wrapper around the output.

use shapes::{ApiError, OperationSchema, ServiceSchema, Struct};

use super::{aws_query, fault};
use crate::query::Flavour;
use crate::rest::BodyOf;
use crate::xml::{Dialect, Element, Writer};
use crate::{ClientRequest, Missing, Request, Response, Side, errors, query, xml};

const XML: &str = "text/xml;charset=UTF-8";

pub(super) fn decode_request(request: &Request<'_>, input: &mut dyn Struct) -> Result<Missing, ApiError> {
    query::form_into(&aws_query::form(request)?, input, Flavour::Ec2)
}

pub(super) fn encode_output(
    service: &'static ServiceSchema,
    operation: &'static OperationSchema,
    output: &dyn Struct,
    request_id: &str,
) -> Response {
    let mut writer = Writer::new(Dialect::Ec2);
    let root = format!("{}Response", operation.name);
    writer.open(&root, aws_query::namespace(service));
    writer.leaf("requestId", request_id);
    writer.members(output, BodyOf::Rpc, |_| true);
    writer.close(&root);
    let mut response = Response::new(200, XML, writer.finish());
    response.set("x-amzn-requestid", request_id);
    response
}

pub(super) fn encode_error(error: &ApiError, request_id: &str) -> Response {
    let mut writer = Writer::new(Dialect::Ec2);
    writer.open("Response", None);
    writer.open("Errors", None);
    writer.open("Error", None);
    writer.leaf("Code", error.code());
    fault::xml_message(&mut writer, error, BodyOf::Rpc);
    writer.close("Error");
    writer.close("Errors");
    writer.leaf("RequestID", request_id);
    writer.close("Response");
    let mut response = Response::new(error.status(), XML, writer.finish());
    response.set("x-amzn-requestid", request_id);
    response
}

pub(super) fn encode_input(
    service: &'static ServiceSchema,
    operation: &'static OperationSchema,
    input: &dyn Struct,
) -> ClientRequest {
    let form = query::form_of(operation.name, service.api_version, input, Flavour::Ec2);
    ClientRequest::post("/", aws_query::FORM, form.into_bytes())
}

pub(super) fn decode_output(response: &Response, output: &mut dyn Struct) -> Result<(), ApiError> {
    if response.body.is_empty() {
        return Ok(());
    }
    let root = Element::parse(&response.body).map_err(errors::unreadable_response)?;
    xml::structure_into(&root, output, Dialect::Ec2, Side::Client, None).map(drop)
}
