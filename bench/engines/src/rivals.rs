//! The bare libraries: one batch, one commit.

use std::path::Path;

use fjall::{PersistMode, Readable};
use redb::{ReadableDatabase, TableDefinition};

use crate::Result;
use crate::writer::Library;

pub(crate) struct Fjall {
    pairs: fjall::Keyspace,
    database: fjall::Database,
    mode: PersistMode,
}

impl Fjall {
    pub(crate) fn open(directory: &Path, is_relaxed: bool) -> Result<Self> {
        let database = fjall::Database::builder(directory)
            .cache_size(32 << 20)
            .worker_threads(2)
            .max_journaling_size(64 << 20)
            .manual_journal_persist(true)
            .open()?;
        let options = || fjall::KeyspaceCreateOptions::default().max_memtable_size(16 << 20);
        let pairs = database.keyspace("pairs", options)?;
        let mode = if is_relaxed { PersistMode::Buffer } else { PersistMode::SyncData };
        Ok(Self { pairs, database, mode })
    }
}

impl Library for Fjall {
    fn commit(&self, pairs: &mut dyn Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<()> {
        let mut batch = self.database.batch().durability(Some(self.mode));
        pairs.for_each(|(key, value)| batch.insert(&self.pairs, key, value));
        Ok(batch.commit()?)
    }

    fn get(&self, key: &[u8]) -> Result<Option<usize>> {
        Ok(self.pairs.get(key)?.map(|value| value.len()))
    }

    fn scan(&self, from: &[u8], limit: usize) -> Result<usize> {
        let mut bytes = 0;
        for pair in self.database.snapshot().range(&self.pairs, from..).take(limit) {
            let (key, value) = pair.into_inner()?;
            bytes += key.len() + value.len();
        }
        Ok(bytes)
    }
}

const PAIRS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("pairs");

pub(crate) struct Redb {
    database: redb::Database,
    /// Keeps what a restart needs with every commit, instead of walking the whole file after a crash.
    has_quick_repair: bool,
    is_relaxed: bool,
}

impl Redb {
    pub(crate) fn open(directory: &Path, has_quick_repair: bool, is_relaxed: bool) -> Result<Self> {
        std::fs::create_dir_all(directory)?;
        let database = redb::Builder::new().set_cache_size(32 << 20).create(directory.join("data.redb"))?;
        Ok(Self { database, has_quick_repair, is_relaxed })
    }
}

impl Library for Redb {
    fn commit(&self, pairs: &mut dyn Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<()> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_quick_repair(self.has_quick_repair);
        if self.is_relaxed {
            transaction.set_durability(redb::Durability::None)?;
        }
        {
            let mut table = transaction.open_table(PAIRS)?;
            for (key, value) in pairs {
                table.insert(key.as_slice(), value.as_slice())?;
            }
        }
        Ok(transaction.commit()?)
    }

    fn get(&self, key: &[u8]) -> Result<Option<usize>> {
        let table = self.database.begin_read()?.open_table(PAIRS)?;
        Ok(table.get(key)?.map(|value| value.value().len()))
    }

    fn scan(&self, from: &[u8], limit: usize) -> Result<usize> {
        let table = self.database.begin_read()?.open_table(PAIRS)?;
        let mut bytes = 0;
        for pair in table.range(from..)?.take(limit) {
            let (key, value) = pair?;
            bytes += key.value().len() + value.value().len();
        }
        Ok(bytes)
    }
}
