//! All orders in which reads that fill a cache and writes that pass it can meet: never is a copy found that is older than
//! a write that was answered.

use cloud::{Copies, Original};
use proptest::prelude::*;
use shapes::{Blob, Timestamp};

use super::{Cache, KeyRef, Made};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const LATER: Timestamp = Timestamp::from_seconds(1_800_000_060);
const KEY: &[u8] = b"key";

/// One item in a table, and in a cache.
struct World {
    copies: Copies,
    cache: Cache,
    of: Original,
    /// How many writes the table has seen: the value is the number of the last one.
    stored: u64,
    /// The last write that was answered.
    answered: u64,
}

/// Who reads or writes, a step at a time, as the service does.
#[derive(Clone, Copy, Debug)]
enum Actor {
    /// A read through the cluster.
    Reader { step: u8, made: Option<Made>, value: u64 },
    /// A write through the cluster.
    Writer { step: u8, made: Option<Made>, value: u64 },
    /// A write past the cluster.
    Passer { step: u8, value: u64 },
}

const READER: Actor = Actor::Reader { step: 0, made: None, value: 0 };
const WRITER: Actor = Actor::Writer { step: 0, made: None, value: 0 };
const PASSER: Actor = Actor::Passer { step: 0, value: 0 };

impl World {
    fn new() -> Self {
        let copies = Copies::default();
        Self {
            copies,
            cache: Cache::in_parts(1 << 16, 1),
            of: Original::of_hash(7 << 40),
            stored: 0,
            answered: 0,
        }
    }

    fn found(&self) -> Option<u64> {
        let bytes = self.cache.get(&self.copies, NOW, 1, KEY)??;
        Some(u64::from_be_bytes(bytes[..].try_into().expect("a number")))
    }

    fn keep(&self, value: u64, made: Made) {
        self.cache.put(1, KEY, Some(Blob::from(value.to_be_bytes().to_vec())), made, LATER);
    }

    fn write(&mut self) -> u64 {
        self.stored += 1;
        self.stored
    }

    /// The next step of an actor; nothing when it has none left.
    fn step(&mut self, actor: &mut Actor) -> bool {
        match actor {
            Actor::Reader { step, made, value } => {
                match step {
                    0 if self.found().is_some() => *step = 3,
                    0 => *made = Some(Made::now(&self.copies, self.of)),
                    1 => *value = self.stored,
                    2 => self.keep(*value, made.expect("noted before")),
                    _ => return false,
                }
                *step += 1;
            }
            Actor::Writer { step, made, value } => {
                match step {
                    0 => *made = Some(Made::now(&self.copies, self.of)),
                    1 => *value = self.write(),
                    2 => self.copies.outdate([self.of]),
                    3 => *made = made.and_then(|made| made.next(&self.copies)),
                    4 => made.iter().for_each(|made| self.keep(*value, *made)),
                    5 => self.answered = self.answered.max(*value),
                    _ => return false,
                }
                *step += 1;
            }
            Actor::Passer { step, value } => {
                match step {
                    0 => *value = self.write(),
                    1 => self.copies.outdate([self.of]),
                    2 => self.answered = self.answered.max(*value),
                    _ => return false,
                }
                *step += 1;
            }
        }
        true
    }

    /// Nobody finds what is older than a write that was answered.
    fn check(&self, order: &[usize]) {
        if let Some(found) = self.found() {
            assert!(found >= self.answered, "{found} is older than {} in {order:?}", self.answered);
        }
    }
}

/// The actors' steps in this order; who has none left is passed over. How many steps there were.
fn run(world: &mut World, mut actors: Vec<Actor>, order: &[usize]) -> usize {
    world.cache.0.remove(&KeyRef { table: 1, key: KEY });
    (world.stored, world.answered) = (0, 0);
    let mut steps = 0;
    for (place, index) in order.iter().enumerate() {
        if world.step(&mut actors[*index]) {
            steps += 1;
            world.check(&order[..=place]);
        }
    }
    steps
}

/// Every order of so many steps of each actor. How many there are.
fn every_order(left: &mut [usize], order: &mut Vec<usize>, visit: &mut dyn FnMut(&[usize])) -> usize {
    if left.iter().all(|left| *left == 0) {
        visit(order);
        return 1;
    }
    let mut orders = 0;
    for actor in 0..left.len() {
        if left[actor] > 0 {
            left[actor] -= 1;
            order.push(actor);
            orders += every_order(left, order, visit);
            order.pop();
            left[actor] += 1;
        }
    }
    orders
}

#[test]
fn every_order_of_two_writers() {
    let mut world = World::new();
    let orders = every_order(&mut [6, 6], &mut Vec::new(), &mut |order| {
        assert_eq!(run(&mut world, vec![WRITER, WRITER], order), 12);
    });
    assert_eq!(orders, 924);
}

#[test]
fn every_order_of_two_readers_and_a_write_past_the_cluster() {
    let mut world = World::new();
    let orders = every_order(&mut [4, 4, 3], &mut Vec::new(), &mut |order| {
        run(&mut world, vec![READER, READER, PASSER], order);
    });
    assert_eq!(orders, 11_550);
}

#[test]
fn every_order_of_a_reader_and_writes_through_and_past_the_cluster() {
    let mut world = World::new();
    let orders = every_order(&mut [4, 6, 3], &mut Vec::new(), &mut |order| {
        run(&mut world, vec![READER, WRITER, PASSER], order);
    });
    assert_eq!(orders, 60_060);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn orders_of_many(order in proptest::collection::vec(0..8_usize, 10..80)) {
        let mut world = World::new();
        run(&mut world, vec![READER, WRITER, PASSER, READER, WRITER, PASSER, READER, WRITER], &order);
    }
}

/// The model finds what it looks for: a cache without the counters.
#[test]
#[should_panic(expected = "is older than")]
fn a_reader_that_notes_too_late_would_be_found_out() {
    let mut world = World::new();
    let value = world.stored;
    assert!(world.step(&mut PASSER.clone()));
    let mut passer = Actor::Passer { step: 1, value: 1 };
    assert!(world.step(&mut passer));
    // Noted behind the read instead of before it.
    let made = Made::now(&world.copies, world.of);
    world.keep(value, made);
    assert!(world.step(&mut passer));
    world.check(&[]);
}
