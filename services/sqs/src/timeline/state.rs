//! What a queue's timeline knows: where messages stand, without their texts and without a look at the store.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use shapes::Timestamp;

use super::attempts::Attempts;
use super::kept::Kept;
use super::lanes::Lanes;
use crate::message::Head;
use crate::peek::WaitingState;
use crate::receipt::Receipt;

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

/// What a receiver asks of the timeline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub now: Timestamp,
    pub count: usize,
    pub visible_again: Timestamp,
    /// Messages below this place have outlived the retention period.
    pub expired_below: u64,
    /// What was received so often is put aside instead.
    pub max_receives: Option<u32>,
    pub max_in_flight: usize,
    /// Random, so that handles cannot be guessed.
    pub nonces: [u64; 10],
}

/// One message handed to a receiver.
#[derive(Clone, Debug)]
pub(crate) struct Hand {
    pub place: u64,
    pub receipt: Receipt,
    pub message: Option<Arc<crate::message::Message>>,
}

/// What a look at the timeline came to.
#[derive(Default)]
pub(crate) struct Taken {
    pub hands: Vec<Hand>,
    /// Places of messages that were received too often. They wait to be moved or released.
    pub buried: Vec<u64>,
    /// A message has outlived the retention period: [`super::Timeline`] takes such ones away and looks again.
    pub has_expired: bool,
    /// The queue has as many messages in flight as it may.
    pub is_full: bool,
}

/// How a handle stands to the message it names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Standing {
    /// The message's latest handle, in flight.
    Held {
        has_row: bool,
        last_received: Timestamp,
    },
    /// The message's latest handle, and its timeout is over.
    Visible {
        has_row: bool,
    },
    /// The message is visible, and a crash forgot the receive that the handle is of.
    Forgotten {
        has_row: bool,
    },
    /// There was a later receive.
    Outdated,
    Gone,
    /// The message is not in memory: only the store knows.
    Unknown,
}

/// What a look at one message shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub state: WaitingState,
    pub receives: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub visible: u64,
    pub in_flight: u64,
    pub delayed: u64,
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

    // What receivers do.

    /// Makes visible what is due.
    pub(crate) fn promote(&mut self, now: Timestamp) {
        while let Some(&(due, place)) = self.hidden.first() {
            if due > now {
                return;
            }
            self.show(place);
        }
    }

    fn show(&mut self, place: u64) {
        let Some(entry) = self.entries.get_mut(&place) else {
            self.hidden.retain(|(_, hidden)| *hidden != place);
            return;
        };
        let (group, phase) = (Arc::clone(&entry.group), std::mem::replace(&mut entry.phase, Phase::Ready));
        self.take_from_phase(place, &group, phase);
        self.wakes += usize::from(self.lanes.enter(&group, place));
    }

    /// Takes messages for a receiver, the first ones of the first lanes.
    pub(crate) fn take(&mut self, terms: &Terms) -> Taken {
        self.promote(terms.now);
        let room = terms.max_in_flight.saturating_sub(self.in_flight);
        let count = terms.count.min(room);
        let mut taken = Taken { is_full: room == 0, ..Taken::default() };
        while taken.hands.len() < count && taken.buried.len() < BURIED_AT_ONCE {
            let Some(first) = self.lanes.first() else { break };
            if first < terms.expired_below {
                taken.has_expired = true;
                break;
            }
            let Some(entry) = self.entries.get(&first) else { break };
            let group = Arc::clone(&entry.group);
            let wanted = if self.is_fifo || group.is_empty() { count - taken.hands.len() } else { 1 };
            for place in self.lanes.take(&group, wanted) {
                self.hand_out(place, terms, &mut taken);
            }
        }
        taken
    }

    fn hand_out(&mut self, place: u64, terms: &Terms, taken: &mut Taken) {
        let Some(entry) = self.entries.get_mut(&place) else { return };
        if terms.max_receives.is_some_and(|most| entry.receives >= most) {
            entry.phase = Phase::Moving;
            taken.buried.push(place);
            return;
        }
        // Counted on receive, not on delete: a consumer that crashes still uses up an attempt, which is what lets a
        // poison message reach its dead-letter queue.
        entry.receives += 1;
        if entry.receives == 1 {
            entry.first_received = terms.now;
        }
        entry.last_received = terms.now;
        entry.nonce = terms.nonces[taken.hands.len() % terms.nonces.len()] | 1;
        entry.phase = Phase::InFlight(terms.visible_again);
        entry.is_leaving = false;
        if !std::mem::replace(&mut entry.is_dirty, true) {
            self.dirty.push(place);
        }
        let message = entry.kept.take().map(Kept::into_message);
        let receipt = entry.receipt();
        self.hidden.insert((terms.visible_again, place));
        self.in_flight += 1;
        taken.hands.push(Hand { place, receipt, message });
    }

    /// A receive that came to nothing: the message is as it was before.
    pub(crate) fn put_back(&mut self, place: u64) {
        let Some(entry) = self.entries.get_mut(&place) else { return };
        if matches!(entry.phase, Phase::InFlight(_)) && entry.receives > 0 {
            entry.receives -= 1;
            self.show(place);
        }
    }

    /// Takes visible messages to another queue: no receive is counted.
    pub(crate) fn take_to_move(&mut self, now: Timestamp, count: usize) -> Vec<u64> {
        self.promote(now);
        let mut places = Vec::new();
        while places.len() < count
            && let Some(first) = self.lanes.first()
            && let Some(entry) = self.entries.get(&first)
        {
            let group = Arc::clone(&entry.group);
            let wanted = if self.is_fifo || group.is_empty() { count - places.len() } else { 1 };
            let taken = self.lanes.take(&group, wanted);
            for place in &taken {
                if let Some(entry) = self.entries.get_mut(place) {
                    entry.phase = Phase::Moving;
                }
            }
            places.extend(taken);
        }
        places
    }

    /// What was taken to be moved stays after all.
    pub(crate) fn release(&mut self, places: &[u64]) {
        for place in places {
            if self.entries.get(place).is_some_and(|entry| entry.phase == Phase::Moving) {
                self.show(*place);
            }
        }
    }

    /// What the handle of a receive means now.
    pub(crate) fn standing(&self, place: u64, nonce: u64, receives: u32) -> Standing {
        let Some(entry) = self.entries.get(&place) else {
            let may_be_stored = place >= self.cursor && place >= self.floor;
            return if may_be_stored { Standing::Unknown } else { Standing::Gone };
        };
        let (has_row, last_received) = (entry.has_row, entry.last_received);
        let is_latest = entry.nonce == nonce;
        // More receives than are known: a crash forgot the last ones, and none has followed them.
        let is_forgotten = !is_latest && receives > entry.receives;
        match entry.phase {
            Phase::InFlight(_) if is_latest => Standing::Held { has_row, last_received },
            Phase::Ready if is_latest => Standing::Visible { has_row },
            Phase::InFlight(_) | Phase::Ready if is_forgotten => Standing::Forgotten { has_row },
            _ => Standing::Outdated,
        }
    }

    pub(crate) fn mark_leaving(&mut self, place: u64) {
        if let Some(entry) = self.entries.get_mut(&place) {
            entry.is_leaving = true;
        }
    }

    /// Hides a message in flight until another time.
    pub(crate) fn change_visibility(&mut self, place: u64, until: Timestamp, now: Timestamp) {
        let Some(entry) = self.entries.get_mut(&place) else { return };
        let Phase::InFlight(before) = entry.phase else { return };
        entry.phase = Phase::InFlight(until);
        if !std::mem::replace(&mut entry.is_dirty, true) {
            self.dirty.push(place);
        }
        self.hidden.remove(&(before, place));
        self.hidden.insert((until, place));
        if until <= now {
            self.show(place);
        }
    }

    /// The receives of an earlier attempt, if all of them still hold; hidden anew.
    pub(crate) fn repeat(
        &mut self,
        hands: &[(u64, u64)],
        until: Timestamp,
        now: Timestamp,
    ) -> Option<Vec<Hand>> {
        let holds = |(place, nonce): &(u64, u64)| {
            self.entries.get(place).is_some_and(|entry| {
                entry.nonce == *nonce && matches!(entry.phase, Phase::InFlight(until) if until > now)
            })
        };
        if !hands.iter().all(holds) {
            return None;
        }
        for (place, _) in hands {
            self.change_visibility(*place, until, now);
        }
        let hand = |(place, _): &(u64, u64)| {
            let entry = self.entries.get(place)?;
            Some(Hand { place: *place, receipt: entry.receipt(), message: None })
        };
        Some(hands.iter().filter_map(hand).collect())
    }

    // Receipts on their way to the store.

    /// Places whose receipts are to be stored, at most `limit`.
    pub(crate) fn take_dirty(&mut self, limit: usize) -> Vec<u64> {
        let rest = self.dirty.split_off(limit.min(self.dirty.len()));
        std::mem::replace(&mut self.dirty, rest)
    }

    /// The receipt of a message that is still here.
    pub(crate) fn receipt_to_store(&mut self, place: u64) -> Option<Receipt> {
        let entry = self.entries.get_mut(&place).filter(|entry| !entry.is_leaving && entry.receives > 0)?;
        entry.has_row = true;
        Some(entry.receipt())
    }

    /// Their receipts are on their way: a later change is to be stored again.
    pub(crate) fn mark_clean(&mut self, places: &[u64]) {
        for place in places {
            if let Some(entry) = self.entries.get_mut(place) {
                entry.is_dirty = false;
            }
        }
    }

    /// Their receipts could not be stored: they go with the next ones.
    pub(crate) fn mark_dirty(&mut self, places: &[u64]) {
        for place in places {
            if let Some(entry) = self.entries.get_mut(place)
                && !std::mem::replace(&mut entry.is_dirty, true)
            {
                self.dirty.push(*place);
            }
        }
    }

    /// How often a message was received, and when first.
    pub(crate) fn received(&self, place: u64) -> (u32, Option<Timestamp>) {
        self.entries
            .get(&place)
            .map_or((0, None), |entry| (entry.receives, (entry.receives > 0).then_some(entry.first_received)))
    }

    /// The place of the first message that there may be.
    pub(crate) fn beginning(&self) -> u64 {
        self.entries.keys().copied().min().unwrap_or(self.cursor).min(self.cursor).max(self.floor)
    }

    /// How a message stands that is in memory, for those who only look.
    pub(crate) fn see(&self, place: u64) -> Option<Seen> {
        let entry = self.entries.get(&place)?;
        let state = match entry.phase {
            Phase::Ready | Phase::Moving => WaitingState::Visible,
            Phase::InFlight(until) => WaitingState::InFlight(until),
            Phase::Delayed(until) => WaitingState::Delayed(until),
        };
        Some(Seen { state, receives: entry.receives })
    }

    pub(crate) fn knows(&self, place: u64) -> bool {
        self.entries.contains_key(&place)
    }
}

/// Messages put aside in one look.
const BURIED_AT_ONCE: usize = 100;

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

#[cfg(test)]
mod tests {
    use shapes::Timestamp;

    use super::{Counts, Standing, State, Terms, first_place, time_of_place};

    const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

    fn terms(count: usize, max_in_flight: usize) -> Terms {
        Terms {
            now: NOW,
            count,
            visible_again: NOW + std::time::Duration::from_secs(30),
            expired_below: 0,
            max_receives: None,
            max_in_flight,
            nonces: [7; 10],
        }
    }

    /// A state with `count` messages that have arrived.
    fn filled(count: usize) -> State {
        let mut state = State::new(false);
        state.is_complete = true;
        for _ in 0..count {
            let place = state.next_place(NOW);
            state.arrive(place, None, NOW, || None, NOW);
        }
        state
    }

    #[test]
    fn a_queue_gives_no_more_than_it_may_have_in_flight() {
        let mut state = filled(5);
        let taken = state.take(&terms(10, 3));
        assert_eq!((taken.hands.len(), taken.is_full), (3, false));
        let taken = state.take(&terms(10, 3));
        assert_eq!((taken.hands.len(), taken.is_full), (0, true));
        assert_eq!(state.counts(), Counts { visible: 2, in_flight: 3, delayed: 0 });
    }

    #[test]
    fn places_say_when_a_message_was_sent_and_never_repeat() {
        let mut state = State::new(false);
        let (first, second) = (state.next_place(NOW), state.next_place(NOW));
        assert!(first < second);
        assert_eq!((time_of_place(second), first_place(NOW)), (NOW, first));
        let claimed = state.claim_place(second + 5);
        assert!(state.next_place(NOW) > claimed);
    }

    #[test]
    fn what_is_beyond_the_window_is_read_from_the_store_once() {
        let mut state = filled(super::PLAIN_WINDOW + 3);
        assert!(!state.is_complete);
        assert_eq!(state.counts().visible as usize, super::PLAIN_WINDOW + 3);
        let cursor = state.cursor;
        for place in cursor..cursor + 3 {
            state.read(place, None, NOW, None, NOW);
        }
        state.is_complete = true;
        // A commit that is told of after its row was read, and one that finds no room.
        state.arrive(cursor + 2, None, NOW, || None, NOW);
        state.arrive(cursor + 3, None, NOW, || None, NOW);
        assert!(!state.is_complete);
        let mut seen = std::collections::BTreeSet::new();
        loop {
            let taken = state.take(&terms(10, usize::MAX));
            if taken.hands.is_empty() {
                break;
            }
            assert!(taken.hands.iter().all(|hand| seen.insert(hand.place)), "nothing comes twice");
        }
        assert_eq!(seen.len(), super::PLAIN_WINDOW + 3);
        assert!(state.wants_more());
    }

    #[test]
    fn a_handle_stands_for_its_own_receive() {
        let mut state = filled(1);
        let hand = state.take(&terms(1, 10)).hands.remove(0);
        let (place, nonce) = (hand.place, hand.receipt.nonce);
        assert!(matches!(state.standing(place, nonce, 1), Standing::Held { .. }));
        assert_eq!(state.standing(place, nonce + 2, 1), Standing::Outdated);
        state.promote(NOW + std::time::Duration::from_secs(30));
        assert!(matches!(state.standing(place, nonce, 1), Standing::Visible { .. }));
        state.leave(place);
        assert_eq!(state.standing(place, nonce, 1), Standing::Gone);
        assert_eq!(state.counts(), Counts { visible: 0, in_flight: 0, delayed: 0 });
    }

    #[test]
    fn a_purge_leaves_what_was_read_behind_it() {
        let mut state = filled(3);
        let purged = state.next_place(NOW);
        let later = state.next_place(NOW);
        state.is_complete = false;
        state.read(later, None, NOW, None, NOW);
        state.purge(purged);
        state.arrive(later, None, NOW, || None, NOW);
        assert_eq!(state.counts().visible, 1);
        let taken = state.take(&terms(10, 10));
        assert_eq!(taken.hands.iter().map(|hand| hand.place).collect::<Vec<_>>(), [later]);
    }
}
