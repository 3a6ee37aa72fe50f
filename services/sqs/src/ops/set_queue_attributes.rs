//! SetQueueAttributes: changes what is set of a queue.

use std::collections::BTreeMap;

use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use sqs_api::op::SetQueueAttributes;
use sqs_api::{SetQueueAttributesInput, SetQueueAttributesOutput};
use store::{Reader, Tx};

use super::Target;
use crate::queue::{self, Queue};
use crate::sealing::RegionKey;
use crate::{Sqs, errors, kms_keys, tables};

impl Transact<SetQueueAttributes> for Sqs {
    type Draft = (Target, BTreeMap<String, String>);

    fn guard(&self, ctx: &Ctx, input: &SetQueueAttributesInput) -> Result<Guard, ApiError> {
        self.queue_guard(ctx, &input.queue_url)
    }

    fn prepare(&self, ctx: &Ctx, input: SetQueueAttributesInput) -> Result<Self::Draft, ApiError> {
        kms_keys::prepare(ctx, input.attributes.get("KmsMasterKeyId"));
        Ok((Target::parse(ctx, &input.queue_url)?, input.attributes))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (target, given): &Self::Draft,
    ) -> Result<SetQueueAttributesOutput, ApiError> {
        tx.with_scope(&target.scope, |tx| {
            let mut queue = target.find(tx)?;
            queue.attributes.set(given)?;
            queue.modified = ctx.now();
            if queue.attributes.managed_sse {
                RegionKey::ensure(tx, ctx.ids())?;
            }
            check_dead_letter_target(&ctx.in_tenant(target.url.account, ctx.region()), tx, &queue)?;
            self.put_queue(tx, &queue);
            Ok(SetQueueAttributesOutput {})
        })
    }
}

/// A queue's dead-letter queue must be there, be another one in the same account and region, and admit it.
pub(crate) fn check_dead_letter_target(
    ctx: &Ctx,
    reader: &mut dyn Reader,
    queue: &Queue,
) -> Result<(), ApiError> {
    let Some(redrive) = &queue.attributes.redrive else { return Ok(()) };
    let invalid = |reason: &str| {
        errors::invalid_parameter(format!(
            "Value {} for parameter RedrivePolicy is invalid. Reason: {reason}",
            redrive.to_json()
        ))
    };
    let own = queue::arn(ctx.region(), ctx.account(), &queue.name);
    if redrive.target_arn != queue::arn(ctx.region(), ctx.account(), &redrive.target_name) {
        return Err(invalid(
            "Dead letter target must be in the same account and region as the source queue.",
        ));
    }
    if redrive.target_arn == own {
        return Err(invalid("Dead letter target cannot be the source queue itself."));
    }
    if redrive.target_name.ends_with(".fifo") != queue.attributes.is_fifo() {
        return Err(invalid("Dead letter target must be of the same type as the source queue."));
    }
    let Some(target) = tables::QUEUES.find(reader, &redrive.target_name)? else {
        return Err(invalid("Dead letter target does not exist."));
    };
    match target.attributes.redrive_allow {
        Some(allow) if !allow.admits(&own) => {
            Err(invalid("The dead-letter queue's redrive allow policy does not admit the source queue."))
        }
        _ => Ok(()),
    }
}
