//! Queues against a simple model under random operations, steps of the clock and restarts.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use shapes::Timestamp;
use sqs_api::Message;

use crate::kit::{Queue, attribute, create, handle, receive, region};

const TIMEOUT: u64 = 30;
const RETENTION: u64 = 3600;
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
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..4_u8, 0..3_u8).prop_map(|(group, delay)| Step::Send { group, delay }),
        6 => (1..=10_u8).prop_map(Step::Receive),
        4 => any::<prop::sample::Index>().prop_map(Step::Delete),
        2 => (any::<prop::sample::Index>(), 0..60_u8).prop_map(|(which, seconds)| Step::Hide(which, seconds)),
        3 => (0..40_u16).prop_map(Step::Advance),
        1 => Just(Step::Restart),
    ]
}

/// What is known of one message.
#[derive(Debug)]
struct Known {
    group: u8,
    sent: u64,
    /// Nobody may get it before.
    hidden_until: u64,
    latest: Option<String>,
    receives: u32,
    is_deleted: bool,
    /// Deleted when it was due to be put aside: whichever came first.
    may_be_gone: bool,
}

struct World {
    queue: Queue,
    dead: String,
    is_fifo: bool,
    messages: Vec<Known>,
    /// Every receive: which message, by which handle.
    received: Vec<(usize, Message)>,
}

impl World {
    async fn new(is_fifo: bool) -> Self {
        let region = region();
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
        let queue = Queue { region, url };
        Self { queue, dead, is_fifo, messages: Vec::new(), received: Vec::new() }
    }

    fn now(&self) -> u64 {
        let now: Timestamp = self.queue.region.clock.now();
        now.since(::kit::START).as_secs()
    }

    async fn run(mut self, steps: Vec<Step>) {
        for step in steps {
            self = self.take(step).await;
        }
        self.finish().await;
    }

    async fn take(mut self, step: Step) -> Self {
        match step {
            Step::Send { group, delay } => self.send(group, u64::from(delay) * 10).await,
            Step::Receive(count) => self.receive(i32::from(count)).await,
            Step::Delete(which) => self.delete(which).await,
            Step::Hide(which, seconds) => self.hide(which, u64::from(seconds)).await,
            Step::Advance(seconds) => self.queue.advance(seconds.into()).await,
            Step::Restart => self = self.restart().await,
        }
        self
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
        self.messages.push(Known {
            group,
            sent: now,
            hidden_until,
            latest: None,
            receives: 0,
            is_deleted: false,
            may_be_gone: false,
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
            assert!(!known.is_deleted, "{index} was deleted and came again");
            assert!(now >= known.hidden_until, "{index} came inside its timeout: {known:?} at {now}");
            assert!(now < known.sent + RETENTION, "{index} outlived its retention");
            known.receives += 1;
            assert!(known.receives <= MOST_RECEIVES, "{index} was received too often");
            assert_eq!(
                attribute(&message, "ApproximateReceiveCount"),
                Some(known.receives.to_string().as_str())
            );
            known.hidden_until = now + TIMEOUT;
            known.latest = Some(handle(&message));
            if self.is_fifo {
                assert!(!busy.contains(&known.group), "group {} was blocked", known.group);
                let before = last_of_group.insert(known.group, index);
                assert!(before.is_none_or(|before| before < index), "order within the group");
            }
            self.received.push((index, message));
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
            let is_over =
                known.is_deleted || now >= known.sent + RETENTION || known.receives >= MOST_RECEIVES;
            assert!(is_over || known.hidden_until > now, "{known:?} was skipped at {now}");
        }
    }

    fn in_flight(&self, now: u64) -> impl Iterator<Item = &Known> {
        self.messages.iter().filter(move |known| {
            !known.is_deleted
                && known.receives > 0
                && known.hidden_until > now
                && now < known.sent + RETENTION
        })
    }

    async fn delete(&mut self, which: prop::sample::Index) {
        if self.received.is_empty() {
            return;
        }
        let (index, message) = &self.received[which.index(self.received.len())];
        let now = self.now();
        let outcome = self.queue.delete(message).await;
        let known = &mut self.messages[*index];
        let is_latest = known.latest.as_deref() == message.receipt_handle.as_deref();
        if self.is_fifo && (!is_latest || now >= known.hidden_until) {
            return;
        }
        outcome.unwrap();
        // The latest handle deletes even after its timeout; a message that was put aside by then is not here.
        if is_latest && (known.receives < MOST_RECEIVES || now < known.hidden_until) {
            known.is_deleted = true;
        }
        known.may_be_gone |= is_latest;
    }

    async fn hide(&mut self, which: prop::sample::Index, seconds: u64) {
        if self.received.is_empty() {
            return;
        }
        let (index, message) = &self.received[which.index(self.received.len())];
        let now = self.now();
        let outcome = self.queue.hide(message, seconds as i32).await;
        let known = &mut self.messages[*index];
        let is_latest = known.latest.as_deref() == message.receipt_handle.as_deref();
        let is_held =
            is_latest && !known.is_deleted && now < known.hidden_until && now < known.sent + RETENTION;
        assert_eq!(outcome.is_ok(), is_held, "{known:?} at {now}: {outcome:?}");
        if is_held {
            known.hidden_until = now + seconds;
        }
    }

    async fn restart(self) -> Self {
        // What was received a moment ago is stored by then.
        self.queue.advance(1).await;
        let region = self.queue.region.restarted(|cloud| {
            let sqs = sqs::SqsService::new(cloud.clone());
            (vec![sqs.service()], sqs.jobs())
        });
        Self { queue: Queue { region, url: self.queue.url }, ..self }
    }

    /// Nothing was lost: what was not deleted is received in the end, here or as a dead letter.
    async fn finish(mut self) {
        let mut rest: BTreeSet<usize> =
            (0..self.messages.len()).filter(|index| !self.messages[*index].is_deleted).collect();
        let now = self.now();
        let expiring: BTreeSet<usize> =
            rest.iter().copied().filter(|index| now >= self.messages[*index].sent + RETENTION).collect();
        let mut rounds = 0;
        while !rest.is_subset(&expiring) && rounds < 60 {
            rounds += 1;
            let before = self.received.len();
            self.receive(10).await;
            for (index, message) in &self.received[before..] {
                rest.remove(index);
                self.queue.delete(message).await.unwrap();
                self.messages[*index].is_deleted = true;
            }
            for letter in receive(&self.queue.region, &self.dead, 10).await {
                let index: usize = letter.body.as_deref().unwrap_or_default().parse().unwrap();
                assert!(self.messages[index].receives >= MOST_RECEIVES, "{index} was put aside too early");
                assert!(!self.messages[index].is_deleted, "{index} was deleted and is a dead letter");
                rest.remove(&index);
            }
            if self.received.len() == before {
                self.queue.advance(10).await;
            }
        }
        let now = self.now();
        rest.retain(|index| {
            now < self.messages[*index].sent + RETENTION && !self.messages[*index].may_be_gone
        });
        assert!(rest.is_empty(), "lost: {rest:?}");
        assert_eq!(self.queue.counts().await[0], 0);
    }
}

fn check(is_fifo: bool, steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { World::new(is_fifo).await.run(steps).await });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn standard_queues_behave_as_the_model(steps in prop::collection::vec(step(), 1..80)) {
        check(false, steps);
    }

    #[test]
    fn fifo_queues_behave_as_the_model(steps in prop::collection::vec(step(), 1..80)) {
        check(true, steps);
    }
}
