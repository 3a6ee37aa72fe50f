//! Where records of what became of an event go: queues, topics and other functions.

use std::sync::Arc;

use cloud::Ctx;
use identity::arn;
use lambda_api::DestinationConfig;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Map};
use sns_api::PublishInput;
use sns_api::op::Publish;
use sqs_api::op::SendMessage;
use sqs_api::{MessageAttributeValue, SendMessageInput};
use targets::queue_url;

use crate::function::Target;
use crate::{Lambda, errors};

/// The destinations of a function's asynchronous invocations, by ARN.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Destinations {
    pub on_success: Option<String>,
    pub on_failure: Option<String>,
}

impl Destinations {
    /// Checks what a request gives. An empty ARN takes a destination away.
    pub(crate) fn parse(config: Option<DestinationConfig>) -> Result<Self, ApiError> {
        let config = config.unwrap_or_default();
        let on_success = config.on_success.and_then(|success| success.destination);
        let on_failure = config.on_failure.and_then(|failure| failure.destination);
        let destinations = Self {
            on_success: on_success.filter(|arn| !arn.is_empty()),
            on_failure: on_failure.filter(|arn| !arn.is_empty()),
        };
        for arn in [&destinations.on_success, &destinations.on_failure].into_iter().flatten() {
            check(arn)?;
        }
        Ok(destinations)
    }

    pub(crate) fn to_api(&self) -> DestinationConfig {
        let on_success = self.on_success.clone();
        let on_failure = self.on_failure.clone();
        DestinationConfig {
            on_success: Some(lambda_api::OnSuccess { destination: on_success }),
            on_failure: Some(lambda_api::OnFailure { destination: on_failure }),
        }
    }
}

/// Whether records can be sent to this ARN.
pub(crate) fn check(destination: &str) -> Result<(), ApiError> {
    match arn::split(destination).map(|parts| parts.service) {
        Some("sqs" | "sns" | "lambda") => Ok(()),
        Some(other) => Err(errors::not_here_yet(&format!("A destination of the service {other}"))),
        None => Err(errors::invalid(format!("The destination {destination} is not an ARN"))),
    }
}

impl Lambda {
    /// Sends a record as the role that `ctx` carries. `attributes` go along where the destination has such.
    pub(crate) async fn send_record(
        self: &Arc<Self>,
        ctx: &Ctx,
        destination: &str,
        record: String,
        attributes: &[(&str, String)],
    ) -> Result<(), ApiError> {
        let parts = arn::split(destination)
            .ok_or_else(|| errors::invalid(format!("The destination {destination} is not an ARN")))?;
        match parts.service {
            "sqs" => {
                let input = SendMessageInput {
                    queue_url: queue_url(ctx, destination)?,
                    message_body: record,
                    message_attributes: (!attributes.is_empty()).then(|| message_attributes(attributes)),
                    ..Default::default()
                };
                ctx.call::<SendMessage>(input).await.map(|_| ())
            }
            "sns" => {
                let input = PublishInput {
                    topic_arn: Some(destination.to_owned()),
                    message: record,
                    ..Default::default()
                };
                ctx.call::<Publish>(input).await.map(|_| ())
            }
            "lambda" => {
                let input = lambda_api::InvokeInput {
                    function_name: destination.to_owned(),
                    invocation_type: Some("Event".to_owned()),
                    payload: Some(record.into()),
                    ..Default::default()
                };
                Target::parse(ctx, destination, None)?;
                ctx.call::<lambda_api::op::Invoke>(input).await.map(|_| ())
            }
            other => Err(errors::not_here_yet(&format!("A destination of the service {other}"))),
        }
    }
}

fn message_attributes(attributes: &[(&str, String)]) -> Map<MessageAttributeValue> {
    let value = |text: &String| MessageAttributeValue {
        data_type: "String".to_owned(),
        string_value: Some(text.clone()),
        ..Default::default()
    };
    attributes.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect()
}
