//! MD5 (RFC 1321) of several streams at once.
//!
//! Each step of MD5 waits for the one before, so a processor that hashes one stream is mostly idle; but it can take the
//! same step of eight streams in one go. Threads that hash at the same time meet on [`Lanes`]: one of them works for all,
//! and the others wait for it, so that eight uploads cost little more than one. A few threads, one for each processor, hash alone.
//!
//! For long streams on threads that may block. MD5 is no protection against anybody; it is what entity tags are made of.

mod compress;
mod job;
mod lanes;

use std::sync::Arc;

use bytes::Bytes;

use compress::State;
use job::Job;

pub use lanes::Lanes;

const BLOCK: usize = 64;

/// The digest of one stream under way.
#[derive(Clone, Debug)]
pub struct Md5 {
    lanes: Arc<Lanes>,
    state: State,
    length: u64,
    /// What does not fill a block yet.
    rest: Vec<u8>,
}

impl Md5 {
    pub fn new(lanes: Arc<Lanes>) -> Self {
        Self { lanes, state: compress::START, length: 0, rest: Vec::with_capacity(BLOCK) }
    }

    /// Takes the pieces that follow those before. Blocks until they are hashed.
    pub fn update(&mut self, pieces: &[Bytes]) {
        let sizes = pieces.iter().map(Bytes::len);
        self.length = self.length.wrapping_add(sizes.clone().map(|size| size as u64).sum());
        let whole = (self.rest.len() + sizes.sum::<usize>()) / BLOCK * BLOCK;
        let mut job = Job::new(self.state, std::mem::take(&mut self.rest), pieces, whole);
        if whole > 0 {
            job = self.lanes.work(job);
        }
        self.state = job.state;
        self.rest = job.into_rest();
    }

    pub fn finish(mut self) -> [u8; 16] {
        let mut end = std::mem::take(&mut self.rest);
        end.push(0x80);
        while end.len() % BLOCK != BLOCK - 8 {
            end.push(0);
        }
        end.extend_from_slice(&self.length.wrapping_mul(8).to_le_bytes());
        compress::one(&mut self.state, &end);
        let mut digest = [0; 16];
        for (bytes, word) in digest.chunks_exact_mut(4).zip(self.state) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        digest
    }
}
