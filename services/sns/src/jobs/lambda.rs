//! Deliveries to functions: asynchronous invocations, so that Lambda's own retries and destinations follow.

use cloud::Ctx;
use identity::Region;
use lambda_api::InvokeInput;
use lambda_api::op::Invoke;

use super::Failure;
use crate::Sns;
use crate::fan_out::as_topic;
use crate::message::Message;
use crate::subscription::{Subscription, SubscriptionArn};
use crate::topic::Topic;

pub(super) async fn invoke(
    sns: &Sns,
    ctx: &Ctx,
    arn: &SubscriptionArn,
    topic: &Topic,
    subscription: &Subscription,
    message: &Message,
) -> Result<(), Failure> {
    let event = sns.letterhead(topic).and_then(|letterhead| letterhead.lambda_event(arn, message));
    let event = event.map_err(|error| Failure { reason: error.to_string(), is_permanent: false })?;
    let function = identity::arn::split(&subscription.endpoint);
    let place = function.and_then(|function| Some((function.account_id()?, Region::parse(function.region)?)));
    let Some((account, region)) = place else {
        return Err(Failure { reason: "the endpoint is no function's ARN".to_owned(), is_permanent: true });
    };
    let input = InvokeInput {
        function_name: subscription.endpoint.clone(),
        invocation_type: Some("Event".to_owned()),
        payload: Some(event.into()),
        ..Default::default()
    };
    let invoked = as_topic(ctx, &arn.topic).in_tenant(account, region).call::<Invoke>(input).await;
    invoked.map(|_| ()).map_err(|error| Failure {
        reason: error.to_string(),
        is_permanent: !error.is_retryable() || error.status() == 501,
    })
}
