//! Reading a sealed blob, from anywhere in it.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;

use super::buffers::Buffers;
use super::file_key::FileKey;
use super::folder::within;
use super::hot::{Blob, HotStretches};
use super::{BATCH_BYTES, CHUNK_BYTES, HEAD_BYTES, Key, MAGIC, SEALED_BYTES, SealedId, TAG_BYTES};
use crate::BlobError;

/// An open blob. It can be read to its end also when it is deleted meanwhile. Cheap to clone.
#[derive(Clone)]
pub struct SealedReader(Arc<Open>);

struct Open {
    file: File,
    id: SealedId,
    key: FileKey,
    length: u64,
    blob: Blob,
    buffers: Arc<Buffers>,
    hot: Arc<HotStretches>,
}

impl SealedReader {
    pub(super) fn new(
        file: File,
        id: SealedId,
        key: &Key,
        length: u64,
        (buffers, hot): (Arc<Buffers>, Arc<HotStretches>),
    ) -> Result<Self, BlobError> {
        let mut head = [0; HEAD_BYTES];
        file.read_exact_at(&mut head, 0).map_err(BlobError::io("opening a blob"))?;
        let (magic, salt) = head.split_at(MAGIC.len());
        let salt: &[u8; 16] = salt.try_into().map_err(|_| BlobError::DamagedSealed(id))?;
        if magic != MAGIC {
            return Err(BlobError::DamagedSealed(id));
        }
        let blob = Blob::new(id, key);
        let key = FileKey::derive(key, salt);
        Ok(Self(Arc::new(Open { file, id, key, length, blob, buffers, hot })))
    }

    /// Length of the whole blob in bytes.
    pub fn length(&self) -> u64 {
        self.0.length
    }

    /// The pieces of the beginning of `range`, at most half a megabyte of them. Blocks. `range` lies within the blob;
    /// the caller goes on behind what it got.
    pub fn read(&self, range: Range<u64>) -> Result<Vec<Bytes>, BlobError> {
        let Open { length, blob, hot, .. } = &*self.0;
        let range = range.start..range.end.min(*length);
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let batch = range.start / BATCH_BYTES;
        let whole = batch * BATCH_BYTES..((batch + 1) * BATCH_BYTES).min(*length);
        if let Some(bytes) = hot.get(*blob, batch) {
            return Ok(vec![within(&bytes, batch, &range)]);
        }
        if hot.wants(*blob, batch, *length) {
            // Copied: in the buffer the chunks do not touch, and it is used again.
            let bytes = Bytes::from(self.open(&whole)?.concat());
            hot.add(*blob, batch, bytes.clone());
            return Ok(vec![within(&bytes, batch, &range)]);
        }
        self.open(&(range.start..range.end.min(whole.end)))
    }

    /// The pieces of a range of one batch, from the disk.
    fn open(&self, range: &Range<u64>) -> Result<Vec<Bytes>, BlobError> {
        let Open { file, id, key, length, buffers, .. } = &*self.0;
        let chunk = CHUNK_BYTES as u64;
        let first = range.start / chunk;
        let last = (range.end - 1) / chunk;
        let end = ((last + 1) * chunk).min(*length);
        let sealed_length = (end - first * chunk) as usize + (last - first + 1) as usize * TAG_BYTES;
        let mut buffer = buffers.take();
        let sealed = buffer.first(sealed_length);
        let offset = HEAD_BYTES as u64 + first * SEALED_BYTES as u64;
        file.read_exact_at(sealed, offset).map_err(BlobError::io("reading a blob"))?;
        let mut wanted = Vec::with_capacity((last - first + 1) as usize);
        for (place, (index, sealed)) in (first..=last).zip(sealed.chunks_mut(SEALED_BYTES)).enumerate() {
            let opened = key.open(index, sealed).ok_or(BlobError::DamagedSealed(*id))?;
            let begin = index * chunk;
            let from = range.start.saturating_sub(begin) as usize;
            let to = (range.end - begin).min(opened as u64) as usize;
            wanted.push(place * SEALED_BYTES + from..place * SEALED_BYTES + to);
        }
        let opened = buffer.freeze();
        Ok(wanted.into_iter().map(|range| opened.slice(range)).collect())
    }
}
