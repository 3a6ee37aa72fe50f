//! Deliveries to targets, as event buses, schedules and pipes make them: which services can be targets, how each is
//! called, what a failure means, and how it is tried again until a dead-letter queue takes what is left.
//!
//! Queues, topics, log groups and event buses take a payload as a part of the transaction that causes it. Functions and
//! web endpoints are called by jobs. What a payload is, and where targets are configured, is the services' own business.

mod call;
mod courier;
mod failure;
mod http_call;
mod target;

pub use courier::{AfterFailure, Courier, DeadLetter, Delivery, Outcome, Retry};
pub use failure::{Failure, code};
pub use http_call::{ApiDestinations, HttpParameters, percent_encoded, request, send, with_path_values};
pub use target::{EventFields, Kind, Origin, QueueFields, Target, TargetError, operation, queue_url};
