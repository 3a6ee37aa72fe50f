//! What users of SQS observe, through the typed client on a stepped clock.

#![allow(clippy::unwrap_used, reason = "what the tests share is test code as well")]

mod attributes;
mod backlog;
mod concurrency;
mod dead_letter;
mod encryption;
mod fifo;
mod groups;
mod kit;
mod model;
mod move_tasks;
mod peeking;
mod permissions;
mod receiving;
mod restart;
mod sending;
mod turnover;
