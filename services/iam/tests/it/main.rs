//! IAM and STS as their callers see them.

mod credentials;
mod details;
mod identities;
mod kit;
mod policies;
mod roles;
mod sessions;
mod web_identity;
