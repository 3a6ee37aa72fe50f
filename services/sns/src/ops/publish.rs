//! Publish and PublishBatch: one transaction with everything that follows from it.

use std::collections::HashSet;

use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use sns_api::op::{Publish, PublishBatch};
use sns_api::{
    BatchResultErrorEntry, PublishBatchInput, PublishBatchOutput, PublishBatchResultEntry, PublishInput,
    PublishOutput,
};
use store::Tx;

use crate::fan_out::confirmed;
use crate::message::{MOST_BYTES, Message, Parts};
use crate::topic::TopicArn;
use crate::{Sns, errors};

const MOST_ENTRIES: usize = 10;

/// The topic that a publish names. Phones and apps are not here yet.
fn target(input: &PublishInput) -> Result<&str, ApiError> {
    if input.phone_number.is_some() {
        return Err(errors::is_not_here_yet("Text messages (PhoneNumber) are"));
    }
    let arn = match (&input.topic_arn, &input.target_arn) {
        (Some(arn), None) | (None, Some(arn)) => arn,
        (Some(_), Some(_)) => {
            return Err(errors::invalid_because(
                "TargetArn",
                "TopicArn or TargetArn, not both, may be given",
            ));
        }
        (None, None) => {
            let reason = "no value for required parameter";
            return Err(errors::invalid_because("TopicArn or TargetArn", reason));
        }
    };
    if arn.contains(":endpoint/") || arn.contains(":app/") {
        return Err(errors::is_not_here_yet("Push notifications are"));
    }
    Ok(arn)
}

impl Transact<Publish> for Sns {
    type Draft = (TopicArn, Message);

    fn guard(&self, _: &Ctx, input: &PublishInput) -> Result<Guard, ApiError> {
        self.topic_guard(target(input)?)
    }

    fn prepare(&self, ctx: &Ctx, input: PublishInput) -> Result<Self::Draft, ApiError> {
        let arn = TopicArn::parse(target(&input)?)?;
        let parts = Parts {
            message: input.message,
            subject: input.subject,
            structure: input.message_structure,
            attributes: input.message_attributes,
            deduplication_id: input.message_deduplication_id,
        };
        Ok((arn, Message::parse(ctx.ids().uuid(), ctx.now(), parts)?))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (arn, message): &Self::Draft,
    ) -> Result<PublishOutput, ApiError> {
        tx.with_scope(&arn.scope(), |tx| {
            let topic = arn.find(tx)?;
            let subscriptions = confirmed(tx, &arn.name)?;
            self.fan_out(ctx, tx, arn, &topic, &subscriptions, message)?;
            Ok(PublishOutput { message_id: Some(message.id.clone()), ..Default::default() })
        })
    }
}

impl Transact<PublishBatch> for Sns {
    type Draft = (TopicArn, Vec<(String, Result<Message, ApiError>)>);

    fn guard(&self, _: &Ctx, input: &PublishBatchInput) -> Result<Guard, ApiError> {
        Ok(self.topic_guard(&input.topic_arn)?.action("sns:Publish"))
    }

    fn prepare(&self, ctx: &Ctx, input: PublishBatchInput) -> Result<Self::Draft, ApiError> {
        let arn = TopicArn::parse(&input.topic_arn)?;
        check_ids(input.publish_batch_request_entries.iter().map(|entry| entry.id.as_str()))?;
        let entries: Vec<_> = input
            .publish_batch_request_entries
            .into_iter()
            .map(|entry| {
                let parts = Parts {
                    message: entry.message,
                    subject: entry.subject,
                    structure: entry.message_structure,
                    attributes: entry.message_attributes,
                    deduplication_id: entry.message_deduplication_id,
                };
                (entry.id, Message::parse(ctx.ids().uuid(), ctx.now(), parts))
            })
            .collect();
        let size: usize = entries.iter().flat_map(|(_, message)| message).map(Message::size).sum();
        if size > MOST_BYTES {
            return Err(errors::batch_too_long());
        }
        Ok((arn, entries))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (arn, entries): &Self::Draft,
    ) -> Result<PublishBatchOutput, ApiError> {
        tx.with_scope(&arn.scope(), |tx| {
            let topic = arn.find(tx)?;
            let subscriptions = confirmed(tx, &arn.name)?;
            let (mut successful, mut failed) = (Vec::new(), Vec::new());
            for (id, message) in entries {
                match message {
                    Ok(message) => {
                        self.fan_out(ctx, tx, arn, &topic, &subscriptions, message)?;
                        successful.push(PublishBatchResultEntry {
                            id: Some(id.clone()),
                            message_id: Some(message.id.clone()),
                            ..Default::default()
                        });
                    }
                    Err(error) => failed.push(BatchResultErrorEntry {
                        id: id.clone(),
                        code: error.code().to_owned(),
                        message: Some(error.message().to_owned()),
                        sender_fault: true,
                    }),
                }
            }
            Ok(PublishBatchOutput { successful: Some(successful), failed: Some(failed) })
        })
    }
}

fn check_ids<'a>(ids: impl ExactSizeIterator<Item = &'a str>) -> Result<(), ApiError> {
    match ids.len() {
        0 => return Err(errors::empty_batch()),
        count if count > MOST_ENTRIES => return Err(errors::too_many_entries()),
        _ => {}
    }
    let mut seen = HashSet::new();
    for id in ids {
        let is_valid = (1..=80).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !is_valid {
            return Err(errors::invalid_entry_id(id));
        }
        if !seen.insert(id) {
            return Err(errors::entry_ids_not_distinct());
        }
    }
    Ok(())
}
