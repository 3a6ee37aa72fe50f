//! The whole blocks of some pieces of one stream, and how far they are hashed.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::BLOCK;
use crate::compress::State;

#[derive(Debug)]
pub(crate) struct Job {
    pub state: State,
    /// What is not hashed yet; none is empty.
    pieces: VecDeque<Bytes>,
    /// Bytes of whole blocks among them.
    left: usize,
}

impl Job {
    /// `whole` bytes of `rest` and `pieces` are to be hashed.
    pub(crate) fn new(state: State, rest: Vec<u8>, pieces: &[Bytes], whole: usize) -> Self {
        let all = std::iter::once(Bytes::from(rest)).chain(pieces.iter().cloned());
        Self { state, pieces: all.filter(|piece| !piece.is_empty()).collect(), left: whole }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.left == 0
    }

    /// How many of the next blocks lie in one stretch. One that lies across pieces does not.
    pub(crate) fn stretch(&self) -> usize {
        self.pieces.front().map_or(0, |piece| piece.len().min(self.left) / BLOCK)
    }

    /// The next `count` blocks. One that lies across pieces is put together in `space`.
    pub(crate) fn blocks<'a>(&'a self, count: usize, space: &'a mut [u8; BLOCK]) -> &'a [u8] {
        match self.pieces.front() {
            Some(piece) if piece.len() >= count * BLOCK => &piece[..count * BLOCK],
            _ => {
                let bytes = self.pieces.iter().flat_map(|piece| piece.iter());
                for (slot, byte) in space.iter_mut().zip(bytes) {
                    *slot = *byte;
                }
                space
            }
        }
    }

    /// The next `count` blocks are hashed.
    pub(crate) fn advance(&mut self, count: usize) {
        let mut bytes = count * BLOCK;
        self.left -= bytes;
        while let Some(piece) = self.pieces.front_mut().filter(|_| bytes > 0) {
            let part = bytes.min(piece.len());
            bytes::Buf::advance(piece, part);
            bytes -= part;
            if piece.is_empty() {
                self.pieces.pop_front();
            }
        }
    }

    /// What is left when all whole blocks are hashed.
    pub(crate) fn into_rest(self) -> Vec<u8> {
        self.pieces.iter().flat_map(|piece| piece.iter().copied()).collect()
    }
}
