//! SQS: sending, receiving with deleting, and waiting; behind a backlog if wished.

use std::time::Instant;

use bytes::Bytes;
use shapes::Op;
use sqs_api::op::{
    CreateQueue, DeleteMessage, DeleteMessageBatch, DeleteQueue, ReceiveMessage, SendMessage,
    SendMessageBatch,
};
use sqs_api::{
    CreateQueueInput, DeleteMessageBatchInput, DeleteMessageBatchRequestEntry, DeleteMessageInput,
    DeleteQueueInput, Message, ReceiveMessageInput, SendMessageBatchInput, SendMessageBatchRequestEntry,
    SendMessageInput,
};

use crate::connection::Connection;
use crate::{BenchError, Client, Load, Report, load};

/// Messages of a batch.
const BATCH: usize = 10;

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

    /// SendMessageBatch of ten messages of 300 bytes, in messages.
    pub async fn send_batches(&self, load: Load) -> Result<Report, BenchError> {
        let requests = (0..super::POOL / BATCH).map(|number| self.batch(number)).collect::<Result<_, _>>()?;
        Ok(load::run(&self.client, "SendMessageBatch", requests, load).await?.of_batches(BATCH))
    }

    fn batch(&self, number: usize) -> Result<Bytes, BenchError> {
        let entries = (0..BATCH)
            .map(|entry| SendMessageBatchRequestEntry {
                id: entry.to_string(),
                message_body: super::payload(number * BATCH + entry),
                ..Default::default()
            })
            .collect();
        let input = SendMessageBatchInput { queue_url: self.url.clone(), entries };
        self.client.request::<SendMessageBatch>(&input)
    }

    /// Puts so many messages of 300 bytes on the queue, for the other measurements to stand behind.
    pub async fn fill(&self, messages: usize, load: Load) -> Result<(), BenchError> {
        let request = self.batch(0)?;
        let each = messages.div_ceil(BATCH * load.connections.max(1));
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
        self.drain(load, "ReceiveMessage + DeleteMessage", 1).await
    }

    /// ReceiveMessage of ten messages and DeleteMessageBatch of them, in messages, while there are any.
    pub async fn receive_and_delete_batches(&self, load: Load) -> Result<Report, BenchError> {
        self.drain(load, "ReceiveMessage + DeleteMessageBatch", BATCH).await
    }

    async fn drain(&self, load: Load, name: &str, each: usize) -> Result<Report, BenchError> {
        let start = Instant::now() + load.warm_up;
        let end = start + load.duration;
        let mut tasks = Vec::new();
        for _ in 0..load.connections {
            let consumer = Consumer::open(self, each).await?;
            tasks.push(tokio::spawn(async move { consumer.drain(start, end).await }));
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
        Ok(load::report(name, load, times).of_batches(each))
    }
}

/// Takes messages from a queue on a connection of its own, so many at a time.
struct Consumer {
    client: Client,
    url: String,
    connection: Connection,
    receive: Bytes,
    is_batch: bool,
}

impl Consumer {
    async fn open(queue: &Queue, each: usize) -> Result<Self, BenchError> {
        let input = ReceiveMessageInput {
            queue_url: queue.url.clone(),
            max_number_of_messages: Some(i32::try_from(each).unwrap_or(1)),
            ..Default::default()
        };
        let client = queue.client.clone();
        Ok(Self {
            connection: Connection::open(&client.endpoint.authority).await?,
            receive: client.request::<ReceiveMessage>(&input)?,
            client,
            url: queue.url.clone(),
            is_batch: each > 1,
        })
    }

    /// How long every round took that began after `start`, and when the last one ended.
    async fn drain(mut self, start: Instant, end: Instant) -> Result<(Vec<u32>, Instant), BenchError> {
        let mut times = Vec::new();
        loop {
            let sent = Instant::now();
            if sent >= end {
                return Ok((times, end));
            }
            let (status, body) = self.connection.exchange(&self.receive).await?;
            let messages = self.client.output::<ReceiveMessage>(status, body)?.messages.unwrap_or_default();
            if messages.is_empty() {
                return Ok((times, sent));
            }
            self.delete(messages).await?;
            if sent >= start {
                times.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
            }
        }
    }

    async fn delete(&mut self, messages: Vec<Message>) -> Result<(), BenchError> {
        let queue_url = self.url.clone();
        let mut handles = messages.into_iter().filter_map(|message| message.receipt_handle);
        if self.is_batch {
            let entry = |(number, receipt_handle): (usize, String)| DeleteMessageBatchRequestEntry {
                id: number.to_string(),
                receipt_handle,
            };
            let entries = handles.enumerate().map(entry).collect();
            let input = DeleteMessageBatchInput { queue_url, entries };
            return self.exchange::<DeleteMessageBatch>(&input).await;
        }
        let receipt_handle = handles.next().unwrap_or_default();
        self.exchange::<DeleteMessage>(&DeleteMessageInput { queue_url, receipt_handle }).await
    }

    async fn exchange<O: Op>(&mut self, input: &O::Input) -> Result<(), BenchError> {
        let (status, body) = self.connection.exchange(&self.client.request::<O>(input)?).await?;
        self.client.output::<O>(status, body).map(|_| ())
    }
}
