//! A cluster at work: its settings, its caches, its role, and the tables it knows.

use std::collections::HashMap;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use cloud::metrics::CallCounters;
use cloud::{Cloud, Ctx, Original, tenant};
use dax_wire::{KeyKind, KeyPart, KeySchema};
use dynamodb_api::DescribeTableInput;
use dynamodb_api::op::DescribeTable;
use identity::{AccountId, Region};
use shapes::{ApiError, Timestamp};

use crate::cache::Cache;
use crate::cluster::Cluster;
use crate::parameter_group::{DEFAULT, ParameterGroup};
use crate::tables::{CLUSTERS, PARAMETER_GROUPS, PortOwner};

/// How long a session of the cluster's role is used.
const ROLE_KEPT: Duration = Duration::from_secs(300);
/// Tables that a cluster remembers; past it all are forgotten.
const TABLES_KEPT: usize = 10_000;
/// Memory of a cluster's items, and of its answers to queries. At AWS it is the node type's.
const ITEM_BYTES: u64 = 64 << 20;
const QUERY_BYTES: u64 = 32 << 20;

/// Which cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Name {
    pub account: AccountId,
    pub region: Region,
    pub cluster: String,
}

impl Name {
    pub(crate) fn of(owner: &PortOwner) -> Option<Self> {
        Some(Self {
            account: AccountId::parse(&owner.account)?,
            region: Region::parse(&owner.region)?,
            cluster: owner.cluster.clone(),
        })
    }
}

/// What a cluster must know of a table.
pub(crate) struct TableFacts {
    /// In this process, and of this table only: a later one of the name has another.
    pub number: u32,
    pub name: String,
    pub arn: String,
    pub keys: KeySchema,
    definition: Original,
    version: u64,
}

pub(crate) struct Serving {
    cloud: Cloud,
    pub name: Name,
    pub arn: Arc<str>,
    role: String,
    pub items: Cache,
    pub queries: Cache,
    /// GetItem of what is in the item cache.
    pub hits: Arc<CallCounters>,
    /// The settings that the caches go by must be read again.
    is_old: AtomicBool,
    /// The cluster was deleted: connections to it end.
    is_gone: AtomicBool,
    group: RwLock<Arc<ParameterGroup>>,
    session: Mutex<Option<(Ctx, Timestamp)>>,
    tables: RwLock<HashMap<String, Arc<TableFacts>>>,
    next_table: AtomicU32,
}

impl Serving {
    /// `None` when there is no such cluster.
    pub(crate) fn load(cloud: &Cloud, name: &Name) -> Result<Option<Self>, ApiError> {
        let Some(cluster) = find(cloud, name)? else { return Ok(None) };
        Ok(Some(Self {
            cloud: cloud.clone(),
            name: name.clone(),
            arn: cluster.arn.into(),
            role: cluster.role,
            items: Cache::new(ITEM_BYTES),
            queries: Cache::new(QUERY_BYTES),
            hits: cloud.metrics().calls_of("dax", "ItemCacheHit"),
            is_old: AtomicBool::new(true),
            is_gone: AtomicBool::new(false),
            group: RwLock::default(),
            session: Mutex::default(),
            tables: RwLock::default(),
            next_table: AtomicU32::new(0),
        }))
    }

    pub(crate) fn cluster(&self) -> Result<Cluster, ApiError> {
        let found = find(&self.cloud, &self.name)?;
        found.ok_or_else(|| crate::errors::cluster_not_found(&self.name.cluster))
    }

    /// Lets the settings be read again before they are used.
    pub(crate) fn renew(&self) {
        self.is_old.store(true, Release);
    }

    /// The cluster is deleted: it serves nobody any more and forgets what it kept.
    pub(crate) fn end(&self) {
        self.is_gone.store(true, Release);
        self.items.clear();
        self.queries.clear();
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.is_gone.load(Acquire)
    }

    pub(crate) fn settings(&self) -> Result<Arc<ParameterGroup>, ApiError> {
        if self.is_old.swap(false, Acquire) {
            let group = self.cluster()?.parameter_group;
            let group = if group == DEFAULT {
                ParameterGroup::standard()
            } else {
                let scope = tenant(self.name.account, self.name.region);
                let found = PARAMETER_GROUPS.find(&mut self.cloud.store().read(&scope)?, &group)?;
                found.unwrap_or_else(ParameterGroup::standard)
            };
            *self.group.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(group);
        }
        Ok(Arc::clone(&self.group.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// The cluster's role, with which it reads and writes tables.
    pub(crate) fn as_role(&self) -> Result<Ctx, ApiError> {
        let now = self.cloud.clock().now();
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((ctx, _)) = session.as_ref().filter(|(_, until)| now < *until) {
            return Ok(ctx.clone());
        }
        let service = "dax.amazonaws.com";
        let own = self.cloud.background(service, &self.arn, self.name.account, self.name.region);
        // As DynamoDB words it: clients of DAX know no errors of STS.
        let refused = |error: ApiError| match error.name() {
            "AccessDenied" => ApiError::sender("AccessDeniedException", error.message()),
            _ => error,
        };
        let ctx = own.with_role(service, &self.arn, &self.role).map_err(refused)?;
        *session = Some((ctx.clone(), now + ROLE_KEPT));
        Ok(ctx)
    }

    /// What is known of a table, by name or ARN, which is asked of DynamoDB the first time.
    pub(crate) async fn table(&self, table: &str) -> Result<Arc<TableFacts>, ApiError> {
        if let Some(facts) = self.known(table) {
            return Ok(facts);
        }
        let ctx = self.as_role()?;
        // A table that is deleted meanwhile has another version than the one noted before.
        let guess =
            format!("arn:aws:dynamodb:{}:{}:table/{table}", self.name.region.as_str(), self.name.account);
        let arn = if table.starts_with("arn:") { table.to_owned() } else { guess };
        let definition = dynamodb_changes::definition(&arn);
        let version = self.cloud.copies().version(definition);
        let input = DescribeTableInput { table_name: table.to_owned() };
        let described = ctx.call::<DescribeTable>(input).await?.table.unwrap_or_default();
        let kinds = described.attribute_definitions.unwrap_or_default();
        let part = |role: &str| -> Option<KeyPart> {
            let element = described.key_schema.iter().flatten().find(|element| element.key_type == role)?;
            let kind = kinds.iter().find(|kind| kind.attribute_name == element.attribute_name)?;
            Some(KeyPart {
                name: element.attribute_name.clone(),
                kind: KeyKind::parse(&kind.attribute_type)?,
            })
        };
        let hash = part("HASH").ok_or_else(|| ApiError::internal("a table without a hash key"))?;
        let facts = Arc::new(TableFacts {
            number: self.next_table.fetch_add(1, Relaxed),
            name: described.table_name.unwrap_or_else(|| table.to_owned()),
            keys: KeySchema { hash, range: part("RANGE") },
            arn,
            definition,
            version,
        });
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        if tables.len() >= TABLES_KEPT {
            tables.clear();
        }
        tables.insert(table.to_owned(), Arc::clone(&facts));
        Ok(facts)
    }

    /// As [`Self::table`], of one that was asked for before.
    pub(crate) fn known(&self, table: &str) -> Option<Arc<TableFacts>> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let facts = tables.get(table)?;
        (self.cloud.copies().version(facts.definition) == facts.version).then(|| Arc::clone(facts))
    }
}

fn find(cloud: &Cloud, name: &Name) -> Result<Option<Cluster>, ApiError> {
    let scope = tenant(name.account, name.region);
    Ok(CLUSTERS.find(&mut cloud.store().read(&scope)?, &name.cluster)?)
}
