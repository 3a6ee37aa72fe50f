//! A region with nothing but SQS, and short words for what tests do with it.

use std::time::Duration;

use ::kit::TestRegion;
use shapes::{ApiError, Map};
use sqs::SqsService;
use sqs_api::op::{
    ChangeMessageVisibility, CreateQueue, DeleteMessage, GetQueueAttributes, ReceiveMessage, SendMessage,
    SetQueueAttributes,
};
use sqs_api::{
    ChangeMessageVisibilityInput, CreateQueueInput, DeleteMessageInput, GetQueueAttributesInput, Message,
    ReceiveMessageInput, SendMessageInput, SetQueueAttributesInput,
};

pub(crate) struct Queue {
    pub region: TestRegion,
    pub url: String,
}

pub(crate) fn region() -> TestRegion {
    TestRegion::with_jobs(|cloud| {
        let sqs = SqsService::new(cloud.clone());
        (vec![sqs.service()], sqs.jobs())
    })
}

impl Queue {
    pub(crate) async fn create(attributes: &[(&str, &str)]) -> Self {
        Self::named("orders", attributes).await
    }

    pub(crate) async fn fifo(attributes: &[(&str, &str)]) -> Self {
        let all: Vec<_> = [("FifoQueue", "true")].into_iter().chain(attributes.iter().copied()).collect();
        Self::named("orders.fifo", &all).await
    }

    async fn named(name: &str, attributes: &[(&str, &str)]) -> Self {
        let region = region();
        let url = create(&region, name, attributes).await.expect("the queue is made");
        Self { region, url }
    }

    /// Another queue of the same region.
    pub(crate) async fn beside(self, name: &str, attributes: &[(&str, &str)]) -> (Self, String) {
        let url = create(&self.region, name, attributes).await.expect("the queue is made");
        (self, url)
    }

    pub(crate) async fn send(&self, body: &str) -> Result<String, ApiError> {
        let sent = self.send_with(body, |_| {}).await?;
        Ok(sent.message_id.unwrap_or_default())
    }

    pub(crate) async fn send_with(
        &self,
        body: &str,
        change: impl FnOnce(&mut SendMessageInput),
    ) -> Result<sqs_api::SendMessageOutput, ApiError> {
        let mut input = SendMessageInput {
            queue_url: self.url.clone(),
            message_body: body.to_owned(),
            ..Default::default()
        };
        change(&mut input);
        self.region.call::<SendMessage>(input).await
    }

    /// Sends to a message group, deduplicated by the body.
    pub(crate) async fn send_to(
        &self,
        group: &str,
        body: &str,
    ) -> Result<sqs_api::SendMessageOutput, ApiError> {
        self.send_with(body, |input| {
            input.message_group_id = Some(group.to_owned());
            input.message_deduplication_id = Some(body.to_owned());
        })
        .await
    }

    pub(crate) async fn receive(&self, count: i32) -> Vec<Message> {
        receive(&self.region, &self.url, count).await
    }

    pub(crate) async fn delete(&self, message: &Message) -> Result<(), ApiError> {
        let input = DeleteMessageInput { queue_url: self.url.clone(), receipt_handle: handle(message) };
        self.region.call::<DeleteMessage>(input).await.map(|_| ())
    }

    pub(crate) async fn hide(&self, message: &Message, seconds: i32) -> Result<(), ApiError> {
        let input = ChangeMessageVisibilityInput {
            queue_url: self.url.clone(),
            receipt_handle: handle(message),
            visibility_timeout: seconds,
        };
        self.region.call::<ChangeMessageVisibility>(input).await.map(|_| ())
    }

    pub(crate) async fn set(&self, name: &str, value: &str) {
        let attributes = Map::from([(name.to_owned(), value.to_owned())]);
        let input = SetQueueAttributesInput { queue_url: self.url.clone(), attributes };
        self.region.call::<SetQueueAttributes>(input).await.expect("the attribute is set");
    }

    /// Visible, in flight, delayed.
    pub(crate) async fn counts(&self) -> [u64; 3] {
        counts(&self.region, &self.url).await
    }

    /// Lets what is under way come to rest before the clock moves on.
    pub(crate) async fn advance(&self, seconds: u64) {
        self.region.settle().await;
        self.region.advance(Duration::from_secs(seconds)).await;
    }
}

pub(crate) fn handle(message: &Message) -> String {
    message.receipt_handle.clone().unwrap_or_default()
}

pub(crate) async fn counts(region: &TestRegion, url: &str) -> [u64; 3] {
    let attributes = attributes(region, url).await;
    [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    .map(|name| attributes.get(name).and_then(|count| count.parse().ok()).expect("a count"))
}

pub(crate) async fn attributes(region: &TestRegion, url: &str) -> Map<String> {
    let input =
        GetQueueAttributesInput { queue_url: url.to_owned(), attribute_names: Some(vec!["All".to_owned()]) };
    let output = region.call::<GetQueueAttributes>(input).await.expect("attributes are there");
    output.attributes.unwrap_or_default()
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

pub(crate) fn attribute<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message.attributes.as_ref()?.get(name).map(String::as_str)
}
