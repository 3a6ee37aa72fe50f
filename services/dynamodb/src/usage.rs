//! What tables and their global indexes consume, published as AWS's metrics of the namespace `AWS/DynamoDB`:
//! ConsumedReadCapacityUnits and ConsumedWriteCapacityUnits, and beside them, once in each minute in which there are any,
//! ProvisionedReadCapacityUnits and ProvisionedWriteCapacityUnits. Their dimensions are TableName, and
//! GlobalSecondaryIndexName for an index. Local indexes consume what is their table's.

use std::fmt;
use std::sync::{Arc, OnceLock};

use cloud::Cloud;
use cloud::metrics::{MetricKey, Series};
use identity::{AccountId, Region};

use crate::definitions::{Index, Table};
use crate::insights::{Accessed, Insights};
use crate::table::Throughput;
use crate::tables::OnDemandLimits;
use crate::write::Costs;

const NAMESPACE: &str = "AWS/DynamoDB";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// Whose consumption it is, and what it may consume.
#[derive(Clone, Debug)]
pub(crate) struct Account<'a> {
    pub tenant: (AccountId, Region),
    pub table: &'a str,
    /// A global index; `None` for the table itself.
    pub index: Option<&'a str>,
    /// Of the table or index.
    pub id: u64,
    pub provisioned: Option<Throughput>,
    pub on_demand: Option<OnDemandLimits>,
}

/// The consumption of one table or one global index.
pub(crate) struct Usage {
    cloud: Cloud,
    tenant: (AccountId, Region),
    table: String,
    index: Option<String>,
    id: u64,
    provisioned: Option<Throughput>,
    on_demand: Option<OnDemandLimits>,
    /// Found with the first use: one that is never used is no metric.
    reads: OnceLock<Arc<Series>>,
    writes: OnceLock<Arc<Series>>,
    /// Where they are enabled.
    pub insights: Option<Insights>,
}

impl Usage {
    pub(crate) fn new(cloud: &Cloud, account: &Account<'_>) -> Self {
        let Account { tenant, table, index, id, provisioned, on_demand } = *account;
        Self {
            cloud: cloud.clone(),
            tenant,
            table: table.to_owned(),
            index: index.map(str::to_owned),
            id,
            provisioned,
            on_demand,
            reads: OnceLock::new(),
            writes: OnceLock::new(),
            insights: None,
        }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn index(&self) -> Option<&str> {
        self.index.as_deref()
    }

    /// The most units a second; `None` when there is no limit.
    pub(crate) fn rate(&self, direction: Direction) -> Option<f64> {
        let rate = match (self.provisioned, self.on_demand) {
            (Some(throughput), _) => Some(throughput.of(direction)),
            (None, Some(limits)) => limits.of(direction),
            (None, None) => None,
        };
        // -1 takes an on-demand limit away.
        rate.filter(|rate| *rate > 0).map(|rate| rate as f64)
    }

    /// Counts a read or a write that found no units left.
    pub(crate) fn count_throttled(&self, direction: Direction, accessed: Option<Accessed<'_>>) {
        let name = match direction {
            Direction::Read => "ReadThrottleEvents",
            Direction::Write => "WriteThrottleEvents",
        };
        let now = self.cloud.clock().now();
        self.series(name, None).add(now, 1.0);
        if let (Some(insights), Some(accessed)) = (&self.insights, accessed) {
            insights.count_throttled(now, accessed);
        }
    }

    /// Counts a request that was refused as a whole.
    pub(crate) fn count_refused(&self, operation: &str) {
        let series = self.series("ThrottledRequests", Some(("Operation", operation)));
        series.add(self.cloud.clock().now(), 1.0);
    }

    fn count(&self, direction: Direction, units: f64, accessed: Option<Accessed<'_>>) {
        if units == 0.0 {
            return;
        }
        let (series, consumed, provisioned) = match direction {
            Direction::Read => (&self.reads, "ConsumedReadCapacityUnits", "ProvisionedReadCapacityUnits"),
            Direction::Write => (&self.writes, "ConsumedWriteCapacityUnits", "ProvisionedWriteCapacityUnits"),
        };
        let now = self.cloud.clock().now();
        let is_new_minute = series.get_or_init(|| self.series(consumed, None)).add(now, units);
        if let Some(throughput) = self.provisioned.filter(|_| is_new_minute) {
            self.series(provisioned, None).add(now, throughput.of(direction) as f64);
        }
        if let (Some(insights), Some(accessed)) = (&self.insights, accessed) {
            insights.count_accessed(now, accessed, units);
        }
    }

    /// The series of a metric under the dimensions of the table or index, and `more`.
    fn series(&self, name: &'static str, more: Option<(&'static str, &str)>) -> Arc<Series> {
        let mut dimensions = vec![("TableName", self.table.as_str())];
        dimensions.extend(self.index.as_deref().map(|index| ("GlobalSecondaryIndexName", index)));
        dimensions.extend(more);
        let (account, region) = self.tenant;
        self.cloud.metrics().series(MetricKey::new(NAMESPACE, name, &dimensions).of(account, region))
    }
}

impl fmt::Debug for Usage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Usage({} {:?})", self.table, self.index)
    }
}

impl Throughput {
    fn of(self, direction: Direction) -> i64 {
        match direction {
            Direction::Read => self.read_units,
            Direction::Write => self.write_units,
        }
    }
}

impl OnDemandLimits {
    fn of(self, direction: Direction) -> Option<i64> {
        match direction {
            Direction::Read => self.reads,
            Direction::Write => self.writes,
        }
    }
}

impl Table {
    /// The table's own, and those of its global indexes.
    pub(crate) fn usages(&self) -> impl Iterator<Item = &Usage> {
        [&self.usage].into_iter().chain(self.indexes.iter().filter_map(|index| index.usage.as_ref()))
    }

    /// What a read of the table or of an index consumes.
    pub(crate) fn read_usage<'a>(&'a self, index: Option<&'a Index>) -> &'a Usage {
        index.and_then(|index| index.usage.as_ref()).unwrap_or(&self.usage)
    }

    /// What a write costs of each global index.
    pub(crate) fn index_usages<'a>(&'a self, costs: &'a Costs) -> impl Iterator<Item = (&'a Usage, f64)> {
        let global = costs.indexes.iter().filter(|(_, is_global, _)| *is_global);
        global.filter_map(|(name, _, units)| Some((self.index(name)?.usage.as_ref()?, *units)))
    }

    /// Whether the insights of the table or of a global index are enabled.
    pub(crate) fn has_insights(&self) -> bool {
        self.usages().any(|usage| usage.insights.is_some())
    }

    /// Counts a read of the table or of one of its indexes.
    pub(crate) fn count_read(&self, index: Option<&Index>, units: f64, accessed: Option<Accessed<'_>>) {
        self.read_usage(index).count(Direction::Read, units, accessed);
    }

    /// Counts a write that happened.
    pub(crate) fn count_write(&self, costs: &Costs, keys: Option<&WrittenKeys>) {
        self.usage.count(Direction::Write, costs.of_table(), WrittenKeys::of(keys, &self.usage));
        for (usage, units) in self.index_usages(costs) {
            usage.count(Direction::Write, units, WrittenKeys::of(keys, usage));
        }
    }
}

/// The keys that a write is about, for the insights: by the ids of the table and its global indexes.
#[derive(Clone, Debug, Default)]
pub(crate) struct WrittenKeys(pub Vec<(u64, Vec<u8>)>);

impl WrittenKeys {
    pub(crate) fn of<'a>(keys: Option<&'a Self>, usage: &Usage) -> Option<Accessed<'a>> {
        let (_, key) = keys?.0.iter().find(|(id, _)| *id == usage.id)?;
        Some(Accessed(key))
    }
}
