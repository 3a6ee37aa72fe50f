//! Queues by the URLs that requests name them by, remembered for a moment: every message's way begins with its queue.
//!
//! A change of a queue forgets it here in the same transaction. Another process's change is seen after
//! [`FRESH_FOR`], which is well within what AWS promises (API Reference, SetQueueAttributes: up to 60 seconds).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use cloud::Ctx;
use rustc_hash::FxHashMap;
use store::Scope;

use crate::ops::Target;
use crate::queue::Queue;

const FRESH_FOR: Duration = Duration::from_secs(1);
/// URLs remembered; past it everything is forgotten.
const KEPT: usize = 10_000;

/// A queue as a request found it.
pub(crate) struct Found {
    pub target: Target,
    pub queue: Arc<Queue>,
    arn: OnceLock<String>,
    since: Instant,
}

#[derive(Clone, Default)]
pub(crate) struct Directory {
    /// By the tenant that a request is for, and by the URL in it.
    tenants: Arc<RwLock<FxHashMap<Scope, Urls>>>,
    /// Changes of queues so far.
    changes: Arc<AtomicU64>,
}

type Urls = FxHashMap<Box<str>, Arc<Found>>;

impl Found {
    pub(crate) fn new(target: Target, queue: Arc<Queue>) -> Self {
        Self { target, queue, arn: OnceLock::new(), since: Instant::now() }
    }

    pub(crate) fn arn(&self, ctx: &Ctx) -> &str {
        self.arn.get_or_init(|| self.target.arn(ctx))
    }
}

impl Directory {
    /// What a URL named at most a moment ago.
    pub(crate) fn find(&self, tenant: &Scope, url: &str) -> Option<Arc<Found>> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        let found = tenants.get(tenant)?.get(url)?;
        (found.since.elapsed() < FRESH_FOR).then(|| Arc::clone(found))
    }

    /// How many changes there were: to be asked before the store is read.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Remembers what the store said when there had been `changes`; not if there were more since.
    pub(crate) fn keep(&self, tenant: &Scope, url: &str, found: &Arc<Found>, changes: u64) {
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        if self.changes() != changes {
            return;
        }
        if tenants.values().map(FxHashMap::len).sum::<usize>() >= KEPT {
            tenants.clear();
        }
        tenants.entry(tenant.clone()).or_default().insert(url.into(), Arc::clone(found));
    }

    /// Forgets everything: a queue was made, changed or deleted, which is rare, and may have many URLs.
    pub(crate) fn forget(&self) {
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        self.changes.fetch_add(1, Ordering::AcqRel);
        tenants.clear();
    }
}
