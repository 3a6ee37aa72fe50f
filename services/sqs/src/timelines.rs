//! The timelines of the queues that are in use.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use shapes::ApiError;

use crate::Sqs;
use crate::ops::Target;
use crate::queue::Queue;
use crate::timeline::{Budget, Timeline};

/// Timelines kept; past it those that nobody uses are built anew when they are next needed.
const KEPT: usize = 10_000;

#[derive(Clone, Default)]
pub(crate) struct Timelines {
    open: Arc<RwLock<HashMap<u64, Arc<Timeline>>>>,
    /// Held while one is built, so that there is never a second one of a queue.
    building: Arc<Mutex<()>>,
    budget: Arc<Budget>,
}

impl Timelines {
    fn find(&self, queue: u64) -> Option<Arc<Timeline>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).get(&queue).cloned()
    }

    pub(crate) fn remove(&self, queue: u64) {
        self.open.write().unwrap_or_else(PoisonError::into_inner).remove(&queue);
    }

    /// Lets go of timelines that hold nothing of their own and that nobody uses.
    fn make_room(&self) {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= KEPT {
            open.retain(|_, timeline| {
                Arc::strong_count(timeline) > 1 || timeline.is_recording.load(Ordering::Acquire)
            });
        }
    }
}

impl Sqs {
    /// The timeline of a queue; built from the store when it was not in use.
    pub(crate) fn timeline(&self, target: &Target, queue: &Queue) -> Result<Arc<Timeline>, ApiError> {
        if let Some(timeline) = self.timelines.find(queue.id) {
            return Ok(timeline);
        }
        let _building = self.timelines.building.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(timeline) = self.timelines.find(queue.id) {
            return Ok(timeline);
        }
        self.timelines.make_room();
        let (store, now) = (self.cloud.store(), self.cloud.clock().now());
        let timeline = Arc::new(Timeline::open(
            store,
            (&target.scope, target.url.account),
            queue,
            &self.timelines.budget,
            now,
        )?);
        let mut open = self.timelines.open.write().unwrap_or_else(PoisonError::into_inner);
        open.insert(queue.id, Arc::clone(&timeline));
        Ok(timeline)
    }
}
