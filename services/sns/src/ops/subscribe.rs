//! Subscribe: makes a subscription, or finds the one that is there. Queues and functions are confirmed by that; whoever
//! reads mail or answers HTTP is asked first.

use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use sns_api::op::Subscribe;
use sns_api::{SubscribeInput, SubscribeOutput};
use store::{Range, Tx};

use crate::fan_out::{QueueMessage, send};
use crate::jobs::{self, Content};
use crate::replay::{self, Wanted};
use crate::subscription::{
    MOST_PER_TOPIC, Protocol, Settings, Subscription, SubscriptionArn, SubscriptionId, new_token,
};
use crate::topic::{Topic, TopicArn};
use crate::{Sns, errors, expiry, fifo, inbox, tables};

pub(crate) struct Draft {
    arn: TopicArn,
    subscription: Subscription,
    replay: Option<Wanted>,
    gives_attributes: bool,
    returns_arn: bool,
}

impl Transact<Subscribe> for Sns {
    type Draft = Draft;

    fn guard(&self, _: &Ctx, input: &SubscribeInput) -> Result<Guard, ApiError> {
        let guard = self.topic_guard(&input.topic_arn)?.with("sns:Protocol", vec![input.protocol.clone()]);
        Ok(guard.with("sns:Endpoint", input.endpoint.iter().cloned().collect()))
    }

    fn prepare(&self, ctx: &Ctx, input: SubscribeInput) -> Result<Draft, ApiError> {
        let arn = TopicArn::parse(&input.topic_arn)?;
        let protocol = Protocol::parse(&input.protocol)?;
        let endpoint = input.endpoint.filter(|endpoint| !endpoint.is_empty());
        let endpoint =
            endpoint.ok_or_else(|| errors::invalid_because("Endpoint", "no value for required parameter"))?;
        protocol.check_endpoint(&endpoint)?;
        check_kinds(&arn, protocol, &endpoint)?;
        let mut settings = Settings::default();
        let mut attributes = input.attributes.unwrap_or_default();
        let replay = attributes.remove("ReplayPolicy").as_deref().map(Wanted::parse).transpose();
        let replay = replay.map_err(errors::in_attributes)?.flatten();
        for (name, value) in &attributes {
            settings.set(protocol, name, value).map_err(errors::in_attributes)?;
        }
        settings.check(&arn, &endpoint).map_err(errors::in_attributes)?;
        let is_owner =
            || identity::arn::split(&endpoint).and_then(|parts| parts.account_id()) == Some(ctx.account());
        let needs_confirmation = match protocol {
            Protocol::Sqs => !is_owner(),
            // The function's own policy decides at every invocation.
            Protocol::Lambda | Protocol::Sms | Protocol::Application => false,
            Protocol::Http | Protocol::Https | Protocol::Email | Protocol::EmailJson => true,
        };
        let id = ctx.ids().uuid();
        let subscription = Subscription {
            topic: arn.name.clone(),
            protocol,
            owner: ctx.account(),
            principal: ctx.principal().arn(),
            created: ctx.now(),
            token: needs_confirmation.then(|| new_token(ctx, &id)),
            was_authenticated: !needs_confirmation,
            settings,
            endpoint,
            id,
        };
        let gives_attributes = !attributes.is_empty();
        Ok(Draft {
            arn,
            subscription,
            replay,
            gives_attributes,
            returns_arn: input.return_subscription_arn == Some(true),
        })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Draft) -> Result<SubscribeOutput, ApiError> {
        tx.with_scope(&draft.arn.scope(), |tx| {
            let topic = draft.arn.find(tx)?;
            let subscription = match existing(tx, draft)? {
                Some(subscription) => subscription,
                None => {
                    let range = Range::prefix(&draft.arn.name);
                    if tables::ENDPOINTS.list(tx, &range, MOST_PER_TOPIC)?.len() == MOST_PER_TOPIC {
                        return Err(errors::too_many_subscriptions(MOST_PER_TOPIC));
                    }
                    draft.subscription.clone()
                }
            };
            let is_new = subscription.id == draft.subscription.id;
            let arn = SubscriptionArn { topic: draft.arn.clone(), id: subscription.id.clone() };
            subscription.put(tx);
            tables::ENDPOINTS.put(tx, &subscription.endpoint_key(), &SubscriptionId(subscription.id.clone()));
            if let Some(wanted) = &draft.replay {
                let has_it = replay::find(tx, &arn)?.is_some_and(|replay| wanted.is_of(&replay));
                match (is_new, has_it) {
                    (true, _) => replay::set(ctx, tx, &arn, &subscription, Some(wanted))
                        .map_err(errors::in_attributes)?,
                    (false, true) => {}
                    (false, false) => return Err(differs()),
                }
            }
            let subscription_arn = if subscription.is_confirmed() || draft.returns_arn {
                arn.to_string()
            } else {
                "pending confirmation".to_owned()
            };
            if let Some(token) = subscription.token.clone() {
                self.signer.keep(tx)?;
                expiry::schedule(ctx, tx, &arn);
                self.ask(ctx, tx, &arn, &topic, &subscription, token)?;
            }
            Ok(SubscribeOutput { subscription_arn: Some(subscription_arn) })
        })
    }
}

/// FIFO topics serve queues of both kinds and nothing else; other topics no FIFO queues (Developer Guide, "Amazon SNS
/// message delivery for FIFO topics").
fn check_kinds(topic: &TopicArn, protocol: Protocol, endpoint: &str) -> Result<(), ApiError> {
    let is_fifo_queue = protocol == Protocol::Sqs && fifo::is_fifo(endpoint);
    match fifo::is_fifo(&topic.name) {
        true if protocol != Protocol::Sqs => {
            Err(errors::invalid("Invalid parameter: Endpoint Reason: Please use FIFO SQS queue"))
        }
        false if is_fifo_queue => Err(errors::invalid(
            "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
        )),
        _ => Ok(()),
    }
}

/// The subscription of the same endpoint, if there is one. One that waits to be confirmed begins anew.
fn existing(tx: &mut Tx<'_>, draft: &Draft) -> Result<Option<Subscription>, ApiError> {
    let Some(SubscriptionId(id)) = tables::ENDPOINTS.find(tx, &draft.subscription.endpoint_key())? else {
        return Ok(None);
    };
    let Some(mut existing) = tables::SUBSCRIPTIONS.find(tx, &(draft.arn.name.clone(), id))? else {
        return Ok(None);
    };
    if draft.gives_attributes && existing.settings != draft.subscription.settings {
        return Err(differs());
    }
    if !existing.is_confirmed() {
        existing.created = draft.subscription.created;
    }
    Ok(Some(existing))
}

fn differs() -> ApiError {
    errors::invalid_because("Attributes", "Subscription already exists with different attributes")
}

impl Sns {
    /// Asks the endpoint to confirm.
    fn ask(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        arn: &SubscriptionArn,
        topic: &Topic,
        subscription: &Subscription,
        token: String,
    ) -> Result<(), ApiError> {
        let message_id = ctx.ids().uuid();
        match subscription.protocol {
            Protocol::Sqs => {
                let letterhead = self.letterhead(topic)?;
                let body =
                    letterhead.subscription_confirmation(&arn.topic, &token, &message_id, ctx.now())?;
                let group = fifo::is_fifo(&subscription.endpoint).then(|| "confirmation".to_owned());
                let deduplication_id = group.is_some().then_some(message_id);
                let message = QueueMessage { body, attributes: None, group, deduplication_id };
                // A queue that does not let the topic in stays unconfirmed.
                let _ = send(ctx, tx, &arn.topic, &subscription.endpoint, message);
                Ok(())
            }
            Protocol::Email | Protocol::EmailJson if self.config.smtp.is_none() => {
                let mail = self.confirmation_mail(&arn.topic, topic, subscription, &token, &message_id)?;
                inbox::keep(tx, arn.topic.account, &mail)
            }
            _ => {
                jobs::add(ctx, tx, arn, Content::Confirmation { token, message_id });
                Ok(())
            }
        }
    }
}
