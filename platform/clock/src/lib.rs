//! Time and background work: the region's clock, which can be advanced, and durable jobs that fall due.
//!
//! Nothing in the region asks the system for the time or keeps a timer of its own: a rule that takes effect later
//! is a row of the job table, due at a time, run by its one owner, tried again with growing pauses, and visible in
//! `brume jobs`. This crate knows no service; services register what a kind of job does.

mod job;
mod region_clock;
mod retry;
mod runner;

pub use job::{Job, JobId, JobOutcome, Jobs, NewJob};
pub use region_clock::Clock;
pub use retry::RetryPolicy;
pub use runner::{JobHandler, JobKind, Runner, RunnerStats};
