//! ChangeMessageVisibility and its batch: hide a received message for longer, or show it at once.

use std::sync::Arc;
use std::time::Duration;

use cloud::{Ctx, Guard, Handle};
use shapes::ApiError;
use sqs_api::op::{ChangeMessageVisibility, ChangeMessageVisibilityBatch};
use sqs_api::{
    ChangeMessageVisibilityBatchInput, ChangeMessageVisibilityBatchOutput,
    ChangeMessageVisibilityBatchResultEntry, ChangeMessageVisibilityInput, ChangeMessageVisibilityOutput,
};

use super::{check_batch, failed_entry};
use crate::attributes::MAXIMUM_VISIBILITY_SECONDS;
use crate::timeline::{Standing, Timeline};
use crate::{Sqs, errors, receipt};

impl Handle<ChangeMessageVisibility> for Sqs {
    fn guard(&self, ctx: &Ctx, input: &ChangeMessageVisibilityInput) -> Result<Guard, ApiError> {
        self.queue_guard(ctx, &input.queue_url)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ChangeMessageVisibilityInput,
    ) -> Result<ChangeMessageVisibilityOutput, ApiError> {
        let (_, timeline) = self.open_named(ctx, &input.queue_url)?;
        self.change_visibility(ctx, &timeline, &input.receipt_handle, input.visibility_timeout)?;
        Ok(ChangeMessageVisibilityOutput {})
    }
}

impl Handle<ChangeMessageVisibilityBatch> for Sqs {
    fn guard(&self, ctx: &Ctx, input: &ChangeMessageVisibilityBatchInput) -> Result<Guard, ApiError> {
        Ok(self.queue_guard(ctx, &input.queue_url)?.action("sqs:ChangeMessageVisibility"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ChangeMessageVisibilityBatchInput,
    ) -> Result<ChangeMessageVisibilityBatchOutput, ApiError> {
        let ids = input.entries.iter().map(|entry| entry.id.as_str());
        check_batch("ChangeMessageVisibilityBatchRequestEntry", ids)?;
        let (_, timeline) = self.open_named(ctx, &input.queue_url)?;
        let mut output = ChangeMessageVisibilityBatchOutput::default();
        for entry in input.entries {
            let timeout = entry.visibility_timeout.unwrap_or(0);
            match self.change_visibility(ctx, &timeline, &entry.receipt_handle, timeout) {
                Ok(()) => output.successful.push(ChangeMessageVisibilityBatchResultEntry { id: entry.id }),
                Err(error) => output.failed.push(failed_entry(entry.id, &error)),
            }
        }
        Ok(output)
    }
}

impl Sqs {
    fn change_visibility(
        self: &Arc<Self>,
        ctx: &Ctx,
        timeline: &Arc<Timeline>,
        handle: &str,
        seconds: i32,
    ) -> Result<(), ApiError> {
        let timeout = timeout(seconds)?;
        let receive = receipt::Handle::parse(handle, timeline.queue)?;
        let receipt::Handle { place, nonce, receives, .. } = receive;
        let now = ctx.now();
        timeline.change(|state| {
            state.promote(now);
            let last_received = match state.standing(place, nonce, receives) {
                Standing::Held { last_received, .. } => last_received,
                Standing::Visible { .. } | Standing::Forgotten { .. } => {
                    return Err(errors::message_is_visible());
                }
                Standing::Outdated | Standing::Gone | Standing::Unknown => {
                    return Err(errors::message_not_in_flight(handle));
                }
            };
            // API Reference, ChangeMessageVisibility: twelve hours from the receive, however often it is changed.
            let longest = Duration::from_secs(MAXIMUM_VISIBILITY_SECONDS.unsigned_abs());
            if now + timeout > last_received + longest {
                return Err(errors::visible_too_late(timeout.as_secs()));
            }
            state.change_visibility(place, now + timeout, now);
            Ok(())
        })?;
        self.record(timeline);
        Ok(())
    }
}

fn timeout(seconds: i32) -> Result<Duration, ApiError> {
    let seconds = i64::from(seconds);
    if (0..=MAXIMUM_VISIBILITY_SECONDS).contains(&seconds) {
        return Ok(Duration::from_secs(seconds.unsigned_abs()));
    }
    Err(errors::out_of_range("VisibilityTimeout", seconds, 0, MAXIMUM_VISIBILITY_SECONDS))
}
