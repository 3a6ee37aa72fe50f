//! Where the waiting messages of a queue begin.
//!
//! Deleted messages leave marks in the storage engine until it tidies up, and a scan from the beginning of a busy
//! queue would step over all of them. So the earliest place where a message may still lie is remembered. It is a
//! hint: too early costs time, and too late is mended by a scan from the beginning whenever a queue looks empty.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use shapes::Timestamp;

/// How often an empty-looking queue is looked at from its beginning.
const FULL_LOOK_EVERY: Duration = Duration::from_secs(1);
/// Hints kept; without one a scan begins at the beginning.
const KEPT: usize = 100_000;

#[derive(Default)]
pub(crate) struct Frontiers(Mutex<HashMap<u64, Frontier>>);

#[derive(Clone, Copy)]
struct Frontier {
    earliest: Timestamp,
    last_full_look: Timestamp,
}

impl Frontiers {
    /// Where to begin looking for messages of `queue`.
    pub(crate) fn start(&self, queue: u64) -> Timestamp {
        let frontiers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        frontiers.get(&queue).map_or(Timestamp::EPOCH, |frontier| frontier.earliest)
    }

    /// Whether a queue that looks empty is to be looked at from its beginning, as it was not for a while.
    pub(crate) fn takes_full_look(&self, queue: u64, now: Timestamp) -> bool {
        let mut frontiers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match frontiers.get_mut(&queue) {
            Some(frontier) if now >= frontier.last_full_look + FULL_LOOK_EVERY => {
                frontier.last_full_look = now;
                true
            }
            _ => false,
        }
    }

    /// Nothing of `queue` lies before `earliest`.
    pub(crate) fn advance(&self, queue: u64, earliest: Timestamp, now: Timestamp) {
        let mut frontiers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if frontiers.len() >= KEPT && !frontiers.contains_key(&queue) {
            frontiers.clear();
        }
        let frontier = frontiers.entry(queue).or_insert(Frontier { earliest, last_full_look: now });
        frontier.earliest = earliest;
    }

    /// A message of `queue` was put at `visible_at`.
    pub(crate) fn include(&self, queue: u64, visible_at: Timestamp) {
        let mut frontiers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(frontier) = frontiers.get_mut(&queue) {
            frontier.earliest = frontier.earliest.min(visible_at);
        }
    }
}

#[cfg(test)]
mod tests {
    use shapes::Timestamp;

    use super::Frontiers;

    #[test]
    fn the_hint_follows_receives_and_sends() {
        let (frontiers, second) = (Frontiers::default(), Timestamp::from_seconds);
        assert_eq!(frontiers.start(1), Timestamp::EPOCH);
        frontiers.advance(1, second(9), second(10));
        assert_eq!(frontiers.start(1), second(9));
        frontiers.include(1, second(8));
        assert_eq!(frontiers.start(1), second(8));
        let looks: Vec<bool> = [10, 11, 11].map(|now| frontiers.takes_full_look(1, second(now))).into();
        assert_eq!(looks, [false, true, false]);
    }
}
