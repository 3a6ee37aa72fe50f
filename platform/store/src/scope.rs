//! Whose state a transaction touches.

use std::sync::Arc;

use crate::key::{Key, encode_escaped};

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

    /// As [`Self::of`], for a tenant that texts name.
    pub fn named(tenant: &[&str]) -> Self {
        let mut bytes = Vec::with_capacity(48);
        bytes.push(1);
        for part in tenant {
            encode_escaped(part.as_bytes(), &mut bytes);
        }
        Self(bytes.into())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Scope;

    #[test]
    fn texts_name_what_their_key_names() {
        let (account, region) = ("000000000000", "us-east-1");
        assert_eq!(Scope::named(&[account, region]), Scope::of(&(account.to_owned(), region.to_owned())));
    }
}
