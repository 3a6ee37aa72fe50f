//! What users of EventBridge Scheduler observe, through the typed client on a stepped clock, with the real SQS beside it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod failures;
mod groups;
mod kit;
mod times;
mod windows;
