//! Parts of the region that speak HTTP themselves, and raw requests to its services.

use std::net::IpAddr;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use shapes::ApiError;

use crate::{BoxFuture, Ctx};

/// Something behind the gateway that is no AWS API: an API's own URL, the console, the operator's commands.
pub trait HttpEndpoint: Send + Sync {
    /// Whether a request is for it, by its host, method and path.
    fn claims(&self, head: &Parts) -> bool;

    /// Whether web pages of any site may use it, as its own answers decide.
    fn is_public(&self) -> bool {
        false
    }

    fn serve<'a>(
        &'a self,
        request: Request<Bytes>,
        peer: Option<IpAddr>,
        request_id: &'a str,
    ) -> BoxFuture<'a, Response<Bytes>>;
}

/// Requests in a service's wire protocol from inside the region. Implemented by the gateway.
pub trait RawCalls: Send + Sync {
    /// Calls `service` (by its signing name) as the caller of `ctx`, with a request as a client would send it but for
    /// the signature. Errors come as the service's own answers.
    fn call_raw<'a>(
        &'a self,
        ctx: &'a Ctx,
        service: &'a str,
        request: Request<Bytes>,
    ) -> BoxFuture<'a, Response<Bytes>>;

    /// Calls an operation by its name, as universal targets name it: `service` as the SDKs write it in small letters,
    /// `operation` with a small first letter or a capital one. Input and answer are JSON documents whose members have the
    /// model's names.
    fn call_named<'a>(
        &'a self,
        ctx: &'a Ctx,
        service: &'a str,
        operation: &'a str,
        input: Bytes,
    ) -> BoxFuture<'a, Result<Bytes, ApiError>>;

    /// Whether there is such an operation for [`Self::call_named`], with a handler or without.
    fn knows(&self, service: &str, operation: &str) -> bool;
}

pub(crate) fn not_open() -> ApiError {
    ApiError::with_status(503, "ServiceUnavailable", "The region is still starting.")
}
