//! Queues against a simple model under random operations, steps of the clock and restarts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ::kit::{START, TestRegion};
use clock::JobKind;
use cloud::{Cloud, Service};
use proptest::prelude::*;
use shapes::Timestamp;
use sqs::SqsService;
use sqs_api::op::{DeleteMessage, PurgeQueue};
use sqs_api::{DeleteMessageInput, Message, PurgeQueueInput};

use crate::kit::{Queue, attribute, create, handle, receive};

const TIMEOUT: u64 = 30;
const RETENTION: u64 = 300;
const MOST_RECEIVES: u32 = 3;

#[derive(Clone, Debug)]
enum Step {
    Send {
        group: u8,
        delay: u8,
    },
    Receive(u8),
    /// Deletes one of the messages received so far, by its latest or by an older handle.
    Delete(prop::sample::Index),
    Hide(prop::sample::Index, u8),
    Advance(u16),
    Purge,
    /// In order: nothing is forgotten.
    Restart,
    /// What was received since the clock last moved is forgotten.
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..4_u8, 0..3_u8).prop_map(|(group, delay)| Step::Send { group, delay }),
        6 => (1..=10_u8).prop_map(Step::Receive),
        4 => any::<prop::sample::Index>().prop_map(Step::Delete),
        2 => (any::<prop::sample::Index>(), 0..60_u8).prop_map(|(which, seconds)| Step::Hide(which, seconds)),
        3 => (0..40_u16).prop_map(Step::Advance),
        1 => Just(Step::Purge),
        1 => Just(Step::Restart),
        1 => Just(Step::Crash),
    ]
}

/// What a queue knows of one message's receives.
#[derive(Clone, Debug)]
struct Receipt {
    /// Nobody may get it before.
    hidden_until: u64,
    handle: Option<String>,
    receives: u32,
}

/// What is known of one message.
#[derive(Debug)]
struct Known {
    group: u8,
    sent: u64,
    receipt: Receipt,
    /// As it is in the store.
    stored: Receipt,
    /// The most receives that there ever were: a message may have been put aside before a crash forgot some.
    most_receives: u32,
    is_deleted: bool,
    /// Deleted when it was due to be put aside: whichever came first.
    may_be_gone: bool,
    /// Gone, unless it was put aside before.
    is_purged: bool,
}

/// How a handle stands to what the queue knows.
#[derive(Clone, Copy, PartialEq)]
enum Bond {
    Latest,
    /// Of a receive that a crash forgot and that no other has followed.
    Forgotten,
    Outdated,
}

/// A receive: which message, how often it had been received with it.
struct Receive {
    index: usize,
    count: u32,
    message: Message,
}

impl Known {
    fn is_hidden(&self, now: u64) -> bool {
        now < self.receipt.hidden_until
    }

    fn has_expired(&self, now: u64) -> bool {
        now >= self.sent + RETENTION
    }

    /// Deleted, expired, or perhaps put aside.
    fn may_be_over(&self, now: u64) -> bool {
        self.is_deleted || self.is_purged || self.has_expired(now) || self.most_receives >= MOST_RECEIVES
    }

    fn bond(&self, receive: &Receive) -> Bond {
        if self.receipt.handle.as_deref() == receive.message.receipt_handle.as_deref() {
            return Bond::Latest;
        }
        if receive.count > self.receipt.receives { Bond::Forgotten } else { Bond::Outdated }
    }
}

struct World {
    queue: Queue,
    service: SqsService,
    dead: String,
    is_fifo: bool,
    messages: Vec<Known>,
    received: Vec<Receive>,
    /// When the queue was purged last.
    purged: Option<u64>,
}

/// How a life of the region ends.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Stop,
    Crash,
}

fn services(made: &mut Option<SqsService>, cloud: &Cloud) -> (Vec<Service>, Vec<JobKind>) {
    let sqs = made.insert(SqsService::new(cloud.clone()));
    (vec![sqs.service()], sqs.jobs())
}

impl World {
    async fn new(is_fifo: bool) -> Self {
        let mut service = None;
        let region = TestRegion::with_jobs(|cloud| services(&mut service, cloud));
        let suffix = if is_fifo { ".fifo" } else { "" };
        let kind: &[(&str, &str)] = if is_fifo { &[("FifoQueue", "true")] } else { &[] };
        let dead = create(&region, &format!("dead{suffix}"), kind).await.unwrap();
        let policy = format!(
            r#"{{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead{suffix}","maxReceiveCount":{MOST_RECEIVES}}}"#
        );
        let retention = RETENTION.to_string();
        let mut attributes = vec![("RedrivePolicy", policy.as_str()), ("MessageRetentionPeriod", &retention)];
        attributes.extend(kind);
        let url = create(&region, &format!("orders{suffix}"), &attributes).await.unwrap();
        let (queue, service) = (Queue { region, url }, service.unwrap());
        Self { queue, service, dead, is_fifo, messages: Vec::new(), received: Vec::new(), purged: None }
    }

    fn now(&self) -> u64 {
        let now: Timestamp = self.queue.region.clock.now();
        now.since(START).as_secs()
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Send { group, delay } => self.send(group, u64::from(delay) * 10).await,
            Step::Receive(count) => self.receive(i32::from(count)).await,
            Step::Delete(which) => self.delete(which).await,
            Step::Hide(which, seconds) => self.hide(which, u64::from(seconds)).await,
            Step::Advance(seconds) => self.advance(seconds.into()).await,
            Step::Purge => self.purge().await,
            Step::Restart | Step::Crash => unreachable!("a life of the region ends with them"),
        }
    }

    /// The end of the region's process, but for that of its tasks: their runtime goes with them.
    async fn end(&mut self, end: End) {
        if end == End::Stop {
            self.service.stop().await;
        }
        for known in &mut self.messages {
            match end {
                End::Stop => known.stored = known.receipt.clone(),
                End::Crash => known.receipt = known.stored.clone(),
            }
        }
    }

    /// The region's next process, in a new runtime.
    fn begin(self) -> Self {
        let mut service = None;
        // Nothing starts within the millisecond in which it ended.
        self.queue.region.clock.advance(Duration::from_millis(1));
        let region = self.queue.region.restarted(|cloud| services(&mut service, cloud));
        Self { queue: Queue { region, url: self.queue.url }, service: service.unwrap(), ..self }
    }

    async fn send(&mut self, group: u8, delay: u64) {
        let body = self.messages.len().to_string();
        let sent = if self.is_fifo {
            self.queue.send_to(&group.to_string(), &body).await
        } else {
            let change = |input: &mut sqs_api::SendMessageInput| {
                input.delay_seconds = Some(delay as i32);
                // Half of the messages of a standard queue have no group.
                input.message_group_id = (group > 1).then(|| group.to_string());
            };
            self.queue.send_with(&body, change).await
        };
        sent.unwrap();
        let now = self.now();
        let hidden_until = if self.is_fifo { now } else { now + delay };
        let group = if self.is_fifo { group } else { 0 };
        let receipt = Receipt { hidden_until, handle: None, receives: 0 };
        self.messages.push(Known {
            group,
            sent: now,
            stored: receipt.clone(),
            receipt,
            most_receives: 0,
            is_deleted: false,
            may_be_gone: false,
            is_purged: false,
        });
    }

    async fn receive(&mut self, count: i32) {
        let now = self.now();
        // Groups with a message in flight before this receive.
        let busy: BTreeSet<u8> = self.in_flight(now).map(|known| known.group).collect();
        let received = self.queue.receive(count).await;
        assert!(received.len() <= count as usize);
        let mut last_of_group: BTreeMap<u8, usize> = BTreeMap::new();
        for message in received {
            let index: usize = message.body.as_deref().unwrap_or_default().parse().unwrap();
            let known = &mut self.messages[index];
            assert!(!known.is_deleted && !known.is_purged, "{index} was deleted and came again");
            assert!(!known.is_hidden(now), "{index} came inside its timeout: {known:?} at {now}");
            assert!(!known.has_expired(now), "{index} outlived its retention");
            let count = known.receipt.receives + 1;
            assert!(count <= MOST_RECEIVES, "{index} was received too often");
            assert_eq!(attribute(&message, "ApproximateReceiveCount"), Some(count.to_string().as_str()));
            known.most_receives = known.most_receives.max(count);
            known.receipt =
                Receipt { hidden_until: now + TIMEOUT, handle: Some(handle(&message)), receives: count };
            if self.is_fifo {
                assert!(!busy.contains(&known.group), "group {} was blocked", known.group);
                let before = last_of_group.insert(known.group, index);
                assert!(before.is_none_or(|before| before < index), "order within the group");
            }
            self.received.push(Receive { index, count, message });
        }
        if self.is_fifo {
            for (group, last) in last_of_group {
                self.assert_nothing_was_skipped(group, last, now);
            }
        }
    }

    /// Everything of the group before its last received message was received too, or is gone for good.
    fn assert_nothing_was_skipped(&self, group: u8, last: usize, now: u64) {
        for known in self.messages[..last].iter().filter(|known| known.group == group) {
            assert!(known.may_be_over(now) || known.is_hidden(now), "{known:?} was skipped at {now}");
        }
    }

    fn in_flight(&self, now: u64) -> impl Iterator<Item = &Known> {
        self.messages.iter().filter(move |known| {
            !known.is_deleted
                && !known.is_purged
                && known.receipt.receives > 0
                && known.is_hidden(now)
                && !known.has_expired(now)
        })
    }

    async fn delete(&mut self, which: prop::sample::Index) {
        if self.received.is_empty() {
            return;
        }
        let receive = &self.received[which.index(self.received.len())];
        let now = self.now();
        let outcome = self.queue.delete(&receive.message).await;
        let known = &mut self.messages[receive.index];
        let is_here = !known.may_be_over(now);
        let (bond, is_hidden) = (known.bond(receive), known.is_hidden(now));
        // API Reference, DeleteMessage: a FIFO queue refuses handles whose timeout is over.
        let is_refused = self.is_fifo && (bond == Bond::Outdated || (bond == Bond::Latest && !is_hidden));
        if is_refused {
            assert!(outcome.is_err() || !is_here, "{known:?} was deleted at {now} by a handle that is over");
            return;
        }
        outcome.unwrap();
        if bond == Bond::Outdated {
            return;
        }
        // The latest handle deletes even after its timeout; what was put aside by then is not here.
        let may_be_buried = known.most_receives >= MOST_RECEIVES;
        known.is_deleted |= !may_be_buried || (bond == Bond::Latest && is_hidden);
        known.may_be_gone = true;
    }

    async fn hide(&mut self, which: prop::sample::Index, seconds: u64) {
        if self.received.is_empty() {
            return;
        }
        let receive = &self.received[which.index(self.received.len())];
        let now = self.now();
        let outcome = self.queue.hide(&receive.message, seconds as i32).await;
        let known = &mut self.messages[receive.index];
        let is_held = known.bond(receive) == Bond::Latest
            && !known.is_deleted
            && !known.is_purged
            && known.is_hidden(now)
            && !known.has_expired(now);
        assert_eq!(outcome.is_ok(), is_held, "{known:?} at {now}: {outcome:?}");
        if is_held {
            known.receipt.hidden_until = now + seconds;
        }
    }

    /// Once a minute, everything that was sent before is gone.
    async fn purge(&mut self) {
        let now = self.now();
        let input = PurgeQueueInput { queue_url: self.queue.url.clone() };
        let outcome = self.queue.region.call::<PurgeQueue>(input).await;
        let is_due = self.purged.is_none_or(|purged| now >= purged + 60);
        assert_eq!(outcome.is_ok(), is_due, "{outcome:?} at {now}, after {:?}", self.purged);
        if is_due {
            self.purged = Some(now);
            self.messages.iter_mut().for_each(|known| known.is_purged = true);
        }
    }

    /// The clock moves, and receipts are stored.
    async fn advance(&mut self, seconds: u64) {
        self.queue.advance(seconds).await;
        if seconds > 0 {
            self.messages.iter_mut().for_each(|known| known.stored = known.receipt.clone());
        }
    }

    /// Nothing was lost: what was not deleted is received in the end, here or as a dead letter.
    async fn finish(mut self) {
        let mut rest: BTreeSet<usize> =
            (0..self.messages.len()).filter(|index| !self.messages[*index].is_deleted).collect();
        let mut rounds = 0;
        while !rest.is_empty() && rounds < 60 {
            rounds += 1;
            let before = self.received.len();
            self.receive(10).await;
            for receive in &self.received[before..] {
                rest.remove(&receive.index);
                self.queue.delete(&receive.message).await.unwrap();
                self.messages[receive.index].is_deleted = true;
            }
            for letter in receive(&self.queue.region, &self.dead, 10).await {
                let index: usize = letter.body.as_deref().unwrap_or_default().parse().unwrap();
                let known = &self.messages[index];
                assert!(known.most_receives >= MOST_RECEIVES, "{index} was put aside too early");
                assert!(!known.is_deleted, "{index} was deleted and is a dead letter");
                rest.remove(&index);
                // Those of its group that come after it can be received now.
                let input =
                    DeleteMessageInput { queue_url: self.dead.clone(), receipt_handle: handle(&letter) };
                self.queue.region.call::<DeleteMessage>(input).await.unwrap();
            }
            if self.received.len() == before {
                self.advance(10).await;
            }
            let now = self.now();
            rest.retain(|index| {
                let known = &self.messages[*index];
                !known.has_expired(now) && !known.may_be_gone && !known.is_purged
            });
        }
        assert!(rest.is_empty(), "lost: {rest:?}");
        assert_eq!(self.queue.counts().await, [0; 3]);
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn check(is_fifo: bool, steps: Vec<Step>) {
    // Everything that a process does ends with it: each has a runtime of its own.
    let mut life = runtime();
    let mut world = life.block_on(World::new(is_fifo));
    for step in steps {
        let end = match step {
            Step::Restart => End::Stop,
            Step::Crash => End::Crash,
            step => {
                life.block_on(world.take(step));
                continue;
            }
        };
        life.block_on(world.end(end));
        life = runtime();
        world = life.block_on(async { world.begin() });
    }
    life.block_on(world.finish());
}

/// How many histories are tried; `BRUME_MODEL_CASES` asks for more.
fn cases() -> ProptestConfig {
    let cases = std::env::var("BRUME_MODEL_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(100);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn standard_queues_behave_as_the_model(steps in prop::collection::vec(step(), 1..80)) {
        check(false, steps);
    }

    #[test]
    fn fifo_queues_behave_as_the_model(steps in prop::collection::vec(step(), 1..80)) {
        check(true, steps);
    }
}
