//! Writing a sealed blob from beginning to end.

use std::fs::File;
use std::io::Write;

use super::file_key::FileKey;
use super::{BATCH_CHUNKS, CHUNK_BYTES, Key, MAGIC, Placed, SEALED_BYTES, TAG_BYTES};
use crate::BlobError;

/// A blob under way. Dropped before [`SealedWriter::finish`], it goes away.
pub struct SealedWriter {
    file: File,
    key: FileKey,
    hold: Placed,
    /// Sealed chunks, then the one that is being filled.
    batch: Vec<u8>,
    /// Where in `batch` that one begins.
    open_at: usize,
    /// Its number.
    index: u64,
    length: u64,
}

impl SealedWriter {
    pub(super) fn new(file: File, key: &Key, salt: u128, hold: Placed) -> Self {
        let salt = salt.to_be_bytes();
        let mut batch = Vec::with_capacity(MAGIC.len() + salt.len() + SEALED_BYTES);
        batch.extend_from_slice(MAGIC);
        batch.extend_from_slice(&salt);
        let open_at = batch.len();
        Self { file, key: FileKey::derive(key, &salt), hold, batch, open_at, index: 0, length: 0 }
    }

    /// Bytes written so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Appends `bytes`.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), BlobError> {
        self.length += bytes.len() as u64;
        while !bytes.is_empty() {
            let room = CHUNK_BYTES - (self.batch.len() - self.open_at);
            let (head, rest) = bytes.split_at(room.min(bytes.len()));
            self.batch.extend_from_slice(head);
            bytes = rest;
            if self.batch.len() - self.open_at == CHUNK_BYTES {
                self.seal_chunk();
            }
            if self.open_at >= BATCH_CHUNKS * SEALED_BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn seal_chunk(&mut self) {
        self.key.seal(self.index, &mut self.batch, self.open_at);
        self.index += 1;
        self.open_at = self.batch.len();
    }

    /// Writes the chunks that are sealed. Called when no other is begun.
    fn flush(&mut self) -> Result<(), BlobError> {
        self.file.write_all(&self.batch).map_err(BlobError::io("writing a blob"))?;
        self.batch.clear();
        self.open_at = 0;
        self.batch.reserve(BATCH_CHUNKS * SEALED_BYTES + TAG_BYTES);
        Ok(())
    }

    /// Ends the blob. It is whole and durable, and held until somebody keeps it.
    pub fn finish(mut self) -> Result<Placed, BlobError> {
        if self.batch.len() > self.open_at {
            self.seal_chunk();
        }
        self.flush()?;
        let Self { file, hold, .. } = self;
        hold.blobs.place(&file, &hold).map_err(BlobError::io("keeping a blob"))?;
        Ok(hold)
    }
}
