//! Whose state a transaction touches.

use std::sync::Arc;

use crate::key::Key;

/// The leading part of every key of a transaction, usually an account and a region. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Arc<[u8]>);

impl Scope {
    /// State that belongs to the region as a whole: timers, access keys by id.
    pub fn global() -> Self {
        Self(Arc::from([0_u8].as_slice()))
    }

    /// The scope of a tenant, from the parts that name it.
    pub fn of(tenant: &impl Key) -> Self {
        let mut bytes = vec![1];
        tenant.encode(&mut bytes);
        Self(bytes.into())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
