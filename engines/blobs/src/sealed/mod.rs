//! Blobs of any length, written and read in pieces, encrypted on disk, named by a number that the caller draws.
//!
//! A blob is one file of chunks, each sealed with AES-256-GCM, so what is read is what was written or an error: a bit
//! that flipped on disk is never handed out. The file's key is derived from the caller's key and a salt in its head,
//! so no two files share one, and a file can stand under a second name by a hard link. A file in its place is whole:
//! it is written in `incoming` and renamed once its bytes are on disk.
//!
//! Nothing here knows which blobs are needed. A blob between its last byte and the row that names it is held by a
//! [`Placed`], which takes the file away again unless it is told to keep it, and [`SealedBlobs::visit`] lists what is
//! there and not so held, for sweeps.

mod buffers;
mod file_key;
mod folder;
mod hot;
mod reader;
mod reading;
mod receiving;
mod writer;

use std::fmt;
use std::io;

pub use folder::{Options, Placed, SealedBlobs};
pub use reader::SealedReader;
pub use reading::{Reading, Stretch};
pub use receiving::{Digests, Receiving};
pub use writer::SealedWriter;

use crate::{BlobError, InvalidBlobId};

/// Bytes of a chunk before it is sealed.
pub const CHUNK_BYTES: usize = 64 * 1024;
/// Bytes that sealing adds to a chunk.
const TAG_BYTES: usize = 16;
const SEALED_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
/// Chunks read or written in one go.
const BATCH_CHUNKS: usize = 8;
/// Bytes of a whole batch before it is sealed.
const BATCH_BYTES: u64 = (BATCH_CHUNKS * CHUNK_BYTES) as u64;

/// What a file begins with: the format's name and version, and the salt of its key.
const MAGIC: &[u8; 16] = b"brume blob v1\r\n\0";
const SALT_BYTES: usize = 16;
const HEAD_BYTES: usize = MAGIC.len() + SALT_BYTES;

/// The name of a sealed blob: 32 lower-case hexadecimal digits on disk, and nothing else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SealedId(pub u128);

impl SealedId {
    fn parse(name: &str) -> Result<Self, InvalidBlobId> {
        let is_name = name.len() == 32 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let number = u128::from_str_radix(name, 16).ok().filter(|_| is_name);
        number.map(Self).ok_or(InvalidBlobId)
    }
}

impl fmt::Display for SealedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for SealedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A key that blobs are sealed under.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(pub [u8; 32]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// Seals bytes that live elsewhere than in a file, such as in a row. `salt` must not be used twice with a key.
pub fn seal(key: &Key, salt: u128, bytes: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(bytes.len() + TAG_BYTES);
    sealed.extend_from_slice(bytes);
    file_key::FileKey::derive(key, &salt.to_be_bytes()).seal(0, &mut sealed, 0);
    sealed
}

/// Opens what [`seal`] has sealed; `None` when the bytes, the key or the salt are others.
pub fn unseal(key: &Key, salt: u128, sealed: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = sealed.to_vec();
    let length = file_key::FileKey::derive(key, &salt.to_be_bytes()).open(0, &mut bytes)?;
    bytes.truncate(length);
    Some(bytes)
}

/// Length of the file of a blob of `length` bytes.
fn file_length(length: u64) -> u64 {
    HEAD_BYTES as u64 + length + length.div_ceil(CHUNK_BYTES as u64) * TAG_BYTES as u64
}

fn panicked(step: &'static str, panic: tokio::task::JoinError) -> BlobError {
    BlobError::Io { step, source: io::Error::other(panic) }
}
