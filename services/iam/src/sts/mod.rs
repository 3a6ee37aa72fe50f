//! STS: temporary credentials.

pub(crate) mod expiry;
pub(crate) mod key_sets;
mod mfa;
pub(crate) mod ops;
mod session;
mod session_tags;
mod web_token;
