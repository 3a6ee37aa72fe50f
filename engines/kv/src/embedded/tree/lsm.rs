//! The library that keeps sorted tables, and the memtables before them. The only file that names it.
//!
//! What we rely on: a flush makes its tables, and the list of tables, durable before it returns; a crash in between
//! leaves the list as it was. The library gives each list of tables a sequence number from our counter, and a snapshot
//! reads the latest list below its own number. So no snapshot may be above a number that was handed out for a batch that
//! is not in the memtable whole.

use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use lsm_tree::compaction::filter::Context;
use lsm_tree::compaction::{CompactionFilter, Factory, ItemAccessor, Leveled, Verdict};
use lsm_tree::config::{
    BloomConstructionPolicy, CompressionPolicy, FilterPolicy, FilterPolicyEntry, RestartIntervalPolicy,
};
use lsm_tree::{
    AbstractTree, AnyTree, Cache, CompressionType, Config, DescriptorTable, Guard, InternalValue, SeqNo,
    SequenceNumberCounter, ValueType,
};

use crate::embedded::EmbeddedOptions;
use crate::{KeyRange, KvError, Order};

/// Tables that are kept open.
const OPEN_FILES: usize = 256;

pub(super) struct Lsm {
    path: PathBuf,
    tree: lsm_tree::Tree,
    seqnos: SequenceNumberCounter,
    is_stopping: Arc<AtomicBool>,
}

impl Lsm {
    pub(super) fn open(path: &Path, options: &EmbeddedOptions) -> Result<Self, KvError> {
        let seqnos = SequenceNumberCounter::default();
        let is_stopping = Arc::new(AtomicBool::new(false));
        // The library raises the second counter as it likes; what readers may see is our business.
        let config = Config::new(path, seqnos.clone(), SequenceNumberCounter::default())
            .use_cache(Arc::new(Cache::with_capacity_bytes(options.cache_bytes)))
            .use_descriptor_table(Some(Arc::new(DescriptorTable::new(OPEN_FILES))))
            .with_compaction_filter_factory(Some(Arc::new(StopFactory(Arc::clone(&is_stopping)))));
        let tree = match with_policies(config).open().map_err(|error| translate(path, error))? {
            AnyTree::Standard(tree) => tree,
            AnyTree::Blob(_) => {
                let detail = "the tree keeps values apart, which this engine never asks for".to_owned();
                return Err(KvError::Corrupt { path: path.to_path_buf(), detail });
            }
        };
        seqnos.fetch_max(tree.get_highest_persisted_seqno().map_or(1, |seqno| seqno + 1));
        Ok(Self { path: path.to_path_buf(), tree, seqnos, is_stopping })
    }

    /// A number for the next batch.
    pub(super) fn next_seqno(&self) -> u64 {
        self.seqnos.next()
    }

    /// Every number handed out so far is below this.
    pub(super) fn seqno_bound(&self) -> u64 {
        self.seqnos.get()
    }

    pub(super) fn raise_seqno(&self, bound: u64) {
        self.seqnos.fetch_max(bound);
    }

    pub(super) fn has_tables(&self) -> bool {
        self.tree.table_count() > 0
    }

    /// The latest value in the tree.
    pub(super) fn get_latest(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        self.get(key, SeqNo::MAX)
    }

    /// The value that the open snapshot `seqno` has.
    pub(super) fn get(&self, key: &[u8], seqno: u64) -> Result<Option<Bytes>, KvError> {
        let value = self.tree.get(key, seqno).map_err(|error| translate(&self.path, error))?;
        Ok(value.map(Bytes::from))
    }

    /// The pairs of `range`, which is not empty, in `order`, as the open snapshot `seqno` has them.
    pub(super) fn range(
        &self,
        range: KeyRange<'_>,
        order: Order,
        seqno: u64,
    ) -> impl Iterator<Item = Result<(Bytes, Bytes), KvError>> + use<'_> {
        let bounds = (Bound::Included(range.from), Bound::Excluded(range.to));
        let mut pairs = self.tree.range::<&[u8], _>(bounds, seqno, None);
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

    /// Adds changes to the active memtable: each with its batch's number, and a value unless it deletes.
    pub(super) fn inserter(&self) -> impl FnMut(u64, Bytes, Option<Bytes>) + use<> {
        let memtable = self.tree.active_memtable();
        move |seqno, key, value| {
            let _ = memtable.insert(match value {
                Some(value) => InternalValue::from_components(key, value, seqno, ValueType::Value),
                None => InternalValue::new_tombstone(key, seqno),
            });
        }
    }

    /// What the active memtable takes, in bytes.
    pub(super) fn memtable_bytes(&self) -> u64 {
        self.tree.active_memtable().size()
    }

    /// Puts the active memtable behind those that wait to be flushed.
    pub(super) fn seal(&self) {
        let _ = self.tree.rotate_memtable();
    }

    /// Writes the sealed memtables to tables. Versions that no snapshot from `mark` on sees are left out.
    pub(super) fn flush(&self, mark: u64) -> Result<(), KvError> {
        let lock = self.tree.get_flush_lock();
        let flushed = self.tree.flush(&lock, mark);
        flushed.map(drop).map_err(|error| translate(&self.path, error))
    }

    /// Merges what most needs it. Returns whether there was anything to merge.
    pub(super) fn merge(&self, mark: u64) -> Result<bool, KvError> {
        let before = self.tree.current_version().id();
        match self.tree.compact(Arc::new(Leveled::default()), mark) {
            Err(_) if self.is_stopping.load(Ordering::Relaxed) => return Ok(false),
            merged => merged.map_err(|error| translate(&self.path, error))?,
        }
        Ok(self.tree.current_version().id() != before)
    }

    /// Gives up a merge under way, and all later ones.
    pub(super) fn stop_merging(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Drops the lists of tables, with their memtables and tables, that no snapshot from `mark` on reads. Returns
    /// whether any are left beside the latest.
    pub(super) fn drop_old_versions(&self, mark: u64) -> Result<bool, KvError> {
        let mut versions = self.tree.get_version_history_lock();
        versions.maintenance(&self.path, mark).map_err(|error| translate(&self.path, error))?;
        Ok(versions.free_list_len() > 0)
    }

    /// Sets of tables at the top, each of which a read may have to look into.
    pub(super) fn top_runs(&self) -> usize {
        self.tree.l0_run_count()
    }

    pub(super) fn disk_bytes(&self) -> u64 {
        self.tree.disk_space()
    }
}

/// What differs from the library's defaults. Tables near the top are small and read often, so they are not compressed and
/// have finer filters. Blocks of 8 KiB, and hash indexes within blocks, were measured; reads differed by less than the
/// machine does from run to run.
///
/// Deletions are plain tombstones. A queue leaves runs of them at the front of its range, which a scan from there must
/// step over until they are merged away; small memtables make that soon.
fn with_policies(config: Config) -> Config {
    let fine = FilterPolicyEntry::Bloom(BloomConstructionPolicy::FalsePositiveRate(0.0001));
    let coarse = FilterPolicyEntry::Bloom(BloomConstructionPolicy::BitsPerKey(10.0));
    config
        .data_block_restart_interval_policy(RestartIntervalPolicy::new([10, 16]))
        .data_block_compression_policy(CompressionPolicy::new([
            CompressionType::None,
            CompressionType::None,
            CompressionType::Lz4,
        ]))
        .filter_policy(FilterPolicy::new([fine, coarse]))
}

fn translate(path: &Path, error: lsm_tree::Error) -> KvError {
    match error {
        lsm_tree::Error::Io(source) => KvError::io(path, source),
        other => KvError::Corrupt { path: path.to_path_buf(), detail: other.to_string() },
    }
}

/// Makes merges end early, which the library has no other way for: they may take many seconds.
struct StopFactory(Arc<AtomicBool>);

struct StopFilter(Arc<AtomicBool>);

impl Factory for StopFactory {
    fn name(&self) -> &str {
        "stop"
    }

    fn make_filter(&self, _: &Context) -> Box<dyn CompactionFilter> {
        Box::new(StopFilter(Arc::clone(&self.0)))
    }
}

impl CompactionFilter for StopFilter {
    fn filter_item(&mut self, _: ItemAccessor<'_>, _: &Context) -> lsm_tree::Result<Verdict> {
        if self.0.load(Ordering::Relaxed) {
            return Err(io::Error::from(io::ErrorKind::Interrupted).into());
        }
        Ok(Verdict::Keep)
    }
}
