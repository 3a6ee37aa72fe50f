//! Reading the log when the directory is opened.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::record::{self, Record};
use super::segment::{self, HEADER_BYTES, Header};
use crate::KvError;

/// Enough for a header and a link.
const FRONT_BYTES: u64 = 128;

/// Goes through the segments, oldest first.
#[derive(Debug)]
pub(in crate::embedded) struct Replay {
    directory: PathBuf,
    /// Those still to be read, the next one last.
    segments: Vec<Segment>,
    last_number: Option<u64>,
    /// Where the last segment that has records ends, as far as it was read.
    end: u64,
    last_seqno: u64,
}

#[derive(Debug)]
struct Segment {
    number: u64,
    header: Header,
    /// `None` where nothing was written that was acknowledged.
    link: Option<Link>,
}

/// What the first record of a segment says of the last one before that has any.
#[derive(Clone, Copy, Debug)]
struct Link {
    previous_end: u64,
    previous_seqno: u64,
    bytes: usize,
}

/// A segment's sound records.
#[derive(Debug)]
pub(in crate::embedded) struct Contents {
    pub(in crate::embedded) number: u64,
    path: PathBuf,
    header: Header,
    bytes: Vec<u8>,
    /// Where the first batch begins.
    start: usize,
    end: usize,
}

/// A change that was committed.
#[derive(Clone, Copy, Debug)]
pub(in crate::embedded) struct Change<'a> {
    pub(in crate::embedded) seqno: u64,
    pub(in crate::embedded) key: &'a [u8],
    pub(in crate::embedded) value: Option<&'a [u8]>,
}

impl Replay {
    /// Finds the segments in `directory`, which it creates if need be, and removes those at the end that were made ahead
    /// and never used. One segment stays, to tell an empty log from none.
    pub(in crate::embedded) fn open(directory: &Path) -> Result<Self, KvError> {
        std::fs::create_dir_all(directory).map_err(|error| KvError::io(directory, error))?;
        let mut segments = Vec::new();
        for number in segment::list(directory)? {
            segments.push(Segment::open(directory, number)?);
        }
        while let [_, .., Segment { number, link: None, .. }] = segments[..] {
            segment::remove_unused(directory, number).map_err(|error| KvError::io(directory, error))?;
            segments.pop();
        }
        let last_number = segments.last().map(|segment| segment.number);
        segments.reverse();
        Ok(Self { directory: directory.to_path_buf(), segments, last_number, end: 0, last_seqno: 0 })
    }

    /// Whether there is no log yet.
    pub(in crate::embedded) fn is_new(&self) -> bool {
        self.last_number.is_none()
    }

    /// The number of the segment to make next.
    pub(in crate::embedded) fn next_number(&self) -> u64 {
        self.last_number.map_or(1, |number| number + 1)
    }

    /// Where the last segment that has records ends, once it was read.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Makes later batches have higher sequence numbers than this, too.
    pub(in crate::embedded) fn raise_seqno(&mut self, seqno: u64) {
        self.last_seqno = self.last_seqno.max(seqno);
    }

    /// The last batch's sequence number, as far as it was read.
    pub(in crate::embedded) fn last_seqno(&self) -> u64 {
        self.last_seqno
    }

    /// Reads the next segment. `None` once there are no more.
    ///
    /// Errors: [`KvError::Corrupt`] with the file and the offset where something is not as it was written.
    pub(in crate::embedded) fn next_segment(&mut self) -> Result<Option<Contents>, KvError> {
        let Some(Segment { number, header, link }) = self.segments.pop() else {
            return Ok(None);
        };
        let path = segment::path(&self.directory, number);
        let Some(link) = link else {
            return Ok(Some(Contents { number, path, header, bytes: Vec::new(), start: 0, end: 0 }));
        };
        if link.previous_seqno < self.last_seqno {
            return Err(corrupt(&path, HEADER_BYTES, "the segment does not follow the one before it"));
        }
        let known_end =
            self.segments.iter().rev().find_map(|segment| segment.link).map(|link| link.previous_end);
        let bytes = read_whole(&path, known_end).map_err(|error| KvError::io(&path, error))?;
        let start = HEADER_BYTES + link.bytes;
        let mut contents = Contents { number, path, header, bytes, start, end: start };
        self.last_seqno = contents.find_end(link.previous_seqno, known_end)?;
        self.end = contents.end as u64;
        Ok(Some(contents))
    }
}

impl Segment {
    fn open(directory: &Path, number: u64) -> Result<Self, KvError> {
        let path = segment::path(directory, number);
        let io_error = |error| KvError::io(&path, error);
        let mut file = File::open(&path).map_err(io_error)?;
        let front = read(&mut file, FRONT_BYTES).map_err(io_error)?;
        let header = Header::decode(&front).filter(|header| header.number == number);
        let header = header.ok_or_else(|| corrupt(&path, 0, "the segment's header is damaged"))?;
        let link = record::decode(&front[HEADER_BYTES..], header.salt);
        let link = link.map(|record| Link {
            previous_end: record.synced_seqno,
            previous_seqno: record.seqno,
            bytes: record.bytes(),
        });
        if link.is_none() {
            let rest = read(&mut file, u64::MAX).map_err(io_error)?;
            let bytes = [front, rest].concat();
            if record::search(&bytes[HEADER_BYTES..], header.salt).next().is_some() {
                return Err(corrupt(
                    &path,
                    HEADER_BYTES,
                    "the first record is damaged, and sound ones follow it",
                ));
            }
        }
        Ok(Self { number, header, link })
    }
}

impl Contents {
    /// The changes of all records, in the order in which they were made: each with its batch's sequence number, its key,
    /// and its value unless the key was deleted.
    pub(in crate::embedded) fn changes(&self) -> Result<Vec<Change<'_>>, KvError> {
        let mut changes = Vec::new();
        let mut position = self.start;
        while position < self.end {
            // Whole and sound: this is how the end was found.
            let Some(record) = self.record_at(position) else {
                return Err(corrupt(&self.path, position, "a record changed while it was read"));
            };
            let seqno = record.seqno;
            record
                .visit(&mut |key, value| changes.push(Change { seqno, key, value }))
                .map_err(|_| corrupt(&self.path, position, "a record does not have the form of one"))?;
            position += record.bytes();
        }
        Ok(changes)
    }

    fn record_at(&self, position: usize) -> Option<Record<'_>> {
        record::decode(self.bytes.get(position..)?, self.header.salt)
    }

    /// Goes through the records to where they end, and returns the last sequence number.
    fn find_end(&mut self, mut last_seqno: u64, known_end: Option<u64>) -> Result<u64, KvError> {
        let mut position = self.start;
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
fn read_whole(path: &Path, end: Option<u64>) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    if end.is_none() {
        // Readers are about to see what this process finds; it must not go away again with the power.
        file.sync_all()?;
    }
    read(&mut file, end.unwrap_or(u64::MAX))
}

/// Up to `most` bytes from where the file is.
fn read(file: &mut File, most: u64) -> io::Result<Vec<u8>> {
    let wanted = most.min(file.metadata()?.len());
    let mut bytes = Vec::with_capacity(usize::try_from(wanted).map_err(io::Error::other)?);
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn corrupt(path: &Path, offset: usize, what: &str) -> KvError {
    KvError::Corrupt { path: path.to_path_buf(), detail: format!("{what}, at offset {offset}") }
}
