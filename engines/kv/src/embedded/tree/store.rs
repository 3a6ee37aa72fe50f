//! One opened data directory: the log, the memtables and tables, and the threads that look after them.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;

use super::directory::Directory;
use super::hot_pairs::HotPairs;
use super::lsm::Lsm;
use super::snapshots::Snapshots;
use super::upkeep::{Figures, Upkeep};
use crate::embedded::log::{self, AppendError, Log, Replay};
use crate::embedded::overlay::Overlay;
use crate::embedded::{Durability, EmbeddedOptions};
use crate::{KeyRange, KvError, Order, Snapshot, Visit};

/// Segments that one memtable may stand on. Each start adds one.
const MOST_SEGMENTS_PER_MEMTABLE: usize = 8;

/// Dropping it ends the threads, waits for them, and lets go of the directory.
pub(super) struct Store {
    core: Arc<Core>,
    threads: Vec<JoinHandle<()>>,
}

/// What writers, readers and the threads behind them share.
pub(super) struct Core {
    lsm: Lsm,
    hot: HotPairs,
    /// Locked while a batch is on its way.
    log: Mutex<Log>,
    snapshots: Snapshots,
    upkeep: Upkeep,
    memtable_bytes: u64,
    /// Whether an open snapshot keeps what would go otherwise.
    has_old_versions: AtomicBool,
    // The last to go, because it holds the lock.
    directory: Directory,
}

/// Why a batch was not committed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Something failed in the background earlier. Nothing was tried; the directory must be opened afresh.
    Refused(KvError),
    /// Nothing was kept.
    Undone(KvError),
    /// Opening the directory afresh will tell whether it was kept.
    Unknown(KvError),
}

/// A consistent view of the tree.
pub(in crate::embedded) struct View {
    store: Arc<Store>,
    seqno: u64,
}

impl Store {
    pub(super) fn open(path: &Path, options: &EmbeddedOptions) -> Result<Self, KvError> {
        let core = Arc::new(Core::open(path, options)?);
        let mut store = Self { core, threads: Vec::new() };
        store.threads = Upkeep::spawn(&store.core).map_err(|error| KvError::io(path, error))?;
        Ok(store)
    }

    /// Writes `overlay` whole or not at all, and waits for the disk if told to.
    pub(super) fn commit(&self, overlay: &Overlay, must_sync: bool) -> Result<(), Failure> {
        let core = &*self.core;
        core.upkeep.check().map_err(Failure::Refused)?;
        core.make_room()?;
        let mut log = core.log();
        let seqno = core.lsm.next_seqno();
        log.append(seqno, overlay.iter(), must_sync).map_err(|error| match error {
            AppendError::Undone(error) => Failure::Undone(core.io(error)),
            AppendError::Unknown(error) => Failure::Unknown(core.io(error)),
        })?;
        let mut insert = core.lsm.inserter();
        for (key, value) in overlay.iter() {
            insert(seqno, key.clone(), value.clone());
            core.hot.change(key, value.as_ref(), seqno + 1);
        }
        core.snapshots.publish(core.lsm.seqno_bound());
        Ok(())
    }

    /// Waits until everything written is on disk.
    pub(super) fn sync(&self) -> Result<(), KvError> {
        self.core.log().sync().map_err(|error| self.core.io(error))
    }

    /// The latest value of a key that no commit under way changes.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        let core = &*self.core;
        if let Some(value) = core.hot.get(key, u64::MAX) {
            return Ok(value);
        }
        // Whatever was handed out up to here has changed the key already, or does not.
        let bound = core.lsm.seqno_bound();
        let value = core.lsm.get_latest(key)?;
        core.hot.add(key, value.as_ref(), bound);
        Ok(value)
    }

    pub(super) fn view(self: &Arc<Self>) -> View {
        View { store: Arc::clone(self), seqno: self.core.snapshots.open() }
    }

    /// Space that tables and the log take. Does not wait for a commit under way.
    pub(super) fn disk_bytes(&self) -> u64 {
        self.core.lsm.disk_bytes() + log::disk_bytes(&self.core.directory.log()).unwrap_or(0)
    }

    pub(super) fn figures(&self) -> Figures {
        self.core.upkeep.figures()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.core.upkeep.close();
        self.core.lsm.stop_merging();
        for thread in self.threads.drain(..) {
            // What they met is in the log of the process, and their panics are caught.
            let _ = thread.join();
        }
    }
}

impl Core {
    fn open(path: &Path, options: &EmbeddedOptions) -> Result<Self, KvError> {
        let directory = Directory::take(path)?;
        let lsm = Lsm::open(&directory.tree(), options)?;
        let mut replay = Replay::open(&directory.log())?;
        if lsm.has_tables() && replay.last_number().is_none() {
            let detail = "the log is missing beside the tables".to_owned();
            return Err(KvError::Corrupt { path: directory.log(), detail });
        }
        let upkeep = Upkeep::default();
        let segments = recover(&lsm, &mut replay, &upkeep, options.memtable_bytes)?;
        lsm.raise_seqno(replay.last_seqno() + 1);
        let snapshots = Snapshots::default();
        snapshots.publish(lsm.seqno_bound());
        let log = Log::begin(&replay, segments, options.durability == Durability::Durable)?;
        Ok(Self {
            lsm,
            hot: HotPairs::new(options.hot_pairs_bytes),
            log: Mutex::new(log),
            snapshots,
            upkeep,
            memtable_bytes: options.memtable_bytes,
            has_old_versions: AtomicBool::new(false),
            directory,
        })
    }

    pub(super) fn upkeep(&self) -> &Upkeep {
        &self.upkeep
    }

    pub(super) fn top_runs(&self) -> usize {
        self.lsm.top_runs()
    }

    /// Flushes at least the memtables that `segments` belong to, and removes these.
    pub(super) fn flush(&self, segments: &[u64]) -> Result<(), KvError> {
        self.lsm.flush(self.snapshots.mark())?;
        self.drop_old_versions()?;
        let spare_bytes = self.memtable_bytes.saturating_mul(2);
        log::retire(&self.directory.log(), segments, spare_bytes).map_err(|error| self.io(error))
    }

    /// Merges what most needs it. Returns whether there was anything.
    pub(super) fn merge(&self) -> Result<bool, KvError> {
        self.lsm.merge(self.snapshots.mark())
    }

    /// Lets go of memory and files that no snapshot needs.
    pub(super) fn drop_old_versions(&self) -> Result<(), KvError> {
        {
            // The library took a number for its new list of tables, and snapshots below it read the old one. With no
            // batch on its way, new snapshots may be above.
            let _no_batch = self.log();
            self.snapshots.publish(self.lsm.seqno_bound());
        }
        let has_old_versions = self.lsm.drop_old_versions(self.snapshots.mark())?;
        self.has_old_versions.store(has_old_versions, Ordering::Release);
        Ok(())
    }

    /// Seals the memtable if it is full, and waits if too many are waiting already.
    fn make_room(&self) -> Result<(), Failure> {
        if self.lsm.memtable_bytes() < self.memtable_bytes && !self.log().is_suspect() {
            return Ok(());
        }
        // Without holding the log, which flushing needs for a moment.
        self.upkeep.wait_for_room().map_err(Failure::Refused)?;
        // The next segment may be there and say where this one ends, so that adding to this one is not safe any more.
        let segments = self.rotate().map_err(|error| Failure::Unknown(self.io(error)))?;
        self.upkeep.add(segments);
        Ok(())
    }

    /// Seals the memtable. Returns the segments of the log that it stands on.
    fn rotate(&self) -> std::io::Result<Vec<u64>> {
        let mut log = self.log();
        let segments = log.rotate()?;
        self.lsm.seal();
        Ok(segments)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // After a panic under this lock the directory is opened afresh before the next write.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn io(&self, error: std::io::Error) -> KvError {
        KvError::io(self.directory.path(), error)
    }
}

/// Puts what the log has into memtables. Returns the segments that the active one stands on.
fn recover(
    lsm: &Lsm,
    replay: &mut Replay,
    upkeep: &Upkeep,
    memtable_bytes: u64,
) -> Result<Vec<u64>, KvError> {
    let mut segments = Vec::new();
    while let Some(contents) = replay.next_segment()? {
        let is_full = lsm.memtable_bytes() >= memtable_bytes || segments.len() >= MOST_SEGMENTS_PER_MEMTABLE;
        if is_full && !segments.is_empty() {
            lsm.seal();
            upkeep.add(std::mem::take(&mut segments));
        }
        let mut insert = lsm.inserter();
        contents.visit(&mut |seqno, key, value| {
            insert(seqno, Bytes::copy_from_slice(key), value.map(Bytes::copy_from_slice));
        })?;
        segments.push(contents.number);
    }
    Ok(segments)
}

impl View {
    /// The pairs of `range`, which is not empty, in `order`.
    pub(in crate::embedded) fn range(
        &self,
        range: KeyRange<'_>,
        order: Order,
    ) -> impl Iterator<Item = Result<(Bytes, Bytes), KvError>> + use<'_> {
        self.store.core.lsm.range(range, order, self.seqno)
    }
}

impl Snapshot for View {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        let core = &*self.store.core;
        if let Some(value) = core.hot.get(key, self.seqno) {
            return Ok(value);
        }
        let value = core.lsm.get(key, self.seqno)?;
        core.hot.add(key, value.as_ref(), self.seqno);
        Ok(value)
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

impl Drop for View {
    fn drop(&mut self) {
        let core = &*self.store.core;
        if core.snapshots.close(self.seqno) && core.has_old_versions.load(Ordering::Acquire) {
            core.upkeep.drop_versions();
        }
    }
}

/// The steps that the threads take by themselves, one at a time.
#[cfg(test)]
impl Store {
    /// Leaves flushing to the thread.
    pub(super) fn seal_by_hand(&self) {
        self.core.upkeep.add(self.core.rotate().expect("a new segment"));
    }

    /// Leaves flushing to the next start.
    pub(super) fn seal_and_forget(&self) {
        self.core.rotate().expect("a new segment");
    }

    /// Leaves the segments where they are.
    pub(super) fn flush_by_hand(&self) -> Result<(), KvError> {
        self.core.lsm.flush(self.core.snapshots.mark())?;
        self.core.drop_old_versions()
    }

    pub(super) fn merge_by_hand(&self) -> Result<(), KvError> {
        self.core.merge()?;
        self.core.drop_old_versions()
    }

    pub(super) fn fail_by_hand(&self, error: KvError) {
        self.core.upkeep.fail(error);
    }
}
