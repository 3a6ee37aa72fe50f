//! What SQS itself costs, without HTTP: rates of sending and of receiving with deleting through the typed client, on
//! the embedded engine in a folder of its own; on an empty queue and behind a backlog; and what waiting receivers take.
//!
//! `cargo bench -p sqs -- [backlog] [pollers]`

use std::sync::Arc;
use std::time::{Duration, Instant};

use clock::Clock;
use cloud::{
    Actor, Caller, Cloud, Credential, Ctx, Directory, Ids, PrincipalPolicies, Settings, TraceContext,
};
use identity::{AccountId, Principal, Region};
use kv::{EmbeddedEngine, EmbeddedOptions};
use shapes::ApiError;
use sqs::SqsService;
use sqs_api::op::{CreateQueue, DeleteMessage, ReceiveMessage, SendMessage, SendMessageBatch};
use sqs_api::{
    CreateQueueInput, DeleteMessageInput, ReceiveMessageInput, SendMessageBatchInput,
    SendMessageBatchRequestEntry, SendMessageInput,
};
use store::Store;

const CALLERS: usize = 64;
const DURATION: Duration = Duration::from_secs(3);

/// Root calls need no directory.
struct Nobody;

impl Directory for Nobody {
    fn credential(&self, _: &str) -> Result<Option<Arc<Credential>>, ApiError> {
        Ok(None)
    }
    fn policies_of(&self, _: &Principal) -> Result<Arc<PrincipalPolicies>, ApiError> {
        Ok(Arc::default())
    }
    fn assume_role(&self, _: &Ctx, _: &str, _: &str) -> Result<Actor, ApiError> {
        Err(ApiError::sender("AccessDenied", "there are no roles here"))
    }
}

fn root(cloud: &Cloud) -> Ctx {
    let account = AccountId::DEFAULT;
    let caller = Caller {
        actor: Actor::of(Principal::root(account)),
        access_key_id: None,
        source_ip: None,
        user_agent: None,
        is_tls: false,
        source: None,
    };
    let trace = TraceContext::begin(cloud.ids(), cloud.clock().now());
    Ctx::new(cloud.clone(), caller, (account, Region::US_EAST_1), trace, "bench".into(), "bench")
}

#[derive(Clone)]
struct Queue {
    ctx: Ctx,
    url: String,
}

impl Queue {
    async fn create(ctx: &Ctx, name: &str) -> Result<Self, ApiError> {
        let input = CreateQueueInput { queue_name: name.to_owned(), ..Default::default() };
        let url = ctx.call::<CreateQueue>(input).await?.queue_url.unwrap_or_default();
        Ok(Self { ctx: ctx.clone(), url })
    }

    async fn send(&self) -> Result<(), ApiError> {
        let input = SendMessageInput {
            queue_url: self.url.clone(),
            message_body: "x".repeat(300),
            ..Default::default()
        };
        self.ctx.call::<SendMessage>(input).await.map(|_| ())
    }

    async fn send_ten(&self) -> Result<(), ApiError> {
        let entries = (0..10)
            .map(|number| SendMessageBatchRequestEntry {
                id: number.to_string(),
                message_body: "x".repeat(300),
                ..Default::default()
            })
            .collect();
        let input = SendMessageBatchInput { queue_url: self.url.clone(), entries };
        self.ctx.call::<SendMessageBatch>(input).await.map(|_| ())
    }

    /// Whether there was a message.
    async fn receive_and_delete(&self) -> Result<bool, ApiError> {
        let input = ReceiveMessageInput { queue_url: self.url.clone(), ..Default::default() };
        let received = self.ctx.call::<ReceiveMessage>(input).await?.messages.unwrap_or_default();
        let Some(message) = received.into_iter().next() else { return Ok(false) };
        let input = DeleteMessageInput {
            queue_url: self.url.clone(),
            receipt_handle: message.receipt_handle.unwrap_or_default(),
        };
        self.ctx.call::<DeleteMessage>(input).await?;
        Ok(true)
    }

    async fn wait(&self) -> Result<(), ApiError> {
        let input = ReceiveMessageInput {
            queue_url: self.url.clone(),
            wait_time_seconds: Some(20),
            ..Default::default()
        };
        self.ctx.call::<ReceiveMessage>(input).await.map(|_| ())
    }
}

struct Rate {
    per_second: f64,
    micros: f64,
}

/// Repeats `work` on all callers for a while, and prints how often it was done.
async fn measure<F>(what: &str, queue: &Queue, work: impl Fn(Queue) -> F) -> Rate
where
    F: Future<Output = Result<u64, ApiError>> + Send + 'static,
{
    let (_, spent_before) = usage();
    let started = Instant::now();
    let tasks: Vec<_> = (0..CALLERS).map(|_| tokio::spawn(work(queue.clone()))).collect();
    let mut count = 0;
    for task in tasks {
        count += task.await.expect("no caller panics").expect("no call fails");
    }
    let rate = count as f64 / started.elapsed().as_secs_f64();
    // Processor time tells more than the rate on a machine that others use as well.
    let micros = (usage().1 - spent_before).as_secs_f64() * 1e6 / count as f64;
    println!("{what:<44} {rate:>10.0}/s {micros:>8.1} us of processor each");
    Rate { per_second: rate, micros }
}

async fn send_for_a_while(queue: Queue) -> Result<u64, ApiError> {
    let (started, mut count) = (Instant::now(), 0);
    while started.elapsed() < DURATION {
        queue.send().await?;
        count += 1;
    }
    Ok(count)
}

async fn drain_for_a_while(queue: Queue) -> Result<u64, ApiError> {
    let (started, mut count) = (Instant::now(), 0);
    while started.elapsed() < DURATION && queue.receive_and_delete().await? {
        count += 1;
    }
    Ok(count)
}

/// Resident memory in bytes, and processor time spent so far.
fn usage() -> (u64, Duration) {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let ticks: u64 =
        after_name.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    (pages * 4096, Duration::from_millis(ticks * 10))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<usize>().ok());
    let (backlog, pollers) = (numbers.next().unwrap_or(1_000_000), numbers.next().unwrap_or(5000));
    let folder = tempfile::tempdir_in(".")?;
    let engine = EmbeddedEngine::open(folder.path(), &EmbeddedOptions::default())?;
    let settings = Settings {
        default_region: Region::US_EAST_1,
        endpoint: "http://127.0.0.1:4566".to_owned(),
        is_strict: false,
    };
    let cloud =
        Cloud::new(settings, Store::new(Arc::new(engine)), Clock::system(Duration::ZERO), Ids::System);
    let sqs = SqsService::new(cloud.clone());
    cloud.open(vec![sqs.service()], Arc::new(Nobody));
    let ctx = root(&cloud);

    let short = Queue::create(&ctx, "short").await?;
    let sent = measure("SendMessage, empty queue", &short, send_for_a_while).await;
    let drained = measure("ReceiveMessage + DeleteMessage", &short, drain_for_a_while).await;

    let long = Queue::create(&ctx, "long").await?;
    let each = backlog.div_ceil(CALLERS * 10);
    let started = Instant::now();
    measure("SendMessageBatch of 10, until the backlog is", &long, move |queue| async move {
        for _ in 0..each {
            queue.send_ten().await?;
        }
        Ok(each as u64)
    })
    .await;
    println!("{} messages in {:.1} s", each * CALLERS * 10, started.elapsed().as_secs_f64());
    let sent_behind = measure("SendMessage, behind the backlog", &long, send_for_a_while).await;
    let drained_behind = measure("ReceiveMessage + DeleteMessage, of it", &long, drain_for_a_while).await;
    for (what, without, with) in [("sending", sent, sent_behind), ("receiving", drained, drained_behind)] {
        println!(
            "{what} with a backlog: {:.2} of the rate, {:.2} of the processor time",
            with.per_second / without.per_second,
            with.micros / without.micros
        );
    }

    let reopened = Cloud::new(
        cloud.settings().clone(),
        cloud.store().clone(),
        Clock::system(Duration::ZERO),
        Ids::System,
    );
    let sqs = SqsService::new(reopened.clone());
    reopened.open(vec![sqs.service()], Arc::new(Nobody));
    let restarted = Queue { ctx: root(&reopened), url: long.url.clone() };
    let started = Instant::now();
    restarted.receive_and_delete().await?;
    println!(
        "first receive of the backlog after a restart: {:.0} ms",
        started.elapsed().as_secs_f64() * 1000.0
    );

    let idle = Queue::create(&ctx, "idle").await?;
    let (memory, _) = usage();
    let waiting: Vec<_> = (0..pollers)
        .map(|_| {
            let idle = idle.clone();
            tokio::spawn(async move { idle.wait().await })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (with_pollers, spent) = usage();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (_, spent_later) = usage();
    println!(
        "{pollers} waiting receivers: {:.1} MB, {:.1} % of one processor",
        with_pollers.saturating_sub(memory) as f64 / 1e6,
        (spent_later - spent).as_secs_f64() / 5.0 * 100.0
    );
    let started = Instant::now();
    idle.send().await?;
    while waiting.iter().all(|task| !task.is_finished()) {
        tokio::task::yield_now().await;
    }
    println!("one of them is served within {:.2} ms", started.elapsed().as_secs_f64() * 1000.0);
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
    cloud.store().close().await?;
    Ok(())
}
