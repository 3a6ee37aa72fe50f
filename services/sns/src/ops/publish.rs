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

use crate::data_protection::audit;
use crate::fan_out::confirmed;
use crate::fifo::{self, Admission};
use crate::message::{MOST_BYTES, Parts, Publication};
use crate::push::{self, EndpointArn};
use crate::subscription::Subscription;
use crate::topic::{Topic, TopicArn};
use crate::{Sns, archive, errors, kms_keys, tables, text_message};

const MOST_ENTRIES: usize = 10;

/// Where a message is published to.
pub(crate) enum Destination {
    Topic(TopicArn),
    Phone(String),
    Device(EndpointArn),
}

/// The destination that a publish names.
fn destination(input: &PublishInput) -> Result<Destination, ApiError> {
    let arn = match (&input.topic_arn, &input.target_arn, &input.phone_number) {
        (None, None, Some(number)) => {
            text_message::check_target(number)?;
            return Ok(Destination::Phone(number.clone()));
        }
        (Some(arn), None, None) | (None, Some(arn), None) => arn,
        (None, None, None) => {
            return Err(errors::invalid("TopicArn or TargetArn Reason: no value for required parameter"));
        }
        _ => {
            let reason = "only one of TopicArn, TargetArn and PhoneNumber may be given";
            return Err(errors::invalid_because("TargetArn", reason));
        }
    };
    if arn.contains(":endpoint/") {
        return EndpointArn::parse("TargetArn", arn).map(Destination::Device);
    }
    TopicArn::parse(arn).map(Destination::Topic)
}

impl Transact<Publish> for Sns {
    type Draft = (Destination, Publication);

    fn guard(&self, _: &Ctx, input: &PublishInput) -> Result<Guard, ApiError> {
        match destination(input)? {
            Destination::Topic(arn) => self.topic_guard(&arn.to_string()),
            Destination::Phone(_) => Ok(Guard::any()),
            Destination::Device(arn) => Ok(Guard::resource(arn.to_string())),
        }
    }

    fn prepare(&self, ctx: &Ctx, input: PublishInput) -> Result<Self::Draft, ApiError> {
        let destination = destination(&input)?;
        let parts = Parts {
            is_fifo: matches!(&destination, Destination::Topic(arn) if fifo::is_fifo(&arn.name)),
            group: input.message_group_id,
            message: input.message,
            subject: input.subject,
            structure: input.message_structure,
            attributes: input.message_attributes,
            deduplication_id: input.message_deduplication_id,
        };
        let mut publication = Publication::parse(ctx.ids().uuid(), ctx.now(), parts)?;
        if let Destination::Topic(arn) = &destination {
            self.protect(ctx, arn, &mut publication)?;
            self.seal_ahead(ctx, arn, std::iter::once(&mut publication))?;
            self.sign_ahead(arn, std::slice::from_ref(&publication))?;
        }
        Ok((destination, publication))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (destination, publication): &Self::Draft,
    ) -> Result<PublishOutput, ApiError> {
        let message = &publication.message;
        match destination {
            Destination::Topic(arn) => tx.with_scope(&arn.scope(), |tx| {
                let topic = arn.find(tx)?;
                let subscriptions = confirmed(tx, &arn.name)?;
                let (message_id, sequence_number) =
                    self.publish(ctx, tx, arn, &topic, &subscriptions, publication)?;
                Ok(PublishOutput { message_id: Some(message_id), sequence_number })
            }),
            Destination::Phone(number) => {
                // To somebody who wants none it is not delivered, and that is no error.
                let is_sent = text_message::send(tx, ctx.now(), ctx.account(), number, message)?;
                let name =
                    if is_sent { "NumberOfNotificationsDelivered" } else { "NumberOfNotificationsFailed" };
                ctx.publish("AWS/SNS", name, ("PhoneNumber", "PhoneNumberDirect"), 1.0);
                Ok(PublishOutput { message_id: Some(message.id.clone()), ..Default::default() })
            }
            Destination::Device(arn) => {
                push::send(self, ctx, tx, arn, message)?;
                Ok(PublishOutput { message_id: Some(message.id.clone()), ..Default::default() })
            }
        }
    }
}

impl Transact<PublishBatch> for Sns {
    type Draft = (TopicArn, Vec<(String, Result<Publication, ApiError>)>);

    fn guard(&self, _: &Ctx, input: &PublishBatchInput) -> Result<Guard, ApiError> {
        Ok(self.topic_guard(&input.topic_arn)?.action("sns:Publish"))
    }

    fn prepare(&self, ctx: &Ctx, input: PublishBatchInput) -> Result<Self::Draft, ApiError> {
        let arn = TopicArn::parse(&input.topic_arn)?;
        check_ids(input.publish_batch_request_entries.iter().map(|entry| entry.id.as_str()))?;
        let mut entries: Vec<_> = input
            .publish_batch_request_entries
            .into_iter()
            .map(|entry| {
                let parts = Parts {
                    is_fifo: fifo::is_fifo(&arn.name),
                    group: entry.message_group_id,
                    message: entry.message,
                    subject: entry.subject,
                    structure: entry.message_structure,
                    attributes: entry.message_attributes,
                    deduplication_id: entry.message_deduplication_id,
                };
                let publication = Publication::parse(ctx.ids().uuid(), ctx.now(), parts);
                let publication = publication.and_then(|mut publication| {
                    self.protect(ctx, &arn, &mut publication)?;
                    Ok(publication)
                });
                (entry.id, publication)
            })
            .collect();
        let size: usize = entries
            .iter()
            .flat_map(|(_, publication)| publication)
            .map(|publication| publication.message.size())
            .sum();
        if size > MOST_BYTES {
            return Err(errors::batch_too_long());
        }
        let publications = entries.iter_mut().filter_map(|(_, publication)| publication.as_mut().ok());
        self.seal_ahead(ctx, &arn, publications)?;
        let good: Vec<Publication> =
            entries.iter().filter_map(|(_, publication)| publication.as_ref().ok().cloned()).collect();
        self.sign_ahead(&arn, &good)?;
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
            for (id, publication) in entries {
                let published = match publication {
                    Ok(publication) => self.publish(ctx, tx, arn, &topic, &subscriptions, publication),
                    Err(error) => Err(error.clone()),
                };
                match published {
                    Ok((message_id, sequence_number)) => successful.push(PublishBatchResultEntry {
                        id: Some(id.clone()),
                        message_id: Some(message_id),
                        sequence_number,
                    }),
                    // Faults of ours undo the whole batch.
                    Err(error) if error.status() >= 500 => return Err(error),
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

impl Sns {
    /// Seals what SNS may keep of messages to a topic with a KMS key, outside of the transaction. Messages that nobody
    /// will keep are sealed as well: whether somebody may publish does not depend on who is subscribed.
    fn seal_ahead<'p>(
        &self,
        ctx: &Ctx,
        arn: &TopicArn,
        publications: impl Iterator<Item = &'p mut Publication>,
    ) -> Result<(), ApiError> {
        let topic = tables::TOPICS.find(&mut self.cloud.store().read(&arn.scope())?, &arn.name)?;
        let Some(topic) = topic.filter(|topic| topic.attributes.contains_key(kms_keys::ATTRIBUTE)) else {
            return Ok(());
        };
        for publication in publications {
            publication.sealed = self.sealed(ctx, arn, &topic, &publication.message)?;
        }
        Ok(())
    }

    /// Publishes one message; its id, and its number in a FIFO topic.
    fn publish(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        arn: &TopicArn,
        topic: &Topic,
        subscriptions: &[Subscription],
        publication: &Publication,
    ) -> Result<(String, Option<String>), ApiError> {
        let mut publication = publication.clone();
        if topic.is_fifo()
            && let Admission::Again(original) = fifo::admit(tx, ctx.now(), topic, &mut publication)?
        {
            return Ok((original.message_id, Some(original.sequence_number)));
        }
        if let Some(record) = &publication.audit {
            audit::add(ctx, tx, record);
        }
        archive::keep(ctx, tx, topic, &publication)?;
        self.fan_out(ctx, tx, arn, topic, subscriptions, &publication)?;
        Ok((publication.message.id, publication.sequence_number))
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
