//! Errors on the wire, as far as protocols share them.

use shapes::{ApiError, Member, Protocol, ServiceSchema, Struct, XmlNamespace};

use super::aws_query::type_of;
use crate::missing::Seen;
use crate::rest::BodyOf;
use crate::xml::{Dialect, Element, Writer};
use crate::{Response, Side, cbor, errors, json, xml};

/// `{"__type": ..., "message": ..., ...}`; rest-json names the type in a header instead.
pub(super) fn json_body(error: &ApiError, body_of: BodyOf) -> Vec<u8> {
    let mut body = b"{".to_vec();
    if body_of == BodyOf::Rpc {
        body.extend_from_slice(b"\"__type\":");
        json::string(&mut body, error.name());
        body.push(b',');
    }
    json::string(&mut body, message_name(error));
    body.push(b':');
    json::string(&mut body, error.message());
    if let Some(detail) = error.detail() {
        json::members(&mut body, detail, body_of, |member| !is_message(member));
    }
    body.push(b'}');
    body
}

/// What the error's shape calls its message: `message` unless it has `Message`.
pub(super) fn message_name(error: &ApiError) -> &'static str {
    let members = error.detail().map_or(&[][..], |detail| detail.shape().members);
    members.iter().find(|member| is_message(member)).map_or("message", Member::wire_name)
}

pub(super) fn is_message(member: &Member) -> bool {
    member.wire_name().eq_ignore_ascii_case("message")
}

/// Services that spoke query before tell clients their old code: `AWS.SimpleQueueService.NonExistentQueue;Sender`.
pub(super) fn add_query_error(response: &mut Response, service: &ServiceSchema, error: &ApiError) {
    if service.query_compatible {
        response.set("x-amzn-query-error", &format!("{};{}", error.code(), type_of(error)));
    }
}

/// `<ErrorResponse>` of awsQuery and rest-xml.
pub(super) fn xml_body(
    error: &ApiError,
    request_id: &str,
    namespace: Option<XmlNamespace>,
    body_of: BodyOf,
) -> Vec<u8> {
    let mut writer = Writer::new(Dialect::Query);
    writer.open("ErrorResponse", namespace);
    writer.open("Error", None);
    writer.leaf("Type", type_of(error));
    writer.leaf("Code", error.code());
    xml_message(&mut writer, error, body_of);
    writer.close("Error");
    writer.leaf("RequestId", request_id);
    writer.close("ErrorResponse");
    writer.finish()
}

/// `<Error>` without a wrapper.
pub(super) fn bare_xml_body(error: &ApiError, facts: &[(&'static str, String)], request_id: &str) -> Vec<u8> {
    let mut writer = Writer::new(Dialect::Rest);
    writer.open("Error", None);
    writer.leaf("Code", error.code());
    xml_message(&mut writer, error, BodyOf::Response);
    for (name, value) in facts {
        writer.leaf(name, value);
    }
    writer.leaf("RequestId", request_id);
    writer.close("Error");
    writer.finish()
}

/// The message and the other members of an error.
pub(super) fn xml_message(writer: &mut Writer, error: &ApiError, body_of: BodyOf) {
    writer.leaf("Message", error.message());
    if let Some(detail) = error.detail() {
        writer.members(detail, body_of, |member| !is_message(member));
    }
}

/// Reads the error that an answer tells of. Answers without a readable code go by their status.
pub(super) fn read(protocol: Protocol, response: &Response) -> ApiError {
    let (code, message) = match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RestJson => json::error_fields(&response.body),
        Protocol::RpcV2Cbor => cbor::error_fields(&response.body),
        Protocol::AwsQuery | Protocol::Ec2Query | Protocol::RestXml => xml_fields(&response.body),
    };
    let code = response.header("x-amzn-errortype").map(str::to_owned).or(code);
    let name =
        code.as_deref().map_or_else(|| format!("Http{}", response.status), |code| bare(code).to_owned());
    let message = message.unwrap_or_default();
    let query_error = response.header("x-amzn-query-error").and_then(|error| error.split_once(';'));
    let mut error = ApiError::with_status(response.status, name, message);
    if let Some((code, _)) = query_error {
        error = error.with_query_code(code.to_owned());
    }
    error
}

/// `aws.protocoltests#FooError:http://...` without what is around the name.
fn bare(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or(code);
    code.rsplit('#').next().unwrap_or(code)
}

fn xml_fields(body: &[u8]) -> (Option<String>, Option<String>) {
    let Ok(root) = Element::parse(body) else { return (None, None) };
    let Some(error) = error_element(&root) else { return (None, None) };
    let text = |name: &str| error.child_text(name).map(str::to_owned);
    (text("Code"), text("Message").or_else(|| text("message")))
}

/// The `<Error>` of an answer, at whatever depth its protocol has it.
pub(super) fn error_element(root: &Element) -> Option<&Element> {
    if root.name == "Error" {
        return Some(root);
    }
    let errors = root.child("Errors").unwrap_or(root);
    errors.child("Error")
}

/// Reads an error's members from its element; `bound` as for [`xml::structure_into`].
pub(super) fn detail_of_xml(
    response: &Response,
    detail: &mut dyn Struct,
    bound: Option<Seen>,
) -> Result<(), ApiError> {
    let root = Element::parse(&response.body).map_err(errors::unreadable_response)?;
    let Some(error) = error_element(&root) else { return Ok(()) };
    xml::structure_into(error, detail, Dialect::Query, Side::Client, bound).map(drop)
}
