//! One opened data directory: the log, the memtables and tables, and the threads that look after them.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use bytes::Bytes;

use super::directory::Directory;
use super::hot_pairs::HotPairs;
use super::memtable::Memtable;
use super::state::{Current, Snapshot};
use super::tables::Tables;
use super::upkeep::{Figures, Sealed, Upkeep};
use crate::embedded::log::{self, AppendError, Change, Fresh, Log, Replay};
use crate::embedded::overlay::Overlay;
use crate::embedded::{Durability, EmbeddedOptions};
use crate::{KeyRange, KvError, Order, Visit};

/// Segments that one memtable may stand on. Each start adds one.
const MOST_SEGMENTS_PER_MEMTABLE: usize = 8;

/// Dropping it ends the threads, waits for them, and lets go of the directory.
pub(super) struct Store {
    core: Arc<Core>,
    threads: Vec<JoinHandle<()>>,
}

/// What writers, readers and the threads behind them share.
pub(super) struct Core {
    tables: Tables,
    current: Current,
    hot: HotPairs,
    /// Locked while a batch is on its way.
    writer: Mutex<Writer>,
    next_segment: Mutex<NextSegment>,
    /// Locked from asking for the list of tables to putting it before readers, so that no earlier one comes later.
    table_changes: Mutex<()>,
    upkeep: Upkeep,
    memtable_bytes: u64,
    // The last to go, because it holds the lock.
    directory: Directory,
}

/// Where batches go.
struct Writer {
    log: Log,
    memtable: Arc<Memtable>,
    /// Whether the next segment was ordered in advance.
    has_ordered: bool,
}

struct NextSegment {
    number: u64,
    /// Made in advance, when the memtable was half full.
    fresh: Option<Fresh>,
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

/// A consistent view of the tree. While it lives, the directory stays open.
pub(in crate::embedded) struct View {
    // The first to go, because it holds tables that the store has.
    snapshot: Snapshot,
    store: Arc<Store>,
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
        let mut writer = core.writer();
        let seqno = writer.log.last_seqno() + 1;
        writer.log.append(seqno, overlay.iter(), must_sync).map_err(|error| match error {
            AppendError::Undone(error) => Failure::Undone(core.io(error)),
            AppendError::Unknown(error) => Failure::Unknown(core.io(error)),
        })?;
        for (key, value) in overlay.iter() {
            writer.memtable.insert(seqno, key.clone(), value.clone());
            core.hot.change(key, value.as_ref(), seqno + 1);
        }
        core.current.publish(seqno + 1);
        Ok(())
    }

    /// Waits until everything written is on disk.
    pub(super) fn sync(&self) -> Result<(), KvError> {
        self.core.writer().log.sync().map_err(|error| self.core.io(error))
    }

    /// The latest value of a key that no commit under way changes.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        match self.core.hot.get(key, self.core.current.visible_seqno()) {
            Some(value) => Ok(value),
            None => self.core.search(&self.core.current.snapshot(), key),
        }
    }

    pub(super) fn view(self: &Arc<Self>) -> View {
        View { snapshot: self.core.current.snapshot(), store: Arc::clone(self) }
    }

    /// Space that tables and the log take. Does not wait for a commit under way.
    pub(super) fn disk_bytes(&self) -> u64 {
        self.core.tables.disk_bytes() + log::disk_bytes(&self.core.directory.log()).unwrap_or(0)
    }

    pub(super) fn figures(&self) -> Figures {
        self.core.upkeep.figures()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.core.upkeep.close();
        self.core.tables.stop_merging();
        for thread in self.threads.drain(..) {
            // What they met is in the log of the process, and their panics are caught.
            let _ = thread.join();
        }
    }
}

impl Core {
    fn open(path: &Path, options: &EmbeddedOptions) -> Result<Self, KvError> {
        let directory = Directory::take(path)?;
        directory.defer_deletions();
        let tables = Tables::open(&directory.tree(), options)?;
        let mut replay = Replay::open(&directory.log())?;
        if tables.last_seqno().is_some() && replay.is_new() {
            let detail = "the log is missing beside the tables".to_owned();
            return Err(KvError::Corrupt { path: directory.log(), detail });
        }
        let memtable = Arc::new(Memtable::new(options.memtable_bytes));
        let current = Current::new(Arc::clone(&memtable), tables.list()?);
        let upkeep = Upkeep::new(tables.top_runs());
        let mut recovery = Recovery { current: &current, upkeep: &upkeep, memtable, segments: Vec::new() };
        recovery.run(&mut replay, options.memtable_bytes)?;
        let (memtable, segments) = (recovery.memtable, recovery.segments);
        replay.raise_seqno(tables.last_seqno().unwrap_or(0));
        let number = replay.next_number();
        let fresh = log::create(&directory.log(), number).map_err(|error| KvError::io(path, error))?;
        let log = Log::begin(&replay, fresh, segments, options.durability == Durability::Durable);
        current.publish(log.last_seqno() + 1);
        Ok(Self {
            tables,
            current,
            hot: HotPairs::new(options.hot_pairs_bytes),
            writer: Mutex::new(Writer { log, memtable, has_ordered: false }),
            next_segment: Mutex::new(NextSegment { number: number + 1, fresh: None }),
            table_changes: Mutex::new(()),
            upkeep,
            memtable_bytes: options.memtable_bytes,
            directory,
        })
    }

    pub(super) fn upkeep(&self) -> &Upkeep {
        &self.upkeep
    }

    pub(super) fn top_runs(&self) -> usize {
        self.tables.top_runs()
    }

    /// Looks through memtables and tables for what `snapshot` has.
    fn search(&self, snapshot: &Snapshot, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        let value = snapshot.get(key)?;
        self.hot.add(key, value.as_ref(), snapshot.seqno());
        Ok(value)
    }

    /// Does what the start left for later.
    pub(super) fn settle(&self) {
        if let Err(error) = self.directory.delete_doomed() {
            tracing::warn!(path = %self.directory.path().display(), %error, "the next start deletes old tables");
        }
    }

    /// Writes a memtable, which is the oldest, to tables, and removes its segments.
    pub(super) fn flush(&self, sealed: &Sealed) -> Result<(), KvError> {
        self.write_tables(&sealed.memtable)?;
        let spare_bytes = self.memtable_bytes.saturating_mul(2);
        log::retire(&self.directory.log(), &sealed.segments, spare_bytes).map_err(|error| self.io(error))
    }

    /// Merges what most needs it. Returns whether there was anything.
    pub(super) fn merge(&self) -> Result<bool, KvError> {
        let has_merged = self.tables.merge()?;
        if has_merged {
            let _changing = lock(&self.table_changes);
            self.current.replace_tables(self.tables.list()?);
        }
        Ok(has_merged)
    }

    /// Makes the next segment of the log before it is needed, because that waits for the disk.
    pub(super) fn prepare_segment(&self) -> Result<(), KvError> {
        let mut next = lock(&self.next_segment);
        if next.fresh.is_none() {
            let fresh = log::create(&self.directory.log(), next.number).map_err(|error| self.io(error))?;
            next.fresh = Some(fresh);
        }
        Ok(())
    }

    fn write_tables(&self, memtable: &Arc<Memtable>) -> Result<(), KvError> {
        if !memtable.is_empty() {
            self.tables.add(memtable)?;
        }
        let _changing = lock(&self.table_changes);
        self.current.replace_memtable(memtable, self.tables.list()?);
        Ok(())
    }

    /// Seals the memtable if it is full, and waits if too many are waiting already.
    fn make_room(&self) -> Result<(), Failure> {
        let mut writer = self.writer();
        let bytes = writer.memtable.bytes();
        if bytes >= self.memtable_bytes / 2 && !writer.has_ordered {
            writer.has_ordered = true;
            self.upkeep.prepare_segment();
        }
        let is_full = bytes >= self.memtable_bytes || writer.log.is_suspect();
        drop(writer);
        if is_full {
            self.upkeep.wait_for_room().map_err(Failure::Refused)?;
            let sealed = self.seal().map_err(|error| Failure::Undone(self.io(error)))?;
            self.upkeep.add(sealed);
        }
        Ok(())
    }

    /// Ends the memtable and begins another.
    fn seal(&self) -> io::Result<Sealed> {
        let mut writer = self.writer();
        writer.log.finish()?;
        let mut next = lock(&self.next_segment);
        let fresh = match next.fresh.take() {
            Some(fresh) => fresh,
            None => log::create(&self.directory.log(), next.number)?,
        };
        next.number += 1;
        let segments = writer.log.rotate(fresh);
        let fresh = Arc::new(Memtable::new(self.memtable_bytes));
        self.current.push(Arc::clone(&fresh));
        writer.has_ordered = false;
        Ok(Sealed { memtable: std::mem::replace(&mut writer.memtable, fresh), segments })
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        // After a panic under this lock the directory is opened afresh before the next write.
        lock(&self.writer)
    }

    fn io(&self, error: io::Error) -> KvError {
        KvError::io(self.directory.path(), error)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts what the log has into memtables.
struct Recovery<'a> {
    current: &'a Current,
    upkeep: &'a Upkeep,
    memtable: Arc<Memtable>,
    /// Those that the memtable stands on.
    segments: Vec<u64>,
}

impl Recovery<'_> {
    fn run(&mut self, replay: &mut Replay, memtable_bytes: u64) -> Result<(), KvError> {
        while let Some(contents) = replay.next_segment()? {
            let is_full = self.memtable.bytes() >= memtable_bytes;
            if is_full || self.segments.len() >= MOST_SEGMENTS_PER_MEMTABLE {
                let fresh = Arc::new(Memtable::new(memtable_bytes));
                self.current.push(Arc::clone(&fresh));
                let memtable = std::mem::replace(&mut self.memtable, fresh);
                self.upkeep.add(Sealed { memtable, segments: std::mem::take(&mut self.segments) });
            }
            let mut changes = contents.changes()?;
            // A memtable takes neighbours one after another in a fraction of the time.
            changes.sort_unstable_by(|left, right| (left.key, right.seqno).cmp(&(right.key, left.seqno)));
            for Change { seqno, key, value } in changes {
                self.memtable.insert(seqno, Bytes::copy_from_slice(key), value.map(Bytes::copy_from_slice));
            }
            self.segments.push(contents.number);
        }
        Ok(())
    }
}

impl View {
    /// The pairs of `range`, which is not empty, in `order`.
    pub(in crate::embedded) fn range(
        &self,
        range: KeyRange<'_>,
        order: Order,
    ) -> impl Iterator<Item = Result<(Bytes, Bytes), KvError>> + use<'_> {
        self.snapshot.range(range, order)
    }
}

impl crate::Snapshot for View {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        let core = &self.store.core;
        match core.hot.get(key, self.snapshot.seqno()) {
            Some(value) => Ok(value),
            None => core.search(&self.snapshot, key),
        }
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

/// The steps that the threads take by themselves, one at a time.
#[cfg(test)]
impl Store {
    /// Leaves flushing to the thread.
    pub(super) fn seal_by_hand(&self) {
        self.core.upkeep.add(self.core.seal().expect("a new segment"));
    }

    /// Leaves flushing to the next start.
    pub(super) fn seal_and_forget(&self) {
        self.core.seal().expect("a new segment");
    }

    /// Leaves the segments where they are.
    pub(super) fn seal_and_write_tables(&self) {
        let sealed = self.core.seal().expect("a new segment");
        self.core.write_tables(&sealed.memtable).expect("a flush");
    }

    pub(super) fn wait_for_flushes(&self) {
        self.core.upkeep.wait_for_flushes();
    }

    pub(super) fn merge_by_hand(&self) {
        self.core.merge().expect("a merge");
    }

    pub(super) fn fail_by_hand(&self, error: KvError) {
        self.core.upkeep.fail(error);
    }
}
