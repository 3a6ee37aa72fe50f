//! What users of Glacier observe, through the typed client on a stepped clock.

#![allow(clippy::unwrap_used, reason = "what the tests share is test code as well")]

mod archives;
mod inventories;
mod jobs;
mod kit;
mod locks;
mod multipart;
mod notifications;
mod policies;
mod storage;
mod vaults;
