//! Reading the log when the directory is opened.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::record::{self, Record};
use super::segment::{self, HEADER_BYTES, Header};
use crate::KvError;

/// Goes through the segments, oldest first.
#[derive(Debug)]
pub(in crate::embedded) struct Replay {
    directory: PathBuf,
    /// Those still to be read, the next one last.
    numbers: Vec<u64>,
    last_number: Option<u64>,
    /// Where the records of the segment read last end.
    end: u64,
    last_seqno: u64,
}

/// A segment's sound records.
#[derive(Debug)]
pub(in crate::embedded) struct Contents {
    pub(in crate::embedded) number: u64,
    path: PathBuf,
    header: Header,
    bytes: Vec<u8>,
    end: usize,
}

impl Replay {
    /// Finds the segments in `directory`, which it creates if need be.
    pub(in crate::embedded) fn open(directory: &Path) -> Result<Self, KvError> {
        std::fs::create_dir_all(directory).map_err(|error| KvError::io(directory, error))?;
        let mut numbers = segment::list(directory)?;
        let last_number = numbers.last().copied();
        numbers.reverse();
        Ok(Self { directory: directory.to_path_buf(), numbers, last_number, end: 0, last_seqno: 0 })
    }

    pub(in crate::embedded) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(in crate::embedded) fn last_number(&self) -> Option<u64> {
        self.last_number
    }

    pub(in crate::embedded) fn end(&self) -> u64 {
        self.end
    }

    /// The last batch's sequence number, as far as it was read.
    pub(in crate::embedded) fn last_seqno(&self) -> u64 {
        self.last_seqno
    }

    /// Reads the next segment. `None` once there are no more.
    ///
    /// Errors: [`KvError::Corrupt`] with the file and the offset where something is not as it was written.
    pub(in crate::embedded) fn next_segment(&mut self) -> Result<Option<Contents>, KvError> {
        let Some(number) = self.numbers.pop() else {
            return Ok(None);
        };
        let path = segment::path(&self.directory, number);
        let mut file = File::open(&path).map_err(|error| KvError::io(&path, error))?;
        let known_end = match self.numbers.last() {
            Some(next) => Some(self.read_header(*next)?.previous_end),
            // Readers are about to see what this process finds; it must not go away again with the power.
            None => {
                file.sync_all().map_err(|error| KvError::io(&path, error))?;
                None
            }
        };
        let bytes = read(&mut file, known_end).map_err(|error| KvError::io(&path, error))?;
        let header = Header::decode(&bytes).filter(|header| header.number == number);
        let header = header.ok_or_else(|| corrupt(&path, 0, "the segment's header is damaged"))?;
        if header.previous_seqno < self.last_seqno {
            return Err(corrupt(&path, 0, "the segment does not follow the one before it"));
        }
        self.last_seqno = header.previous_seqno;
        let mut contents = Contents { number, path, header, bytes, end: HEADER_BYTES };
        self.last_seqno = contents.find_end(self.last_seqno, known_end)?;
        self.end = contents.end as u64;
        Ok(Some(contents))
    }

    fn read_header(&self, number: u64) -> Result<Header, KvError> {
        let path = segment::path(&self.directory, number);
        let read = || read(&mut File::open(&path)?, Some(HEADER_BYTES as u64));
        let bytes = read().map_err(|error| KvError::io(&path, error))?;
        Header::decode(&bytes).ok_or_else(|| corrupt(&path, 0, "the segment's header is damaged"))
    }
}

impl Contents {
    /// Shows each record's sequence number with each of its changes: a key, and its value unless it was deleted.
    pub(in crate::embedded) fn visit(
        &self,
        visit: &mut dyn FnMut(u64, &[u8], Option<&[u8]>),
    ) -> Result<(), KvError> {
        let mut position = HEADER_BYTES;
        while position < self.end {
            // Whole and sound: this is how the end was found.
            let Some(record) = self.record_at(position) else {
                return Err(corrupt(&self.path, position, "a record changed while it was read"));
            };
            let seqno = record.seqno;
            record
                .visit(&mut |key, value| visit(seqno, key, value))
                .map_err(|_| corrupt(&self.path, position, "a record does not have the form of one"))?;
            position += record.bytes();
        }
        Ok(())
    }

    fn record_at(&self, position: usize) -> Option<Record<'_>> {
        record::decode(self.bytes.get(position..)?, self.header.salt)
    }

    /// Goes through the records to where they end, and returns the last sequence number.
    fn find_end(&mut self, mut last_seqno: u64, known_end: Option<u64>) -> Result<u64, KvError> {
        let mut position = HEADER_BYTES;
        while known_end.is_none_or(|end| (position as u64) < end)
            && let Some(record) = self.record_at(position).filter(|record| record.seqno > last_seqno)
        {
            last_seqno = record.seqno;
            position += record.bytes();
        }
        match known_end {
            Some(end) if end == position as u64 => {}
            Some(_) => return Err(corrupt(&self.path, position, "a record is damaged or missing")),
            None => self.check_tail(position, last_seqno)?,
        }
        self.end = position;
        Ok(last_seqno)
    }

    /// Tells an unfinished last record from a damaged one. What follows the latter was written after it was on disk,
    /// and says so.
    fn check_tail(&self, position: usize, last_seqno: u64) -> Result<(), KvError> {
        let from = (position + record::ALIGNMENT).min(self.bytes.len());
        let later = record::search(&self.bytes[from..], self.header.salt);
        let (mut later_records, mut synced_seqno) = (0, 0);
        for record in later.filter(|record| record.seqno > last_seqno) {
            later_records += 1;
            synced_seqno = synced_seqno.max(record.synced_seqno);
        }
        if synced_seqno > last_seqno {
            return Err(corrupt(&self.path, position, "a record is damaged, and sound ones follow it"));
        }
        if later_records > 0 {
            tracing::warn!(
                path = %self.path.display(), offset = position, later_records,
                "what was written last, without waiting for the disk, is lost in part"
            );
        }
        Ok(())
    }
}

/// The file's bytes, up to `end` where it is known.
fn read(file: &mut File, end: Option<u64>) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    let wanted = end.map_or(length, |end| end.min(length));
    let mut bytes = Vec::with_capacity(usize::try_from(wanted).map_err(io::Error::other)?);
    file.take(wanted).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn corrupt(path: &Path, offset: usize, what: &str) -> KvError {
    KvError::Corrupt { path: path.to_path_buf(), detail: format!("{what}, at offset {offset}") }
}
