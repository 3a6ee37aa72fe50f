//! Records that are given up, and who is told of them (Developer Guide, "Retain discarded batch records").

use cloud::Ctx;
use serde_json::{Value, json};

use super::record::StreamRecord;
use crate::event_source::Poller;

impl Poller {
    /// Tells the destination of records that are given up.
    pub(super) async fn discard(
        &self,
        ctx: &Ctx,
        shard: &str,
        records: &[StreamRecord],
        condition: &str,
        count: i32,
        response: Option<Value>,
    ) {
        let (Some(first), Some(last)) = (records.first(), records.last()) else { return };
        let Some(destination) = &self.mapping.settings.on_failure else { return };
        let mut record = json!({
            "requestContext": {
                "requestId": ctx.ids().uuid(),
                "functionArn": self.mapping.function_arn,
                "condition": condition,
                "approximateInvokeCount": count,
            },
            "version": "1.0",
            "timestamp": ctx.now().iso8601_millis(),
            "DDBStreamBatchInfo": {
                "shardId": shard,
                "startSequenceNumber": first.sequence_number,
                "endSequenceNumber": last.sequence_number,
                "approximateArrivalOfFirstRecord": first.created.iso8601(),
                "approximateArrivalOfLastRecord": last.created.iso8601(),
                "batchSize": records.len(),
                "streamArn": self.mapping.source_arn,
            },
        });
        if let Some(response) = response {
            record["responseContext"] = response;
        }
        let ctx = first.trace.map_or_else(|| ctx.clone(), |trace| ctx.in_trace(trace));
        let sent = self.lambda.send_record(&ctx, destination, record.to_string(), &[]);
        if let Err(error) = Box::pin(sent).await {
            tracing::warn!(mapping = %self.mapping.uuid, %error, "a record could not be delivered");
        }
    }
}
