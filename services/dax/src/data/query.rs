//! Query and Scan: whole answers are kept, under the requests that they answer.

use dax_wire::{
    Answer, Consumed, Encoder, Expressions, Options, Page, Projection, decode_compound_key, decode_key,
    encode_compound_key, encode_key,
};
use dynamodb_api::op::{Query, Scan};
use dynamodb_api::{QueryInput, QueryOutput, ScanInput};
use shapes::Blob;

use super::{Item, Refused, Session};
use crate::authorization::end_after;
use crate::cache::Made;
use crate::serving::TableFacts;

/// The largest answer that is kept.
const KEPT_BYTES: usize = 2 << 20;

impl Session<'_> {
    pub(super) async fn query(
        &self,
        table: &str,
        key_condition: Option<&[u8]>,
        options: &Options<'_>,
        request: &[u8],
    ) -> Result<Vec<u8>, Refused> {
        self.check("dax:Query")?;
        let table = self.serving.table(table).await?;
        if let Some(answer) = self.kept(&table, options, request, "QueryCacheHits", "QueryCacheMisses")? {
            return Ok(answer);
        }
        let made = Made::now(self.ctx.cloud().copies(), dynamodb_changes::table(&table.arn));
        let mut expressions = Expressions::default();
        let key_condition = key_condition.map(|condition| expressions.condition(condition)).transpose()?;
        let filter = options.filter.map(|filter| expressions.condition(filter)).transpose()?;
        let projection = options.projection.map(Projection::parse).transpose()?;
        let projection_text = projection.as_ref().map(|projection| expressions.projection(projection));
        let (names, values) = expressions.placeholders();
        let output = self
            .role()?
            .call::<Query>(QueryInput {
                table_name: table.name.clone(),
                index_name: options.index.map(str::to_owned),
                key_condition_expression: key_condition,
                filter_expression: filter,
                projection_expression: projection_text,
                expression_attribute_names: names,
                expression_attribute_values: values,
                exclusive_start_key: start_key(&table, options)?,
                consistent_read: Some(options.consistent_read),
                scan_index_forward: options.is_forward,
                limit: options.limit,
                select: options.select.map(str::to_owned),
                return_consumed_capacity: options.capacity.map(str::to_owned),
                ..QueryInput::default()
            })
            .await?;
        self.answered(&table, options, projection.as_ref(), output, request, made).await
    }

    pub(super) async fn scan(
        &self,
        table: &str,
        options: &Options<'_>,
        request: &[u8],
    ) -> Result<Vec<u8>, Refused> {
        self.check("dax:Scan")?;
        let table = self.serving.table(table).await?;
        if let Some(answer) = self.kept(&table, options, request, "ScanCacheHits", "ScanCacheMisses")? {
            return Ok(answer);
        }
        let made = Made::now(self.ctx.cloud().copies(), dynamodb_changes::table(&table.arn));
        let mut expressions = Expressions::default();
        let filter = options.filter.map(|filter| expressions.condition(filter)).transpose()?;
        let projection = options.projection.map(Projection::parse).transpose()?;
        let projection_text = projection.as_ref().map(|projection| expressions.projection(projection));
        let (names, values) = expressions.placeholders();
        let output = self
            .role()?
            .call::<Scan>(ScanInput {
                table_name: table.name.clone(),
                index_name: options.index.map(str::to_owned),
                filter_expression: filter,
                projection_expression: projection_text,
                expression_attribute_names: names,
                expression_attribute_values: values,
                exclusive_start_key: start_key(&table, options)?,
                consistent_read: Some(options.consistent_read),
                limit: options.limit,
                select: options.select.map(str::to_owned),
                segment: options.segment,
                total_segments: options.total_segments,
                return_consumed_capacity: options.capacity.map(str::to_owned),
                ..ScanInput::default()
            })
            .await?;
        let output = QueryOutput {
            consumed_capacity: output.consumed_capacity,
            count: output.count,
            items: output.items,
            last_evaluated_key: output.last_evaluated_key,
            scanned_count: output.scanned_count,
        };
        self.answered(&table, options, projection.as_ref(), output, request, made).await
    }

    /// The answer that an equal request had. What was consumed is part of it, and then nothing; so requests that ask for
    /// that are answered anew.
    fn kept(
        &self,
        table: &TableFacts,
        options: &Options<'_>,
        request: &[u8],
        hits: &'static str,
        misses: &'static str,
    ) -> Result<Option<Vec<u8>>, Refused> {
        if !self.may_keep(options)? {
            return Ok(None);
        }
        let found =
            self.serving.queries.get(self.ctx.cloud().copies(), self.ctx.now(), table.number, request);
        self.count(if found.is_some() { hits } else { misses });
        Ok(found.flatten().map(|answer| answer.to_vec()))
    }

    fn may_keep(&self, options: &Options<'_>) -> Result<bool, Refused> {
        let is_on = self.serving.settings()?.query_ttl() > 0;
        Ok(is_on && !options.consistent_read && !options.wants_capacity())
    }

    async fn answered(
        &self,
        table: &TableFacts,
        options: &Options<'_>,
        projection: Option<&Projection>,
        output: QueryOutput,
        request: &[u8],
        made: Made,
    ) -> Result<Vec<u8>, Refused> {
        let items = match output.items {
            Some(items) if options.select != Some("COUNT") => {
                let mut encoded = Vec::with_capacity(items.len());
                for item in &items {
                    encoded.push(match projection {
                        Some(projection) => projection.encode(item, true)?,
                        None => self.with_key(table, item).await?,
                    });
                }
                Some(encoded)
            }
            _ => None,
        };
        let last_key = match &output.last_evaluated_key {
            Some(key) if options.index.is_some() => Some(encode_compound_key(key)?),
            Some(key) => Some(encode_key(&table.keys, key)?),
            None => None,
        };
        let page = Page {
            items,
            count: output.count,
            scanned_count: output.scanned_count,
            last_key,
            consumed: output.consumed_capacity.filter(|_| options.wants_capacity()) as Option<Consumed>,
            ..Page::default()
        };
        let answer = Answer::page(&page)?.into_bytes();
        if self.may_keep(options)? && answer.len() <= KEPT_BYTES {
            let end = end_after(self.ctx.now(), self.serving.settings()?.query_ttl());
            self.serving.queries.put(table.number, request, Some(Blob::from(answer.clone())), made, end);
        }
        Ok(answer)
    }

    /// An item as a pair of its key and its attributes.
    async fn with_key(&self, table: &TableFacts, item: &Item) -> Result<Vec<u8>, Refused> {
        let attributes = self.encoded(table, item).await?;
        let mut encoder = Encoder::default();
        encoder.array(2);
        encoder.bytes(&encode_key(&table.keys, item)?);
        encoder.bytes(&attributes);
        Ok(encoder.0)
    }
}

fn start_key(table: &TableFacts, options: &Options<'_>) -> Result<Option<Item>, Refused> {
    let Some(bytes) = options.start_key else { return Ok(None) };
    Ok(Some(if options.index.is_some() {
        decode_compound_key(bytes)?
    } else {
        decode_key(&table.keys, bytes)?
    }))
}
