//! What mapping templates and parameter mappings see of a request (Developer Guide, "API Gateway mapping template
//! and access logging variable reference").

use std::collections::BTreeMap;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use shapes::{ApiError, Timestamp};
use vtl::{Object, Scope, Value, json_path, text_escape};

use crate::deployed::{Deployed, Found};
use crate::errors;

/// A method's request.
pub(crate) struct MethodRequest {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub query: BTreeMap<String, String>,
    /// All values of headers and of query parameters, by name.
    pub header_values: BTreeMap<String, Vec<String>>,
    pub query_values: BTreeMap<String, Vec<String>>,
    pub body: String,
    pub source_ip: String,
    pub request_id: String,
    pub received: Timestamp,
}

/// What a compiled selection pattern may take.
const MOST_PATTERN_BYTES: usize = 1 << 20;

/// Where an integration's request takes a parameter to, and from where: only mappings that are known are stored.
pub(crate) fn check_parameter(to: &str, from: &str) -> Result<(), ApiError> {
    let is_target =
        ["integration.request.header.", "integration.request.querystring.", "integration.request.path."]
            .iter()
            .any(|prefix| to.starts_with(prefix));
    let is_source = is_literal(from)
        || ["method.request.", "context.", "stageVariables."].iter().any(|prefix| from.starts_with(prefix));
    if is_target && is_source {
        return Ok(());
    }
    Err(errors::bad_request(format!("Invalid mapping expression specified: {from} to {to}")))
}

fn is_literal(text: &str) -> bool {
    text.len() >= 2 && text.starts_with('\'') && text.ends_with('\'')
}

/// The value of a parameter mapping's source.
pub(crate) fn parameter(
    from: &str,
    request: &MethodRequest,
    deployed: &Deployed,
    found: &Found,
) -> Option<String> {
    if is_literal(from) {
        return Some(from[1..from.len() - 1].to_owned());
    }
    if let Some(name) = from.strip_prefix("method.request.header.") {
        return request.header(name).map(str::to_owned);
    }
    if let Some(name) = from.strip_prefix("method.request.querystring.") {
        return request.query.get(name).cloned();
    }
    if let Some(name) = from.strip_prefix("method.request.path.") {
        return found.path_parameters.get(name).cloned();
    }
    if let Some(name) = from.strip_prefix("stageVariables.") {
        return deployed.variables.get(name).cloned();
    }
    let name = from.strip_prefix("context.")?;
    context(request, deployed, found).into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// A selection pattern: a regular expression over the whole of a status, or of a function's error.
pub(crate) fn selection(pattern: &str) -> Result<Regex, ApiError> {
    RegexBuilder::new(&format!("^(?:{pattern})$"))
        .dot_matches_new_line(true)
        .size_limit(MOST_PATTERN_BYTES)
        .build()
        .map_err(|_| errors::bad_request(format!("Invalid selection pattern specified: {pattern}")))
}

/// The scope of a template over `body`: the method's request's, or the integration's answer.
pub(crate) fn scope(body: &str, request: &MethodRequest, deployed: &Deployed, found: &Found) -> Scope {
    let input = Input {
        body: body.to_owned(),
        groups: [found.path_parameters.clone(), request.query.clone(), request.headers.clone()],
    };
    let variables =
        deployed.variables.iter().map(|(name, value)| (name.as_str(), Value::from(value.as_str())));
    Scope::default()
        .with_object("input", Arc::new(input))
        .with_object("util", Arc::new(Util))
        .with("context", nested(context(request, deployed, found)))
        .with("stageVariables", Value::map(variables))
}

/// `$context`, with dots for what lies deeper.
fn context(request: &MethodRequest, deployed: &Deployed, found: &Found) -> Vec<(&'static str, String)> {
    vec![
        ("requestId", request.request_id.clone()),
        ("extendedRequestId", request.request_id.clone()),
        ("apiId", deployed.api.clone()),
        ("accountId", deployed.account.to_string()),
        ("stage", deployed.stage.clone()),
        ("resourceId", found.resource_id.clone()),
        ("resourcePath", found.resource_path.clone()),
        ("httpMethod", request.method.clone()),
        ("path", format!("/{}{}", deployed.stage, request.path)),
        ("protocol", "HTTP/1.1".to_owned()),
        ("requestTimeEpoch", request.received.millis().to_string()),
        ("identity.sourceIp", request.source_ip.clone()),
        ("identity.userAgent", request.header("user-agent").unwrap_or_default().to_owned()),
    ]
}

fn nested(entries: Vec<(&'static str, String)>) -> Value {
    let (deep, flat): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(name, _)| name.contains('.'));
    let identity =
        deep.into_iter().filter_map(|(name, value)| Some((name.split_once('.')?.1, Value::from(value))));
    let mut all: Vec<(&str, Value)> =
        flat.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
    all.push(("identity", Value::map(identity)));
    Value::map(all)
}

impl MethodRequest {
    /// A header by its name, whatever its case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// `$input`
struct Input {
    body: String,
    /// Path, query string, headers: the order in which `params(name)` looks.
    groups: [BTreeMap<String, String>; 3],
}

/// Longest result of `$input.json`.
const MOST_JSON: usize = 10 << 20;

impl Input {
    fn at(&self, path: &str) -> Result<Option<Value>, String> {
        let root = Value::from_json(&self.body).map_err(|error| format!("the body is not JSON: {error}"))?;
        json_path::find(&root, path).map_err(|error| error.to_string())
    }

    fn group(&self, index: usize) -> Value {
        Value::map(
            self.groups[index].iter().map(|(name, value)| (name.as_str(), Value::from(value.as_str()))),
        )
    }
}

impl Object for Input {
    fn property(&self, name: &str) -> Option<Value> {
        (name == "body").then(|| Value::from(self.body.as_str()))
    }

    fn call(&self, method: &str, arguments: &[Value]) -> Result<Option<Value>, String> {
        let argument = arguments.first().and_then(|argument| argument.text(MOST_JSON));
        match (method, argument) {
            ("json", Some(path)) => {
                let found = self.at(&path)?.unwrap_or(Value::Null);
                Ok(found.to_json(MOST_JSON).map(Value::from))
            }
            ("path", Some(path)) => self.at(&path),
            ("params", None) => Ok(Some(Value::map([
                ("path", self.group(0)),
                ("querystring", self.group(1)),
                ("header", self.group(2)),
            ]))),
            ("params", Some(name)) => {
                let found = self.groups.iter().find_map(|group| {
                    group
                        .iter()
                        .find(|(key, _)| key.eq_ignore_ascii_case(&name))
                        .map(|(_, value)| value.as_str())
                });
                Ok(Some(Value::from(found.unwrap_or_default())))
            }
            _ => Ok(None),
        }
    }
}

/// `$util`
struct Util;

impl Object for Util {
    fn call(&self, method: &str, arguments: &[Value]) -> Result<Option<Value>, String> {
        let Some(text) = arguments.first().and_then(|argument| argument.text(MOST_JSON)) else {
            return Ok(None);
        };
        Ok(Some(match method {
            "escapeJavaScript" => Value::from(text_escape::escape_java_script(&text)),
            "urlEncode" => Value::from(text_escape::url_encode(&text)),
            "urlDecode" => Value::from(text_escape::url_decode(&text)?),
            "base64Encode" => Value::from(text_escape::base64_encode(text.as_bytes())),
            "base64Decode" => {
                Value::from(String::from_utf8_lossy(&text_escape::base64_decode(&text)?).into_owned())
            }
            "parseJson" => Value::from_json(&text).map_err(|error| error.to_string())?,
            _ => return Ok(None),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::selection;

    #[test]
    fn selection_patterns_mean_the_whole_text() {
        for (pattern, text, is_selected) in [
            ("4\\d{2}", "400", true),
            ("4\\d{2}", "4000", false),
            ("5..", "503", true),
            ("200|201", "201", true),
            ("4\\d\\d", "302", false),
            (".*Bad.*", "It was\nBad indeed", true),
        ] {
            let selected = selection(pattern).is_ok_and(|pattern| pattern.is_match(text));
            assert_eq!(selected, is_selected, "{pattern} {text}");
        }
        assert!(selection("(").is_err());
    }
}
