//! Queues by name, remembered for a moment: every message's way begins with its queue.
//!
//! A change of a queue forgets it here in the same transaction. Another process's change is seen after
//! [`FRESH_FOR`], which is well within what AWS promises (API Reference, SetQueueAttributes: up to 60 seconds).

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use shapes::ApiError;
use store::{Reader, Scope};

use crate::queue::Queue;
use crate::tables;

const FRESH_FOR: Duration = Duration::from_secs(1);
/// Queues remembered; past it everything is forgotten.
const KEPT: usize = 10_000;

#[derive(Clone, Default)]
pub(crate) struct Directory(Arc<RwLock<HashMap<Scope, Queues>>>);

type Queues = HashMap<String, (Arc<Queue>, Instant)>;

impl Directory {
    /// The queue called `name` in the reader's scope, as it was at most a moment ago.
    pub(crate) fn find(&self, reader: &mut dyn Reader, name: &str) -> Result<Option<Arc<Queue>>, ApiError> {
        if let Some(queue) = self.remembered(reader.scope(), name) {
            return Ok(Some(queue));
        }
        let scope = reader.scope().clone();
        let Some(queue) = tables::QUEUES.find(reader, &name.to_owned())? else { return Ok(None) };
        let queue = Arc::new(queue);
        let mut scopes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if scopes.values().map(HashMap::len).sum::<usize>() >= KEPT {
            scopes.clear();
        }
        scopes.entry(scope).or_default().insert(name.to_owned(), (Arc::clone(&queue), Instant::now()));
        Ok(Some(queue))
    }

    /// As [`Self::find`], without a look at the store.
    pub(crate) fn remembered(&self, scope: &Scope, name: &str) -> Option<Arc<Queue>> {
        let scopes = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (queue, since) = scopes.get(scope)?.get(name)?;
        (since.elapsed() < FRESH_FOR).then(|| Arc::clone(queue))
    }

    pub(crate) fn forget(&self, scope: &Scope, name: &str) {
        let mut scopes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(queues) = scopes.get_mut(scope) {
            queues.remove(name);
        }
    }
}
