//! What a timeline reads from the store.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use identity::AccountId;
use shapes::{ApiError, Timestamp};
use store::{Order, Range, Scope, Store};
use tokio::sync::Notify;

use super::{Budget, Kept, State, Timeline};
use crate::message::{Body, Message};
use crate::metrics::GaugeMinute;
use crate::queue::Queue;
use crate::receipt::Receipt;
use crate::sealing::RegionKey;
use crate::tables;

/// Messages read at a time, and about how many bytes of them.
const CHUNK: usize = 512;
const CHUNK_BYTES: usize = 4 << 20;

impl Timeline {
    /// Builds the timeline of a queue from what is stored.
    pub(crate) fn open(
        store: &Store,
        (scope, account): (&Scope, AccountId),
        queue: &Queue,
        budget: &Arc<Budget>,
        now: Timestamp,
    ) -> Result<Self, ApiError> {
        let key = RegionKey::of_queue(&mut store.read(&Scope::global())?, queue.id)?;
        let mut state = State::new(queue.attributes.is_fifo());
        state.floor = queue.purged;
        state.cursor = queue.purged;
        let _ = state.next_place(now);
        let mut snapshot = store.read(scope)?;
        let mut receipts: BTreeMap<u64, Receipt> = BTreeMap::new();
        let all = Range::prefix(&queue.id);
        tables::RECEIPTS.visit(&mut snapshot, &all, Order::Ascending, |(_, place), receipt| {
            receipts.insert(place, receipt);
            ControlFlow::Continue(())
        })?;
        let live = all.starting_at(&(queue.id, queue.purged));
        tables::HEADS.visit(&mut snapshot, &live, Order::Ascending, |(_, place), head| {
            state.found(place, &head, receipts.remove(&place), now);
            ControlFlow::Continue(())
        })?;
        Ok(Self {
            queue: queue.id,
            name: queue.name.clone(),
            is_fifo: queue.attributes.is_fifo(),
            account,
            scope: scope.clone(),
            key,
            budget: Arc::clone(budget),
            state: Mutex::new(state),
            arrivals: Notify::new(),
            rescheduled: Notify::new(),
            pollers: AtomicUsize::new(0),
            has_alarm: AtomicBool::new(false),
            is_recording: AtomicBool::new(false),
            gauges: GaugeMinute::default(),
        })
    }

    /// Reads the next messages behind the cursor.
    pub(super) fn read_on(&self, store: &Store, state: &mut State, now: Timestamp) -> Result<(), ApiError> {
        let from = state.cursor.max(state.floor);
        state.cursor = from;
        let range = Range::prefix(&self.queue).starting_at(&(self.queue, from));
        let (mut rows, mut weight, mut is_last) = (Vec::new(), 0, true);
        let mut snapshot = store.read(&self.scope)?;
        tables::MESSAGES.visit(&mut snapshot, &range, Order::Ascending, |(_, place), message| {
            weight += message.weight();
            rows.push((place, message));
            if rows.len() < CHUNK && weight < CHUNK_BYTES {
                return ControlFlow::Continue(());
            }
            is_last = false;
            ControlFlow::Break(())
        })?;
        for (place, message) in rows {
            let (group, available) = (message.group.clone(), message.available);
            let kept = if state.knows(place) { None } else { self.keep(message)? };
            state.read(place, group.as_deref(), available, kept, now);
        }
        state.is_complete = is_last;
        Ok(())
    }

    fn keep(&self, message: Message) -> Result<Option<Kept>, ApiError> {
        Ok(Kept::new(&Arc::new(self.opened(message)?), &self.budget))
    }

    /// The messages at these places; those that are gone are left out.
    pub(crate) fn messages(&self, store: &Store, places: &[u64]) -> Result<Vec<(u64, Message)>, ApiError> {
        let mut found = Vec::with_capacity(places.len());
        if places.is_empty() {
            return Ok(found);
        }
        let mut snapshot = store.read(&self.scope)?;
        for place in places {
            if let Some(message) = tables::MESSAGES.find(&mut snapshot, &(self.queue, *place))? {
                found.push((*place, self.opened(message)?));
            }
        }
        Ok(found)
    }

    /// A row with its body in the clear.
    pub(crate) fn opened(&self, mut message: Message) -> Result<Message, ApiError> {
        if let Body::Sealed(sealed) = &message.body {
            message.body = Body::Plain(self.open_body(&message.id, sealed)?);
        }
        Ok(message)
    }

    fn open_body(&self, id: &str, sealed: &Bytes) -> Result<String, ApiError> {
        match &self.key {
            Some(key) => key.open(id, sealed),
            None => Err(ApiError::internal(format!("message {id} is sealed and the region has no key"))),
        }
    }

    pub(super) fn expire(&self, store: &Store, state: &mut State, end: u64) -> Result<(), ApiError> {
        if end <= state.floor {
            return Ok(());
        }
        let range =
            Range::prefix(&self.queue).starting_at(&(self.queue, state.floor)).before(&(self.queue, end));
        let mut places = Vec::new();
        let mut snapshot = store.read(&self.scope)?;
        tables::HEADS.visit(&mut snapshot, &range, Order::Ascending, |(_, place), _| {
            places.push(place);
            ControlFlow::Continue(())
        })?;
        state.expire(&places, end);
        Ok(())
    }
}
