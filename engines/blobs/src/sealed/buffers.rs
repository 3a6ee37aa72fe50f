//! Buffers that blobs are read into, used again and again: fresh memory of that size costs the system more than reading.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::{BATCH_CHUNKS, SEALED_BYTES};

/// Bytes of a buffer: a batch of sealed chunks.
const BUFFER_BYTES: usize = BATCH_CHUNKS * SEALED_BYTES;
/// Buffers kept that nobody uses, 8 MB together.
const MOST_SPARE: usize = 16;

/// Buffers that nobody uses.
#[derive(Debug, Default)]
pub(super) struct Buffers(Mutex<Vec<Box<[u8]>>>);

/// A buffer in use. It goes back when the last of its bytes is dropped.
pub(super) struct Buffer {
    bytes: Box<[u8]>,
    home: Arc<Buffers>,
}

impl Buffers {
    pub(super) fn take(self: &Arc<Self>) -> Buffer {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bytes = spare.unwrap_or_else(|| vec![0; BUFFER_BYTES].into_boxed_slice());
        Buffer { bytes, home: Arc::clone(self) }
    }
}

impl Buffer {
    /// The first `length` bytes, at most those of a batch, to be filled. They hold what was there before.
    pub(super) fn first(&mut self, length: usize) -> &mut [u8] {
        &mut self.bytes[..length]
    }

    pub(super) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut spare = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < MOST_SPARE {
            spare.push(std::mem::take(&mut self.bytes));
        }
    }
}
