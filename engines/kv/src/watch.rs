//! Topics and those who wait for them to change, within one process.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

/// Subscribers come and go on every long poll, so the table is split to keep them out of each other's way.
const SHARDS: usize = 16;

/// A subscription to one topic. Dropping it unsubscribes.
#[derive(Debug)]
pub struct Watch {
    subject: Arc<Subject>,
    topic: Bytes,
    topics: Topics,
    seen: u64,
}

/// The topics that somebody in this process watches. A topic without subscribers takes no memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Topics {
    table: Arc<Table>,
}

#[derive(Debug, Default)]
struct Table {
    hasher: RandomState,
    shards: [Mutex<HashMap<Bytes, Arc<Subject>>>; SHARDS],
}

#[derive(Debug, Default)]
struct Subject {
    version: AtomicU64,
    changed: Notify,
}

impl Watch {
    /// Resolves when the topic was announced after the watch began or last resolved, at once if that has happened
    /// already. Several announcements may be one wake-up. Dropping the future loses nothing.
    pub async fn changed(&mut self) {
        let subject = Arc::clone(&self.subject);
        loop {
            let mut notified = pin!(subject.changed.notified());
            // Registered before looking at the version, so an announcement between the two is not lost.
            notified.as_mut().enable();
            if self.take_change() {
                return;
            }
            notified.await;
        }
    }

    /// Whether the topic was announced since the last look; counts as a look.
    pub fn take_change(&mut self) -> bool {
        let version = self.subject.version.load(Ordering::Acquire);
        std::mem::replace(&mut self.seen, version) != version
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut shard = self.topics.shard(&self.topic);
        // Two owners left: the table and this watch. Subscribing happens under the same lock.
        if Arc::strong_count(&self.subject) == 2 {
            shard.remove(&self.topic);
        }
    }
}

impl Topics {
    pub(crate) fn watch(&self, topic: &[u8]) -> Watch {
        let mut shard = self.shard(topic);
        let (topic, subject) = match shard.get_key_value(topic) {
            Some((topic, subject)) => (topic.clone(), Arc::clone(subject)),
            None => {
                let (topic, subject) = (Bytes::copy_from_slice(topic), Arc::<Subject>::default());
                shard.insert(topic.clone(), Arc::clone(&subject));
                (topic, subject)
            }
        };
        let seen = subject.version.load(Ordering::Acquire);
        Watch { subject, topic, topics: self.clone(), seen }
    }

    pub(crate) fn announce(&self, topic: &[u8]) {
        if let Some(subject) = self.shard(topic).get(topic) {
            subject.announce();
        }
    }

    /// Wakes everybody, for example because the engine closes and they should look for another one.
    pub(crate) fn announce_all(&self) {
        for shard in &self.table.shards {
            lock(shard).values().for_each(|subject| subject.announce());
        }
    }

    pub(crate) fn watched(&self) -> u64 {
        self.table.shards.iter().map(|shard| lock(shard).len() as u64).sum()
    }

    fn shard(&self, topic: &[u8]) -> MutexGuard<'_, HashMap<Bytes, Arc<Subject>>> {
        let hash = self.table.hasher.hash_one(topic);
        lock(&self.table.shards[hash as usize % SHARDS])
    }
}

impl Subject {
    fn announce(&self) {
        self.version.fetch_add(1, Ordering::Release);
        self.changed.notify_waiters();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
