//! What users of KMS observe, through the typed client on a stepped clock.

#![allow(clippy::unwrap_used, reason = "what the tests share is test code as well")]

mod aliases;
mod encryption;
mod grants;
mod import;
mod keys;
mod kit;
mod multi_region;
mod policies;
mod rotation;
mod signing;
