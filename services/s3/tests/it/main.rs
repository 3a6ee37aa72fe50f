//! What users of S3 observe, through the typed client on a stepped clock.

mod access;
mod checksums;
mod configurations;
mod copies;
mod events;
mod inventory;
mod kit;
mod lifecycle;
mod listing;
mod locks;
mod multipart;
mod objects;
mod replication;
mod storage;
mod versions;
