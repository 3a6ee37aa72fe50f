//! Answers of requests that succeeded.

use dynamodb_api::{AttributeValue, Capacity, ConsumedCapacity, ItemCollectionMetrics};
use shapes::Map;

use crate::{Encoder, KeySchema, WireError, encode_value};

/// An empty list of errors is in front of every answer.
const SUCCESS: u8 = 0x80;

/// Numbers of the parts of an answer.
mod part {
    pub(super) const ITEM: i64 = 0;
    pub(super) const CAPACITY: i64 = 1;
    pub(super) const ATTRIBUTES: i64 = 2;
    pub(super) const METRICS: i64 = 3;
    pub(super) const ITEMS: i64 = 7;
    pub(super) const COUNT: i64 = 8;
    pub(super) const LAST_KEY: i64 = 9;
    pub(super) const SCANNED_COUNT: i64 = 10;
}

/// What was consumed, of one table.
pub type Consumed = ConsumedCapacity;

/// Writes answers; all begin with [`Answer::success`].
#[derive(Debug)]
pub struct Answer(pub Encoder);

/// The parts of the answer of an operation on one table; each encoded already where it is bytes.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// A whole CBOR value: bytes of an item, or a map of projected values.
    pub item: Option<Vec<u8>>,
    /// The bytes of an item.
    pub attributes: Option<Vec<u8>>,
    /// Whole CBOR values.
    pub items: Option<Vec<Vec<u8>>>,
    pub count: Option<i32>,
    pub scanned_count: Option<i32>,
    /// The bytes of a key.
    pub last_key: Option<Vec<u8>>,
    pub consumed: Option<Consumed>,
    pub metrics: Option<ItemCollectionMetrics>,
}

impl Answer {
    pub fn success() -> Self {
        Self(Encoder(vec![SUCCESS]))
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0.0
    }

    /// The attributes of a table's key with their types, the hash key first.
    pub fn key_schema(schema: &KeySchema) -> Self {
        let mut answer = Self::success();
        answer.0.map(schema.parts().count());
        for part in schema.parts() {
            answer.0.text(&part.name);
            answer.0.text(part.kind.as_str());
        }
        answer
    }

    /// The answer of GetItem when all that is asked for is the item, encoded already: the shortest way there is.
    pub fn stored_item(item: Option<&[u8]>) -> Self {
        let Some(item) = item else {
            let mut answer = Self::success();
            answer.0.open_map();
            answer.0.end();
            return answer;
        };
        let mut answer = Self(Encoder(Vec::with_capacity(item.len() + 12)));
        answer.0.raw(&[SUCCESS]);
        answer.0.open_map();
        answer.0.integer(part::ITEM);
        answer.0.bytes(item);
        answer.0.end();
        answer
    }

    pub fn page(page: &Page) -> Result<Self, WireError> {
        let mut answer = Self::success();
        let out = &mut answer.0;
        out.open_map();
        if let Some(item) = &page.item {
            out.integer(part::ITEM);
            out.raw(item);
        }
        for (number, bytes) in [(part::ATTRIBUTES, &page.attributes), (part::LAST_KEY, &page.last_key)] {
            if let Some(bytes) = bytes {
                out.integer(number);
                out.bytes(bytes);
            }
        }
        if let Some(items) = &page.items {
            out.integer(part::ITEMS);
            out.array(items.len());
            items.iter().for_each(|item| out.raw(item));
        }
        for (number, count) in [(part::COUNT, page.count), (part::SCANNED_COUNT, page.scanned_count)] {
            if let Some(count) = count {
                out.integer(number);
                out.integer(i64::from(count));
            }
        }
        if let Some(consumed) = &page.consumed {
            out.integer(part::CAPACITY);
            write_consumed(out, consumed);
        }
        if let Some(metrics) = &page.metrics {
            out.integer(part::METRICS);
            write_metrics(out, metrics)?;
        }
        out.end();
        Ok(answer)
    }

    /// What each table consumed, behind the answer of a batch.
    pub fn write_consumed(&mut self, consumed: &[Consumed]) {
        self.0.array(consumed.len());
        consumed.iter().for_each(|consumed| write_consumed(&mut self.0, consumed));
    }

    /// What each table consumed in a transaction, which is written in another way than elsewhere.
    pub fn write_consumed_in_transaction(&mut self, consumed: &[Consumed]) {
        self.0.array(consumed.len());
        for consumed in consumed {
            write_consumed_map(&mut self.0, consumed);
        }
    }

    pub fn write_metrics(
        &mut self,
        metrics: Option<&Map<Vec<ItemCollectionMetrics>>>,
    ) -> Result<(), WireError> {
        self.0.map(metrics.map_or(0, Map::len));
        for (table, collections) in metrics.into_iter().flatten() {
            self.0.text(table);
            self.0.array(collections.len());
            for collection in collections {
                write_metrics(&mut self.0, collection)?;
            }
        }
        Ok(())
    }

    /// A value that is encoded already.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.raw(bytes);
    }
}

fn write_consumed(out: &mut Encoder, consumed: &Consumed) {
    let mut inner = Encoder::default();
    inner.text(consumed.table_name.as_deref().unwrap_or_default());
    inner.double(consumed.capacity_units.unwrap_or_default());
    match consumed.table.as_ref().and_then(|table| table.capacity_units) {
        Some(units) => inner.double(units),
        None => inner.null(),
    }
    for indexes in [&consumed.global_secondary_indexes, &consumed.local_secondary_indexes] {
        let Some(indexes) = indexes else {
            inner.null();
            continue;
        };
        inner.map(indexes.len());
        for (name, capacity) in indexes {
            inner.text(name);
            inner.double(capacity.capacity_units.unwrap_or_default());
        }
    }
    out.bytes(&inner.0);
}

/// Numbers of the members of ConsumedCapacity.
fn write_consumed_map(out: &mut Encoder, consumed: &Consumed) {
    let units =
        [(1, consumed.capacity_units), (2, consumed.read_capacity_units), (3, consumed.write_capacity_units)];
    let indexes = [(6, &consumed.global_secondary_indexes), (7, &consumed.local_secondary_indexes)];
    let members = units.iter().filter(|(_, units)| units.is_some()).count()
        + usize::from(consumed.table_name.is_some())
        + usize::from(consumed.table.is_some())
        + indexes.iter().filter(|(_, indexes)| indexes.is_some()).count();
    out.map(members);
    for (number, units) in units {
        if let Some(units) = units {
            out.integer(number);
            out.double(units);
        }
    }
    if let Some(name) = &consumed.table_name {
        out.integer(4);
        out.text(name);
    }
    if let Some(table) = &consumed.table {
        out.integer(5);
        write_capacity(out, table);
    }
    for (number, indexes) in indexes {
        let Some(indexes) = indexes else { continue };
        out.integer(number);
        out.map(indexes.len());
        for (name, capacity) in indexes {
            out.text(name);
            write_capacity(out, capacity);
        }
    }
}

fn write_capacity(out: &mut Encoder, capacity: &Capacity) {
    out.map(1);
    out.integer(1);
    out.double(capacity.capacity_units.unwrap_or_default());
}

fn write_metrics(out: &mut Encoder, metrics: &ItemCollectionMetrics) -> Result<(), WireError> {
    let mut inner = Encoder::default();
    let key = metrics.item_collection_key.as_ref().and_then(|key| key.values().next());
    encode_value(&mut inner, key.unwrap_or(&AttributeValue::Null(true)))?;
    let sizes = metrics.size_estimate_range_gb.as_deref().unwrap_or_default();
    for index in 0..2 {
        inner.double(sizes.get(index).copied().unwrap_or_default());
    }
    out.bytes(&inner.0);
    Ok(())
}
