//! Amazon CloudWatch Logs: log groups, their streams, and the events in them, read by stream or searched by filter
//! patterns.
//!
//! An event is one row under its group, stream and time (see [`tables`]). A retention period hides events the moment
//! they are too old; a job takes their rows away later, and there is none for a group that has nothing to lose.
//! Metric filters, subscription filters, Insights queries and live tails are not here.

mod errors;
mod event;
mod filter_pattern;
mod group;
mod jobs;
mod ops;
mod stream;
mod tables;

use std::sync::Arc;

use cloud::{Cloud, Service};

/// CloudWatch Logs as the region's registry wants it.
pub fn service(_: Cloud) -> Service {
    Service::new(&logs_api::SERVICE, Arc::new(Logs), ops::OPERATIONS).wording_its_own_checks()
}

/// The kinds of jobs by which events leave the store: those past their retention period, and those of groups and
/// streams that were deleted.
pub fn jobs(cloud: &Cloud) -> Vec<clock::JobKind> {
    vec![jobs::retention::kind(cloud.clone()), jobs::purge::kind(cloud.clone())]
}

/// The handlers need nothing beyond their context: what is stored is all there is.
pub(crate) struct Logs;
