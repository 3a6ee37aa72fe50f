//! A transaction under way on the executor's thread.

use bytes::Bytes;

use super::merge::visit_merged;
use super::overlay::{Overlay, StackedChanges, UndoLog};
use super::tree::Tree;
use crate::engine::check_limits;
use crate::{Hook, KeyRange, KvError, Order, Transaction, Visit};

/// Reads the open batch, the batch on its way to disk, and the tree, in this order. Writes to the open batch.
pub(super) struct BatchTransaction<'a> {
    pub(super) open: &'a mut Overlay,
    pub(super) in_flight: Option<&'a Overlay>,
    pub(super) tree: &'a Tree,
    pub(super) undo: &'a mut UndoLog,
    pub(super) topics: Vec<Bytes>,
    pub(super) hooks: Vec<Hook>,
    /// Whether it read something that is not durable yet, so its outcome must wait for that.
    pub(super) saw_unsynced: bool,
    /// The first error it met, which decides its outcome whatever the closure makes of it.
    pub(super) failure: Option<KvError>,
}

impl BatchTransaction<'_> {
    fn write(&mut self, key: &[u8], value: Option<&[u8]>) {
        match check_limits(key, value.map_or(0, <[u8]>::len)) {
            Ok(()) => self.open.write(key, value, self.undo),
            Err(error) => self.fail(&error),
        }
    }

    fn fail(&mut self, error: &KvError) {
        self.failure.get_or_insert_with(|| error.clone());
    }
}

impl Transaction for BatchTransaction<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        let unsynced = self.open.get(key).or_else(|| self.in_flight?.get(key));
        if let Some(value) = unsynced {
            self.saw_unsynced = true;
            return Ok(value.clone());
        }
        self.tree.get(key).inspect_err(|error| self.fail(error))
    }

    fn scan(&mut self, range: KeyRange<'_>, order: Order, visit: &mut Visit<'_>) -> Result<(), KvError> {
        if range.is_empty() {
            return Ok(());
        }
        let visited = self.tree.view().and_then(|view| {
            let changes = StackedChanges::new(self.open, self.in_flight, range, order);
            visit_merged(changes, view.range(range, order), order, visit)
        });
        match visited {
            Ok(saw_change) => {
                self.saw_unsynced |= saw_change;
                Ok(())
            }
            Err(error) => {
                self.fail(&error);
                Err(error)
            }
        }
    }

    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.write(key, Some(value));
    }

    fn delete(&mut self, key: &[u8]) {
        self.write(key, None);
    }

    fn announce(&mut self, topic: &[u8]) {
        self.topics.push(Bytes::copy_from_slice(topic));
    }

    fn after_commit(&mut self, hook: Hook) {
        self.hooks.push(hook);
    }
}
