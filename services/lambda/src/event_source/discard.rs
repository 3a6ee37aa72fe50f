//! Records that are given up, and who is told of them (Developer Guide, "Retain discarded batch records").

use cloud::Ctx;
use serde_json::json;
use sources::GivenUp;

use super::Mapped;

impl Mapped {
    /// Tells the destination of records that are given up.
    pub(super) async fn discard(&self, ctx: &Ctx, records: GivenUp<'_>) {
        let Some(destination) = &self.mapping.settings.on_failure else { return };
        let mut record = json!({
            "requestContext": {
                "requestId": ctx.ids().uuid(),
                "functionArn": self.mapping.function_arn,
                "condition": records.condition,
                "approximateInvokeCount": records.attempts,
            },
            "version": "1.0",
            "timestamp": ctx.now().iso8601_millis(),
            "DDBStreamBatchInfo": {
                "shardId": records.shard,
                "startSequenceNumber": records.first_sequence_number,
                "endSequenceNumber": records.last_sequence_number,
                "approximateArrivalOfFirstRecord": records.first_arrival.iso8601(),
                "approximateArrivalOfLastRecord": records.last_arrival.iso8601(),
                "batchSize": records.records,
                "streamArn": self.mapping.source_arn,
            },
        });
        if let Some(response) = records.response {
            record["responseContext"] = response;
        }
        let ctx = records.trace.map_or_else(|| ctx.clone(), |trace| ctx.in_trace(trace));
        let sent = self.lambda.send_record(&ctx, destination, record.to_string(), &[]);
        if let Err(error) = Box::pin(sent).await {
            tracing::warn!(mapping = %self.mapping.uuid, %error, "a record could not be delivered");
        }
    }
}
