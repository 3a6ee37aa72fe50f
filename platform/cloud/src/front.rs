//! Services whose HTTP is more than their model can say.

use std::net::IpAddr;
use std::time::Duration;

use http::Response;
use http::request::Parts;
use shapes::{ApiError, Body};

use crate::{BoxFuture, Ctx};

/// What S3's HTTP has beyond its model: buckets in host names, callers without a signature, bodies of any size, forms,
/// web sites, and each bucket's own word on what pages of other sites may do. The gateway asks at each step.
pub trait HttpFront: Send + Sync {
    /// What a request is about, if it is for this service. `scope` is the service that its signature names; one that
    /// names none is asked about only when it is for no other service.
    fn claim(&self, head: &Parts, authority: &str, scope: Option<&str>) -> Option<Claim>;

    /// Whether a request is no operation, so that [`HttpFront::serve_apart`] answers it.
    fn is_apart(&self, head: &Parts, claim: &Claim) -> bool;

    fn serve_apart<'a>(&'a self, request: Apart<'a>) -> BoxFuture<'a, Result<Response<Body>, ApiError>>;

    /// The members of an error's body beside code and message, by name.
    fn error_facts(&self, claim: &Claim) -> Vec<(&'static str, String)>;

    /// Sees an answer last of all, and may add headers.
    fn finish(&self, exchange: &Exchange<'_>, response: &mut Response<Body>);
}

/// Path and query by which an operation is found. They are the request's own, but where the host names the resource or
/// a header tells operations apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Percent-encoded as it was sent.
    pub path: String,
    pub query: String,
}

/// A request that is no operation.
pub struct Apart<'a> {
    pub head: &'a Parts,
    pub claim: &'a Claim,
    pub body: Body,
    pub peer: Option<IpAddr>,
    pub is_tls: bool,
    pub request_id: &'a str,
}

/// A request and what came of it.
pub struct Exchange<'a> {
    pub head: &'a Parts,
    pub claim: &'a Claim,
    pub request_id: &'a str,
    pub peer: Option<IpAddr>,
    /// Not known of requests that were refused before.
    pub operation: Option<&'static str>,
    pub ctx: Option<&'a Ctx>,
    pub error: Option<&'a ApiError>,
    pub elapsed: Duration,
}
