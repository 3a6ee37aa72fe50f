//! GetSubscriptionAttributes and SetSubscriptionAttributes.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use shapes::{ApiError, Map};
use sns_api::op::{GetSubscriptionAttributes, SetSubscriptionAttributes};
use sns_api::{
    GetSubscriptionAttributesInput, GetSubscriptionAttributesOutput, SetSubscriptionAttributesInput,
    SetSubscriptionAttributesOutput,
};
use store::Tx;

use super::subscription_guard;
use crate::replay::{self, Wanted};
use crate::subscription::{Subscription, SubscriptionArn};
use crate::topic::Topic;
use crate::{Sns, delivery_policy};

impl Handle<GetSubscriptionAttributes> for Sns {
    fn guard(&self, _: &Ctx, input: &GetSubscriptionAttributesInput) -> Result<Guard, ApiError> {
        subscription_guard(&input.subscription_arn)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetSubscriptionAttributesInput,
    ) -> Result<GetSubscriptionAttributesOutput, ApiError> {
        let arn = SubscriptionArn::parse(&input.subscription_arn)?;
        let mut snapshot = ctx.store().read(&arn.topic.scope())?;
        let subscription = arn.find(&mut snapshot)?;
        let topic = arn.topic.find(&mut snapshot)?;
        let mut attributes = attributes(&arn, &topic, &subscription);
        if let Some(replay) = replay::find(&mut snapshot, &arn)? {
            attributes.insert("ReplayStatus".to_owned(), replay.status.as_str().to_owned());
            attributes.insert("ReplayPolicy".to_owned(), replay.policy);
        }
        Ok(GetSubscriptionAttributesOutput { attributes: Some(attributes) })
    }
}

fn attributes(arn: &SubscriptionArn, topic: &Topic, subscription: &Subscription) -> Map<String> {
    let settings = &subscription.settings;
    let scope = if settings.filters_body { "MessageBody" } else { "MessageAttributes" };
    let effective_delivery_policy = || {
        let of_topic = topic.attributes.get("DeliveryPolicy").map(String::as_str);
        delivery_policy::effective_of_subscription(settings.delivery_policy.as_deref(), of_topic)
    };
    let entries = [
        ("SubscriptionArn", Some(arn.to_string())),
        ("TopicArn", Some(arn.topic.to_string())),
        ("Owner", Some(subscription.owner.digits().as_str().to_owned())),
        ("Protocol", Some(subscription.protocol.as_str().to_owned())),
        ("Endpoint", Some(subscription.shown_endpoint())),
        ("SubscriptionPrincipal", Some(subscription.principal.clone())),
        ("ConfirmationWasAuthenticated", Some(subscription.was_authenticated.to_string())),
        ("PendingConfirmation", Some((!subscription.is_confirmed()).to_string())),
        ("RawMessageDelivery", Some(settings.is_raw.to_string())),
        ("FilterPolicy", settings.filter_policy.clone()),
        ("FilterPolicyScope", settings.filter_policy.as_ref().map(|_| scope.to_owned())),
        ("RedrivePolicy", settings.redrive_policy.clone()),
        ("DeliveryPolicy", settings.delivery_policy.clone()),
        ("EffectiveDeliveryPolicy", subscription.protocol.is_http().then(effective_delivery_policy)),
    ];
    entries.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

impl Transact<SetSubscriptionAttributes> for Sns {
    type Draft = (SubscriptionArn, String, String);

    fn guard(&self, _: &Ctx, input: &SetSubscriptionAttributesInput) -> Result<Guard, ApiError> {
        subscription_guard(&input.subscription_arn)
    }

    fn prepare(&self, _: &Ctx, input: SetSubscriptionAttributesInput) -> Result<Self::Draft, ApiError> {
        let arn = SubscriptionArn::parse(&input.subscription_arn)?;
        Ok((arn, input.attribute_name, input.attribute_value.unwrap_or_default()))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (arn, name, value): &Self::Draft,
    ) -> Result<SetSubscriptionAttributesOutput, ApiError> {
        tx.with_scope(&arn.topic.scope(), |tx| {
            let mut subscription = arn.find(tx)?;
            if name == "ReplayPolicy" {
                replay::set(ctx, tx, arn, &subscription, Wanted::parse(value)?.as_ref())?;
                return Ok(SetSubscriptionAttributesOutput {});
            }
            subscription.settings.set(subscription.protocol, name, value)?;
            subscription.settings.check(&arn.topic, &subscription.endpoint)?;
            subscription.put(tx);
            Ok(SetSubscriptionAttributesOutput {})
        })
    }
}
