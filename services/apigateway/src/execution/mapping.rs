//! What mapping templates and parameter mappings see of a request (Developer Guide, "API Gateway mapping template
//! and access logging variable reference").

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use vtl::{Object, Scope, Value, json_path, text_escape};

use super::deployed::Found;
use super::parameters::Given;

/// The scope of a template over `body`: the method's request's, or the integration's answer.
pub(crate) fn scope(body: &str, given: &Given<'_>) -> Scope {
    let Given { request, deployed, found, .. } = *given;
    let path = found.map(|found| found.path_parameters.clone()).unwrap_or_default();
    let input =
        Input { body: body.to_owned(), groups: [path, request.query.clone(), request.headers.clone()] };
    let variables =
        deployed.variables.iter().map(|(name, value)| (name.as_str(), Value::from(value.as_str())));
    let mut entries = context(given);
    entries.extend(given.extra.iter().cloned());
    Scope::default()
        .with_object("input", Arc::new(input))
        .with_object("util", Arc::new(Util))
        .with("context", nested(entries))
        .with("stageVariables", Value::map(variables))
}

/// A variable of `$context` by its dotted name.
pub(crate) fn context_value(name: &str, given: &Given<'_>) -> Option<String> {
    let extra = given.extra.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    extra.or_else(|| context(given).into_iter().find(|(key, _)| key == name).map(|(_, value)| value))
}

/// `$context`, with dots for what lies deeper.
fn context(given: &Given<'_>) -> Vec<(Cow<'static, str>, String)> {
    let Given { request, deployed, found, .. } = *given;
    let of_resource = |of: fn(&Found) -> &String| found.map(of).cloned().unwrap_or_default();
    let entries = [
        ("requestId", request.request_id.clone()),
        ("extendedRequestId", request.request_id.clone()),
        ("apiId", deployed.api.clone()),
        ("accountId", deployed.account.to_string()),
        ("stage", deployed.stage.clone()),
        ("resourceId", of_resource(|found| &found.resource_id)),
        ("resourcePath", of_resource(|found| &found.resource_path)),
        ("httpMethod", request.method.clone()),
        ("path", format!("/{}{}", deployed.stage, request.path)),
        ("protocol", "HTTP/1.1".to_owned()),
        ("requestTimeEpoch", request.received.millis().to_string()),
        ("identity.sourceIp", request.source_ip.clone()),
        ("identity.userAgent", request.header("user-agent").unwrap_or_default().to_owned()),
    ];
    entries.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

/// Groups of variables by what stands before the dot.
fn nested(entries: Vec<(Cow<'static, str>, String)>) -> Value {
    let mut groups: BTreeMap<&str, Vec<(&str, Value)>> = BTreeMap::new();
    let mut all: Vec<(&str, Value)> = Vec::with_capacity(entries.len());
    for (name, value) in &entries {
        let value = value.as_str();
        match name.split_once('.') {
            Some((group, name)) => groups.entry(group).or_default().push((name, Value::from(value))),
            None => all.push((name.as_ref(), Value::from(value))),
        }
    }
    all.extend(groups.into_iter().map(|(group, entries)| (group, Value::map(entries))));
    Value::map(all)
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
