//! The log-structured tree on disk. The only file that names the library behind it.
//!
//! What we rely on: a batch is one record of the journal with a checksum, written with `write(2)` before the commit
//! returns; with `SyncData` it is also on disk by then. Only after that does it enter the tree that readers see. After
//! a failed write the library refuses all further ones, because what is on disk is then unknown; we open it afresh, which
//! reads what really is there.

use std::fmt;
use std::io;
use std::ops::Bound;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable};

use super::options::EmbeddedOptions;
use super::overlay::Overlay;
use crate::{KeyRange, KvError, Order, Snapshot, Visit};

/// One flushes and one merges, so that a long merge does not hold up writers. Both sleep when there is nothing to do.
const WORKER_THREADS: usize = 2;
/// The least that the library takes. It begins a new journal after 64 MB and drops one once its pairs are in tables, so
/// a restart replays about this much, at some two microseconds for each pair.
const MAX_JOURNAL_BYTES: u64 = 64 << 20;

pub(super) struct Tree {
    path: PathBuf,
    options: EmbeddedOptions,
    reserved_bytes: AtomicU64,
    /// `None` once closed, or while what is on disk cannot be opened.
    handle: RwLock<Option<Handle>>,
    is_closed: AtomicBool,
    must_reopen: AtomicBool,
}

#[derive(Clone)]
struct Handle {
    pairs: Keyspace,
    database: Database,
}

/// A consistent view of the tree.
pub(super) struct View {
    pairs: Keyspace,
    snapshot: fjall::Snapshot,
    path: PathBuf,
}

impl Tree {
    pub(super) fn open(path: &Path, options: &EmbeddedOptions) -> Result<Self, KvError> {
        let handle = Handle::open(path, options)?;
        Ok(Self {
            path: path.to_path_buf(),
            options: options.clone(),
            reserved_bytes: AtomicU64::new(options.reserved_bytes),
            handle: RwLock::new(Some(handle)),
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

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        let slot = self.handle.read().unwrap_or_else(PoisonError::into_inner);
        let value = match &*slot {
            Some(handle) => handle.pairs.get(key),
            None => {
                drop(slot);
                self.handle()?.pairs.get(key)
            }
        };
        Ok(value.map_err(|error| translate(&self.path, error))?.map(Bytes::from))
    }

    pub(super) fn view(&self) -> Result<View, KvError> {
        let Handle { pairs, database } = self.handle()?;
        Ok(View { pairs, snapshot: database.snapshot(), path: self.path.clone() })
    }

    /// Writes `overlay` whole or not at all, and waits for the disk if told to.
    ///
    /// After [`KvError::OutOfSpace`] nothing was kept. After [`KvError::Io`] it is known only once the tree is open
    /// again whether the batch was kept.
    pub(super) fn commit(&self, overlay: &Overlay, must_sync: bool) -> Result<(), KvError> {
        self.check_space(overlay.bytes() as u64)?;
        let mode = if must_sync { PersistMode::SyncData } else { PersistMode::Buffer };
        match self.writable_handle()?.commit(overlay, mode) {
            // Flushing or merging failed earlier, and the library refused the batch before it wrote anything.
            Err(fjall::Error::Poisoned) => {
                self.distrust();
                self.writable_handle()?.commit(overlay, mode)
            }
            outcome => outcome,
        }
        .map_err(|error| self.broken(error))
    }

    /// Waits until everything written is on disk.
    pub(super) fn sync(&self) -> Result<(), KvError> {
        self.writable_handle()?.database.persist(PersistMode::SyncData).map_err(|error| self.broken(error))
    }

    /// Space that tables and journals take. Does not wait for a commit under way.
    pub(super) fn disk_bytes(&self) -> u64 {
        let tables = self.handle().map_or(0, |handle| handle.pairs.disk_space());
        tables + journal_bytes(&self.path).unwrap_or(0)
    }

    /// Lets go of the directory. Views that are still open keep it until they are dropped.
    pub(super) fn close(&self) {
        let mut slot = self.handle.write().unwrap_or_else(PoisonError::into_inner);
        self.is_closed.store(true, Ordering::Release);
        *slot = None;
    }

    fn handle(&self) -> Result<Handle, KvError> {
        let slot = self.handle.read().unwrap_or_else(PoisonError::into_inner);
        match &*slot {
            Some(handle) => Ok(handle.clone()),
            None => {
                drop(slot);
                self.reopen()
            }
        }
    }

    /// A handle that takes writes: opened afresh if an earlier write failed.
    fn writable_handle(&self) -> Result<Handle, KvError> {
        if self.must_reopen.load(Ordering::Acquire) { self.reopen() } else { self.handle() }
    }

    fn reopen(&self) -> Result<Handle, KvError> {
        let mut slot = self.handle.write().unwrap_or_else(PoisonError::into_inner);
        if self.is_closed.load(Ordering::Acquire) {
            return Err(KvError::Closed);
        }
        if let Some(handle) = slot.as_ref()
            && !self.must_reopen.load(Ordering::Acquire)
        {
            return Ok(handle.clone());
        }
        // The old one must go first, because it holds the directory's lock. A view that is still open holds it too;
        // then this fails, and the next read or write tries again.
        *slot = None;
        let handle = Handle::open(&self.path, &self.options)?;
        tracing::warn!(path = %self.path.display(), "opened the data directory afresh after a failed write");
        *slot = Some(handle.clone());
        self.must_reopen.store(false, Ordering::Release);
        Ok(handle)
    }

    /// Makes the next write open the tree afresh.
    pub(super) fn distrust(&self) {
        self.must_reopen.store(true, Ordering::Release);
    }

    fn broken(&self, error: fjall::Error) -> KvError {
        self.distrust();
        translate(&self.path, error)
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

/// Space that the journals in `path` take. They are created longer than they are full.
fn journal_bytes(path: &Path) -> io::Result<u64> {
    const BLOCK_BYTES: u64 = 512;
    let mut bytes = 0;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|extension| extension == "jnl") {
            bytes += entry.metadata()?.blocks() * BLOCK_BYTES;
        }
    }
    Ok(bytes)
}

impl Handle {
    fn open(path: &Path, options: &EmbeddedOptions) -> Result<Self, KvError> {
        let open = || {
            let database = Database::builder(path)
                .cache_size(options.cache_bytes)
                .worker_threads(WORKER_THREADS)
                .max_journaling_size(MAX_JOURNAL_BYTES)
                .manual_journal_persist(true)
                .open()?;
            let pairs = database.keyspace("pairs", || pairs_options(options))?;
            Ok(Self { pairs, database })
        };
        open().map_err(|error| translate(path, error))
    }

    fn commit(self, overlay: &Overlay, mode: PersistMode) -> fjall::Result<()> {
        let Self { pairs, database } = self;
        let mut batch = fjall::OwnedWriteBatch::with_capacity(database, overlay.len()).durability(Some(mode));
        for (key, value) in overlay.iter() {
            match value {
                Some(value) => batch.insert(&pairs, key.clone(), value.clone()),
                None => batch.remove(&pairs, key.clone()),
            }
        }
        batch.commit()
    }
}

/// Only what differs from the library's defaults. Blocks of 4 and 8 KiB, with and without LZ4, and hash indexes within
/// blocks were measured; reads differed by less than the machine does from run to run.
///
/// Deletions are plain tombstones. A queue leaves runs of them at the front of its range, which a scan from there must
/// step over until they are merged away; small memtables make that soon.
fn pairs_options(options: &EmbeddedOptions) -> KeyspaceCreateOptions {
    KeyspaceCreateOptions::default().max_memtable_size(options.memtable_bytes)
}

impl View {
    /// The pairs of `range`, which is not empty, in `order`.
    pub(super) fn range(
        &self,
        range: KeyRange<'_>,
        order: Order,
    ) -> impl Iterator<Item = Result<(Bytes, Bytes), KvError>> + use<'_> {
        let bounds = (Bound::Included(range.from), Bound::Excluded(range.to));
        let mut pairs = self.snapshot.range::<&[u8], _>(&self.pairs, bounds);
        std::iter::from_fn(move || {
            let pair = match order {
                Order::Ascending => pairs.next(),
                Order::Descending => pairs.next_back(),
            };
            Some(match pair?.into_inner() {
                Ok((key, value)) => Ok((key.into(), value.into())),
                Err(error) => Err(translate(&self.path, error)),
            })
        })
    }
}

impl Snapshot for View {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        let value = self.snapshot.get(&self.pairs, key).map_err(|error| translate(&self.path, error))?;
        Ok(value.map(Bytes::from))
    }

    fn scan(&self, range: KeyRange<'_>, order: Order, visit: &mut Visit<'_>) -> Result<(), KvError> {
        if range.is_empty() {
            return Ok(());
        }
        for pair in self.range(range, order) {
            let (key, value) = pair?;
            if visit(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }
}

fn translate(path: &Path, error: fjall::Error) -> KvError {
    match error {
        fjall::Error::Locked => KvError::Locked { path: path.to_path_buf() },
        fjall::Error::Io(source) | fjall::Error::Storage(fjall::LsmError::Io(source)) => {
            KvError::io(path, source)
        }
        fjall::Error::Poisoned => {
            KvError::io(path, io::Error::other("an earlier write in the background failed"))
        }
        other => KvError::Corrupt { path: path.to_path_buf(), detail: other.to_string() },
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tree").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::overlay::UndoLog;
    use super::*;

    fn write(tree: &Tree, key: &[u8]) -> Result<(), KvError> {
        let mut overlay = Overlay::default();
        overlay.write(key, Some(b"value"), &mut UndoLog::default());
        tree.commit(&overlay, true)
    }

    #[test]
    fn a_failed_write_is_followed_by_a_fresh_start() {
        let directory = tempfile::tempdir().expect("a directory");
        let options = EmbeddedOptions { reserved_bytes: 0, ..EmbeddedOptions::default() };
        let tree = Tree::open(directory.path(), &options).expect("a tree");
        write(&tree, b"before").expect("a healthy tree");

        tree.distrust();
        let view = tree.view().expect("reads go on");
        assert!(
            matches!(write(&tree, b"refused"), Err(KvError::Locked { .. })),
            "the view holds the directory"
        );
        assert_eq!(view.get(b"before").expect("a read").as_deref(), Some(&b"value"[..]));
        drop(view);

        write(&tree, b"after").expect("a tree opened afresh");
        assert_eq!(tree.get(b"before").expect("a read").as_deref(), Some(&b"value"[..]));
        assert_eq!(tree.get(b"after").expect("a read").as_deref(), Some(&b"value"[..]));
        assert_eq!(tree.get(b"refused").expect("a read"), None);
    }
}
