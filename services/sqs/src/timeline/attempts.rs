//! Receives that are repeated by the id of their attempt (API Reference, ReceiveMessage, `ReceiveRequestAttemptId`):
//! a client that lost the answer gets the same messages again. Kept in memory: a restart forgets them, and the
//! messages come back after their timeout.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use shapes::Timestamp;

const REPEATABLE_FOR: Duration = Duration::from_secs(300);
/// Attempts remembered of one queue.
const MOST: usize = 10_000;

#[derive(Default)]
pub(crate) struct Attempts {
    /// Place and nonce of every message that an attempt was given.
    given: HashMap<String, (Timestamp, Vec<(u64, u64)>)>,
    by_age: VecDeque<(Timestamp, String)>,
}

impl Attempts {
    pub(crate) fn remember(&mut self, id: &str, hands: Vec<(u64, u64)>, now: Timestamp) {
        while let Some((at, _)) = self.by_age.front()
            && (self.by_age.len() >= MOST || *at + REPEATABLE_FOR <= now)
            && let Some((at, id)) = self.by_age.pop_front()
        {
            if self.given.get(&id).is_some_and(|(given, _)| *given == at) {
                self.given.remove(&id);
            }
        }
        self.given.insert(id.to_owned(), (now, hands));
        self.by_age.push_back((now, id.to_owned()));
    }

    pub(crate) fn find(&self, id: &str, now: Timestamp) -> Option<Vec<(u64, u64)>> {
        let (at, hands) = self.given.get(id)?;
        (now < *at + REPEATABLE_FOR).then(|| hands.clone())
    }

    pub(crate) fn forget(&mut self) {
        self.given.clear();
        self.by_age.clear();
    }
}
