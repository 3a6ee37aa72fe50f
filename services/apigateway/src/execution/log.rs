//! What stages log of requests (Developer Guide, "Set up CloudWatch logging for REST APIs in API Gateway").

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde_json::json;

use super::deployed::{Deployed, Found};
use super::failures::Refusal;
use super::invocation::Admitted;
use super::journal::{Entry, Place};
use super::mapping::context_value;
use super::parameters::Given;
use super::reply::Reply;
use super::request::MethodRequest;
use crate::rows::{MethodSetting, Stage};

/// Longest line of an execution log; what is longer is cut, as AWS does.
const MOST_BYTES: usize = 1024;
/// The stream of a stage: entries come from one writer, so one is enough.
const STREAM: &str = "00000000000000000000000000000000";

/// A stage's access log.
pub(super) struct AccessLog {
    group: String,
    format: Vec<Piece>,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// A variable of `$context`, by its dotted name.
    Variable(String),
}

/// How a request went.
pub(crate) struct Outcome<'a> {
    pub request: &'a MethodRequest,
    pub found: Option<&'a Found>,
    pub admitted: &'a Admitted,
    pub refusal: Option<&'a Refusal>,
    pub reply: &'a Reply,
    pub elapsed: Duration,
}

impl AccessLog {
    /// Nothing while the stage's settings are not complete.
    pub(super) fn of(stage: &Stage) -> Option<Self> {
        let settings = stage.access_log_settings.as_ref()?;
        let format = settings.format.as_deref().filter(|format| !format.is_empty())?;
        let group = group_of(settings.destination_arn.as_deref()?)?;
        Some(Self { group: group.to_owned(), format: pieces(format) })
    }

    pub(super) fn entry(&self, deployed: &Deployed, outcome: &Outcome<'_>) -> Entry {
        let extra = outcome.variables();
        let Outcome { request, found, .. } = *outcome;
        let given = Given { request, deployed, found, answer: None, extra: &extra };
        let mut line = String::new();
        for piece in &self.format {
            match piece {
                Piece::Text(text) => line.push_str(text),
                Piece::Variable(name) => {
                    let value = context_value(name, &given).filter(|value| !value.is_empty());
                    line.push_str(value.as_deref().unwrap_or("-"));
                }
            }
        }
        entry(deployed, self.group.clone(), request, vec![line])
    }
}

/// The name of the group of `arn:aws:logs:REGION:ACCOUNT:log-group:NAME`, with or without `:*`.
pub(crate) fn group_of(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let is_logs = parts.next() == Some("arn") && parts.nth(1) == Some("logs");
    let name = parts.nth(2)?.strip_prefix("log-group:")?;
    let name = name.strip_suffix(":*").unwrap_or(name);
    (is_logs && !name.is_empty()).then_some(name)
}

fn pieces(format: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = format.trim_end_matches('\n');
    while let Some((text, after)) = rest.split_once("$context.") {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let end = after.find(|c| !is_name(c)).unwrap_or(after.len());
        // A sentence's full stop is not a name's.
        let name = after[..end].trim_end_matches('.');
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
        pieces.push(Piece::Variable(name.to_owned()));
        rest = &after[name.len()..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    pieces
}

impl Outcome<'_> {
    /// Variables that only access logs have, and those of this request's caller.
    fn variables(&self) -> Vec<(std::borrow::Cow<'static, str>, String)> {
        let mut all = self.admitted.entries();
        all.extend([
            ("status".into(), self.reply.status.to_string()),
            ("responseLength".into(), self.reply.body.len().to_string()),
            ("responseLatency".into(), self.elapsed.as_millis().to_string()),
            ("requestTime".into(), clf(self.request)),
        ]);
        if let Some((status, time)) = self.admitted.integration {
            let latency = time.as_millis().to_string();
            all.extend([
                ("integrationLatency".into(), latency.clone()),
                ("integration.latency".into(), latency),
                ("integrationStatus".into(), status.to_string()),
                ("integration.integrationStatus".into(), status.to_string()),
                ("integration.status".into(), status.to_string()),
            ]);
        }
        if let Some(refusal) = self.refusal {
            all.extend([
                ("error.message".into(), refusal.message.to_string()),
                ("error.messageString".into(), json!(refusal.message).to_string()),
                ("error.responseType".into(), refusal.kind.name().to_owned()),
                ("error.validationErrorString".into(), refusal.details.clone().unwrap_or_default()),
            ]);
        }
        all
    }
}

/// `01/Jan/2026:00:00:00 +0000`
fn clf(request: &MethodRequest) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day) = request.received.date();
    let second = request.received.seconds().rem_euclid(86_400);
    let month = MONTHS.get(month.saturating_sub(1) as usize).copied().unwrap_or_default();
    format!("{day:02}/{month}/{year}:{:02}:{:02}:{:02} +0000", second / 3600, second / 60 % 60, second % 60)
}

fn entry(deployed: &Deployed, group: String, request: &MethodRequest, lines: Vec<String>) -> Entry {
    let place = Place {
        account: deployed.account,
        region: deployed.region,
        stage: deployed.arn(),
        group,
        stream: STREAM.to_owned(),
    };
    Entry { place, time: request.received, lines }
}

/// The entry of the execution log, when the method's settings ask for one of this request.
pub(super) fn execution_entry(
    deployed: &Deployed,
    setting: &MethodSetting,
    outcome: &Outcome<'_>,
) -> Option<Entry> {
    let has_failed = outcome.refusal.is_some();
    let lines = match setting.logging_level.as_str() {
        "INFO" => execution_lines(outcome, setting.data_trace_enabled),
        "ERROR" if has_failed => execution_lines(outcome, setting.data_trace_enabled),
        _ => return None,
    };
    let id = &outcome.request.request_id;
    let lines = lines.into_iter().map(|line| cut(format!("({id}) {line}"))).collect();
    let group = format!("API-Gateway-Execution-Logs_{}/{}", deployed.api, deployed.stage);
    Some(entry(deployed, group, outcome.request, lines))
}

fn cut(mut line: String) -> String {
    if line.len() > MOST_BYTES {
        let end = (0..=MOST_BYTES).rev().find(|end| line.is_char_boundary(*end));
        line.truncate(end.unwrap_or_default());
        line.push_str(" [TRUNCATED]");
    }
    line
}

/// What there is to say of a request; `with_data` adds what it was sent and answered.
pub(crate) fn execution_lines(outcome: &Outcome<'_>, with_data: bool) -> Vec<String> {
    let Outcome { request, found, refusal, reply, .. } = *outcome;
    let mut lines = vec![
        format!("Extended Request Id: {}", request.request_id),
        format!("Starting execution for request: {}", request.request_id),
    ];
    let resource = found.map_or(request.path.as_str(), |found| found.resource_path.as_str());
    lines.push(format!("HTTP Method: {}, Resource Path: {resource}", request.method));
    if with_data {
        if let Some(found) = found {
            lines.push(format!("Method request path: {}", listed(&found.path_parameters)));
        }
        lines.push(format!("Method request query string: {}", listed(&request.query)));
        lines.push(format!("Method request headers: {}", listed(&request.headers)));
        lines.push(format!("Method request body before transformations: {}", request.text()));
    }
    let uri = found.and_then(|found| found.call.integration.uri.as_ref());
    if let (Some((status, time)), Some(uri)) = (outcome.admitted.integration, uri) {
        lines.push(format!("Endpoint request URI: {uri}"));
        let millis = time.as_millis();
        lines.push(format!("Received response. Status: {status}, Integration latency: {millis} ms"));
    }
    if let Some(refusal) = refusal {
        lines.push(format!("Execution failed: {}", refusal.message));
    }
    if with_data {
        let headers = reply.headers.iter().cloned().collect();
        lines.push(format!("Method response headers: {}", listed(&headers)));
        let body = String::from_utf8_lossy(&reply.body);
        lines.push(format!("Method response body after transformations: {body}"));
    }
    if refusal.is_none() {
        lines.push("Successfully completed execution".to_owned());
    }
    lines.push(format!("Method completed with status: {}", reply.status));
    lines
}

/// `{a=1, b=2}`, without secrets.
fn listed(entries: &BTreeMap<String, String>) -> String {
    let mut listed = String::from("{");
    for (name, value) in entries {
        let comma = if listed.len() > 1 { ", " } else { "" };
        let is_secret = ["authorization", "x-api-key", "x-amz-security-token"]
            .iter()
            .any(|secret| secret.eq_ignore_ascii_case(name));
        let value = match is_secret {
            true => {
                let shown: String =
                    value.chars().rev().take(6).collect::<Vec<_>>().into_iter().rev().collect();
                let shown = if value.len() > 12 { shown } else { String::new() };
                format!("{}{shown}", "*".repeat(16))
            }
            false => value.clone(),
        };
        let _ = write!(listed, "{comma}{name}={value}");
    }
    listed.push('}');
    listed
}

#[cfg(test)]
mod tests {
    use super::{Piece, group_of, pieces};

    #[test]
    fn formats_are_texts_and_variables() {
        let text = |text: &str| Piece::Text(text.to_owned());
        let variable = |name: &str| Piece::Variable(name.to_owned());
        assert_eq!(
            pieces("{\"id\":\"$context.requestId\"} $context.identity.sourceIp.\n"),
            [
                text("{\"id\":\""),
                variable("requestId"),
                text("\"} "),
                variable("identity.sourceIp"),
                text(".")
            ]
        );
        assert_eq!(pieces("$context."), [variable("")]);
    }

    #[test]
    fn destinations_name_groups() {
        assert_eq!(group_of("arn:aws:logs:us-east-1:000000000000:log-group:a/b"), Some("a/b"));
        assert_eq!(group_of("arn:aws:logs:us-east-1:000000000000:log-group:a:*"), Some("a"));
        assert_eq!(group_of("arn:aws:firehose:us-east-1:000000000000:deliverystream/a"), None);
        assert_eq!(group_of("arn:aws:logs:us-east-1:000000000000:log-group:"), None);
    }
}
