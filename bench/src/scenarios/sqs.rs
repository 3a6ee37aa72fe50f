//! SQS: sending, receiving with deleting, and waiting; behind a backlog if wished.

use std::time::Instant;

use sqs_api::op::{CreateQueue, DeleteMessage, DeleteQueue, ReceiveMessage, SendMessage, SendMessageBatch};
use sqs_api::{
    CreateQueueInput, DeleteMessageInput, DeleteQueueInput, ReceiveMessageInput, SendMessageBatchInput,
    SendMessageBatchRequestEntry, SendMessageInput,
};

use crate::connection::Connection;
use crate::{BenchError, Client, Load, Report, load};

/// A queue of the measurement's own.
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    pub async fn create(client: &Client) -> Result<Self, BenchError> {
        let name = format!("brume-bench-{}", std::process::id());
        let input = CreateQueueInput { queue_name: name, ..Default::default() };
        let mut connection = Connection::open(&client.endpoint.authority).await?;
        let (status, body) = connection.exchange(&client.request::<CreateQueue>(&input)?).await?;
        let output = client.output::<CreateQueue>(status, body)?;
        Ok(Self { client: client.clone(), url: output.queue_url.unwrap_or_default() })
    }

    pub async fn delete(self) -> Result<(), BenchError> {
        let input = DeleteQueueInput { queue_url: self.url.clone() };
        let mut connection = Connection::open(&self.client.endpoint.authority).await?;
        let (status, body) = connection.exchange(&self.client.request::<DeleteQueue>(&input)?).await?;
        self.client.output::<DeleteQueue>(status, body).map(|_| ())
    }

    /// SendMessage of 300 bytes.
    pub async fn send(&self, load: Load) -> Result<Report, BenchError> {
        let requests = (0..super::POOL)
            .map(|number| {
                let input = SendMessageInput {
                    queue_url: self.url.clone(),
                    message_body: super::payload(number),
                    ..Default::default()
                };
                self.client.request::<SendMessage>(&input)
            })
            .collect::<Result<_, _>>()?;
        load::run(&self.client, "SendMessage", requests, load).await
    }

    /// Puts so many messages of 300 bytes on the queue, for the other measurements to stand behind.
    pub async fn fill(&self, messages: usize, load: Load) -> Result<(), BenchError> {
        let entries = (0..10)
            .map(|number| SendMessageBatchRequestEntry {
                id: number.to_string(),
                message_body: super::payload(number),
                ..Default::default()
            })
            .collect();
        let input = SendMessageBatchInput { queue_url: self.url.clone(), entries };
        let request = self.client.request::<SendMessageBatch>(&input)?;
        let each = messages.div_ceil(10 * load.connections.max(1));
        let mut tasks = Vec::new();
        for _ in 0..load.connections {
            let (client, request) = (self.client.clone(), request.clone());
            tasks.push(tokio::spawn(async move {
                let mut connection = Connection::open(&client.endpoint.authority).await?;
                for _ in 0..each {
                    let (status, body) = connection.exchange(&request).await?;
                    client.output::<SendMessageBatch>(status, body)?;
                }
                Ok::<_, BenchError>(())
            }));
        }
        for task in tasks {
            task.await.map_err(|error| BenchError::Request(error.to_string()))??;
        }
        Ok(())
    }

    /// One long poll of twenty seconds on every connection, on an empty queue: what waiting costs is seen at the
    /// region's process meanwhile.
    pub async fn wait(&self, load: Load) -> Result<Report, BenchError> {
        let input = ReceiveMessageInput {
            queue_url: self.url.clone(),
            wait_time_seconds: Some(20),
            ..Default::default()
        };
        let request = self.client.request::<ReceiveMessage>(&input)?;
        let started = Instant::now();
        let mut tasks = Vec::new();
        for _ in 0..load.connections {
            let mut connection = Connection::open(&self.client.endpoint.authority).await?;
            let (client, request) = (self.client.clone(), request.clone());
            tasks.push(tokio::spawn(async move {
                let sent = Instant::now();
                let (status, body) = connection.exchange(&request).await?;
                client.output::<ReceiveMessage>(status, body)?;
                Ok::<_, BenchError>(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX))
            }));
        }
        let mut times = Vec::new();
        for task in tasks {
            times.push(task.await.map_err(|error| BenchError::Request(error.to_string()))??);
        }
        let load = Load { duration: started.elapsed(), ..load };
        Ok(load::report("ReceiveMessage, waiting", load, times))
    }

    /// ReceiveMessage of one message and DeleteMessage of it, counted as one, while there are messages.
    pub async fn receive_and_delete(&self, load: Load) -> Result<Report, BenchError> {
        let start = Instant::now() + load.warm_up;
        let end = start + load.duration;
        let mut tasks = Vec::new();
        for _ in 0..load.connections {
            let client = self.client.clone();
            let url = self.url.clone();
            tasks.push(tokio::spawn(async move { drain(&client, &url, start, end).await }));
        }
        let mut times = Vec::new();
        let mut ended = Instant::now();
        for task in tasks {
            let (mine, last) = task.await.map_err(|error| BenchError::Request(error.to_string()))??;
            times.extend(mine);
            ended = ended.max(last);
        }
        // A queue that ran dry early was drained in less than the whole time.
        let spent = ended.min(end).saturating_duration_since(start);
        let load = Load { duration: spent, ..load };
        Ok(load::report("ReceiveMessage + DeleteMessage", load, times))
    }
}

async fn drain(
    client: &Client,
    url: &str,
    start: Instant,
    end: Instant,
) -> Result<(Vec<u32>, Instant), BenchError> {
    let mut connection = Connection::open(&client.endpoint.authority).await?;
    let receive = ReceiveMessageInput { queue_url: url.to_owned(), ..Default::default() };
    let receive = client.request::<ReceiveMessage>(&receive)?;
    let mut times = Vec::new();
    loop {
        let sent = Instant::now();
        if sent >= end {
            return Ok((times, end));
        }
        let (status, body) = connection.exchange(&receive).await?;
        let messages = client.output::<ReceiveMessage>(status, body)?.messages.unwrap_or_default();
        let Some(message) = messages.into_iter().next() else { return Ok((times, sent)) };
        let receipt_handle = message.receipt_handle.unwrap_or_default();
        let input = DeleteMessageInput { queue_url: url.to_owned(), receipt_handle };
        let (status, body) = connection.exchange(&client.request::<DeleteMessage>(&input)?).await?;
        client.output::<DeleteMessage>(status, body)?;
        if sent >= start {
            times.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
    }
}
