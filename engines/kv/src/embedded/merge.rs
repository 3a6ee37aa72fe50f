//! A scan over the tree with changes that are not in it yet laid on top.

use std::cmp::Ordering;

use bytes::Bytes;

use crate::{KvError, Order, Visit};

impl Order {
    /// How two keys follow each other in a scan of this order.
    pub(super) fn compare(self, left: &[u8], right: &[u8]) -> Ordering {
        match self {
            Self::Ascending => left.cmp(right),
            Self::Descending => right.cmp(left),
        }
    }
}

/// Visits the pairs of `stored`, overridden by `changes`, both in `order`, until `visit` breaks. Returns whether any
/// change had a say in what was visited.
pub(super) fn visit_merged<'a>(
    changes: impl Iterator<Item = (&'a Bytes, &'a Option<Bytes>)>,
    stored: impl Iterator<Item = Result<(Bytes, Bytes), KvError>>,
    order: Order,
    visit: &mut Visit<'_>,
) -> Result<bool, KvError> {
    let mut changes = changes.peekable();
    let mut saw_change = false;
    for pair in stored {
        let (stored_key, stored_value) = pair?;
        let mut is_overridden = false;
        while let Some((key, value)) = changes.next_if(|(key, _)| order.compare(key, &stored_key).is_le()) {
            saw_change = true;
            is_overridden = *key == stored_key;
            if let Some(value) = value
                && visit(key, value).is_break()
            {
                return Ok(saw_change);
            }
        }
        if !is_overridden && visit(&stored_key, &stored_value).is_break() {
            return Ok(saw_change);
        }
    }
    for (key, value) in changes {
        saw_change = true;
        if let Some(value) = value
            && visit(key, value).is_break()
        {
            break;
        }
    }
    Ok(saw_change)
}
