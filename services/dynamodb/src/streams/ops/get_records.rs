//! GetRecords.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_streams_api::op::GetRecords;
use dynamodb_streams_api::{AttributeValue, GetRecordsInput, GetRecordsOutput, Record, StreamRecord};
use shapes::{ApiError, Map};
use store::{Order, Range};

use crate::DynamoDb;
use crate::attribute::into_streams_api;
use crate::errors::validation;
use crate::item::Item;
use crate::streams::{Iterator, StreamArn, sequence_text};
use crate::tables::{RECORDS, RecordRow, TableRow};

/// API Reference, GetRecords: 1,000 records or 1 MB.
const MOST_RECORDS: i32 = 1000;
const MOST_BYTES: u64 = 1 << 20;

impl Handle<GetRecords> for DynamoDb {
    fn guard(&self, _: &Ctx, input: &GetRecordsInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(Iterator::parse(&input.shard_iterator)?.stream))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetRecordsInput,
    ) -> Result<GetRecordsOutput, ApiError> {
        let mut iterator = Iterator::parse(&input.shard_iterator)?;
        let limit = input.limit.unwrap_or(MOST_RECORDS);
        if !(1..=MOST_RECORDS).contains(&limit) {
            return Err(validation("Limit must be between 1 and 1000"));
        }
        let stream = StreamArn::parse(&iterator.stream)?;
        let mut snapshot = ctx.store().read(&stream.scope())?;
        let table = stream.table(&mut snapshot, &iterator.stream)?;
        let (mut rows, mut bytes) = (Vec::new(), 0);
        let range = Range::prefix(&table.id).starting_at(&(table.id, iterator.next));
        RECORDS.visit(&mut snapshot, &range, Order::Ascending, |(_, number), row| {
            bytes += row.size;
            rows.push((number, row));
            let is_full = rows.len() >= limit.unsigned_abs() as usize || bytes >= MOST_BYTES;
            if is_full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if let Some((last, _)) = rows.last() {
            iterator.next = last + 1;
        }
        let region = ctx.region();
        let records = rows.into_iter().map(|(number, row)| record(&table, region.as_str(), number, row));
        let records = records.collect::<Result<Vec<_>, ApiError>>()?;
        Ok(GetRecordsOutput { records: Some(records), next_shard_iterator: Some(iterator.token()) })
    }
}

fn record(table: &TableRow, region: &str, number: u64, row: RecordRow) -> Result<Record, ApiError> {
    let image = |bytes: &[u8]| -> Result<Map<AttributeValue>, ApiError> {
        let item = Item::decode(bytes).map_err(ApiError::internal)?;
        Ok(item.into_attributes().into_iter().map(|(name, value)| (name, into_streams_api(value))).collect())
    };
    Ok(Record {
        event_id: Some(format!("{:016x}{number:016x}", table.id)),
        event_name: Some(row.event),
        event_version: Some("1.1".to_owned()),
        event_source: Some("aws:dynamodb".to_owned()),
        aws_region: Some(region.to_owned()),
        dynamodb: Some(StreamRecord {
            approximate_creation_date_time: Some(row.time),
            keys: Some(image(&row.keys)?),
            new_image: row.new_image.as_deref().map(image).transpose()?,
            old_image: row.old_image.as_deref().map(image).transpose()?,
            sequence_number: Some(sequence_text(number)),
            size_bytes: Some(row.size as i64),
            stream_view_type: table.definition.stream.map(|view| view.name().to_owned()),
        }),
        user_identity: None,
    })
}
