//! One committed batch as bytes.
//!
//! | offset | bytes | what |
//! |---:|---:|---|
//! | 0 | 8 | XXH3 of all that follows, seeded with the segment's salt |
//! | 8 | 4 | a mark made from the salt, to find records by |
//! | 12 | 4 | length of the body |
//! | 16 | 8 | the batch's sequence number |
//! | 24 | 8 | the latest sequence number that was known to be on disk when this was written |
//! | 32 | | the body: for each change the key's length (2), the value's (4) or that it is deleted, key, value |
//!
//! The first record of a segment has no changes. It links to the segment before: with the last sequence number there, and,
//! in the place of the latest that was on disk, with where that segment ends.
//!
//! Numbers are little-endian. A record begins at a multiple of eight. The salt differs from segment to segment, so that
//! what a file held in an earlier life is never taken for a record.

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64_with_seed;

pub(super) const HEADER_BYTES: usize = 32;
pub(super) const ALIGNMENT: usize = 8;
/// In the place of a value's length.
const DELETED: u32 = u32::MAX;

/// What a segment's records have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Salt(pub(super) u64);

/// A batch read back.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) seqno: u64,
    pub(super) synced_seqno: u64,
    body: &'a [u8],
}

/// A record whose checksum is right and whose content is not: written by something else.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Salt {
    fn mark(self) -> [u8; 4] {
        // Never zero, which is what a new file is full of.
        (self.0 as u32 | 1).to_le_bytes()
    }
}

/// Appends a record to `buffer`, which is where a record may begin. `None` when it would be too long to be one.
pub(super) fn encode<'a>(
    buffer: &mut Vec<u8>,
    salt: Salt,
    seqno: u64,
    synced_seqno: u64,
    changes: impl Iterator<Item = (&'a Bytes, &'a Option<Bytes>)>,
) -> Option<()> {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; HEADER_BYTES]);
    for (key, value) in changes {
        let value_length = match value {
            Some(value) => u32::try_from(value.len()).ok().filter(|length| *length != DELETED)?,
            None => DELETED,
        };
        buffer.extend_from_slice(&u16::try_from(key.len()).ok()?.to_le_bytes());
        buffer.extend_from_slice(&value_length.to_le_bytes());
        buffer.extend_from_slice(key);
        buffer.extend_from_slice(value.as_deref().unwrap_or_default());
    }
    let body_length = u32::try_from(buffer.len() - start - HEADER_BYTES).ok()?;
    let record = &mut buffer[start..];
    record[8..12].copy_from_slice(&salt.mark());
    record[12..16].copy_from_slice(&body_length.to_le_bytes());
    record[16..24].copy_from_slice(&seqno.to_le_bytes());
    record[24..32].copy_from_slice(&synced_seqno.to_le_bytes());
    let checksum = xxh3_64_with_seed(&record[8..], salt.0);
    record[..8].copy_from_slice(&checksum.to_le_bytes());
    let padded = buffer.len().next_multiple_of(ALIGNMENT);
    buffer.resize(padded, 0);
    Some(())
}

/// The record at the front of `bytes`, if there is a whole and sound one.
pub(super) fn decode(bytes: &[u8], salt: Salt) -> Option<Record<'_>> {
    let header = bytes.get(..HEADER_BYTES)?;
    if header[8..12] != salt.mark() {
        return None;
    }
    let body_length = u32::from_le_bytes(header[12..16].try_into().ok()?) as usize;
    let record = bytes.get(..HEADER_BYTES.checked_add(body_length)?)?;
    let checksum = number(record, 0)?;
    if checksum != xxh3_64_with_seed(&record[8..], salt.0) {
        return None;
    }
    Some(Record {
        seqno: number(record, 16)?,
        synced_seqno: number(record, 24)?,
        body: &record[HEADER_BYTES..],
    })
}

/// The sound records that begin somewhere in `bytes`, whose front is where a record may begin.
pub(super) fn search(bytes: &[u8], salt: Salt) -> impl Iterator<Item = Record<'_>> {
    let mark = salt.mark();
    (0..bytes.len().saturating_sub(HEADER_BYTES - 1))
        .step_by(ALIGNMENT)
        .filter(move |at| bytes[at + 8..at + 12] == mark)
        .filter_map(move |at| decode(&bytes[at..], salt))
}

impl<'a> Record<'a> {
    /// Space that it takes in a segment.
    pub(super) fn bytes(&self) -> usize {
        (HEADER_BYTES + self.body.len()).next_multiple_of(ALIGNMENT)
    }

    /// Shows each change: a key, and its value unless it was deleted.
    pub(super) fn visit(&self, visit: &mut dyn FnMut(&'a [u8], Option<&'a [u8]>)) -> Result<(), Malformed> {
        let mut rest = self.body;
        while !rest.is_empty() {
            let key_length = u16::from_le_bytes(*take(&mut rest)?);
            let value_length = u32::from_le_bytes(*take(&mut rest)?);
            let key = split(&mut rest, usize::from(key_length))?;
            let value = match value_length {
                DELETED => None,
                length => Some(split(&mut rest, length as usize)?),
            };
            visit(key, value);
        }
        Ok(())
    }
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], Malformed> {
    let (front, back) = rest.split_first_chunk().ok_or(Malformed)?;
    *rest = back;
    Ok(front)
}

fn split<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Malformed> {
    let (front, back) = rest.split_at_checked(length).ok_or(Malformed)?;
    *rest = back;
    Ok(front)
}

/// The number at `offset`, if `bytes` reaches that far.
pub(super) fn number(bytes: &[u8], offset: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(offset..)?.first_chunk()?))
}
