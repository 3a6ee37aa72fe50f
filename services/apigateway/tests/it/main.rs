//! What builders and callers of REST APIs observe, on a stepped clock: APIs are built by the operations' documents and
//! called at their URLs.

#![allow(clippy::unwrap_used, reason = "what the tests share is test code as well")]

mod authorizers;
mod document;
mod endpoints;
mod functions;
mod gateway_responses;
mod keys;
mod kit;
mod lifecycle;
mod logs;
mod mocks;
mod patches;
mod queue;
mod signed;
mod stages;
mod test_invoke;
mod validation;
