//! Parameter mappings: where a value comes from and where it goes, read once (Developer Guide, "Mapping parameters for REST
//! APIs").

use std::borrow::Cow;

use vtl::{Value, json_path};

use super::deployed::{Deployed, Found};
use super::integration::Answer;
use super::mapping::context_value;
use super::request::MethodRequest;

/// Longest text of a value that is taken out of a body.
const MOST_TEXT: usize = 10 << 20;

/// A parameter that a method declares: `method.request.querystring.q`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequestParameter {
    Header(String),
    Query(String),
    Path(String),
}

impl RequestParameter {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match Source::of_request(text)? {
            Source::Header(name) => Some(Self::Header(name)),
            Source::Query(name) => Some(Self::Query(name)),
            Source::Path(name) => Some(Self::Path(name)),
            _ => None,
        }
    }

    /// The parameter's name, when a request lacks it.
    pub(crate) fn missing_from(&self, request: &MethodRequest, found: &Found) -> Option<&str> {
        match self {
            Self::Header(name) => request.header(name).is_none().then_some(name),
            Self::Query(name) => request.query.get(name).is_none_or(|value| value.is_empty()).then_some(name),
            Self::Path(name) => (!found.path_parameters.contains_key(name)).then_some(name),
        }
    }
}

/// Where an integration's request takes a value to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequestTarget {
    Header(String),
    Query(String),
    Path(String),
}

impl RequestTarget {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (place, name) = text.strip_prefix("integration.request.")?.split_once('.')?;
        if name.is_empty() {
            return None;
        }
        match place {
            "header" | "multivalueheader" => Some(Self::Header(name.to_owned())),
            "querystring" | "multivaluequerystring" => Some(Self::Query(name.to_owned())),
            "path" => Some(Self::Path(name.to_owned())),
            _ => None,
        }
    }
}

/// The header of the method's response that a value goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResponseTarget(pub String);

impl ResponseTarget {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (place, name) = text.strip_prefix("method.response.")?.split_once('.')?;
        let is_header = matches!(place, "header" | "multivalueheader") && !name.is_empty();
        is_header.then(|| Self(name.to_owned()))
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Literal(String),
    Header(String),
    Query(String),
    Path(String),
    /// The request's body, or what a JSON path leads to in it.
    Body(Option<String>),
    /// A variable of `$context`, by its dotted name.
    Context(String),
    StageVariable(String),
    AnswerHeader(String),
    AnswerBody(Option<String>),
}

impl Source {
    /// What a mapping of a request may name.
    pub(crate) fn of_request(text: &str) -> Option<Self> {
        let Some(rest) = text.strip_prefix("method.request.") else { return Self::of_either(text) };
        if let Some(path) = body_path(rest) {
            return Some(Self::Body(path));
        }
        let (place, name) = rest.split_once('.').filter(|(_, name)| !name.is_empty())?;
        match place {
            "header" | "multivalueheader" => Some(Self::Header(name.to_owned())),
            "querystring" | "multivaluequerystring" => Some(Self::Query(name.to_owned())),
            "path" => Some(Self::Path(name.to_owned())),
            _ => None,
        }
    }

    /// What a mapping of a response may name.
    pub(crate) fn of_response(text: &str) -> Option<Self> {
        let Some(rest) = text.strip_prefix("integration.response.") else { return Self::of_either(text) };
        if let Some(path) = body_path(rest) {
            return Some(Self::AnswerBody(path));
        }
        let (place, name) = rest.split_once('.').filter(|(_, name)| !name.is_empty())?;
        matches!(place, "header" | "multivalueheader").then(|| Self::AnswerHeader(name.to_owned()))
    }

    fn of_either(text: &str) -> Option<Self> {
        if text.len() >= 2 && text.starts_with('\'') && text.ends_with('\'') {
            return Some(Self::Literal(text[1..text.len() - 1].to_owned()));
        }
        let named = |prefix| text.strip_prefix(prefix).filter(|name| !name.is_empty()).map(str::to_owned);
        named("context.").map(Self::Context).or_else(|| named("stageVariables.").map(Self::StageVariable))
    }

    /// The value for a request, where it has one.
    pub(crate) fn value<'a>(&'a self, given: &Given<'a>) -> Option<Cow<'a, str>> {
        let Given { request, deployed, found, answer, .. } = *given;
        match self {
            Self::Literal(text) => Some(text.as_str().into()),
            Self::Header(name) => request.header(name).map(Into::into),
            Self::Query(name) => request.query.get(name).map(|value| value.as_str().into()),
            Self::Path(name) => found?.path_parameters.get(name).map(|value| value.as_str().into()),
            Self::Body(path) => in_body(&request.text(), path.as_deref()).map(Cow::Owned),
            Self::Context(name) => context_value(name, given).map(Cow::Owned),
            Self::StageVariable(name) => deployed.variables.get(name).map(|value| value.as_str().into()),
            Self::AnswerHeader(name) => answer?.header(name).map(Into::into),
            Self::AnswerBody(path) => in_body(&answer?.text(), path.as_deref()).map(Cow::Owned),
        }
    }
}

/// What values are taken from.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    pub request: &'a MethodRequest,
    pub deployed: &'a Deployed,
    pub found: Option<&'a Found>,
    pub answer: Option<&'a Answer>,
    /// Variables of `$context` that only this request has, by their dotted names: of its authorizer, of its error.
    pub extra: &'a [(Cow<'static, str>, String)],
}

/// `body` and `body.JSON_PATH`.
fn body_path(rest: &str) -> Option<Option<String>> {
    if rest == "body" {
        return Some(None);
    }
    rest.strip_prefix("body.").filter(|path| !path.is_empty()).map(|path| Some(path.to_owned()))
}

fn in_body(body: &str, path: Option<&str>) -> Option<String> {
    let Some(path) = path else { return Some(body.to_owned()) };
    let root = Value::from_json(body).ok()?;
    let path = if path.starts_with('$') { Cow::Borrowed(path) } else { Cow::Owned(format!("$.{path}")) };
    json_path::find(&root, &path).ok()??.text(MOST_TEXT)
}

#[cfg(test)]
mod tests {
    use super::{RequestParameter, RequestTarget, ResponseTarget, Source};

    #[test]
    fn mappings_name_places_that_there_are() {
        assert_eq!(Source::of_request("'a b'"), Some(Source::Literal("a b".to_owned())));
        assert_eq!(Source::of_request("method.request.header.X-A"), Some(Source::Header("X-A".to_owned())));
        assert_eq!(Source::of_request("method.request.body"), Some(Source::Body(None)));
        assert_eq!(Source::of_request("method.request.body.$.a"), Some(Source::Body(Some("$.a".to_owned()))));
        assert_eq!(
            Source::of_request("context.identity.sourceIp"),
            Some(Source::Context("identity.sourceIp".to_owned()))
        );
        assert_eq!(
            Source::of_response("integration.response.header.ETag"),
            Some(Source::AnswerHeader("ETag".to_owned()))
        );
        for wrong in [
            "",
            "'",
            "a",
            "method.request.header.",
            "method.request.cookie.a",
            "integration.response.header.a",
        ] {
            assert_eq!(Source::of_request(wrong), None, "{wrong}");
        }
        assert_eq!(Source::of_response("method.request.header.a"), None);
        assert_eq!(
            RequestTarget::parse("integration.request.path.id"),
            Some(RequestTarget::Path("id".to_owned()))
        );
        assert_eq!(RequestTarget::parse("method.request.path.id"), None);
        assert_eq!(ResponseTarget::parse("method.response.header.A"), Some(ResponseTarget("A".to_owned())));
        assert_eq!(ResponseTarget::parse("method.response.querystring.A"), None);
        assert_eq!(
            RequestParameter::parse("method.request.path.id"),
            Some(RequestParameter::Path("id".to_owned()))
        );
        assert_eq!(RequestParameter::parse("'x'"), None);
    }
}
