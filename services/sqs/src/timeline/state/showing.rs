//! What is told of messages: receipts on their way to the store, and how things stand for those who only look.

use shapes::Timestamp;

use super::{Phase, State};
use crate::peek::WaitingState;
use crate::receipt::Receipt;

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
