//! What Lambda itself writes into a function's log, as text or as JSON (AWS Lambda Developer Guide, "Configuring advanced
//! logging controls for Lambda functions", and "Lambda Telemetry API Event schema reference").

use std::time::Duration;

use serde_json::{Value, json};
use shapes::Timestamp;

use super::Report;
use crate::function::Version;

/// How an invocation went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    Success,
    /// The function answered with an error.
    Error,
    /// The program ended, or its answer could not be taken.
    Failure,
    Timeout,
}

impl Course {
    fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Failure => "failure",
            Self::Timeout => "timeout",
        }
    }
}

/// Levels by how much they let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Debug,
    Info,
    Warn,
}

/// The first line of an environment.
pub(crate) fn init_start(version: &Version, runtime: &str, now: Timestamp) -> Option<String> {
    if !version.logging.is_json {
        return Some(format!("INIT_START Runtime Version: {runtime}"));
    }
    let record = json!({
        "initializationType": "on-demand", "phase": "init", "runtimeVersion": runtime,
        "functionName": version.name, "functionVersion": version.version,
    });
    event(version, Level::Info, "platform.initStart", now, &record)
}

/// What begins an invocation.
pub(super) fn start(version: &Version, request_id: &str, now: Timestamp) -> Option<String> {
    if !version.logging.is_json {
        return Some(format!("START RequestId: {request_id} Version: {}", version.version));
    }
    let record = json!({ "requestId": request_id, "version": version.version });
    event(version, Level::Info, "platform.start", now, &record)
}

/// What ends an invocation.
pub(super) fn end(version: &Version, report: &Report, peak_mb: u64, now: Timestamp) -> Vec<String> {
    let millis = |duration: Duration| duration.as_secs_f64() * 1000.0;
    let billed = (millis(report.duration) + report.init.map_or(0.0, millis)).ceil();
    let peak_mb = peak_mb.min(version.memory_mb.into());
    if version.logging.is_json {
        let rounded = |value: f64| (value * 1000.0).round() / 1000.0;
        let status = report.course.as_str();
        let done = json!({
            "requestId": report.request_id, "status": status,
            "metrics": { "durationMs": rounded(millis(report.duration)) },
        });
        let mut metrics = json!({
            "durationMs": rounded(millis(report.duration)),
            "billedDurationMs": billed as u64,
            "memorySizeMB": version.memory_mb,
            "maxMemoryUsedMB": peak_mb,
        });
        if let Some(init) = report.init {
            metrics["initDurationMs"] = json!(rounded(millis(init)));
        }
        let record = json!({ "requestId": report.request_id, "metrics": metrics, "status": status });
        let is_good = report.course == Course::Success;
        let (done_level, report_level) =
            if is_good { (Level::Debug, Level::Info) } else { (Level::Warn, Level::Warn) };
        return [
            event(version, done_level, "platform.runtimeDone", now, &done),
            event(version, report_level, "platform.report", now, &record),
        ]
        .into_iter()
        .flatten()
        .collect();
    }
    let id = &report.request_id;
    let mut end = format!(
        "REPORT RequestId: {id}\tDuration: {:.2} ms\tBilled Duration: {billed:.0} ms\tMemory Size: {} MB\t\
         Max Memory Used: {peak_mb} MB\t",
        millis(report.duration),
        version.memory_mb,
    );
    if let Some(init) = report.init {
        end.push_str(&format!("Init Duration: {:.2} ms\t", millis(init)));
    }
    let mut lines = report.lines.clone();
    lines.extend([format!("END RequestId: {id}"), end]);
    lines
}

fn event(version: &Version, level: Level, kind: &str, now: Timestamp, record: &Value) -> Option<String> {
    let least = match version.logging.system_level.as_deref() {
        Some("DEBUG") => Level::Debug,
        Some("WARN") => Level::Warn,
        _ => Level::Info,
    };
    let event = || json!({ "time": now.iso8601_millis(), "type": kind, "record": record }).to_string();
    (level >= least).then(event)
}
