//! ReturnConsumedCapacity: what requests consumed, as they want it told.

use std::collections::BTreeMap;

use dynamodb_api::{Capacity, ConsumedCapacity};

use crate::definitions::Table;
use crate::write::Costs;

/// ReturnConsumedCapacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    Nothing,
    Total,
    Indexes,
}

impl Wants {
    pub(crate) fn parse(given: Option<&str>) -> Self {
        match given {
            Some("TOTAL") => Self::Total,
            Some("INDEXES") => Self::Indexes,
            _ => Self::Nothing,
        }
    }

    pub(crate) fn anything(self) -> bool {
        self != Self::Nothing
    }

    /// The capacity of a write of one item.
    pub(crate) fn write(self, table: &Table, costs: &Costs) -> Option<ConsumedCapacity> {
        if !self.anything() {
            return None;
        }
        let mut consumed = Consumed::default();
        consumed.add(table.name(), costs);
        consumed.told(self, Told::Plain).into_iter().next()
    }

    /// The capacity of a read of a table or of one of its indexes.
    pub(crate) fn read(
        self,
        table: &Table,
        index: Option<(&str, bool)>,
        units: f64,
    ) -> Option<ConsumedCapacity> {
        let mut consumed = Consumed::default();
        consumed.add_read(table.name(), index, units);
        consumed.told(self, Told::Plain).into_iter().next()
    }
}

/// Whether reads or writes are told apart, which transactions do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Plain,
    AsReads,
    AsWrites,
}

/// Units by table and index.
#[derive(Default)]
pub(crate) struct Consumed(BTreeMap<String, Units>);

#[derive(Default)]
struct Units {
    table: f64,
    local: BTreeMap<String, f64>,
    global: BTreeMap<String, f64>,
}

impl Consumed {
    pub(crate) fn add(&mut self, table: &str, costs: &Costs) {
        let units = self.0.entry(table.to_owned()).or_default();
        units.table += costs.table;
        for (index, is_global, cost) in &costs.indexes {
            let indexes = if *is_global { &mut units.global } else { &mut units.local };
            *indexes.entry(index.clone()).or_default() += cost;
        }
    }

    pub(crate) fn add_read(&mut self, table: &str, index: Option<(&str, bool)>, cost: f64) {
        let costs = match index {
            None => Costs { table: cost, indexes: Vec::new() },
            Some((name, is_global)) => {
                Costs { table: 0.0, indexes: vec![(name.to_owned(), is_global, cost)] }
            }
        };
        self.add(table, &costs);
    }

    /// One entry per table; none when nobody asked.
    pub(crate) fn told(self, wants: Wants, told: Told) -> Vec<ConsumedCapacity> {
        if wants == Wants::Nothing {
            return Vec::new();
        }
        self.0.into_iter().map(|(table, units)| units.told(table, wants, told)).collect()
    }
}

impl Units {
    fn told(self, name: String, wants: Wants, told: Told) -> ConsumedCapacity {
        let total: f64 = self.table + self.local.values().sum::<f64>() + self.global.values().sum::<f64>();
        let reads = |units: f64| (told == Told::AsReads).then_some(units);
        let writes = |units: f64| (told == Told::AsWrites).then_some(units);
        let capacity = |units: f64| Capacity {
            capacity_units: Some(units),
            read_capacity_units: reads(units),
            write_capacity_units: writes(units),
        };
        let indexes = |indexes: BTreeMap<String, f64>| {
            let indexes: BTreeMap<_, _> =
                indexes.into_iter().map(|(name, units)| (name, capacity(units))).collect();
            Some(indexes).filter(|indexes| wants == Wants::Indexes && !indexes.is_empty())
        };
        ConsumedCapacity {
            table_name: Some(name),
            capacity_units: Some(total),
            read_capacity_units: reads(total),
            write_capacity_units: writes(total),
            table: (wants == Wants::Indexes).then(|| capacity(self.table)),
            local_secondary_indexes: indexes(self.local),
            global_secondary_indexes: indexes(self.global),
        }
    }
}
