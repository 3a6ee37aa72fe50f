//! Who is calling and whether they may: ARNs and accounts, Signature Version 4, principals, the IAM policy language.
//!
//! Everything here is a pure function of its arguments. It keeps no users, reads no clock (time comes in as epoch
//! seconds), draws no random bytes and knows no service: the IAM service stores identities, the gateway asks here
//! what they are allowed to do.

pub mod account;
pub mod arn;
pub mod credentials;
pub mod policy;
pub mod principal;
pub mod sigv2;
pub mod sigv4;
pub mod timestamp;

pub use account::{AccountId, Region};
pub use arn::Arn;
pub use principal::{Principal, Session};
