//! DeleteTopic: takes away a topic with its subscriptions. One that is gone is no error.

use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use sns_api::op::DeleteTopic;
use sns_api::{DeleteTopicInput, DeleteTopicOutput};
use store::{Range, Tx};

use crate::subscription::MOST_PER_TOPIC;
use crate::topic::TopicArn;
use crate::{Sns, archive, errors, fifo, tables};

impl Transact<DeleteTopic> for Sns {
    type Draft = TopicArn;

    fn guard(&self, _: &Ctx, input: &DeleteTopicInput) -> Result<Guard, ApiError> {
        self.topic_guard(&input.topic_arn)
    }

    fn prepare(&self, _: &Ctx, input: DeleteTopicInput) -> Result<TopicArn, ApiError> {
        TopicArn::parse(&input.topic_arn)
    }

    fn apply(&self, _: &Ctx, tx: &mut Tx<'_>, arn: &TopicArn) -> Result<DeleteTopicOutput, ApiError> {
        tx.with_scope(&arn.scope(), |tx| {
            if archive::find(tx, &arn.name)?.is_some() {
                return Err(errors::topic_has_archive());
            }
            tables::TOPICS.delete(tx, &arn.name);
            tables::DATA_PROTECTION.delete(tx, &arn.name);
            let range = Range::prefix(&arn.name);
            for (_, subscription) in tables::SUBSCRIPTIONS.list(tx, &range, MOST_PER_TOPIC)? {
                subscription.delete(tx);
            }
            if fifo::is_fifo(&arn.name) {
                fifo::forget(tx, &arn.name)?;
            }
            Ok(DeleteTopicOutput {})
        })
    }
}
