//! BatchGetItem, of which DynamoDB is asked only what is not in the cache, and BatchWriteItem.

use std::collections::HashMap;
use std::sync::Arc;

use dax_wire::{Answer, Encoder, Options, Projection, TableKeys, TableWrites, decode_key, encode_key};
use dynamodb_api::op::{BatchGetItem, BatchWriteItem};
use dynamodb_api::{
    BatchGetItemInput, BatchWriteItemInput, DeleteRequest, KeysAndAttributes, PutRequest, WriteRequest,
};
use shapes::Map;

use super::read::original;
use super::{Item, Refused, Session, validation};
use crate::cache::Made;
use crate::serving::TableFacts;

/// Items of one request (API Reference, BatchGetItem and BatchWriteItem).
const MOST_READ: usize = 100;
const MOST_WRITTEN: usize = 25;

/// What a batch wants of one table.
struct Wanted<'a> {
    table: Arc<TableFacts>,
    keys: TableKeys<'a>,
    projection: Option<Projection>,
    /// Answers by the place of their keys: attributes, or that there is no such item.
    found: Vec<Option<Option<Vec<u8>>>>,
    /// The canonical bytes of the keys that DynamoDB is asked for, with their places.
    missing: HashMap<Vec<u8>, (usize, Made)>,
    unprocessed: Vec<usize>,
}

impl Session<'_> {
    pub(super) async fn batch_get_item(
        &self,
        tables: Vec<TableKeys<'_>>,
        options: &Options<'_>,
    ) -> Result<Vec<u8>, Refused> {
        self.check("dax:BatchGetItem")?;
        if tables.iter().map(|table| table.keys.len()).sum::<usize>() > MOST_READ {
            return Err(validation("Too many items requested for the BatchGetItem call").into());
        }
        let mut wanted = Vec::with_capacity(tables.len());
        let mut request = Map::new();
        for keys in tables {
            let (want, asked) = self.look_up(keys).await?;
            if let Some(asked) = asked {
                request.insert(want.table.name.clone(), asked);
            }
            wanted.push(want);
        }
        let mut consumed = Vec::new();
        if !request.is_empty() {
            let input = BatchGetItemInput {
                request_items: request,
                return_consumed_capacity: options.capacity.map(str::to_owned),
            };
            let output = self.role()?.call::<BatchGetItem>(input).await?;
            consumed = output.consumed_capacity.unwrap_or_default();
            let (responses, left) =
                (output.responses.unwrap_or_default(), output.unprocessed_keys.unwrap_or_default());
            for want in &mut wanted {
                let items = responses.get(&want.table.name).map(Vec::as_slice).unwrap_or_default();
                let left = left.get(&want.table.name).map(|left| left.keys.as_slice()).unwrap_or_default();
                self.take_in(want, items, left).await?;
            }
        }
        let mut answer = Answer::success();
        answer.0.array(2);
        answer.0.map(wanted.len());
        for want in &wanted {
            self.write_found(want, &mut answer.0)?;
        }
        let unprocessed = wanted.iter().filter(|want| !want.unprocessed.is_empty());
        answer.0.map(unprocessed.clone().count());
        for want in unprocessed {
            answer.0.text(want.keys.table);
            answer.0.array(want.unprocessed.len());
            want.unprocessed.iter().for_each(|index| answer.0.bytes(want.keys.keys[*index]));
        }
        answer.write_consumed(&consumed);
        Ok(answer.into_bytes())
    }

    async fn look_up<'k>(
        &self,
        keys: TableKeys<'k>,
    ) -> Result<(Wanted<'k>, Option<KeysAndAttributes>), Refused> {
        let table = self.serving.table(keys.table).await?;
        let copies = self.ctx.cloud().copies();
        let (mut found, mut missing, mut asked) = (Vec::new(), HashMap::new(), Vec::new());
        for (index, key) in keys.keys.iter().enumerate() {
            let kept = (!keys.consistent_read)
                .then(|| self.serving.items.get(copies, self.ctx.now(), table.number, key))
                .flatten();
            if !keys.consistent_read {
                self.count(if kept.is_some() { "ItemCacheHits" } else { "ItemCacheMisses" });
            }
            if kept.is_none() {
                let decoded = decode_key(&table.keys, key)?;
                let made = Made::now(copies, original(&table, &decoded));
                missing.insert(encode_key(&table.keys, &decoded)?, (index, made));
                asked.push(decoded);
            }
            found.push(kept.map(|kept| kept.map(|bytes| bytes.to_vec())));
        }
        let asked = (!asked.is_empty()).then(|| KeysAndAttributes {
            keys: asked,
            consistent_read: Some(keys.consistent_read),
            ..KeysAndAttributes::default()
        });
        let projection = keys.projection.map(Projection::parse).transpose()?;
        Ok((Wanted { table, keys, projection, found, missing, unprocessed: Vec::new() }, asked))
    }

    async fn take_in(&self, want: &mut Wanted<'_>, items: &[Item], left: &[Item]) -> Result<(), Refused> {
        for key in left {
            if let Some((index, _)) = want.missing.remove(&canonical(&want.table, key)?) {
                want.unprocessed.push(index);
            }
        }
        for item in items {
            let Some((index, made)) = want.missing.remove(&canonical(&want.table, item)?) else { continue };
            let attributes = self.encoded(&want.table, item).await?;
            if !want.keys.consistent_read {
                self.keep(&want.table, want.keys.keys[index], Some(attributes.clone()), made)?;
            }
            want.found[index] = Some(Some(attributes));
        }
        for (index, made) in want.missing.drain().map(|(_, place)| place) {
            if !want.keys.consistent_read {
                self.keep(&want.table, want.keys.keys[index], None, made)?;
            }
        }
        Ok(())
    }

    fn write_found(&self, want: &Wanted<'_>, out: &mut Encoder) -> Result<(), Refused> {
        let found = want.found.iter().enumerate();
        let found =
            found.filter_map(|(index, found)| Some((want.keys.keys[index], found.as_ref()?.as_ref()?)));
        out.text(want.keys.table);
        match &want.projection {
            None => {
                out.array(2 * found.clone().count());
                for (key, attributes) in found {
                    out.bytes(key);
                    out.bytes(attributes);
                }
            }
            Some(projection) => {
                out.array(found.clone().count());
                for (key, attributes) in found {
                    let item = self.decoded(&want.table, key, attributes)?;
                    out.0.extend(projection.encode(&item, false)?);
                }
            }
        }
        Ok(())
    }

    pub(super) async fn batch_write_item(
        &self,
        tables: Vec<TableWrites<'_>>,
        options: &Options<'_>,
    ) -> Result<Vec<u8>, Refused> {
        self.check("dax:BatchWriteItem")?;
        if tables.iter().map(|table| table.writes.len()).sum::<usize>() > MOST_WRITTEN {
            return Err(validation("Too many items requested for the BatchWriteItem call").into());
        }
        let copies = self.ctx.cloud().copies();
        let (mut request, mut written) = (Map::new(), Vec::new());
        for writes in &tables {
            let table = self.serving.table(writes.table).await?;
            let mut requests = Vec::with_capacity(writes.writes.len());
            for (key, values) in &writes.writes {
                let decoded = decode_key(&table.keys, key)?;
                let made = Made::now(copies, original(&table, &decoded));
                written.push((Arc::clone(&table), *key, *values, made));
                requests.push(match values {
                    Some(values) => {
                        let item = self.decoded(&table, key, values)?;
                        WriteRequest { put_request: Some(PutRequest { item }), ..WriteRequest::default() }
                    }
                    None => WriteRequest {
                        delete_request: Some(DeleteRequest { key: decoded }),
                        ..WriteRequest::default()
                    },
                });
            }
            request.insert(table.name.clone(), requests);
        }
        let output = self
            .role()?
            .call::<BatchWriteItem>(BatchWriteItemInput {
                request_items: request,
                return_consumed_capacity: options.capacity.map(str::to_owned),
                return_item_collection_metrics: options.metrics.map(str::to_owned),
            })
            .await?;
        let unprocessed = output.unprocessed_items.unwrap_or_default();
        for (table, key, values, made) in written {
            // What was left undone has not changed its counter, and is not kept.
            self.keep_written(&table, key, values.map(<[u8]>::to_vec), made)?;
        }
        let mut answer = Answer::success();
        answer.0.map(unprocessed.len());
        for (name, requests) in &unprocessed {
            let table = self.serving.table(name).await?;
            answer.0.text(name);
            answer.0.array(2 * requests.len());
            for request in requests {
                if let Some(put) = &request.put_request {
                    answer.0.bytes(&encode_key(&table.keys, &put.item)?);
                    let attributes = self.encoded(&table, &put.item).await?;
                    answer.0.bytes(&attributes);
                } else if let Some(delete) = &request.delete_request {
                    answer.0.bytes(&encode_key(&table.keys, &delete.key)?);
                    answer.0.null();
                }
            }
        }
        answer.write_consumed(output.consumed_capacity.as_deref().unwrap_or_default());
        answer.write_metrics(output.item_collection_metrics.as_ref())?;
        Ok(answer.into_bytes())
    }
}

/// A key's bytes, however the client wrote its numbers.
fn canonical(table: &TableFacts, item: &Item) -> Result<Vec<u8>, Refused> {
    let bytes = encode_key(&table.keys, item)?;
    Ok(encode_key(&table.keys, &decode_key(&table.keys, &bytes)?)?)
}
