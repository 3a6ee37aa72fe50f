//! GetItem: from the item cache, or from DynamoDB and into it.

use std::sync::atomic::Ordering::Relaxed;

use cloud::Original;
use dax_wire::{Answer, Consumed, Options, Page, Projection, decode_key};
use dynamodb_api::op::GetItem;
use dynamodb_api::{AttributeValue, GetItemInput};
use shapes::Blob;

use super::{Item, Refused, Session, as_bytes_value};
use crate::authorization::end_after;
use crate::cache::Made;
use crate::serving::TableFacts;

impl Session<'_> {
    pub(super) async fn get_item(
        &self,
        table: &str,
        key: &[u8],
        options: &Options<'_>,
    ) -> Result<Vec<u8>, Refused> {
        self.check("dax:GetItem")?;
        let table = match self.serving.known(table) {
            Some(table) => table,
            None => self.serving.table(table).await?,
        };
        if !options.consistent_read {
            let found = self.serving.items.get(self.ctx.cloud().copies(), self.ctx.now(), table.number, key);
            if let Some(attributes) = found {
                self.count("ItemCacheHits");
                self.is_hit.store(true, Relaxed);
                return self.found(&table, key, attributes.as_deref(), options, None);
            }
            self.count("ItemCacheMisses");
        }
        let decoded = decode_key(&table.keys, key)?;
        let made = Made::now(self.ctx.cloud().copies(), original(&table, &decoded));
        let output = self
            .role()?
            .call::<GetItem>(GetItemInput {
                table_name: table.name.clone(),
                key: decoded,
                consistent_read: Some(options.consistent_read),
                return_consumed_capacity: options.capacity.map(str::to_owned),
                ..GetItemInput::default()
            })
            .await?;
        let attributes = match &output.item {
            Some(item) => Some(self.encoded(&table, item).await?),
            None => None,
        };
        if !options.consistent_read {
            self.keep(&table, key, attributes.clone(), made)?;
        }
        self.found(&table, key, attributes.as_deref(), options, output.consumed_capacity)
    }

    /// Puts an item into the cache, or that there is none.
    pub(super) fn keep(
        &self,
        table: &TableFacts,
        key: &[u8],
        attributes: Option<Vec<u8>>,
        made: Made,
    ) -> Result<(), Refused> {
        let end = end_after(self.ctx.now(), self.serving.settings()?.record_ttl());
        self.serving.items.put(table.number, key, attributes.map(Blob::from), made, end);
        Ok(())
    }

    fn found(
        &self,
        table: &TableFacts,
        key: &[u8],
        attributes: Option<&[u8]>,
        options: &Options<'_>,
        consumed: Option<Consumed>,
    ) -> Result<Vec<u8>, Refused> {
        if options.projection.is_none() && !options.wants_capacity() {
            return Ok(Answer::stored_item(attributes).into_bytes());
        }
        let item = match (attributes, options.projection) {
            (None, _) => None,
            (Some(attributes), None) => Some(as_bytes_value(attributes)),
            (Some(attributes), Some(projection)) => {
                let item = self.decoded(table, key, attributes)?;
                Some(Projection::parse(projection)?.encode(&item, false)?)
            }
        };
        // What comes from memory consumes nothing.
        let from_memory = || Consumed {
            table_name: Some(table.name.clone()),
            capacity_units: Some(0.0),
            ..Consumed::default()
        };
        let consumed = options.wants_capacity().then(|| consumed.unwrap_or_else(from_memory));
        Ok(Answer::page(&Page { item, consumed, ..Page::default() })?.into_bytes())
    }
}

/// What a copy of the item of this key is made of.
pub(super) fn original(table: &TableFacts, key: &Item) -> Original {
    let nothing = AttributeValue::Unset;
    let hash = key.get(&table.keys.hash.name).unwrap_or(&nothing);
    let range = table.keys.range.as_ref().and_then(|range| key.get(&range.name));
    dynamodb_changes::item(&table.arn, hash, range)
}
