//! Which waiting message comes next.
//!
//! Messages of one message group stand in one lane, in order; those without a group share the lane without a name. In
//! a FIFO queue a lane is closed while one of its messages is in flight. In a standard queue no lane is ever closed,
//! but those with fewer messages in flight come first, so that a group that fills the queue does not hold up the
//! others (Developer Guide, "Amazon SQS fair queues").

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// How many messages in flight a group may have before others come first.
const FAIR_SHARE: usize = 8;

/// The waiting messages of a queue by group.
#[derive(Default)]
pub(crate) struct Lanes {
    is_fifo: bool,
    lanes: HashMap<Arc<str>, Lane>,
    /// The first message of every open lane: how far its group is beyond its share, and its place.
    heads: BTreeSet<(u32, u64)>,
    ready: usize,
}

#[derive(Default)]
struct Lane {
    ready: BTreeSet<u64>,
    /// Places that are not available yet. In a FIFO queue nobody overtakes them.
    delayed: BTreeSet<u64>,
    in_flight: usize,
    /// How it stands in `heads`.
    listed: Option<(u32, u64)>,
}

impl Lanes {
    pub(crate) fn new(is_fifo: bool) -> Self {
        Self { is_fifo, ..Self::default() }
    }

    /// The name of a group, shared with the messages that are here already.
    pub(crate) fn group(&self, name: &str) -> Arc<str> {
        self.lanes.get_key_value(name).map_or_else(|| name.into(), |(group, _)| Arc::clone(group))
    }

    /// Messages that wait and are visible, behind closed lanes as well.
    pub(crate) fn ready(&self) -> usize {
        self.ready
    }

    /// Groups that have messages here.
    pub(crate) fn has_groups(&self) -> bool {
        self.lanes.len() > 1 || self.lanes.keys().next().is_some_and(|group| !group.is_empty())
    }

    /// The place of the message that is to be received next.
    pub(crate) fn first(&self) -> Option<u64> {
        self.heads.first().map(|(_, place)| *place)
    }

    /// A message became visible. Returns whether somebody may receive who could not before.
    pub(crate) fn enter(&mut self, group: &Arc<str>, place: u64) -> bool {
        let is_fifo = self.is_fifo;
        let mut is_new = false;
        let opened = self.change(group, |lane| is_new = lane.ready.insert(place));
        self.ready += usize::from(is_new);
        if is_fifo { opened } else { is_new }
    }

    /// A visible message was taken away, into flight or for good.
    pub(crate) fn withdraw(&mut self, group: &Arc<str>, place: u64) {
        let mut was_there = false;
        self.change(group, |lane| was_there = lane.ready.remove(&place));
        self.ready -= usize::from(was_there);
    }

    /// Takes up to `count` messages of a group into flight, the first ones in order.
    pub(crate) fn take(&mut self, group: &Arc<str>, count: usize) -> Vec<u64> {
        let is_fifo = self.is_fifo;
        let mut taken = Vec::with_capacity(count);
        self.change(group, |lane| {
            while taken.len() < count
                && let Some(&first) = lane.ready.first()
                && !(is_fifo && lane.delayed.first().is_some_and(|delayed| *delayed < first))
            {
                lane.ready.remove(&first);
                taken.push(first);
            }
            lane.in_flight += taken.len();
        });
        self.ready -= taken.len();
        taken
    }

    /// A message of the group is in flight no longer. Returns whether its lane opened.
    pub(crate) fn land(&mut self, group: &Arc<str>) -> bool {
        self.change(group, |lane| lane.in_flight = lane.in_flight.saturating_sub(1))
    }

    /// A message of the group is in flight: found so at start.
    pub(crate) fn launch(&mut self, group: &Arc<str>) {
        self.change(group, |lane| lane.in_flight += 1);
    }

    pub(crate) fn delay(&mut self, group: &Arc<str>, place: u64) {
        self.change(group, |lane| {
            lane.delayed.insert(place);
        });
    }

    /// Returns whether its lane opened.
    pub(crate) fn end_delay(&mut self, group: &Arc<str>, place: u64) -> bool {
        self.change(group, |lane| {
            lane.delayed.remove(&place);
        })
    }

    /// Changes a lane and lists it anew. Returns whether it was closed or empty before and is not now.
    fn change(&mut self, group: &Arc<str>, change: impl FnOnce(&mut Lane)) -> bool {
        if !self.lanes.contains_key(group) {
            self.lanes.insert(Arc::clone(group), Lane::default());
        }
        let Some(lane) = self.lanes.get_mut(group) else { return false };
        change(lane);
        let standing = lane.standing(self.is_fifo, group.is_empty());
        let before = std::mem::replace(&mut lane.listed, standing);
        if before != standing {
            if let Some(old) = before {
                self.heads.remove(&old);
            }
            self.heads.extend(standing);
        }
        if lane.in_flight == 0 && lane.ready.is_empty() && lane.delayed.is_empty() {
            self.lanes.remove(group);
        }
        before.is_none() && standing.is_some()
    }
}

impl Lane {
    fn standing(&self, is_fifo: bool, is_nameless: bool) -> Option<(u32, u64)> {
        let first = *self.ready.first()?;
        if is_fifo {
            let is_held_up = self.delayed.first().is_some_and(|delayed| *delayed < first);
            return (self.in_flight == 0 && !is_held_up).then_some((0, first));
        }
        let beyond =
            if is_nameless { 0 } else { usize::BITS - (self.in_flight / FAIR_SHARE).leading_zeros() };
        Some((beyond, first))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{FAIR_SHARE, Lanes};

    fn take_next(lanes: &mut Lanes, groups: &[&Arc<str>]) -> Option<u64> {
        let first = lanes.first()?;
        groups.iter().find_map(|group| {
            let mut probe = lanes.take(group, 1);
            match probe.pop() {
                Some(place) if place == first => Some(place),
                Some(place) => {
                    lanes.land(group);
                    lanes.enter(group, place);
                    None
                }
                None => None,
            }
        })
    }

    #[test]
    fn a_lane_of_a_fifo_queue_is_closed_while_one_of_its_messages_is_in_flight() {
        let mut lanes = Lanes::new(true);
        let (a, b) = (lanes.group("a"), lanes.group("b"));
        assert!(lanes.enter(&a, 1) && lanes.enter(&b, 3));
        assert!(!lanes.enter(&a, 2), "its lane was open already");
        assert_eq!(lanes.take(&a, 1), [1]);
        assert_eq!((lanes.first(), lanes.ready()), (Some(3), 2));
        assert_eq!(lanes.take(&b, 5), [3]);
        assert_eq!(lanes.first(), None);
        assert!(lanes.land(&a));
        assert_eq!(lanes.first(), Some(2));
        lanes.delay(&a, 0);
        assert_eq!(lanes.first(), None, "nobody overtakes a delayed message");
    }

    #[test]
    fn a_group_that_fills_a_standard_queue_comes_after_the_others() {
        let mut lanes = Lanes::new(false);
        let (noisy, quiet) = (lanes.group("noisy"), lanes.group("quiet"));
        (0..100).for_each(|place| assert!(lanes.enter(&noisy, place)));
        lanes.enter(&quiet, 100);
        for expected in 0..FAIR_SHARE as u64 {
            assert_eq!(take_next(&mut lanes, &[&noisy]), Some(expected));
        }
        assert_eq!(lanes.first(), Some(100));
        assert_eq!(take_next(&mut lanes, &[&quiet, &noisy]), Some(100));
        assert_eq!(lanes.first(), Some(FAIR_SHARE as u64), "alone, the noisy one goes on");
    }
}
