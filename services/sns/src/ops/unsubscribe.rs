//! Unsubscribe: ends a subscription. One that is gone is no error.

use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use sns_api::op::Unsubscribe;
use sns_api::{UnsubscribeInput, UnsubscribeOutput};
use store::Tx;

use super::subscription_guard;
use crate::subscription::{Subscription, SubscriptionArn};
use crate::{Sns, errors, expiry, tables};

impl Transact<Unsubscribe> for Sns {
    type Draft = SubscriptionArn;

    fn guard(&self, _: &Ctx, input: &UnsubscribeInput) -> Result<Guard, ApiError> {
        subscription_guard(&input.subscription_arn)
    }

    fn prepare(&self, _: &Ctx, input: UnsubscribeInput) -> Result<SubscriptionArn, ApiError> {
        SubscriptionArn::parse(&input.subscription_arn)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        arn: &SubscriptionArn,
    ) -> Result<UnsubscribeOutput, ApiError> {
        tx.with_scope(&arn.topic.scope(), |tx| {
            if let Some(subscription) = find(tx, arn)? {
                end(ctx, tx, arn, &subscription)?;
            }
            Ok(UnsubscribeOutput {})
        })
    }
}

/// Ends a subscription for whoever follows the link in its notifications. `tx` is in the scope of its topic.
pub(crate) fn by_link(ctx: &Ctx, tx: &mut Tx<'_>, arn: &SubscriptionArn) -> Result<(), ApiError> {
    match find(tx, arn)? {
        Some(subscription) if subscription.was_authenticated => Err(errors::link_needs_owner()),
        Some(subscription) => end(ctx, tx, arn, &subscription),
        None => Ok(()),
    }
}

fn find(tx: &mut Tx<'_>, arn: &SubscriptionArn) -> Result<Option<Subscription>, ApiError> {
    Ok(tables::SUBSCRIPTIONS.find(tx, &(arn.topic.name.clone(), arn.id.clone()))?)
}

fn end(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    arn: &SubscriptionArn,
    subscription: &Subscription,
) -> Result<(), ApiError> {
    subscription.delete(tx);
    expiry::tell(ctx, tx, arn, subscription);
    if let Some(mut topic) = tables::TOPICS.find(tx, &arn.topic.name)? {
        topic.deleted_subscriptions += 1;
        tables::TOPICS.put(tx, &arn.topic.name, &topic);
    }
    Ok(())
}
