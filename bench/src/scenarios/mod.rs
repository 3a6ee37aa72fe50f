//! What is measured of each service.

pub mod delivery;
pub mod dynamodb;
pub mod echo;
pub mod files;
pub mod lambda;
pub mod s3;
pub mod sqs;
pub mod url;

/// Requests signed in advance; a run goes through them over and over.
const POOL: usize = 4096;

/// A payload of 300 bytes that differs by `number`.
fn payload(number: usize) -> String {
    format!("{number:0>300}")
}
