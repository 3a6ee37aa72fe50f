//! The region's own pages and answers below `/_brume/`: the console, and what the command line asks.

mod assets;
mod document;
mod inventory;
mod node;
mod picture;
mod resources;
mod section;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clock::{Jobs, Runner};
use cloud::trace::TraceContext;
use cloud::{BoxFuture, Cloud, HttpEndpoint};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use identity::{AccountId, Region};
use serde_json::{Value, json};
use shapes::ApiError;

use crate::region::advance_clock;
use inventory::Inventory;
use node::Tenant;
use section::Part;

/// What is known of the machine, and what services show beside their operations.
pub(crate) struct Host {
    pub data: PathBuf,
    pub isolation: String,
    pub queues: sqs::SqsService,
}

pub(crate) fn endpoint(cloud: Cloud, runner: Arc<Runner>, host: Host) -> Arc<dyn HttpEndpoint> {
    Arc::new(Admin { cloud, runner, host, inventory: Inventory::default() })
}

struct Admin {
    cloud: Cloud,
    runner: Arc<Runner>,
    host: Host,
    inventory: Inventory,
}

/// The path below which everything here lies.
const ROOT: &str = "/_brume";

impl HttpEndpoint for Admin {
    fn claims(&self, head: &Parts) -> bool {
        head.uri.path() == ROOT || head.uri.path().starts_with("/_brume/")
    }

    fn serve<'a>(
        &'a self,
        request: Request<Bytes>,
        peer: Option<IpAddr>,
        _: &'a str,
    ) -> BoxFuture<'a, Response<Bytes>> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            if !cloud::is_local(&head, peer) {
                return text(StatusCode::FORBIDDEN, "text/plain", "This is for the region's own machine.\n");
            }
            match self.answer(&head, &body).await {
                Ok(response) => response,
                Err(error) => {
                    let status =
                        StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                    let mut response = json_response(&json!({ "error": error.to_string() }));
                    *response.status_mut() = status;
                    response
                }
            }
        })
    }
}

impl Admin {
    async fn answer(&self, head: &Parts, body: &Bytes) -> Result<Response<Bytes>, ApiError> {
        let path = head.uri.path().strip_prefix(ROOT).unwrap_or_default();
        let query = head.uri.query().unwrap_or_default();
        let json = match (&head.method, path) {
            (&Method::GET, "/metrics") => {
                return Ok(text(StatusCode::OK, "text/plain; version=0.0.4", &self.metrics()));
            }
            (&Method::GET, "/api/status") => self.status(),
            (&Method::GET, "/api/services") => self.services()?,
            (&Method::GET, "/api/clock") => self.clock(),
            (&Method::POST, "/api/clock") => self.advance(body).await?,
            (&Method::POST, "/api/accounts") => self.declare_account(body).await?,
            (&Method::GET, "/api/jobs") => self.jobs()?,
            (&Method::GET, "/api/trace") => self.trace(query)?,
            (&Method::GET, "/api/architecture") => picture::architecture(&self.cloud, &self.inventory).await,
            (&Method::GET, "/api/resources") => self.resources(query).await?,
            (&Method::GET, "/api/search") => {
                self.inventory.search(&self.cloud, self.tenant(query)?, &parameter(query, "text")?).await
            }
            (&Method::GET, "/api/node") => {
                let arn = parameter(query, "arn")?;
                match optional(query, "section")? {
                    None => node::describe(&self.cloud, &self.host.queues, &arn, self.tenant(query)?).await,
                    Some(id) => {
                        node::section(&self.cloud, &arn, self.tenant(query)?, &id, &part(query)?).await?
                    }
                }
            }
            (&Method::GET, page) => return Ok(assets::page(page)),
            _ => {
                return Err(ApiError::with_status(
                    405,
                    "MethodNotAllowed",
                    "There is nothing to do this to.",
                ));
            }
        };
        Ok(json_response(&json))
    }

    /// A page of the resources of a kind, or how many there are of each.
    async fn resources(&self, query: &str) -> Result<Value, ApiError> {
        let tenant = self.tenant(query)?;
        match optional(query, "kind")? {
            Some(kind) => inventory::page(&self.cloud, tenant, &kind, &part(query)?).await,
            None => Ok(self.inventory.counts(&self.cloud, tenant).await),
        }
    }

    /// Whose resources are asked for: the region's own account in its own region, unless another is named.
    fn tenant(&self, query: &str) -> Result<Tenant, ApiError> {
        let account = match optional(query, "account")? {
            None => AccountId::DEFAULT,
            Some(text) => AccountId::parse(&text)
                .ok_or_else(|| ApiError::sender("InvalidRequest", format!("{text} is no account id")))?,
        };
        let region = match optional(query, "region")? {
            None => self.cloud.settings().default_region,
            Some(text) => Region::parse(&text)
                .ok_or_else(|| ApiError::sender("InvalidRequest", format!("{text} is no region's name")))?,
        };
        Ok((account, region))
    }

    fn status(&self) -> Value {
        let settings = self.cloud.settings();
        json!({
            "status": "running",
            "version": env!("CARGO_PKG_VERSION"),
            "pid": std::process::id(),
            "endpoint": settings.endpoint,
            "region": settings.default_region.as_str(),
            "strict": settings.is_strict,
            "data": self.host.data,
            "isolation": self.host.isolation,
            "now": self.cloud.clock().now().iso8601_millis(),
            "jobs_in_flight": self.runner.in_flight(),
            "store": store_figures(&self.cloud),
        })
    }

    /// Operations with a handler, of all that the API has.
    fn services(&self) -> Result<Value, ApiError> {
        let services: Vec<Value> = self
            .cloud
            .registry()?
            .services()
            .map(|service| {
                let names = |has_handler: bool| -> Vec<&str> {
                    let operations = service.operations.iter();
                    operations.filter(|op| op.has_handler == has_handler).map(|op| op.name).collect()
                };
                json!({
                    "name": service.name,
                    "implemented": names(true),
                    "missing": names(false),
                    "total": service.operations.len(),
                })
            })
            .collect();
        Ok(json!({ "services": services }))
    }

    fn clock(&self) -> Value {
        let clock = self.cloud.clock();
        json!({ "now": clock.now().iso8601_millis(), "ahead_seconds": clock.offset().as_secs() })
    }

    async fn advance(&self, body: &Bytes) -> Result<Value, ApiError> {
        let invalid = || ApiError::sender("InvalidRequest", r#"the body is like {"advance_seconds": 60}"#);
        let request: Value = serde_json::from_slice(body).map_err(|_| invalid())?;
        let seconds = request.get("advance_seconds").and_then(Value::as_u64).ok_or_else(invalid)?;
        if seconds > 100 * 366 * 86_400 {
            return Err(ApiError::sender("InvalidRequest", "the clock advances by a hundred years at most"));
        }
        advance_clock(&self.cloud, Duration::from_secs(seconds)).await?;
        Ok(self.clock())
    }

    async fn declare_account(&self, body: &Bytes) -> Result<Value, ApiError> {
        let invalid =
            || ApiError::sender("InvalidRequest", r#"the body is like {"account": "123456789012"}"#);
        let request: Value = serde_json::from_slice(body).map_err(|_| invalid())?;
        let account =
            request.get("account").and_then(Value::as_str).and_then(AccountId::parse).ok_or_else(invalid)?;
        let declared = iam::declare_account(&self.cloud, account).await?;
        Ok(json!({
            "access_key_id": declared.access_key_id,
            "secret_access_key": declared.secret_access_key,
        }))
    }

    fn jobs(&self) -> Result<Value, ApiError> {
        let jobs: Vec<Value> = Jobs::new(self.cloud.store().clone())
            .list(1000)?
            .into_iter()
            .map(|(id, job)| {
                json!({
                    "due": id.due.iso8601_millis(),
                    "kind": job.kind,
                    "subject": job.subject,
                    "attempts": job.attempts,
                    "last_error": job.last_error,
                })
            })
            .collect();
        Ok(json!({ "jobs": jobs, "in_flight": self.runner.in_flight() }))
    }

    fn trace(&self, query: &str) -> Result<Value, ApiError> {
        let id = parameter(query, "id")?;
        let trace = TraceContext::parse_trace_id(&id).ok_or_else(|| {
            ApiError::sender(
                "InvalidRequest",
                format!("{id} is no trace id; one looks like 1-5759e988-bd862e3fe1be46a994272793"),
            )
        })?;
        Ok(json!({ "hops": self.cloud.traces().of(trace) }))
    }

    fn metrics(&self) -> String {
        use std::fmt::Write;
        let mut out = self.cloud.metrics().prometheus();
        if let Value::Object(figures) = store_figures(&self.cloud) {
            for (name, value) in figures {
                let _ = writeln!(out, "# TYPE brume_store_{name} gauge\nbrume_store_{name} {value}");
            }
        }
        let _ = writeln!(
            out,
            "# TYPE brume_jobs_in_flight gauge\nbrume_jobs_in_flight {}",
            self.runner.in_flight()
        );
        out
    }
}

fn store_figures(cloud: &Cloud) -> Value {
    let stats = cloud.store().stats();
    json!({
        "committed": stats.committed,
        "aborted": stats.aborted,
        "failed": stats.failed,
        "batches": stats.batches,
        "largest_batch": stats.largest_batch,
        "syncs": stats.syncs,
        "written_bytes": stats.written_bytes,
        "queued": stats.queued,
        "disk_bytes": stats.disk_bytes,
        "watched_topics": stats.watched_topics,
    })
}

/// Which part of a list a query asks for.
fn part(query: &str) -> Result<Part, ApiError> {
    let prefix = optional(query, "prefix")?.unwrap_or_default();
    Ok(Part { prefix, after: optional(query, "after")?, is_brief: false })
}

/// A parameter of a query string, percent-decoded.
fn parameter(query: &str, name: &str) -> Result<String, ApiError> {
    let missing = || ApiError::sender("InvalidRequest", format!("the parameter {name} is missing"));
    optional(query, name)?.ok_or_else(missing)
}

/// As [`parameter`], where it may be left out or empty.
fn optional(query: &str, name: &str) -> Result<Option<String>, ApiError> {
    let raw = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let Some(raw) = raw.filter(|raw| !raw.is_empty()) else { return Ok(None) };
    let text =
        decoded(raw).ok_or_else(|| ApiError::sender("InvalidRequest", format!("{name} is not UTF-8")))?;
    Ok(Some(text))
}

/// Text without its percent-encoding; nothing when it is not UTF-8.
fn decoded(raw: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let pair = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match (first, pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (byte, _) => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

fn json_response(json: &Value) -> Response<Bytes> {
    text(StatusCode::OK, "application/json", &json.to_string())
}

fn text(status: StatusCode, content_type: &'static str, body: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Bodies of messages stand in the answers: a browser must not take one for a page.
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
