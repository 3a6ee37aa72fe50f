//! Subscriptions that nobody confirms, and those that ended and can still be restored: both are gone after two days
//! (API Reference, Subscribe and ConfirmSubscription).

use std::sync::Arc;

use clock::{Job, JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::{Cloud, Ctx, tenant};
use identity::{AccountId, Region};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Row, Tx};

use crate::jobs::{self, Content};
use crate::subscription::{Subscription, SubscriptionArn, SubscriptionId, TOKEN_LIFE, new_token};
use crate::topic::TopicArn;
use crate::{Sns, tables};

const KIND: &str = "sns/expiry";

/// A subscription of a web endpoint that ended. Its endpoint was told how to restore it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ended {
    subscription: Subscription,
    token: String,
    at: Timestamp,
}

store::row!(Ended, 1);

/// Tells a web endpoint that its subscription has ended (Developer Guide, "HTTP/HTTPS unsubscribe confirmation JSON
/// format"). `tx` is in the topic's scope.
pub(crate) fn tell(ctx: &Ctx, tx: &mut Tx<'_>, arn: &SubscriptionArn, subscription: &Subscription) {
    if !subscription.protocol.is_http() || !subscription.is_confirmed() {
        return;
    }
    let (token, message_id) = (new_token(ctx, &arn.id), ctx.ids().uuid());
    let ended = Ended { subscription: subscription.clone(), token: token.clone(), at: ctx.now() };
    tables::ENDED.put(tx, &subscription.key(), &ended);
    let subscription = Box::new(subscription.clone());
    jobs::add(ctx, tx, arn, Content::Farewell { subscription, token, message_id });
    schedule(ctx, tx, arn);
}

/// Restores the subscription that a token was made for at its end. `None`: there is none.
pub(crate) fn restore(
    tx: &mut Tx<'_>,
    cloud: &Cloud,
    arn: &SubscriptionArn,
    token: &str,
) -> Result<Option<Subscription>, ApiError> {
    let key = (arn.topic.name.clone(), arn.id.clone());
    let is_valid = |ended: &Ended| ended.token == token && cloud.clock().now() < ended.at + TOKEN_LIFE;
    let Some(Ended { subscription, .. }) = tables::ENDED.find(tx, &key)?.filter(is_valid) else {
        return Ok(None);
    };
    // The endpoint was subscribed anew meanwhile.
    if tables::ENDPOINTS.contains(tx, &subscription.endpoint_key())? {
        return Ok(None);
    }
    tables::ENDED.delete(tx, &key);
    tables::ENDPOINTS.put(tx, &subscription.endpoint_key(), &SubscriptionId(arn.id.clone()));
    Ok(Some(subscription))
}

/// A job's payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Subject {
    account: AccountId,
    region: String,
    topic: String,
    subscription: String,
}

store::row!(Subject, 1);

/// Has a subscription looked after when its token is good no longer.
pub(crate) fn schedule(ctx: &Ctx, tx: &mut Tx<'_>, arn: &SubscriptionArn) {
    let subject = Subject {
        account: arn.topic.account,
        region: arn.topic.region.as_str().to_owned(),
        topic: arn.topic.name.clone(),
        subscription: arn.id.clone(),
    };
    let mut payload = Vec::new();
    subject.encode(&mut payload);
    let job = NewJob { kind: KIND, subject: arn.to_string(), payload, due: ctx.now() + TOKEN_LIFE };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
}

pub(crate) fn kind(sns: Arc<Sns>) -> JobKind {
    JobKind {
        name: KIND,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: 4,
        handler: Arc::new(move |_, job| {
            let sns = Arc::clone(&sns);
            Box::pin(async move {
                match run(&sns, &job).await {
                    Ok(()) => JobOutcome::Done,
                    Err(error) => JobOutcome::Failed(error.to_string()),
                }
            })
        }),
        given_up: None,
    }
}

async fn run(sns: &Sns, job: &Job) -> Result<(), ApiError> {
    let Ok(subject) = Subject::decode(&job.payload) else { return Ok(()) };
    let Some(region) = Region::parse(&subject.region) else { return Ok(()) };
    let topic = TopicArn { account: subject.account, region, name: subject.topic };
    let key = (topic.name.clone(), subject.subscription);
    let now = sns.cloud.clock().now();
    let work = move |tx: &mut Tx<'_>| {
        let subscription = tables::SUBSCRIPTIONS.find(tx, &key)?;
        let is_over = |subscription: &Subscription| {
            !subscription.is_confirmed() && subscription.created + TOKEN_LIFE <= now
        };
        if let Some(subscription) = subscription.filter(is_over) {
            subscription.delete(tx);
        }
        if tables::ENDED.find(tx, &key)?.is_some_and(|ended| ended.at + TOKEN_LIFE <= now) {
            tables::ENDED.delete(tx, &key);
        }
        Ok::<_, ApiError>(())
    };
    sns.cloud.store().write(&tenant(topic.account, region), work).await
}
