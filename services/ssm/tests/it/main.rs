//! What users of the Parameter Store observe, through the typed client on a stepped clock.

#![allow(clippy::unwrap_used, reason = "what the tests share is test code as well")]

mod access;
mod hierarchy;
mod kit;
mod policies;
mod versions;
