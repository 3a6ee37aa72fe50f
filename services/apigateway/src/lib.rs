//! Amazon API Gateway: REST APIs, and the URLs at which they are called.
//!
//! An API is one row with its resources, methods and integrations; a deployment is a copy of it that does not change any
//! more. A call finds its deployment, gets past what guards its method, has the integration's request made from the
//! method's, and is passed on to another service of the region, a function or an endpoint outside ([`execution`]).

mod document;
mod errors;
mod execution;
mod gateway_response;
mod json_schema;
mod ops;
mod patch;
mod policy;
mod quota;
mod rows;
mod rules;
mod tables;

use std::sync::Arc;

use cloud::{Cloud, HttpEndpoint, Service};

/// The control plane as the region's registry wants it.
pub fn service(_: Cloud) -> Service {
    Service::new(&apigateway_api::SERVICE, Arc::new(ApiGateway), ops::OPERATIONS)
}

/// The URLs at which deployed APIs are called.
pub fn execution(cloud: Cloud) -> Arc<dyn HttpEndpoint> {
    Arc::new(execution::Execution::new(cloud))
}

/// The handlers need nothing beyond their context.
pub(crate) struct ApiGateway;

/// API Gateway as other services' policies name it.
pub(crate) const PRINCIPAL: &str = "apigateway.amazonaws.com";
