//! A load generator for any AWS-compatible endpoint: signed requests over many connections, with rates and latencies.
//!
//! Requests are built by the same codecs that the region reads them with, and signed before the clock starts, so
//! that on a shared machine the generator takes as little as it can. It measures; it does not judge.

mod connection;
mod disk;
mod echo;
mod load;
mod request;
pub mod scenarios;

pub use disk::{fdatasync_time, file_time, synced_files};
pub use echo::serve_echo;
pub use load::{Load, Report, run};
pub use request::{Client, Endpoint, EndpointError};

/// Why a measurement could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error("the connection failed")]
    Connection(#[from] std::io::Error),
    #[error("{operation} was answered with HTTP {status}: {body}")]
    Refused { operation: &'static str, status: u16, body: String },
    #[error("the request could not be built: {0}")]
    Request(String),
}
