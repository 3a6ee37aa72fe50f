//! What users of Application Auto Scaling observe, through the typed client on a stepped clock, with the real DynamoDB
//! beside it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod kit;
mod policies;
mod schedules;
mod targets;
