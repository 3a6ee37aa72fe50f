//! Throughput that runs out (Developer Guide, "DynamoDB provisioned capacity mode", "Burst capacity"; "Maximum throughput
//! for on-demand tables"), where a region asks for it: a table and each of its global indexes have a bucket of read units and
//! one of write units. It fills by what is provisioned a second, or by the limit that an on-demand table was given, and holds
//! five minutes of it. Nothing of it is stored: what a restart forgets counts as unused since the table was made.

mod bucket;
mod refusal;

pub(crate) use bucket::{Taken, Throttle};
pub(crate) use refusal::{Refusal, Throttled};

use std::sync::Arc;

use bucket::Take;
use shapes::Timestamp;
use store::Tx;

use crate::DynamoDb;
use crate::definitions::{Index, Table};
use crate::insights::Accessed;
use crate::usage::{Direction, Usage, WrittenKeys};
use crate::write::Costs;

impl DynamoDb {
    /// Consumes a read of a table or of one of its indexes.
    pub(crate) fn spend_read(
        &self,
        table: &Arc<Table>,
        index: Option<&Index>,
        units: f64,
        accessed: Option<Accessed<'_>>,
    ) -> Result<(), Throttled> {
        if let Some(throttle) = &self.throttle {
            let usage = table.read_usage(index);
            self.take(throttle, table, Direction::Read, &[(usage, units, accessed)])?.keep();
        }
        table.count_read(index, units, accessed);
        Ok(())
    }

    /// Takes what a write is to consume of the table and its global indexes. It is given back if it is not kept.
    pub(crate) fn take_write(
        &self,
        table: &Arc<Table>,
        costs: &Costs,
        keys: Option<&WrittenKeys>,
    ) -> Result<Option<Taken>, Throttled> {
        let Some(throttle) = &self.throttle else { return Ok(None) };
        let mut parts = vec![(&table.usage, costs.of_table(), WrittenKeys::of(keys, &table.usage))];
        let indexes = table.index_usages(costs);
        parts.extend(indexes.map(|(usage, units)| (usage, units, WrittenKeys::of(keys, usage))));
        self.take(throttle, table, Direction::Write, &parts).map(Some)
    }

    /// Consumes what a write cost that changed nothing.
    pub(crate) fn spend_failed(
        &self,
        table: &Arc<Table>,
        costs: &Costs,
        keys: Option<&WrittenKeys>,
    ) -> Result<(), Throttled> {
        if let Some(taken) = self.take_write(table, costs, keys)? {
            taken.keep();
        }
        table.count_write(costs, keys);
        Ok(())
    }

    fn take(
        &self,
        throttle: &Arc<Throttle>,
        table: &Arc<Table>,
        direction: Direction,
        parts: &[(&Usage, f64, Option<Accessed<'_>>)],
    ) -> Result<Taken, Throttled> {
        let takes: Vec<_> = parts
            .iter()
            .filter_map(|(usage, units, _)| {
                let rate = usage.rate(direction)?;
                Some(Take { bucket: (usage.id(), direction), units: *units, rate })
            })
            .collect();
        let now = self.cloud.clock().now();
        throttle.take(&takes, table.row.created, now).map_err(|short| {
            let part = parts.iter().find(|(usage, ..)| usage.id() == short.0);
            let (usage, accessed) =
                part.map_or((&table.usage, None), |(usage, _, accessed)| (*usage, *accessed));
            usage.count_throttled(direction, accessed);
            Throttled::new(table, usage, direction)
        })
    }

    /// Has the buckets of a table filled as before up to now, and by what is provisioned now from here on, once the update
    /// `tx` of the table is there.
    pub(crate) fn follow_rates(&self, tx: &mut Tx<'_>, before: &Table, after: &Table, now: Timestamp) {
        let Some(throttle) = self.throttle.clone() else { return };
        let mut changes = Vec::new();
        for usage in after.usages() {
            let old = before.usages().find(|old| old.id() == usage.id());
            for direction in [Direction::Read, Direction::Write] {
                let bucket = (usage.id(), direction);
                changes.push((bucket, old.and_then(|old| old.rate(direction)), usage.rate(direction)));
            }
        }
        let since = before.row.created;
        tx.after_commit(move || changes.iter().for_each(|change| throttle.follow(change, since, now)));
    }
}
