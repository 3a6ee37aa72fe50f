//! GetTopicAttributes and SetTopicAttributes.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use shapes::ApiError;
use sns_api::op::{GetTopicAttributes, SetTopicAttributes};
use sns_api::{
    GetTopicAttributesInput, GetTopicAttributesOutput, SetTopicAttributesInput, SetTopicAttributesOutput,
};
use store::Tx;

use crate::fan_out::counts;
use crate::topic::TopicArn;
use crate::{Sns, archive, delivery_policy, kms_keys, tables};

impl Handle<GetTopicAttributes> for Sns {
    fn guard(&self, _: &Ctx, input: &GetTopicAttributesInput) -> Result<Guard, ApiError> {
        self.topic_guard(&input.topic_arn)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetTopicAttributesInput,
    ) -> Result<GetTopicAttributesOutput, ApiError> {
        let arn = TopicArn::parse(&input.topic_arn)?;
        let mut snapshot = ctx.store().read(&arn.scope())?;
        let topic = arn.find(&mut snapshot)?;
        let (confirmed, pending) = counts(&mut snapshot, &arn.name)?;
        let mut attributes = topic.attributes.clone();
        let delivery_policy = topic.attributes.get("DeliveryPolicy").map(String::as_str);
        attributes.entry("DisplayName".to_owned()).or_default();
        for (name, value) in [
            ("TopicArn", arn.to_string()),
            ("Owner", arn.account.digits().as_str().to_owned()),
            ("Policy", topic.policy(&arn).into_owned()),
            ("SubscriptionsConfirmed", confirmed.to_string()),
            ("SubscriptionsPending", pending.to_string()),
            ("SubscriptionsDeleted", topic.deleted_subscriptions.to_string()),
            ("EffectiveDeliveryPolicy", delivery_policy::effective_of_topic(delivery_policy)),
        ] {
            attributes.insert(name.to_owned(), value);
        }
        if let Some(archive) = archive::find(&mut snapshot, &arn.name)? {
            let beginning = archive.beginning(ctx.now()).iso8601_millis();
            attributes.insert("BeginningArchiveTime".to_owned(), beginning);
        }
        Ok(GetTopicAttributesOutput { attributes: Some(attributes) })
    }
}

impl Transact<SetTopicAttributes> for Sns {
    type Draft = (TopicArn, String, String);

    fn guard(&self, _: &Ctx, input: &SetTopicAttributesInput) -> Result<Guard, ApiError> {
        self.topic_guard(&input.topic_arn)
    }

    fn prepare(&self, ctx: &Ctx, input: SetTopicAttributesInput) -> Result<Self::Draft, ApiError> {
        let arn = TopicArn::parse(&input.topic_arn)?;
        if input.attribute_name == kms_keys::ATTRIBUTE {
            kms_keys::prepare(ctx, input.attribute_value.as_ref());
        }
        Ok((arn, input.attribute_name, input.attribute_value.unwrap_or_default()))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (arn, name, value): &Self::Draft,
    ) -> Result<SetTopicAttributesOutput, ApiError> {
        tx.with_scope(&arn.scope(), |tx| {
            let mut topic = arn.find(tx)?;
            topic.set(name, value)?;
            tables::TOPICS.put(tx, &arn.name, &topic);
            archive::follow(ctx, tx, arn, &topic)?;
            Ok(SetTopicAttributesOutput {})
        })
    }
}
