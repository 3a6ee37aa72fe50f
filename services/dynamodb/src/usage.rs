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
use crate::table::Throughput;
use crate::write::Costs;

const NAMESPACE: &str = "AWS/DynamoDB";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// The consumption of one table or one global index.
pub(crate) struct Usage {
    cloud: Cloud,
    tenant: (AccountId, Region),
    table: String,
    index: Option<String>,
    provisioned: Option<Throughput>,
    /// Found with the first use: one that is never used is no metric.
    reads: OnceLock<Arc<Series>>,
    writes: OnceLock<Arc<Series>>,
}

impl Usage {
    pub(crate) fn new(
        cloud: &Cloud,
        tenant: (AccountId, Region),
        table: &str,
        index: Option<&str>,
        provisioned: Option<Throughput>,
    ) -> Self {
        let index = index.map(str::to_owned);
        let (reads, writes) = (OnceLock::new(), OnceLock::new());
        Self { cloud: cloud.clone(), tenant, table: table.to_owned(), index, provisioned, reads, writes }
    }

    fn count(&self, direction: Direction, units: f64) {
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
    pub(crate) fn of(self, direction: Direction) -> i64 {
        match direction {
            Direction::Read => self.read_units,
            Direction::Write => self.write_units,
        }
    }
}

impl Table {
    /// Counts a read of the table or of one of its indexes.
    pub(crate) fn count_read(&self, index: Option<&Index>, units: f64) {
        let usage = index.and_then(|index| index.usage.as_ref()).unwrap_or(&self.usage);
        usage.count(Direction::Read, units);
    }

    /// Counts a write that happened.
    pub(crate) fn count_write(&self, costs: &Costs) {
        self.usage.count(Direction::Write, costs.of_table());
        for (name, is_global, units) in &costs.indexes {
            let index = if *is_global { self.index(name) } else { None };
            if let Some(usage) = index.and_then(|index| index.usage.as_ref()) {
                usage.count(Direction::Write, *units);
            }
        }
    }
}
