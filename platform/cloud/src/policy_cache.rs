//! Resource policies, parsed once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use identity::policy::{NamedPolicy, PolicyKind};
use shapes::ApiError;

/// Policies kept; past it the cache begins anew.
const KEPT: usize = 4096;

/// Parsed resource policies by their text.
#[derive(Default)]
pub struct PolicyCache(Mutex<HashMap<Box<str>, Arc<NamedPolicy>>>);

impl PolicyCache {
    /// The policy that a resource has stored as `text`.
    pub fn resource_policy(&self, text: &str) -> Result<Arc<NamedPolicy>, ApiError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(policy) = kept.get(text) {
            return Ok(Arc::clone(policy));
        }
        // It was checked when it was stored, so a policy that cannot be read is a fault of ours.
        let policy = NamedPolicy::parse("resource policy", text, PolicyKind::Resource);
        let policy = Arc::new(policy.map_err(ApiError::internal)?);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(text.into(), Arc::clone(&policy));
        Ok(policy)
    }
}
