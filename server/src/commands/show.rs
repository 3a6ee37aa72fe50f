//! Commands that print what a region says of itself.

use clap::Args;
use serde_json::Value;

use super::ask::Endpoint;
use crate::failure::Failure;

pub(crate) fn status(endpoint: &Endpoint) -> Result<(), Failure> {
    let status = endpoint.get("/api/status")?;
    for name in ["status", "version", "endpoint", "region", "strict", "data", "isolation", "now", "pid"] {
        println!("{name:<12} {}", plain(&status[name]));
    }
    let store = &status["store"];
    println!(
        "{:<12} {} transactions in {} batches, {} on disk",
        "store",
        plain(&store["committed"]),
        plain(&store["batches"]),
        bytes(store["disk_bytes"].as_u64().unwrap_or(0)),
    );
    Ok(())
}

pub(crate) fn jobs(endpoint: &Endpoint) -> Result<(), Failure> {
    let answer = endpoint.get("/api/jobs")?;
    let jobs = answer["jobs"].as_array().cloned().unwrap_or_default();
    println!("{} due or waiting, {} running", jobs.len(), plain(&answer["in_flight"]));
    for job in jobs {
        let error =
            job["last_error"].as_str().map(|error| format!("  last error: {error}")).unwrap_or_default();
        println!(
            "{}  {:<24} {}  attempts {}{error}",
            plain(&job["due"]),
            plain(&job["kind"]),
            plain(&job["subject"]),
            plain(&job["attempts"]),
        );
    }
    Ok(())
}

/// `brume services [--operations]`
#[derive(Args)]
pub(crate) struct Services {
    #[command(flatten)]
    endpoint: Endpoint,
    /// List the operations themselves.
    #[arg(long)]
    operations: bool,
}

impl Services {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let answer = self.endpoint.get("/api/services")?;
        for service in answer["services"].as_array().into_iter().flatten() {
            let names = |key: &str| -> Vec<String> {
                service[key].as_array().into_iter().flatten().map(plain).collect()
            };
            let implemented = names("implemented");
            println!(
                "{:<18} {:>3} / {:>3}",
                plain(&service["name"]),
                implemented.len(),
                plain(&service["total"])
            );
            if self.operations {
                println!("    here:    {}", implemented.join(", "));
                println!("    missing: {}", names("missing").join(", "));
            }
        }
        Ok(())
    }
}

/// `brume trace ID`
#[derive(Args)]
pub(crate) struct Trace {
    #[command(flatten)]
    endpoint: Endpoint,
    /// As in an X-Amzn-Trace-Id header, after Root=: 1-5759e988-bd862e3fe1be46a994272793
    id: String,
}

impl Trace {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let id = self.id.trim_start_matches("Root=").split(';').next().unwrap_or_default().to_owned();
        let answer = self.endpoint.get(&format!("/api/trace?id={id}"))?;
        let hops = answer["hops"].as_array().cloned().unwrap_or_default();
        if hops.is_empty() {
            return Err(Failure::new(format!("nothing is remembered of the trace {id}")));
        }
        for hop in &hops {
            let millis = hop["duration_micros"].as_f64().unwrap_or(0.0) / 1000.0;
            let error = hop["error"].as_str().map(|error| format!("  {error}")).unwrap_or_default();
            let indent = "  ".repeat(depth(hop, &hops));
            let name = format!("{indent}{}", plain(&hop["name"]));
            println!(
                "{}  {name:<38} {millis:>9.2} ms  {}{error}",
                plain(&hop["start"]),
                plain(&hop["resource"])
            );
        }
        Ok(())
    }
}

/// How many of the hops lie above one.
fn depth(hop: &Value, hops: &[Value]) -> usize {
    let mut depth = 0;
    let mut parent = hop["parent"].as_str();
    while let Some(above) = hops.iter().find(|other| other["id"].as_str() == parent) {
        depth += 1;
        parent = above["parent"].as_str();
        if depth > hops.len() {
            break;
        }
    }
    depth
}

/// `brume mail`
#[derive(Args)]
pub(crate) struct Mail {
    #[command(flatten)]
    endpoint: Endpoint,
}

impl Mail {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let answer = self.endpoint.get("/mail")?;
        for mail in answer["mails"].as_array().into_iter().flatten() {
            println!("{}  {} → {}", plain(&mail["time"]), plain(&mail["from"]), plain(&mail["to"]));
            println!("    {}", plain(&mail["subject"]));
            for line in plain(&mail["body"]).lines() {
                println!("    {line}");
            }
            println!();
        }
        Ok(())
    }
}

/// A JSON value as people write it. Control characters, which could steer a terminal, are left out.
pub(crate) fn plain(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    text.chars().filter(|c| !c.is_control() || *c == '\n').collect()
}

fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{:.1} KiB", count as f64 / 1024.0),
        _ => format!("{:.1} MiB", count as f64 / 1_048_576.0),
    }
}
