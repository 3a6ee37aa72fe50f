//! What users of Pipes observe, through the typed client on a stepped clock.

#![allow(clippy::unwrap_used, reason = "what the tests share is test code as well")]

mod enrichment;
mod kit;
mod lifecycle;
mod queues;
mod states;
mod streams;
