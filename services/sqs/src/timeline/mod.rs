//! A queue's timeline: which of its messages are visible, in flight or delayed, in memory.
//!
//! The store holds every message in a row that is written once and deleted once, and the receipts of those that were
//! received. Everything in between happens here: a receive takes the next message from memory and writes nothing
//! (its receipt follows, see [`crate::recording`]), and a timeout that ends needs nobody to do anything. The timeline
//! is built from the store when a queue is first used, and follows each transaction once it is durable, in their
//! order. Of a long backlog only the beginning is in memory; the rest is read from the store in order, from a cursor
//! on, so that neither its length nor the marks that deleted rows leave behind it cost anything.

mod attempts;
mod kept;
mod lanes;
mod reading;
mod state;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use identity::AccountId;
use shapes::{ApiError, Timestamp};
use store::{Scope, Store};
use tokio::sync::Notify;

pub(crate) use kept::{Budget, Kept};
pub(crate) use state::{Counts, Hand, Seen, Standing, State, Taken, Terms, first_place};

use crate::errors;
use crate::message::Message;
use crate::metrics::GaugeMinute;
use crate::queue::QueueUrl;
use crate::sealing::QueueKey;

pub(crate) struct Timeline {
    pub queue: u64,
    pub name: String,
    pub is_fifo: bool,
    pub account: AccountId,
    /// Whose state the queue is.
    pub scope: Scope,
    pub key: Option<QueueKey>,
    budget: Arc<Budget>,
    state: Mutex<State>,
    /// One poller is woken for each message that becomes visible.
    pub arrivals: Notify,
    /// Tells the alarm that the next time it waits for has changed.
    pub rescheduled: Notify,
    pub pollers: AtomicUsize,
    pub has_alarm: AtomicBool,
    /// Receipts are waiting to be stored.
    pub is_recording: AtomicBool,
    pub gauges: GaugeMinute,
}

impl Timeline {
    /// Changes the state, and wakes those who wait for what came of it.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let due = state.next_due();
        let outcome = change(&mut state);
        self.announce(state, due);
        outcome
    }

    fn announce(&self, mut state: MutexGuard<'_, State>, due_before: Option<Timestamp>) {
        let wakes = std::mem::take(&mut state.wakes);
        let due = state.next_due();
        drop(state);
        // Whoever begins to poll counts itself before it looks.
        let pollers = self.pollers.load(Ordering::SeqCst);
        if pollers == 0 {
            return;
        }
        for _ in 0..wakes.min(pollers) {
            self.arrivals.notify_one();
        }
        if due != due_before {
            self.rescheduled.notify_one();
        }
    }

    /// How a queue beside this one is named.
    pub(crate) fn url_of(&self, name: &str) -> QueueUrl {
        QueueUrl { account: self.account, name: name.to_owned() }
    }

    /// A place for a new message behind all others. Refused when the queue is gone.
    pub(crate) fn next_place(&self, now: Timestamp) -> Result<u64, ApiError> {
        self.change(|state| {
            if state.is_gone { Err(errors::queue_does_not_exist()) } else { Ok(state.next_place(now)) }
        })
    }

    /// The place `wanted`, or the lowest that is not purged; no new message gets it from now on. Another message may
    /// have it already.
    pub(crate) fn claim_place(&self, wanted: u64) -> Result<u64, ApiError> {
        self.change(|state| {
            if state.is_gone { Err(errors::queue_does_not_exist()) } else { Ok(state.claim_place(wanted)) }
        })
    }

    /// A message was stored: to be called once that is durable.
    pub(crate) fn arrive(&self, place: u64, message: &Arc<Message>, now: Timestamp) {
        let kept = || Kept::new(message, &self.budget);
        self.change(|state| state.arrive(place, message.group.as_deref(), message.available, kept, now));
    }

    /// Takes messages for a receiver; reads on in the store as far as needed.
    pub(crate) fn take(&self, store: &Store, terms: &Terms) -> Result<Taken, ApiError> {
        self.change(|state| {
            let mut taken = Taken::default();
            loop {
                if state.wants_more() && (state.reads_ahead() || !state.has_ready()) {
                    self.read_on(store, state, terms.now)?;
                }
                let rest = Terms { count: terms.count - taken.hands.len(), ..*terms };
                let more = state.take(&rest);
                taken.buried.extend(more.buried);
                taken.hands.extend(more.hands);
                taken.is_full = more.is_full;
                if more.has_expired {
                    self.expire(store, state, terms.expired_below)?;
                } else if !taken.hands.is_empty() || more.is_full || !state.wants_more() {
                    return Ok(taken);
                }
            }
        })
    }

    /// Takes visible messages to be moved to another queue.
    pub(crate) fn take_to_move(
        &self,
        store: &Store,
        now: Timestamp,
        count: usize,
    ) -> Result<Vec<u64>, ApiError> {
        self.change(|state| {
            let mut places = state.take_to_move(now, count);
            while places.is_empty() && state.wants_more() {
                self.read_on(store, state, now)?;
                places = state.take_to_move(now, count);
            }
            Ok(places)
        })
    }

    /// Forgets what has outlived the retention period, which is all that lies below `end`.
    pub(crate) fn expire_below(&self, store: &Store, end: u64) -> Result<(), ApiError> {
        self.change(|state| self.expire(store, state, end))
    }

    /// The queue is deleted.
    pub(crate) fn close(&self) {
        self.change(|state| state.is_gone = true);
        self.arrivals.notify_waiters();
        self.rescheduled.notify_one();
    }
}
