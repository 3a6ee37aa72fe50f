//! Where threads that hash at the same time meet.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::BLOCK;
use crate::compress::{self, WIDTH};
use crate::job::Job;

/// Blocks of each stream between two looks at who else has come.
const STRIDE: usize = 256;

/// Takes streams into its lanes. Shared by all that hash.
#[derive(Debug)]
pub struct Lanes {
    board: Mutex<Board>,
    changed: Condvar,
    /// As many threads as there are processors are done sooner when each hashes alone.
    most_alone: usize,
}

impl Default for Lanes {
    fn default() -> Self {
        let most_alone = std::thread::available_parallelism().map_or(1, usize::from);
        Self { board: Mutex::default(), changed: Condvar::new(), most_alone }
    }
}

#[derive(Debug, Default)]
struct Board {
    waiting: VecDeque<(u64, Job)>,
    done: HashMap<u64, Job>,
    /// Threads that hash their own job and nothing else.
    alone: usize,
    /// A thread works for all.
    is_led: bool,
    next: u64,
}

impl Lanes {
    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has all of a job's blocks hashed, by this thread or by one that works already.
    pub(crate) fn work(&self, job: Job) -> Job {
        let mut board = self.lock();
        if !board.is_led && board.waiting.is_empty() && board.alone < self.most_alone {
            board.alone += 1;
            drop(board);
            let mut own = [(0, job)];
            while !own[0].1.is_done() {
                stride(&mut own);
            }
            self.lock().alone -= 1;
            let [(_, done)] = own;
            return done;
        }
        let ticket = board.next;
        board.next += 1;
        board.waiting.push_back((ticket, job));
        loop {
            if let Some(done) = board.done.remove(&ticket) {
                return done;
            }
            if !board.is_led {
                board.is_led = true;
                drop(board);
                self.lead(ticket);
                board = self.lock();
                board.is_led = false;
                // Somebody else leads from here, if there is somebody.
                self.changed.notify_all();
            } else {
                board = self.changed.wait(board).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Works for all who have come, until the job `own` is done.
    fn lead(&self, own: u64) {
        let mut lanes: Vec<(u64, Job)> = Vec::with_capacity(WIDTH);
        loop {
            let mut board = self.lock();
            let was_done = lanes.extract_if(.., |(_, job)| job.is_done()).fold(false, |_, (ticket, job)| {
                board.done.insert(ticket, job);
                true
            });
            if was_done {
                self.changed.notify_all();
            }
            if board.done.contains_key(&own) {
                for lane in lanes.into_iter().rev() {
                    board.waiting.push_front(lane);
                }
                return;
            }
            while lanes.len() < WIDTH
                && let Some(next) = board.waiting.pop_front()
            {
                lanes.push(next);
            }
            drop(board);
            stride(&mut lanes);
        }
    }
}

/// Hashes some blocks of each lane, as many of one as of the other.
fn stride(lanes: &mut [(u64, Job)]) {
    let count = lanes.iter().map(|(_, job)| job.stretch().max(1)).min().unwrap_or(0).min(STRIDE);
    let mut spaces = [[0; BLOCK]; WIDTH];
    match lanes {
        [] => {}
        [(_, job)] => {
            let mut state = job.state;
            compress::one(&mut state, job.blocks(count, &mut spaces[0]));
            job.state = state;
        }
        _ => {
            let mut blocks: [&[u8]; WIDTH] = [&[]; WIDTH];
            let mut states = [[0; WIDTH]; 4];
            for (lane, ((_, job), space)) in lanes.iter().zip(&mut spaces).enumerate() {
                blocks[lane] = job.blocks(count, space);
                for (words, word) in states.iter_mut().zip(job.state) {
                    words[lane] = word;
                }
            }
            // Lanes without a stream hash the first one once more, for nobody.
            let first = blocks[0];
            blocks[lanes.len()..].fill(first);
            compress::eight(&mut states, &blocks);
            for (lane, (_, job)) in lanes.iter_mut().enumerate() {
                job.state = states.map(|words| words[lane]);
            }
        }
    }
    lanes.iter_mut().for_each(|(_, job)| job.advance(count));
}
