//! What users of EventBridge observe, through the typed client on a stepped clock, with the real SQS, SNS and Logs beside
//! it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod api_calls;
mod archives;
mod buses;
mod delivery;
mod destinations;
mod endpoints;
mod kit;
mod many_rules;
mod matching;
mod partners;
mod rules;
mod schedules;
mod transform;
