//! The tables on disk, sorted and merged by the library, which is named here and in `memtable.rs` only.
//!
//! What we rely on: new tables, and the list of those that count, are durable before a flush or a merge returns; a crash in
//! between leaves the list as it was. A table stays, whatever is merged, for as long as a list that has it is held. The
//! library's own memtables stay empty: those, and what a snapshot is, are ours, so no reader ever waits for its locks.

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
    AbstractTree, AnyTree, Cache, CompressionType, Config, DescriptorTable, KvPair, SeqNo,
    SequenceNumberCounter, Tree,
};

use super::memtable::{Change, Hashed, Memtable, change_of};
use crate::embedded::EmbeddedOptions;
use crate::{KeyRange, KvError, Order};

/// Tables that are kept open.
const OPEN_FILES: usize = 256;

pub(super) struct Tables {
    path: PathBuf,
    tree: Tree,
    is_stopping: Arc<AtomicBool>,
}

type Pairs = Box<dyn DoubleEndedIterator<Item = lsm_tree::Result<KvPair>>>;
type Get = dyn Fn(Hashed<'_>) -> lsm_tree::Result<Option<Change>> + Send + Sync;
type Range = dyn Fn(KeyRange<'_>) -> Pairs + Send + Sync;

/// The tables that counted at one time. The library's type for this has no name outside it, hence the closures.
pub(super) struct TableList {
    path: PathBuf,
    get: Box<Get>,
    range: Box<Range>,
}

impl Tables {
    pub(super) fn open(path: &Path, options: &EmbeddedOptions) -> Result<Self, KvError> {
        let is_stopping = Arc::new(AtomicBool::new(false));
        // These number the library's lists. Batches have numbers of their own.
        let (lists, visible_lists) = (SequenceNumberCounter::default(), SequenceNumberCounter::default());
        let config = Config::new(path, lists, visible_lists)
            .use_cache(Arc::new(Cache::with_capacity_bytes(options.cache_bytes)))
            .use_descriptor_table(Some(Arc::new(DescriptorTable::new(OPEN_FILES))))
            .with_compaction_filter_factory(Some(Arc::new(StopFactory(Arc::clone(&is_stopping)))));
        match with_policies(config).open().map_err(|error| translate(path, error))? {
            AnyTree::Standard(tree) => Ok(Self { path: path.to_path_buf(), tree, is_stopping }),
            AnyTree::Blob(_) => {
                let detail = "it keeps values apart, which this engine never asks for".to_owned();
                Err(KvError::Corrupt { path: path.to_path_buf(), detail })
            }
        }
    }

    /// The highest number of a batch in any table.
    pub(super) fn last_seqno(&self) -> Option<u64> {
        self.tree.get_highest_persisted_seqno()
    }

    /// Writes the latest changes in `memtable` to tables, above all others.
    pub(super) fn add(&self, memtable: &Memtable) -> Result<(), KvError> {
        let add = || {
            if let Some((tables, _)) = self.tree.flush_to_tables(memtable.latest().map(Ok))? {
                self.tree.register_tables(&tables, None, None, &[], SeqNo::MAX)?;
            }
            Ok(())
        };
        add().map_err(|error| translate(&self.path, error))
    }

    /// Merges what most needs it. Returns whether there was anything to merge.
    pub(super) fn merge(&self) -> Result<bool, KvError> {
        let before = self.tree.current_version().id();
        match self.tree.compact(Arc::new(Leveled::default()), SeqNo::MAX) {
            Err(_) if self.is_stopping.load(Ordering::Relaxed) => return Ok(false),
            merged => merged.map_err(|error| translate(&self.path, error))?,
        }
        Ok(self.tree.current_version().id() != before)
    }

    /// Gives up a merge under way, and all later ones.
    pub(super) fn stop_merging(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    /// The tables that count now. Earlier lists are forgotten here.
    pub(super) fn list(&self) -> Result<TableList, KvError> {
        let latest = {
            let mut lists = self.tree.get_version_history_lock();
            lists.maintenance(&self.path, SeqNo::MAX).map_err(|error| translate(&self.path, error))?;
            lists.latest_version()
        };
        let tables = self.tree.current_version();
        let get = move |key: Hashed<'_>| {
            let runs = tables.iter_levels().flat_map(|level| level.iter());
            for table in runs.filter_map(|run| run.get_for_key(key.key)) {
                if let Some(value) = table.get(key.key, SeqNo::MAX, key.hash)? {
                    return Ok(Some(change_of(value)));
                }
            }
            Ok(None)
        };
        let range = move |range: KeyRange<'_>| -> Pairs {
            let bounds = (Bound::Included(range.from), Bound::Excluded(range.to));
            let pairs = Tree::create_internal_range::<&[u8], _>(latest.clone(), &bounds, SeqNo::MAX, None);
            Box::new(pairs.map(|pair| pair.map(|pair| (pair.key.user_key, pair.value))))
        };
        Ok(TableList { path: self.path.clone(), get: Box::new(get), range: Box::new(range) })
    }

    /// Sets of tables at the top, each of which a read may have to look into.
    pub(super) fn top_runs(&self) -> usize {
        self.tree.l0_run_count()
    }

    pub(super) fn disk_bytes(&self) -> u64 {
        self.tree.disk_space()
    }
}

impl TableList {
    pub(super) fn get(&self, key: Hashed<'_>) -> Result<Option<Change>, KvError> {
        (self.get)(key).map_err(|error| translate(&self.path, error))
    }

    /// The pairs of `range`, which is not empty, in `order`.
    pub(super) fn range(
        &self,
        range: KeyRange<'_>,
        order: Order,
    ) -> impl Iterator<Item = Result<(Bytes, Bytes), KvError>> + use<'_> {
        let mut pairs = (self.range)(range);
        std::iter::from_fn(move || {
            let pair = match order {
                Order::Ascending => pairs.next(),
                Order::Descending => pairs.next_back(),
            };
            Some(match pair? {
                Ok((key, value)) => Ok((key.into(), value.into())),
                Err(error) => Err(translate(&self.path, error)),
            })
        })
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
