//! GetRecords.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_streams_api::op::GetRecords;
use dynamodb_streams_api::{
    AttributeValue, GetRecordsInput, GetRecordsOutput, Identity, Record, StreamRecord, event_id,
};
use shapes::{ApiError, Map};
use store::{Order, Range};

use crate::DynamoDb;
use crate::attribute::into_streams_api;
use crate::errors::{iterator_expired, trimmed, validation};
use crate::item::Item;
use crate::sealing::{Opener, Part};
use crate::stream_record::StreamViewType;
use crate::streams::{Extent, Iterator, StreamArn, sequence_text, shard};
use crate::tables::{RECORDS, RecordRow};

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
        if iterator.is_expired(ctx.now()) {
            return Err(iterator_expired());
        }
        let arn = StreamArn::parse(&iterator.stream)?;
        let mut snapshot = ctx.store().read(&arn.scope())?;
        let stream = arn.find(&mut snapshot, &iterator.stream)?;
        // A shard goes once all of it has been trimmed.
        let shard = shard::find(&mut snapshot, &stream, &iterator.shard)?.ok_or_else(trimmed)?;
        let extent = Extent::of(&mut snapshot, &shard, ctx.now())?;
        if iterator.next <= extent.gone {
            return Err(trimmed());
        }
        let (mut rows, mut bytes, mut is_full) = (Vec::new(), 0, false);
        let place = shard.row.place;
        let range = Range::prefix(&place).starting_at(&(place, iterator.next.max(extent.first)));
        RECORDS.visit(&mut snapshot, &range, Order::Ascending, |(_, number), row| {
            bytes += row.size;
            rows.push((number, row));
            is_full = rows.len() >= limit.unsigned_abs() as usize || bytes >= MOST_BYTES;
            if is_full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if let Some((last, _)) = rows.last() {
            iterator.next = last + 1;
        }
        iterator.made = ctx.now();
        // A closed shard ends with its last record; its children follow.
        let is_over = extent.closed_at.is_some_and(|last| !is_full || iterator.next > last);
        let mut opener = Opener::new(&self.definitions.row_keys);
        let records = rows
            .into_iter()
            .map(|(number, row)| record(&mut opener, stream.view, arn.region.as_str(), (place, number), row));
        Ok(GetRecordsOutput {
            records: Some(records.collect::<Result<Vec<_>, ApiError>>()?),
            next_shard_iterator: (!is_over).then(|| iterator.token()),
        })
    }
}

fn record(
    opener: &mut Opener<'_>,
    view: StreamViewType,
    region: &str,
    key: (u64, u64),
    row: RecordRow,
) -> Result<Record, ApiError> {
    let mut image =
        |part, row: Option<Vec<u8>>| row.map(|row| opener.part(part, &key, &row).map(api_item)).transpose();
    let (new_image, old_image) =
        (image(Part::NewImage, row.new_image)?, image(Part::OldImage, row.old_image)?);
    let number = key.1;
    let (trace, span) = row.trace;
    Ok(Record {
        event_id: Some(event_id(number, trace, span)),
        event_name: Some(row.event),
        event_version: Some("1.1".to_owned()),
        event_source: Some("aws:dynamodb".to_owned()),
        aws_region: Some(region.to_owned()),
        dynamodb: Some(StreamRecord {
            approximate_creation_date_time: Some(row.time),
            keys: Some(api_item(Item::decode(&row.keys).map_err(ApiError::internal)?)),
            new_image,
            old_image,
            sequence_number: Some(sequence_text(number)),
            size_bytes: Some(row.size as i64),
            stream_view_type: Some(view.name().to_owned()),
        }),
        user_identity: row.is_expiry.then(|| Identity {
            principal_id: Some("dynamodb.amazonaws.com".to_owned()),
            r#type: Some("Service".to_owned()),
        }),
    })
}

fn api_item(item: Item) -> Map<AttributeValue> {
    item.into_attributes().into_iter().map(|(name, value)| (name, into_streams_api(value))).collect()
}
