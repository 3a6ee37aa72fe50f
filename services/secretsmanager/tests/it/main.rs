//! What users of Secrets Manager observe, through the typed client on a stepped clock.

#![allow(clippy::unwrap_used, reason = "what the tests share is test code as well")]

mod access;
mod deletion;
mod kit;
mod rotation;
mod values;
