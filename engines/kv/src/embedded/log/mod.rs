//! The log in front of the tree: what was committed and is not in a table yet.
//!
//! A batch is one record, written with one `write` and confirmed with one `fdatasync`. Records go to a segment; each
//! memtable begins a new one, and when its pairs are in a table, its segments go. So a start reads about as much as
//! memtables hold. A segment is made ahead of its time, and its first record says where the one before ends; so changing
//! over to it takes no writing.
//!
//! What a crash can leave is an unfinished last record, which is dropped. Anything else that does not read as it was
//! written is an error: nothing that was acknowledged is ever left out silently.

mod record;
mod recovery;
mod segment;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use bytes::Bytes;

pub(super) use recovery::{Change, Replay};
use segment::Header;
pub(super) use segment::{Fresh, create, disk_bytes, retire, sync_directory};

/// A segment grows by as much as it has, between these two, where there was no spare one to write over.
const LEAST_GROWTH_BYTES: u64 = 256 << 10;
const MOST_GROWTH_BYTES: u64 = 4 << 20;
/// The buffer for a record goes back to this after a longer one.
const KEPT_BUFFER_BYTES: usize = 1 << 20;
/// Zeros to write at once.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// The end of the log, where records are added.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    header: Header,
    /// Where the last segment before this one that has records ends.
    previous_end: u64,
    /// Where the next record goes.
    position: u64,
    /// Up to here the file's blocks are written, so that writing them again changes no metadata.
    written_bytes: u64,
    last_seqno: u64,
    synced_seqno: u64,
    /// The segments that hold what the active memtable has, the one being written last.
    segments: Vec<u64>,
    /// Whether batches wait for the disk, which is what makes writing ahead worth it.
    is_durable: bool,
    /// The disk failed to confirm a write. What it says about this file afterwards is not to be trusted.
    is_suspect: bool,
    buffer: Vec<u8>,
}

/// Why a batch could not be added.
#[derive(Debug)]
pub(super) enum AppendError {
    /// The log is as it was before.
    Undone(io::Error),
    /// The batch may be found when the log is read again.
    Unknown(io::Error),
}

impl Log {
    /// Begins with `fresh` behind what `replay` read. Segments that hold what the active memtable has are `segments`.
    pub(super) fn begin(replay: &Replay, fresh: Fresh, segments: Vec<u64>, is_durable: bool) -> Self {
        let Fresh { file, header, written_bytes } = fresh;
        let last_seqno = replay.last_seqno();
        Self {
            file,
            header,
            previous_end: replay.end(),
            position: segment::HEADER_BYTES as u64,
            written_bytes,
            last_seqno,
            synced_seqno: last_seqno,
            segments: [segments, vec![header.number]].concat(),
            is_durable,
            is_suspect: false,
            buffer: Vec::new(),
        }
    }

    /// The last batch's sequence number.
    pub(super) fn last_seqno(&self) -> u64 {
        self.last_seqno
    }

    /// Adds a batch. With `must_sync` it, and all before it, is on disk afterwards.
    pub(super) fn append<'a>(
        &mut self,
        seqno: u64,
        changes: impl Iterator<Item = (&'a Bytes, &'a Option<Bytes>)>,
        must_sync: bool,
    ) -> Result<(), AppendError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let salt = self.header.salt;
        if self.position == segment::HEADER_BYTES as u64 {
            record::encode(&mut buffer, salt, self.last_seqno, self.previous_end, std::iter::empty());
        }
        let outcome = match record::encode(&mut buffer, salt, seqno, self.synced_seqno, changes) {
            Some(()) => self.write(&buffer, must_sync),
            None => {
                let text = "a batch of more than 4 GiB";
                Err(AppendError::Undone(io::Error::new(io::ErrorKind::InvalidInput, text)))
            }
        };
        if outcome.is_ok() {
            self.position += buffer.len() as u64;
            self.last_seqno = seqno;
            if must_sync {
                self.synced_seqno = seqno;
            }
        }
        buffer.shrink_to(KEPT_BUFFER_BYTES);
        self.buffer = buffer;
        outcome
    }

    /// Waits until every record is on disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if self.synced_seqno == self.last_seqno {
            return Ok(());
        }
        self.file.sync_data().inspect_err(|_| self.is_suspect = true)?;
        self.synced_seqno = self.last_seqno;
        Ok(())
    }

    /// Whether what this segment holds should soon be in a table, whatever its size.
    pub(super) fn is_suspect(&self) -> bool {
        self.is_suspect
    }

    /// Makes sure that the segment is on disk whole, so that only the last segment of a log can be unfinished.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        // A suspect segment holds at least what was acknowledged as durable; its memtable is flushed at once.
        if self.is_suspect { Ok(()) } else { self.sync() }
    }

    /// Goes on in `fresh`, after [`finish`](Self::finish). Returns the segments whose pairs the memtable has that is
    /// sealed with them.
    pub(super) fn rotate(&mut self, fresh: Fresh) -> Vec<u64> {
        self.file = fresh.file;
        self.header = fresh.header;
        if self.position > segment::HEADER_BYTES as u64 {
            self.previous_end = self.position;
        }
        self.position = segment::HEADER_BYTES as u64;
        self.written_bytes = fresh.written_bytes;
        self.synced_seqno = self.last_seqno;
        self.is_suspect = false;
        std::mem::replace(&mut self.segments, vec![self.header.number])
    }

    fn write(&mut self, record: &[u8], must_sync: bool) -> Result<(), AppendError> {
        let end = self.position + record.len() as u64;
        if end > self.written_bytes && self.is_durable {
            self.grow(end);
        }
        self.file.write_all_at(record, self.position).map_err(|error| self.take_back(error))?;
        self.written_bytes = self.written_bytes.max(end);
        if must_sync {
            self.file.sync_data().map_err(|error| {
                self.is_suspect = true;
                self.take_back(error)
            })?;
        }
        Ok(())
    }

    /// Fills the file with zeros beyond `end`. It is not needed, so a disk without space for it is no reason to stop.
    fn grow(&mut self, end: u64) {
        let growth = self.written_bytes.clamp(LEAST_GROWTH_BYTES, MOST_GROWTH_BYTES);
        let mut from = end;
        while from < end + growth {
            let zeros = &ZEROS[..ZEROS.len().min((end + growth - from) as usize)];
            if self.file.write_all_at(zeros, from).is_err() {
                return;
            }
            from += zeros.len() as u64;
            self.written_bytes = from;
        }
    }

    /// Makes sure that a batch whose writing failed is not found when the log is read again.
    fn take_back(&mut self, error: io::Error) -> AppendError {
        // A link and the record behind it, where both were written at once.
        let undone = self
            .file
            .write_all_at(&[0; record::HEADER_BYTES + 8], self.position)
            .and_then(|()| self.file.sync_data());
        match undone {
            Ok(()) => AppendError::Undone(error),
            Err(_) => AppendError::Unknown(error),
        }
    }
}
