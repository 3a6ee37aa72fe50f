//! Tables with everything that requests need of them, decoded once.
//!
//! A write compares the stored row with the one that was decoded, byte by byte, inside its transaction, so it never
//! works by a definition that is no longer true. A read takes what is remembered: this process forgets a table before
//! it answers the request that changed it, and what another process changed is seen after [`FRESH_FOR`].

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cloud::{Cloud, PolicyCache};
use identity::policy::NamedPolicy;
use identity::{AccountId, Region};
use shapes::ApiError;
use store::{Reader, Row, Scope, Store, Tx};

use crate::Limits;
use crate::errors::{key_access_denied, table_not_found};
use crate::index::{self, IndexChange, IndexProjection};
use crate::insights::{INSIGHTS, Insights};
use crate::item::Item;
use crate::key_schema::KeySchema;
use crate::sealing::{RowKeys, Sealer};
use crate::table::{BillingMode, IndexStatus, TableStatus};
use crate::tables::{TABLES, TableRow};
use crate::target::Target;
use crate::usage::{Account, Usage};
use crate::write::Collections;

const FRESH_FOR: Duration = Duration::from_secs(1);
/// Tables remembered; past it everything is forgotten.
const KEPT: usize = 10_000;

/// A table, ready to be used.
#[derive(Debug)]
pub(crate) struct Table {
    pub row: TableRow,
    pub arn: String,
    pub account: AccountId,
    pub region: Region,
    /// Local indexes, then global ones: what every write keeps up to date.
    pub indexes: Vec<Index>,
    /// ARN of the stream that it writes to.
    pub stream_arn: Option<String>,
    pub policy: Option<Arc<NamedPolicy>>,
    /// What its items are sealed under.
    pub row_keys: Arc<RowKeys>,
    pub usage: Usage,
    pub collections: Collections,
}

/// An index of either sort.
#[derive(Debug)]
pub(crate) struct Index {
    pub id: u64,
    pub name: String,
    pub keys: KeySchema,
    pub projection: IndexProjection,
    pub is_global: bool,
    pub is_readable: bool,
    /// Of a global one; a local one consumes what is its table's.
    pub usage: Option<Usage>,
}

impl Table {
    pub(crate) fn new(row: TableRow, target: &Target, definitions: &Definitions) -> Result<Self, ApiError> {
        let definition = &row.definition;
        let account = Account {
            tenant: (target.account, target.region),
            table: &definition.name,
            index: None,
            id: row.id,
            provisioned: definition.throughput,
            on_demand: row.settings.on_demand,
        };
        let id = |name: &str| row.index_ids.get(name).copied().unwrap_or_default();
        let local = definition.local_indexes.iter().map(|index| Index {
            id: id(&index.name),
            name: index.name.clone(),
            keys: index.keys.clone(),
            projection: index.projection.clone(),
            is_global: false,
            is_readable: true,
            usage: None,
        });
        let global = definition.global_indexes.iter().map(|index| Index {
            id: id(&index.name),
            name: index.name.clone(),
            keys: index.keys.clone(),
            projection: index.projection.clone(),
            is_global: true,
            is_readable: matches!(index.status, IndexStatus::Active | IndexStatus::Updating),
            usage: Some(Usage::new(
                &definitions.cloud,
                &Account {
                    index: Some(&index.name),
                    id: id(&index.name),
                    provisioned: index.throughput,
                    on_demand: row.settings.index_on_demand.get(&index.name).copied(),
                    ..account.clone()
                },
            )),
        });
        let indexes = local.chain(global).collect();
        let arn = target.arn();
        let stream_arn = row.stream.as_ref().map(|stream| format!("{arn}/stream/{}", stream.label));
        let policy = row
            .policy
            .as_ref()
            .map(|policy| definitions.policies.resource_policy(&policy.text))
            .transpose()?;
        let row_keys = Arc::clone(&definitions.row_keys);
        let usage = Usage::new(&definitions.cloud, &account);
        let collections = Collections::new(definitions.limits.collection_bytes);
        let Target { account, region, .. } = *target;
        Ok(Self { arn, account, region, indexes, stream_arn, policy, row_keys, usage, collections, row })
    }

    pub(crate) fn name(&self) -> &str {
        &self.row.definition.name
    }

    pub(crate) fn keys(&self) -> &KeySchema {
        &self.row.definition.keys
    }

    pub(crate) fn has_local_indexes(&self) -> bool {
        // Local ones come first.
        self.indexes.first().is_some_and(|index| !index.is_global)
    }

    pub(crate) fn index(&self, name: &str) -> Option<&Index> {
        self.indexes.iter().find(|index| index.name == name)
    }

    /// What seals copies of its items.
    pub(crate) fn sealer(&self, tx: &mut Tx<'_>) -> Result<Sealer, ApiError> {
        self.row_keys.sealer(tx, self.row.row_key())
    }

    /// Whether it has so many units a second that it pays for, not each request.
    pub(crate) fn is_provisioned(&self) -> bool {
        self.row.definition.billing == BillingMode::Provisioned
    }

    /// Whether items may be read and written.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.row.definition.status, TableStatus::Active | TableStatus::Updating)
    }
}

impl Index {
    /// What a write of an item changes in the index.
    pub(crate) fn change(&self, table: &KeySchema, old: Option<&Item>, new: Option<&Item>) -> IndexChange {
        index::change(&self.keys, &self.projection, table, old, new)
    }

    /// The partition and key of an entry as one: where it lies under the index's id.
    pub(crate) fn place(&self, entry_key: &[u8]) -> Vec<u8> {
        place(hash_length(&self.keys, entry_key), entry_key)
    }
}

/// A table whose items may be read and written.
fn open(table: Option<Arc<Table>>) -> Result<Arc<Table>, ApiError> {
    let table = table.ok_or_else(table_not_found)?;
    match table.row.definition.status {
        TableStatus::InaccessibleEncryptionCredentials => Err(key_access_denied()),
        _ if table.is_open() => Ok(table),
        _ => Err(table_not_found()),
    }
}

/// Where an entry lies: its partition's token, then its key.
pub(crate) fn place(hash_length: usize, key: &[u8]) -> Vec<u8> {
    let token = crate::key_encoding::partition_token(&key[..hash_length]);
    let mut place = Vec::with_capacity(key.len() + 2);
    place.extend_from_slice(&token.to_be_bytes());
    place.extend_from_slice(key);
    place
}

/// How many bytes of an encoded key are its hash key.
pub(crate) fn hash_length(keys: &KeySchema, key: &[u8]) -> usize {
    crate::key_encoding::length(keys.hash.kind, key).unwrap_or(key.len())
}

/// The tables that were used lately.
pub(crate) struct Definitions {
    /// Counts the times something was forgotten, so that nothing from before is remembered after.
    forgotten: AtomicU64,
    known: RwLock<HashMap<Scope, HashMap<String, Known>>>,
    cloud: Cloud,
    limits: Limits,
    pub(crate) policies: PolicyCache,
    pub(crate) row_keys: Arc<RowKeys>,
}

struct Known {
    bytes: Bytes,
    table: Arc<Table>,
    since: Instant,
}

impl Definitions {
    pub(crate) fn new(cloud: &Cloud, limits: Limits) -> Self {
        Self {
            forgotten: AtomicU64::default(),
            known: RwLock::default(),
            cloud: cloud.clone(),
            limits,
            policies: PolicyCache::default(),
            row_keys: Arc::new(RowKeys::new(cloud.clone())),
        }
    }

    /// The table for a read, whatever its status; `None` when there is none.
    pub(crate) fn find(&self, store: &Store, target: &Target) -> Result<Option<Arc<Table>>, ApiError> {
        if let Some(table) = self.remembered(target) {
            return Ok(Some(table));
        }
        let before = self.forgotten.load(Ordering::Acquire);
        let mut snapshot = store.read(&target.scope)?;
        let Some(bytes) = TABLES.bytes(&mut snapshot, &target.name)? else { return Ok(None) };
        let table = self.decode(&mut snapshot, target, &bytes)?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if self.forgotten.load(Ordering::Acquire) == before {
            if known.values().map(HashMap::len).sum::<usize>() >= KEPT {
                known.clear();
            }
            let entry = Known { bytes, table: Arc::clone(&table), since: Instant::now() };
            known.entry(target.scope.clone()).or_default().insert(target.name.clone(), entry);
        }
        Ok(Some(table))
    }

    /// The table whose items a read is about.
    pub(crate) fn for_read(&self, store: &Store, target: &Target) -> Result<Arc<Table>, ApiError> {
        let table = self.find(store, target)?;
        if table.as_ref().is_some_and(|table| !table.is_open()) {
            // A job may have opened it just now, and whoever saw so in its description expects to use it.
            self.forget(target);
            return open(self.find(store, target)?);
        }
        open(table)
    }

    /// The table whose items a write is about, as `tx` sees it.
    pub(crate) fn for_write(&self, tx: &mut Tx<'_>, target: &Target) -> Result<Arc<Table>, ApiError> {
        open(self.within(tx, target)?)
    }

    /// The table as `reader` sees it, whatever its status.
    pub(crate) fn within(
        &self,
        reader: &mut dyn Reader,
        target: &Target,
    ) -> Result<Option<Arc<Table>>, ApiError> {
        let Some(bytes) = TABLES.bytes(reader, &target.name)? else { return Ok(None) };
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            let entry = known.get(&target.scope).and_then(|tables| tables.get(&target.name));
            if let Some(entry) = entry.filter(|entry| entry.bytes == bytes) {
                return Ok(Some(Arc::clone(&entry.table)));
            }
        }
        self.decode(reader, target, &bytes).map(Some)
    }

    /// Forgets a table; to be called once a change of it is durable and before it is answered.
    pub(crate) fn forget(&self, target: &Target) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        if let Some(tables) = known.get_mut(&target.scope) {
            tables.remove(&target.name);
        }
    }

    /// Forgets the tables of a name in all tenants: for changes of several replicas.
    pub(crate) fn forget_everywhere(&self, name: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        for tables in known.values_mut() {
            tables.remove(name);
        }
    }

    fn remembered(&self, target: &Target) -> Option<Arc<Table>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let entry = known.get(&target.scope)?.get(&target.name)?;
        (entry.since.elapsed() < FRESH_FOR).then(|| Arc::clone(&entry.table))
    }

    fn decode(&self, reader: &mut dyn Reader, target: &Target, bytes: &[u8]) -> Result<Arc<Table>, ApiError> {
        let row = TableRow::decode(bytes).map_err(ApiError::internal)?;
        let mut table = Table::new(row, target, self)?;
        let insights = |reader: &mut dyn Reader, id: u64, index: Option<&str>, keys: &KeySchema| {
            let row = INSIGHTS.find(reader, &id)?.filter(|row| row.is_enabled);
            let tenant = (target.account, target.region);
            let of = |row: &_| Insights::new(&self.cloud, tenant, (&target.name, index), keys, row);
            Ok::<_, ApiError>(row.as_ref().map(of))
        };
        table.usage.insights = insights(reader, table.row.id, None, &table.row.definition.keys)?;
        for index in &mut table.indexes {
            if let Some(usage) = &mut index.usage {
                usage.insights = insights(reader, index.id, Some(&index.name), &index.keys)?;
            }
        }
        Ok(Arc::new(table))
    }
}
