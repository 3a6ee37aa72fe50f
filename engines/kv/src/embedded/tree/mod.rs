//! The log-structured tree on disk, and what happens to it when a write fails.
//!
//! A batch is on disk in the log before it enters the tree that readers see. A write that failed is taken back. Where
//! that fails, too, or flushing or merging did, what is on disk is unknown; then the directory is opened afresh, which
//! reads what really is there.

mod directory;
mod hot_pairs;
mod memtable;
mod state;
mod store;
mod tables;
#[cfg(test)]
mod tests;
mod upkeep;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use store::{Failure, Store};

use super::options::EmbeddedOptions;
use super::overlay::Overlay;
use crate::KvError;
pub(super) use store::View;
pub(super) use upkeep::Figures;

pub(super) struct Tree {
    path: PathBuf,
    options: EmbeddedOptions,
    reserved_bytes: AtomicU64,
    /// `None` once closed, or while what is on disk cannot be opened.
    store: RwLock<Option<Arc<Store>>>,
    is_closed: AtomicBool,
    must_reopen: AtomicBool,
}

impl Tree {
    pub(super) fn open(path: &Path, options: &EmbeddedOptions) -> Result<Self, KvError> {
        let store = Arc::new(Store::open(path, options)?);
        Ok(Self {
            path: path.to_path_buf(),
            options: options.clone(),
            reserved_bytes: AtomicU64::new(options.reserved_bytes),
            store: RwLock::new(Some(store)),
            is_closed: AtomicBool::new(false),
            must_reopen: AtomicBool::new(false),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn set_reserved_bytes(&self, bytes: u64) {
        self.reserved_bytes.store(bytes, Ordering::Relaxed);
    }

    /// The latest value of a key that no commit under way changes.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        let slot = self.store.read().unwrap_or_else(PoisonError::into_inner);
        match &*slot {
            Some(store) => store.get(key),
            None => {
                drop(slot);
                self.reopen()?.get(key)
            }
        }
    }

    pub(super) fn view(&self) -> Result<View, KvError> {
        Ok(self.store()?.view())
    }

    /// Writes `overlay` whole or not at all, and waits for the disk if told to.
    ///
    /// After [`KvError::OutOfSpace`] nothing was kept. After [`KvError::Io`] nothing was kept either, unless the disk
    /// refused even to take it back; then it is known once the tree is open again.
    pub(super) fn commit(&self, overlay: &Overlay, must_sync: bool) -> Result<(), KvError> {
        self.check_space(overlay.bytes() as u64)?;
        let mut outcome = self.writable_store()?.commit(overlay, must_sync);
        if let Err(Failure::Refused(_)) = outcome {
            // Flushing or merging failed earlier, and nothing was written.
            self.distrust();
            outcome = self.writable_store()?.commit(overlay, must_sync);
        }
        outcome.map_err(|failure| match failure {
            Failure::Undone(error) => error,
            Failure::Refused(error) | Failure::Unknown(error) => {
                self.distrust();
                error
            }
        })
    }

    /// Waits until everything written is on disk.
    pub(super) fn sync(&self) -> Result<(), KvError> {
        self.writable_store()?.sync()
    }

    /// Space that tables and the log take. Does not wait for a commit under way.
    pub(super) fn disk_bytes(&self) -> u64 {
        self.store().map_or(0, |store| store.disk_bytes())
    }

    pub(super) fn figures(&self) -> Figures {
        self.store().map_or(Figures::default(), |store| store.figures())
    }

    /// Lets go of the directory. Views that are still open keep it until they are dropped.
    pub(super) fn close(&self) {
        let mut slot = self.store.write().unwrap_or_else(PoisonError::into_inner);
        self.is_closed.store(true, Ordering::Release);
        *slot = None;
    }

    /// Makes the next write open the tree afresh.
    pub(super) fn distrust(&self) {
        self.must_reopen.store(true, Ordering::Release);
    }

    fn store(&self) -> Result<Arc<Store>, KvError> {
        let slot = self.store.read().unwrap_or_else(PoisonError::into_inner);
        match &*slot {
            Some(store) => Ok(Arc::clone(store)),
            None => {
                drop(slot);
                self.reopen()
            }
        }
    }

    /// A store that takes writes: opened afresh if an earlier write failed.
    fn writable_store(&self) -> Result<Arc<Store>, KvError> {
        if self.must_reopen.load(Ordering::Acquire) { self.reopen() } else { self.store() }
    }

    fn reopen(&self) -> Result<Arc<Store>, KvError> {
        let mut slot = self.store.write().unwrap_or_else(PoisonError::into_inner);
        if self.is_closed.load(Ordering::Acquire) {
            return Err(KvError::Closed);
        }
        if let Some(store) = slot.as_ref()
            && !self.must_reopen.load(Ordering::Acquire)
        {
            return Ok(Arc::clone(store));
        }
        // The old one must go first, because it holds the directory's lock. A view that is still open holds it too;
        // then this fails, and the next read or write tries again.
        *slot = None;
        let store = Arc::new(Store::open(&self.path, &self.options)?);
        tracing::warn!(path = %self.path.display(), "opened the data directory afresh after a failed write");
        *slot = Some(Arc::clone(&store));
        self.must_reopen.store(false, Ordering::Release);
        Ok(store)
    }

    fn check_space(&self, batch_bytes: u64) -> Result<(), KvError> {
        let free_bytes = free_bytes(&self.path).map_err(|error| KvError::io(&self.path, error))?;
        let needed_bytes = self.reserved_bytes.load(Ordering::Relaxed).saturating_add(batch_bytes);
        if free_bytes < needed_bytes {
            return Err(KvError::OutOfSpace { path: self.path.clone(), free_bytes, needed_bytes });
        }
        Ok(())
    }
}

/// Space that is free for this process on the disk of `path`.
fn free_bytes(path: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

impl fmt::Debug for Tree {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tree").field("path", &self.path).finish_non_exhaustive()
    }
}
