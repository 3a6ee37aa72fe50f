//! A region with nothing but SQS, and short words for what tests do with it.

use ::kit::TestRegion;
use shapes::{ApiError, Map};
use sqs_api::op::{CreateQueue, DeleteMessage, ReceiveMessage, SendMessage};
use sqs_api::{CreateQueueInput, DeleteMessageInput, Message, ReceiveMessageInput, SendMessageInput};

pub(crate) struct Queue {
    pub region: TestRegion,
    pub url: String,
}

impl Queue {
    pub(crate) async fn create(attributes: &[(&str, &str)]) -> Self {
        let region = TestRegion::start(|cloud| vec![sqs::service(cloud.clone())]);
        let url = create(&region, "orders", attributes).await.expect("the queue is made");
        Self { region, url }
    }

    pub(crate) async fn send(&self, body: &str) -> Result<String, ApiError> {
        let input = SendMessageInput {
            queue_url: self.url.clone(),
            message_body: body.to_owned(),
            ..Default::default()
        };
        let sent = self.region.call::<SendMessage>(input).await?;
        Ok(sent.message_id.unwrap_or_default())
    }

    pub(crate) async fn receive(&self, count: i32) -> Vec<Message> {
        receive(&self.region, &self.url, count).await
    }

    pub(crate) async fn delete(&self, message: &Message) -> Result<(), ApiError> {
        let receipt_handle = message.receipt_handle.clone().unwrap_or_default();
        let input = DeleteMessageInput { queue_url: self.url.clone(), receipt_handle };
        self.region.call::<DeleteMessage>(input).await.map(|_| ())
    }
}

pub(crate) async fn create(
    region: &TestRegion,
    name: &str,
    attributes: &[(&str, &str)],
) -> Result<String, ApiError> {
    let attributes: Map<String> =
        attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let input =
        CreateQueueInput { queue_name: name.to_owned(), attributes: Some(attributes), ..Default::default() };
    Ok(region.call::<CreateQueue>(input).await?.queue_url.unwrap_or_default())
}

pub(crate) async fn receive(region: &TestRegion, url: &str, count: i32) -> Vec<Message> {
    let input = ReceiveMessageInput {
        queue_url: url.to_owned(),
        max_number_of_messages: Some(count),
        message_system_attribute_names: Some(vec!["All".to_owned()]),
        ..Default::default()
    };
    region.call::<ReceiveMessage>(input).await.expect("receiving works").messages.unwrap_or_default()
}

pub(crate) fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().filter_map(|message| message.body.as_deref()).collect()
}
