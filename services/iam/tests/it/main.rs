//! IAM and STS as their callers see them.

mod identities;
mod kit;
mod policies;
mod sessions;
