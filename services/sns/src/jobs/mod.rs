//! Deliveries that take more than a transaction: to functions, web endpoints and mail servers.
//!
//! One job is one delivery to one subscription. Failed attempts follow the subscription's retry plan; what is left at
//! its end goes to the dead-letter queue.

mod http_post;
mod lambda;

use std::sync::Arc;

use clock::{Job, JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::{Cloud, Ctx};
use identity::{AccountId, Region};
use shapes::ApiError;
use store::{Row, Tx};

use crate::data_protection::DENIED;
use crate::delivery_policy::{self, RetryPlan, http_plan};
use crate::kms_keys::{Kept, SealedMessage};
use crate::message::{Message, Publication};
use crate::subscription::{Protocol, Subscription, SubscriptionArn};
use crate::topic::{Topic, TopicArn};
use crate::{PRINCIPAL, Sns, feedback, inbox, mail, tables};

const KIND: &str = "sns/delivery";
/// Deliveries under way at once.
const CONCURRENCY: usize = 64;

/// A job's payload.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Delivery {
    account: AccountId,
    region: String,
    topic: String,
    subscription: String,
    /// The tracing header of the publish.
    trace: String,
    content: Content,
}

store::row!(Delivery, 1);

/// What is delivered.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) enum Content {
    Notification(Message),
    Confirmation {
        token: String,
        message_id: String,
    },
    /// Tells a web endpoint that its subscription, which is gone by then, has ended.
    Farewell {
        subscription: Box<Subscription>,
        token: String,
        message_id: String,
    },
    /// A notification of a topic with a KMS key.
    Sealed(Box<SealedMessage>),
}

impl Content {
    pub(crate) fn of(kept: Kept) -> Self {
        match kept {
            Kept::Plain(message) => Self::Notification(message),
            Kept::Sealed(sealed) => Self::Sealed(sealed),
        }
    }
}

/// Why an attempt failed.
struct Failure {
    reason: String,
    /// Trying again would not help.
    is_permanent: bool,
}

/// Adds a delivery to the transaction.
pub(crate) fn add(ctx: &Ctx, tx: &mut Tx<'_>, arn: &SubscriptionArn, content: Content) {
    let delivery = Delivery {
        account: arn.topic.account,
        region: arn.topic.region.as_str().to_owned(),
        topic: arn.topic.name.clone(),
        subscription: arn.id.clone(),
        trace: ctx.trace().to_string(),
        content,
    };
    let mut payload = Vec::new();
    delivery.encode(&mut payload);
    let job = NewJob { kind: KIND, subject: arn.to_string(), payload, due: ctx.now() };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
}

pub(crate) fn kind(sns: Arc<Sns>) -> JobKind {
    JobKind {
        name: KIND,
        // Attempts follow each subscription's own plan; this one is for faults of ours.
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: CONCURRENCY,
        handler: Arc::new(move |_, job| {
            let sns = Arc::clone(&sns);
            Box::pin(async move { run(&sns, job).await })
        }),
        given_up: None,
    }
}

async fn run(sns: &Arc<Sns>, job: Job) -> JobOutcome {
    let Some(mut attempt) =
        Delivery::decode(&job.payload).ok().and_then(|delivery| delivery.open(&sns.cloud))
    else {
        return JobOutcome::Done;
    };
    let (topic, subscription) = match attempt.find(sns) {
        Ok(Some(found)) => found,
        Ok(None) => return JobOutcome::Done,
        Err(error) => return JobOutcome::Failed(error.to_string()),
    };
    if job.attempts == 0
        && let Some(most) = most_per_second(&topic, &subscription)
        && let Err(next) = sns.throttle.admit(&job.subject, most, sns.cloud.clock().now())
    {
        return JobOutcome::Again(next);
    }
    let opened = match attempt.unseal(sns) {
        Ok(()) => attempt.protect(sns, &subscription),
        Err(failure) => Err(failure),
    };
    let outcome = match opened {
        Ok(()) => attempt.deliver(sns, &topic, &subscription).await,
        Err(failure) => Err(failure),
    };
    let failure = match outcome {
        Ok(()) => {
            attempt.count("NumberOfNotificationsDelivered");
            attempt.log(&topic, &subscription, None).await;
            return JobOutcome::Done;
        }
        Err(failure) => failure,
    };
    let plan = plan(&topic, &subscription);
    let pause = plan.pause_after(job.attempts.saturating_add(1)).filter(|_| !failure.is_permanent);
    if let Some(pause) = pause {
        return JobOutcome::FailedRetryAfter(pause, failure.reason);
    }
    attempt.log(&topic, &subscription, Some(&failure.reason)).await;
    match attempt.bury(sns, topic, subscription).await {
        Ok(()) => {
            attempt.count("NumberOfNotificationsFailed");
            JobOutcome::Done
        }
        Err(error) => JobOutcome::Failed(format!("{}; then {error}", failure.reason)),
    }
}

fn plan(topic: &Topic, subscription: &Subscription) -> RetryPlan {
    match subscription.protocol {
        Protocol::Http | Protocol::Https => http_plan(
            subscription.settings.delivery_policy.as_deref(),
            topic.attributes.get("DeliveryPolicy").map(String::as_str),
        ),
        Protocol::Email | Protocol::EmailJson => RetryPlan::MAIL,
        Protocol::Lambda | Protocol::Sqs | Protocol::Sms | Protocol::Application => RetryPlan::MANAGED,
    }
}

/// What a web endpoint's subscription says of its rate. Further attempts have a pace of their own.
fn most_per_second(topic: &Topic, subscription: &Subscription) -> Option<u32> {
    let of_topic = topic.attributes.get("DeliveryPolicy").map(String::as_str);
    let own = subscription.settings.delivery_policy.as_deref();
    if subscription.protocol.is_http() { delivery_policy::most_per_second(own, of_topic) } else { None }
}

/// A delivery about to be made.
struct Attempt {
    arn: SubscriptionArn,
    content: Content,
    ctx: Ctx,
    /// The topic's data protection policy lets the subscription have nothing of it.
    is_denied: bool,
}

impl Delivery {
    /// `None` when the payload is damaged.
    fn open(self, cloud: &Cloud) -> Option<Attempt> {
        let topic =
            TopicArn { account: self.account, region: Region::parse(&self.region)?, name: self.topic };
        let ctx = cloud.background(PRINCIPAL, &topic.to_string(), topic.account, topic.region);
        let ctx = match self.trace.parse() {
            Ok(trace) => ctx.in_trace(trace),
            Err(()) => ctx,
        };
        Some(Attempt {
            arn: SubscriptionArn { topic, id: self.subscription },
            content: self.content,
            ctx,
            is_denied: false,
        })
    }
}

impl Attempt {
    /// `None` when the topic or the subscription is gone, or needs no confirmation any more.
    fn find(&self, sns: &Sns) -> Result<Option<(Topic, Subscription)>, ApiError> {
        let mut snapshot = sns.cloud.store().read(&self.arn.topic.scope())?;
        let topic = tables::TOPICS.find(&mut snapshot, &self.arn.topic.name)?;
        if let Content::Farewell { subscription, .. } = &self.content {
            return Ok(topic.map(|topic| (topic, (**subscription).clone())));
        }
        let key = (self.arn.topic.name.clone(), self.arn.id.clone());
        let subscription = tables::SUBSCRIPTIONS.find(&mut snapshot, &key)?;
        let is_moot = |subscription: &Subscription| {
            matches!(self.content, Content::Confirmation { .. }) && subscription.is_confirmed()
        };
        Ok(topic.zip(subscription.filter(|subscription| !is_moot(subscription))))
    }

    /// Opens what is sealed. What KMS does not open now it may open later, so this is tried again as other failures are.
    fn unseal(&mut self, sns: &Sns) -> Result<(), Failure> {
        if let Content::Sealed(sealed) = &self.content {
            let message = sns.open(&self.ctx, &self.arn.topic, sealed);
            let message =
                message.map_err(|error| Failure { reason: error.to_string(), is_permanent: false })?;
            self.content = Content::Notification(message);
        }
        Ok(())
    }

    /// Has the message as the topic's data protection policy wants it for the subscription.
    fn protect(&mut self, sns: &Sns, subscription: &Subscription) -> Result<(), Failure> {
        let Content::Notification(message) = &self.content else { return Ok(()) };
        let reader = sns.cloud.store().read(&self.arn.topic.scope());
        let protected = reader
            .map_err(ApiError::from)
            .and_then(|mut reader| sns.for_subscriber(&mut reader, subscription, message))
            .map_err(|error| Failure { reason: error.to_string(), is_permanent: false })?;
        match protected {
            Some(message) => {
                self.content = Content::Notification(message.into_owned());
                Ok(())
            }
            None => {
                self.is_denied = true;
                Err(Failure { reason: DENIED.to_owned(), is_permanent: true })
            }
        }
    }

    async fn deliver(&self, sns: &Sns, topic: &Topic, subscription: &Subscription) -> Result<(), Failure> {
        match (subscription.protocol, &self.content) {
            (Protocol::Lambda, Content::Notification(message)) => {
                lambda::invoke(sns, &self.ctx, &self.arn, topic, subscription, message).await
            }
            (Protocol::Http | Protocol::Https, content) => {
                http_post::deliver(sns, &self.ctx, &self.arn, topic, subscription, content).await
            }
            (Protocol::Email | Protocol::EmailJson, content) => {
                let mail = match content {
                    Content::Notification(message) => {
                        let publication = Publication::from(message.clone());
                        sns.notification_mail(&self.arn, topic, subscription, &publication)
                    }
                    Content::Confirmation { token, message_id } => {
                        sns.confirmation_mail(&self.arn.topic, topic, subscription, token, message_id)
                    }
                    // Web endpoints alone are told of the end.
                    Content::Farewell { .. } | Content::Sealed(_) => return Ok(()),
                };
                let mail =
                    mail.map_err(|error| Failure { reason: error.to_string(), is_permanent: false })?;
                self.send(sns, mail).await
            }
            // The others are served within the publish, and functions need no confirmation.
            (Protocol::Sqs | Protocol::Sms | Protocol::Application, _)
            | (
                Protocol::Lambda,
                Content::Confirmation { .. } | Content::Farewell { .. } | Content::Sealed(_),
            ) => Ok(()),
        }
    }

    async fn send(&self, sns: &Sns, mail: mail::Mail) -> Result<(), Failure> {
        let Some(smtp) = &sns.config.smtp else {
            // The server that was there when the job was made is configured no more.
            let account = self.arn.topic.account;
            let kept = self.ctx.write(move |tx| inbox::keep(tx, account, &mail)).await;
            return kept.map_err(|error| Failure { reason: error.to_string(), is_permanent: false });
        };
        mail::send(smtp, &mail).await.map_err(|reason| Failure { reason, is_permanent: false })
    }

    /// Puts what could not be delivered on the dead-letter queue.
    async fn bury(&self, sns: &Arc<Sns>, topic: Topic, subscription: Subscription) -> Result<(), ApiError> {
        let Content::Notification(message) = self.content.clone() else { return Ok(()) };
        if self.is_denied {
            return Ok(());
        }
        let (sns, ctx, arn) = (Arc::clone(sns), self.ctx.clone(), self.arn.clone());
        let publication = Publication::from(message);
        self.ctx.write(move |tx| sns.bury(&ctx, tx, (&arn, &topic), &subscription, &publication)).await
    }

    /// Has the outcome logged where the topic wants that. Nobody waits for it.
    async fn log(&self, topic: &Topic, subscription: &Subscription, failure: Option<&str>) {
        let Content::Notification(message) = &self.content else { return };
        let arn = self.arn.topic.clone();
        let Some(line) = feedback::line(&self.ctx, &arn, topic, subscription, message, failure) else {
            return;
        };
        let ctx = self.ctx.clone();
        let work = move |tx: &mut Tx<'_>| {
            feedback::add(&ctx, tx, &arn, vec![line.clone()]);
            Ok::<_, ApiError>(())
        };
        let _ = self.ctx.write(work).await;
    }

    fn count(&self, metric: &'static str) {
        if matches!(self.content, Content::Notification(_) | Content::Sealed(_)) {
            self.ctx.publish("AWS/SNS", metric, ("TopicName", &self.arn.topic.name), 1.0);
        }
    }
}
