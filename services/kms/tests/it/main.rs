//! What users of KMS observe, through the typed client on a stepped clock.

#![allow(clippy::unwrap_used, reason = "what the tests share is test code as well")]

mod aliases;
mod encryption;
mod grants;
mod keys;
mod kit;
mod policies;
mod rotation;
