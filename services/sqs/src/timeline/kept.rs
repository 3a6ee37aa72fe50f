//! Messages kept in memory between their arrival and their first receive, within a bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::message::Message;

/// Bytes of messages kept ready in all queues together. What does not fit is read from the store when it is received.
const MOST: usize = 64 << 20;

/// How much of the bound is taken.
#[derive(Default)]
pub(crate) struct Budget(AtomicUsize);

/// A message in memory. Dropping it gives its bytes back.
pub(crate) struct Kept {
    message: Arc<Message>,
    weight: usize,
    budget: Arc<Budget>,
}

impl Kept {
    /// `None` when there is no room.
    pub(crate) fn new(message: &Arc<Message>, budget: &Arc<Budget>) -> Option<Self> {
        let weight = message.weight();
        if budget.0.fetch_add(weight, Relaxed) + weight > MOST {
            budget.0.fetch_sub(weight, Relaxed);
            return None;
        }
        Some(Self { message: Arc::clone(message), weight, budget: Arc::clone(budget) })
    }

    pub(crate) fn into_message(self) -> Arc<Message> {
        Arc::clone(&self.message)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.budget.0.fetch_sub(self.weight, Relaxed);
    }
}
