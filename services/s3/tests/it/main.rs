//! What users of S3 observe, through the typed client on a stepped clock.

#![allow(clippy::unwrap_used, reason = "what the tests share is test code as well")]

mod access;
mod access_points;
mod analytics;
mod batch;
mod checksums;
mod configurations;
mod copies;
mod events;
mod functions;
mod inventory;
mod kit;
mod kms;
mod lifecycle;
mod listing;
mod locks;
mod multipart;
mod objects;
mod replication;
mod storage;
mod storage_lens;
mod tiering;
mod versions;
