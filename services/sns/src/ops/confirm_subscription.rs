//! ConfirmSubscription: a signed request with the token that the endpoint was sent.

use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use sns_api::op::ConfirmSubscription;
use sns_api::{ConfirmSubscriptionInput, ConfirmSubscriptionOutput};
use store::Tx;

use crate::Sns;
use crate::subscription::confirm;
use crate::topic::TopicArn;

impl Transact<ConfirmSubscription> for Sns {
    type Draft = (TopicArn, String, bool);

    fn guard(&self, _: &Ctx, input: &ConfirmSubscriptionInput) -> Result<Guard, ApiError> {
        // The token is what proves the right to confirm; the link that carries it needs no signature at all.
        TopicArn::parse(&input.topic_arn)?;
        Ok(Guard::open())
    }

    fn prepare(&self, _: &Ctx, input: ConfirmSubscriptionInput) -> Result<Self::Draft, ApiError> {
        let is_authenticated =
            input.authenticate_on_unsubscribe.is_some_and(|flag| flag.eq_ignore_ascii_case("true"));
        Ok((TopicArn::parse(&input.topic_arn)?, input.token, is_authenticated))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (topic, token, is_authenticated): &Self::Draft,
    ) -> Result<ConfirmSubscriptionOutput, ApiError> {
        tx.with_scope(&topic.scope(), |tx| {
            let arn = confirm(tx, &self.cloud, topic, token, *is_authenticated)?;
            Ok(ConfirmSubscriptionOutput { subscription_arn: Some(arn.to_string()) })
        })
    }
}
