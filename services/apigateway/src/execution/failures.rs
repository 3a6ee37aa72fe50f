//! The answers that are not an integration's: as API Gateway gives them, or as the API's owner put them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use shapes::ApiError;
use vtl::Template;

use super::JSON;
use super::deployed::templates;
use super::mapping::scope;
use super::parameters::{Given, Source};
use super::reply::Reply;
use crate::gateway_response::Cause;
use crate::rows::GatewayResponse;

/// Why a request got no further.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub kind: Cause,
    pub message: Cow<'static, str>,
    /// What a body's validation found.
    pub details: Option<String>,
}

impl Refusal {
    pub(crate) fn new(kind: Cause, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), details: None }
    }

    /// Something of the API's own making went wrong.
    pub(crate) fn internal() -> Self {
        Self::new(Cause::ApiConfigurationError, "Internal server error")
    }
}

/// The responses that were put, ready to be given.
pub(crate) struct Failures(BTreeMap<&'static str, Custom>);

struct Custom {
    status: Option<u16>,
    parameters: Vec<(String, Source)>,
    templates: BTreeMap<String, Template>,
}

impl Failures {
    pub(super) fn new(responses: &BTreeMap<String, GatewayResponse>) -> Result<Self, ApiError> {
        let mut customs = BTreeMap::new();
        for response in responses.values() {
            let Some(kind) = Cause::named(&response.response_type) else { continue };
            let parameters = response.response_parameters.iter().filter_map(|(to, from)| {
                let name = to.strip_prefix("gatewayresponse.header.")?;
                Some((name.to_owned(), Source::of_request(from)?))
            });
            let custom = Custom {
                status: response.status_code.as_deref().and_then(|status| status.parse().ok()),
                parameters: parameters.collect(),
                templates: templates(&response.response_templates)?,
            };
            customs.insert(kind.name(), custom);
        }
        Ok(Self(customs))
    }

    pub(crate) fn reply(&self, refusal: &Refusal, given: &Given<'_>) -> Reply {
        let kind = refusal.kind;
        let own_status = kind.status().unwrap_or(500);
        let custom = self.0.get(kind.name()).or_else(|| self.0.get(Cause::default_of(own_status).name()));
        let mut reply = Reply::message(own_status, &refusal.message);
        reply.headers.push(("x-amzn-ErrorType".to_owned(), kind.error_type().to_owned()));
        let Some(custom) = custom else { return reply };
        reply.status = custom.status.unwrap_or(own_status);
        let message = refusal.message.to_string();
        let mut extra = given.extra.to_vec();
        extra.extend([
            ("error.messageString".into(), serde_json::Value::from(message.as_str()).to_string()),
            ("error.message".into(), message),
            ("error.responseType".into(), kind.name().to_owned()),
            ("error.validationErrorString".into(), refusal.details.clone().unwrap_or_default()),
        ]);
        let given = Given { extra: &extra, ..*given };
        for (name, source) in &custom.parameters {
            if let Some(value) = source.value(&given) {
                reply.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
                reply.headers.push((name.clone(), value.into_owned()));
            }
        }
        let template = custom.templates.get_key_value(JSON).or_else(|| custom.templates.iter().next());
        if let Some((content_type, template)) = template
            && let Ok(body) = template.render(&scope(&given.request.text(), &given))
        {
            reply.body = body.into();
            if !reply.headers.iter().any(|(name, _)| name == "Content-Type") {
                reply.headers.retain(|(name, _)| name != "content-type");
                reply.headers.push(("content-type".to_owned(), content_type.clone()));
            }
        }
        reply
    }
}
