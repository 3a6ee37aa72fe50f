//! The timelines of the queues that are in use.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustc_hash::FxHashMap;
use shapes::ApiError;

use crate::Sqs;
use crate::ops::Target;
use crate::queue::Queue;
use crate::timeline::{Budget, Timeline};

/// Timelines kept; past it those that nobody uses are built anew when they are next needed.
const KEPT: usize = 10_000;

#[derive(Clone, Default)]
pub(crate) struct Timelines {
    open: Arc<RwLock<FxHashMap<u64, Arc<Timeline>>>>,
    /// Held while a queue's is built, so that there is never a second one of it.
    building: Arc<Mutex<HashMap<u64, Arc<Mutex<()>>>>>,
    budget: Arc<Budget>,
    /// The highest place that a timeline had given which is not kept any more: none of them is given again, however
    /// soon its queue is used anew.
    given: Arc<AtomicU64>,
}

impl Timelines {
    fn find(&self, queue: u64) -> Option<Arc<Timeline>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner).get(&queue).cloned()
    }

    /// What whoever builds the timeline of a queue holds.
    fn turn(&self, queue: u64) -> Arc<Mutex<()>> {
        let mut building = self.building.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(building.entry(queue).or_default())
    }

    fn forget_turn(&self, queue: u64) {
        self.building.lock().unwrap_or_else(PoisonError::into_inner).remove(&queue);
    }

    pub(crate) fn remove(&self, queue: u64) {
        self.open.write().unwrap_or_else(PoisonError::into_inner).remove(&queue);
    }

    /// Lets go of timelines that hold nothing of their own and that nobody uses.
    fn make_room(&self) {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= KEPT {
            open.retain(|_, timeline| {
                let is_used =
                    Arc::strong_count(timeline) > 1 || timeline.is_recording.load(Ordering::Acquire);
                if !is_used {
                    self.given.fetch_max(timeline.change(|state| state.last_place), Ordering::AcqRel);
                }
                is_used
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
        let turn = self.timelines.turn(queue.id);
        let _building = turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(timeline) = self.timelines.find(queue.id) {
            return Ok(timeline);
        }
        self.timelines.make_room();
        let (store, now) = (self.cloud.store(), self.cloud.clock().now());
        let (owner, budget) = ((&target.scope, target.url.account), &self.timelines.budget);
        let timeline = Arc::new(Timeline::open(store, owner, queue, budget, now)?);
        let given = self.timelines.given.load(Ordering::Acquire);
        timeline.change(|state| state.last_place = state.last_place.max(given));
        let mut open = self.timelines.open.write().unwrap_or_else(PoisonError::into_inner);
        open.insert(queue.id, Arc::clone(&timeline));
        self.timelines.forget_turn(queue.id);
        Ok(timeline)
    }
}
