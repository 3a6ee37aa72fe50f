//! What receivers do: taking messages, and what the handles that they got mean.

use std::sync::Arc;

use shapes::Timestamp;

use super::{Phase, State};
use crate::receipt::Receipt;
use crate::timeline::kept::Kept;

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

/// Messages put aside in one look.
const BURIED_AT_ONCE: usize = 100;

impl State {
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
}
