//! STS: temporary credentials.

pub(crate) mod expiry;
pub(crate) mod ops;
mod session;
