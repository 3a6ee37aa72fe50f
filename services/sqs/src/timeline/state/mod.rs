//! What a queue's timeline knows: where messages stand, without their texts and without a look at the store.

mod receiving;
mod showing;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use shapes::Timestamp;

use super::attempts::Attempts;
use super::kept::Kept;
use super::lanes::Lanes;
use crate::message::Head;
use crate::receipt::Receipt;

pub(crate) use receiving::{Hand, Standing, Taken, Terms};
pub(crate) use showing::{Counts, Seen};

/// Messages of a queue without groups that are kept ready in memory.
const PLAIN_WINDOW: usize = 4096;
/// How far a queue with groups is looked through for one that is free: Developer Guide, "FIFO delivery logic".
const GROUPED_WINDOW: usize = 120_000;
/// Places are milliseconds in their upper bits, so that they say when a message was sent.
const PLACE_BITS: u32 = 20;

/// The first place of a millisecond.
pub(crate) fn first_place(at: Timestamp) -> u64 {
    u64::try_from(at.millis()).unwrap_or(0) << PLACE_BITS
}

/// The time that a place says.
pub(crate) fn time_of_place(place: u64) -> Timestamp {
    Timestamp::from_millis((place >> PLACE_BITS) as i64)
}

pub(crate) struct State {
    pub is_fifo: bool,
    /// The queue was deleted.
    pub is_gone: bool,
    /// The highest place that was given or found.
    pub last_place: u64,
    /// What lies below was purged or has outlived the retention period.
    pub floor: u64,
    /// Below it no rows are left.
    pub swept: u64,
    /// What lies from here on is known of only as far as `entries` has it.
    pub cursor: u64,
    /// Nothing lies from the cursor on.
    pub is_complete: bool,
    entries: FxHashMap<u64, Entry>,
    lanes: Lanes,
    /// When hidden messages become visible.
    hidden: BTreeSet<(Timestamp, u64)>,
    total: i64,
    in_flight: usize,
    delayed: usize,
    /// Places whose receipts are not stored yet.
    dirty: Vec<u64>,
    /// Pollers that something has come for.
    pub wakes: usize,
    pub attempts: Attempts,
}

struct Entry {
    group: Arc<str>,
    phase: Phase,
    receives: u32,
    first_received: Timestamp,
    last_received: Timestamp,
    nonce: u64,
    /// A receipt of it may be stored.
    has_row: bool,
    is_dirty: bool,
    /// A transaction that deletes it is under way.
    is_leaving: bool,
    kept: Option<Kept>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Ready,
    Delayed(Timestamp),
    InFlight(Timestamp),
    /// On its way to another queue.
    Moving,
}

impl State {
    pub(crate) fn new(is_fifo: bool) -> Self {
        Self {
            is_fifo,
            is_gone: false,
            last_place: 0,
            floor: 0,
            swept: 0,
            cursor: 0,
            is_complete: false,
            entries: FxHashMap::default(),
            lanes: Lanes::new(is_fifo),
            hidden: BTreeSet::new(),
            total: 0,
            in_flight: 0,
            delayed: 0,
            dirty: Vec::new(),
            wakes: 0,
            attempts: Attempts::default(),
        }
    }

    /// A place behind all others.
    pub(crate) fn next_place(&mut self, now: Timestamp) -> u64 {
        self.last_place = first_place(now).max(self.last_place + 1);
        self.last_place
    }

    pub(crate) fn claim_place(&mut self, wanted: u64) -> u64 {
        let place = wanted.max(self.floor);
        self.last_place = self.last_place.max(place);
        place
    }

    pub(crate) fn counts(&self) -> Counts {
        let hidden = (self.in_flight + self.delayed) as i64;
        Counts {
            visible: u64::try_from(self.total - hidden).unwrap_or(0),
            in_flight: self.in_flight as u64,
            delayed: self.delayed as u64,
        }
    }

    /// When the oldest message that waits was sent.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        self.lanes.first().map(time_of_place)
    }

    /// When the next hidden message becomes visible.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.hidden.first().map(|(due, _)| *due)
    }

    // What start-up and the store tell.

    /// A message found at start, with its receipt if it was received.
    pub(crate) fn found(&mut self, place: u64, head: &Head, receipt: Option<Receipt>, now: Timestamp) {
        self.total += 1;
        self.last_place = self.last_place.max(place);
        let group = self.lanes.group(head.group.as_deref().unwrap_or_default());
        match receipt {
            Some(receipt) => {
                let mut entry = Entry::new(group);
                entry.recall(&receipt);
                if receipt.until > now {
                    entry.phase = Phase::InFlight(receipt.until);
                    self.lanes.launch(&entry.group);
                    self.hidden.insert((receipt.until, place));
                    self.in_flight += 1;
                } else {
                    self.lanes.enter(&entry.group, place);
                }
                self.entries.insert(place, entry);
            }
            None if head.available > now => self.hide(place, group, head.available, None),
            None => {}
        }
    }

    fn hide(&mut self, place: u64, group: Arc<str>, until: Timestamp, kept: Option<Kept>) {
        self.hidden.insert((until, place));
        self.lanes.delay(&group, place);
        self.delayed += 1;
        self.entries.insert(place, Entry { phase: Phase::Delayed(until), kept, ..Entry::new(group) });
    }

    /// Whether more of the store is to be read into memory.
    pub(crate) fn wants_more(&self) -> bool {
        if self.is_complete {
            return false;
        }
        if self.lanes.has_groups() {
            self.entries.len() < GROUPED_WINDOW
        } else {
            self.lanes.first().is_none()
        }
    }

    /// Whether to read on although something is ready: further groups may be behind it.
    pub(crate) fn reads_ahead(&self) -> bool {
        self.lanes.has_groups()
    }

    pub(crate) fn has_ready(&self) -> bool {
        self.lanes.first().is_some()
    }

    /// A message read from the store: all of them, in order, from the cursor on.
    pub(crate) fn read(
        &mut self,
        place: u64,
        group: Option<&str>,
        available: Timestamp,
        kept: Option<Kept>,
        now: Timestamp,
    ) {
        self.cursor = place + 1;
        self.last_place = self.last_place.max(place);
        if self.entries.contains_key(&place) || place < self.floor {
            return;
        }
        let group = self.lanes.group(group.unwrap_or_default());
        if available > now {
            self.hide(place, group, available, kept);
        } else {
            self.make_ready(place, Entry { kept, ..Entry::new(group) });
        }
    }

    fn make_ready(&mut self, place: u64, entry: Entry) {
        self.wakes += usize::from(self.lanes.enter(&entry.group, place));
        self.entries.insert(place, entry);
    }

    // What transactions tell, once they are durable, in their order.

    /// A message was stored.
    pub(crate) fn arrive(
        &mut self,
        place: u64,
        group: Option<&str>,
        available: Timestamp,
        kept: impl FnOnce() -> Option<Kept>,
        now: Timestamp,
    ) {
        self.total += 1;
        // What expired or was read before it was told of is counted, and that is all.
        if place < self.floor || self.entries.contains_key(&place) {
            return;
        }
        if available > now {
            let group = self.lanes.group(group.unwrap_or_default());
            self.pass(place);
            return self.hide(place, group, available, kept());
        }
        if place >= self.cursor && !(self.is_complete && self.has_room()) {
            self.is_complete = false;
            // Those who wait have the queue read on.
            self.wakes += usize::from(self.lanes.first().is_none());
            return;
        }
        let group = self.lanes.group(group.unwrap_or_default());
        self.pass(place);
        self.make_ready(place, Entry { kept: kept(), ..Entry::new(group) });
    }

    fn has_room(&self) -> bool {
        self.lanes.ready() < if self.lanes.has_groups() { GROUPED_WINDOW } else { PLAIN_WINDOW }
    }

    /// Nothing is left to be read up to `place`, if nothing was before.
    fn pass(&mut self, place: u64) {
        if self.is_complete {
            self.cursor = self.cursor.max(place + 1);
        }
    }

    /// A message was deleted, or moved away.
    pub(crate) fn leave(&mut self, place: u64) {
        match self.remove(place) {
            true => self.total -= 1,
            // Deleted by a handle from before a restart.
            false if place >= self.cursor && place >= self.floor => self.total -= 1,
            false => {}
        }
    }

    /// Everything below `place` was purged.
    pub(crate) fn purge(&mut self, place: u64) {
        self.floor = self.floor.max(place);
        if self.cursor <= place {
            self.cursor = place;
            self.is_complete = true;
        }
        let below: Vec<u64> = self.entries.keys().copied().filter(|known| *known < place).collect();
        for known in below {
            self.remove(known);
        }
        self.total = 0;
        self.attempts.forget();
    }

    /// The rows of `places`, which are all that lie below `end`, have outlived the retention period.
    pub(crate) fn expire(&mut self, places: &[u64], end: u64) {
        for place in places {
            if self.remove(*place) || *place >= self.cursor {
                self.total -= 1;
            }
        }
        self.floor = self.floor.max(end);
        self.cursor = self.cursor.max(end);
    }

    fn remove(&mut self, place: u64) -> bool {
        let Some(entry) = self.entries.remove(&place) else { return false };
        self.take_from_phase(place, &entry.group, entry.phase);
        true
    }

    /// Takes a message out of where its phase has it.
    fn take_from_phase(&mut self, place: u64, group: &Arc<str>, phase: Phase) {
        let opened = match phase {
            Phase::Ready => {
                self.lanes.withdraw(group, place);
                false
            }
            Phase::Delayed(until) => {
                self.hidden.remove(&(until, place));
                self.delayed -= 1;
                self.lanes.end_delay(group, place)
            }
            Phase::InFlight(until) => {
                self.hidden.remove(&(until, place));
                self.in_flight -= 1;
                self.lanes.land(group)
            }
            Phase::Moving => self.lanes.land(group),
        };
        self.wakes += usize::from(opened);
    }
}

impl Entry {
    fn new(group: Arc<str>) -> Self {
        Self {
            group,
            phase: Phase::Ready,
            receives: 0,
            first_received: Timestamp::EPOCH,
            last_received: Timestamp::EPOCH,
            nonce: 0,
            has_row: false,
            is_dirty: false,
            is_leaving: false,
            kept: None,
        }
    }

    fn recall(&mut self, receipt: &Receipt) {
        self.receives = receipt.receives;
        self.first_received = receipt.first_received;
        self.last_received = receipt.last_received;
        self.nonce = receipt.nonce;
        self.has_row = true;
    }

    fn receipt(&self) -> Receipt {
        let until = match self.phase {
            Phase::InFlight(until) => until,
            _ => self.last_received,
        };
        Receipt {
            until,
            receives: self.receives,
            first_received: self.first_received,
            last_received: self.last_received,
            nonce: self.nonce,
        }
    }
}
