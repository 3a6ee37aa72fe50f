//! ListSubscriptions and ListSubscriptionsByTopic, a hundred at a time.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use shapes::ApiError;
use sns_api::op::{ListSubscriptions, ListSubscriptionsByTopic};
use sns_api::{
    ListSubscriptionsByTopicInput, ListSubscriptionsByTopicOutput, ListSubscriptionsInput,
    ListSubscriptionsOutput, Subscription as Answer,
};
use store::{Range, Reader};

use crate::subscription::{Subscription, SubscriptionArn};
use crate::topic::TopicArn;
use crate::{Sns, errors, tables};

/// API Reference, ListSubscriptions.
const PAGE: usize = 100;

impl Handle<ListSubscriptions> for Sns {
    fn guard(&self, ctx: &Ctx, _: &ListSubscriptionsInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(TopicArn::here(ctx, "*").to_string()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListSubscriptionsInput,
    ) -> Result<ListSubscriptionsOutput, ApiError> {
        let (found, next_token) = page(&mut ctx.read()?, Range::all(), input.next_token)?;
        let topic_of = |name: &str| TopicArn::here(ctx, name);
        let subscriptions = found
            .into_iter()
            .map(|subscription| answer(topic_of(&subscription.topic), subscription))
            .collect();
        Ok(ListSubscriptionsOutput { subscriptions: Some(subscriptions), next_token })
    }
}

impl Handle<ListSubscriptionsByTopic> for Sns {
    fn guard(&self, _: &Ctx, input: &ListSubscriptionsByTopicInput) -> Result<Guard, ApiError> {
        self.topic_guard(&input.topic_arn)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListSubscriptionsByTopicInput,
    ) -> Result<ListSubscriptionsByTopicOutput, ApiError> {
        let arn = TopicArn::parse(&input.topic_arn)?;
        let mut snapshot = ctx.store().read(&arn.scope())?;
        arn.find(&mut snapshot)?;
        let (found, next_token) = page(&mut snapshot, Range::prefix(&arn.name), input.next_token)?;
        let subscriptions = found.into_iter().map(|subscription| answer(arn.clone(), subscription)).collect();
        Ok(ListSubscriptionsByTopicOutput { subscriptions: Some(subscriptions), next_token })
    }
}

/// A page of the subscriptions in `range`, and the token of the next.
fn page(
    reader: &mut dyn Reader,
    range: Range,
    token: Option<String>,
) -> Result<(Vec<Subscription>, Option<String>), ApiError> {
    let range = match token.filter(|token| !token.is_empty()) {
        Some(token) => {
            let (topic, id) = token.split_once('/').ok_or_else(|| errors::invalid("NextToken"))?;
            range.after(&(topic.to_owned(), id.to_owned()))
        }
        None => range,
    };
    let mut rows = tables::SUBSCRIPTIONS.list(reader, &range, PAGE + 1)?;
    let has_more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = rows.last().filter(|_| has_more).map(|((topic, id), _)| format!("{topic}/{id}"));
    Ok((rows.into_iter().map(|(_, subscription)| subscription).collect(), next))
}

fn answer(topic: TopicArn, subscription: Subscription) -> Answer {
    let topic_arn = topic.to_string();
    let subscription_arn = if subscription.is_confirmed() {
        SubscriptionArn { topic, id: subscription.id.clone() }.to_string()
    } else {
        "PendingConfirmation".to_owned()
    };
    Answer {
        subscription_arn: Some(subscription_arn),
        topic_arn: Some(topic_arn),
        owner: Some(subscription.owner.digits().as_str().to_owned()),
        protocol: Some(subscription.protocol.as_str().to_owned()),
        endpoint: Some(subscription.shown_endpoint()),
    }
}
