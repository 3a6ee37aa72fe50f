//! One suite for every engine, and what only the embedded one can be asked.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conformance;
mod crash;
mod embedded;
mod model;
mod support;

conformance::suite!(memory, crate::support::memory());
conformance::suite!(durable, crate::support::embedded(kv::Durability::Durable));
conformance::suite!(relaxed, crate::support::embedded(kv::Durability::Relaxed));
