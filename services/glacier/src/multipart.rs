//! Archives that are uploaded in parts (Glacier Developer Guide, "Uploading Large Archives in Parts").

use std::ops::Range;

use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Range as Rows, Reader, Tx};

use crate::content::Segment;
use crate::tree_hash::{Digest, MEGABYTE, Root};
use crate::{errors, tables};

/// Parts of an upload.
pub(crate) const MOST_PARTS: u64 = 10_000;
/// Of a part.
pub(crate) const MOST_PART_BYTES: u64 = 4 << 30;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub part_size: u64,
    pub description: String,
    pub created: Timestamp,
}

store::row!(Upload, 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub segment: Segment,
    pub tree_hash: Digest,
}

store::row!(Part, 1);

/// A megabyte times a power of two, up to 4 GiB.
pub(crate) fn part_size(text: Option<&str>) -> Result<u64, ApiError> {
    let text = text.ok_or_else(|| errors::missing("x-amz-part-size"))?;
    let size = text.parse::<u64>().ok();
    let is_valid = |size: &u64| (MEGABYTE..=MOST_PART_BYTES).contains(size) && size.is_power_of_two();
    size.filter(is_valid).ok_or_else(|| {
        errors::invalid(format!(
            "Invalid part size: {text}. Part size must not be null, must be a power of two and be between 1048576 and 4294967296 bytes."
        ))
    })
}

/// The range of a part: `bytes 0-4194303/*`.
pub(crate) fn part_range(text: Option<&str>, part_size: u64) -> Result<Range<u64>, ApiError> {
    let text = text.ok_or_else(|| errors::missing("Content-Range"))?;
    let invalid = || errors::invalid(format!("Invalid Content-Range: {text}"));
    let range = text.strip_prefix("bytes ").and_then(|text| text.rsplit_once('/'));
    let range = range.and_then(|(range, _)| crate::range::parse(range)).ok_or_else(invalid)?;
    let is_in_place = range.start.is_multiple_of(part_size)
        && range.end - range.start <= part_size
        && range.start / part_size < MOST_PARTS;
    if is_in_place { Ok(range) } else { Err(invalid()) }
}

/// The parts of an upload from the first byte on. The reader is of the vault's scope.
pub(crate) fn parts(
    reader: &mut dyn Reader,
    upload: &str,
    from: u64,
    limit: usize,
) -> Result<Vec<(u64, Part)>, ApiError> {
    let range = Rows::prefix(&upload.to_owned()).starting_at(&(upload.to_owned(), from));
    let rows = tables::PARTS.list(reader, &range, limit)?;
    Ok(rows.into_iter().map(|((_, start), part)| (start, part)).collect())
}

/// The archive that parts make, held to its size and tree hash.
pub(crate) fn assemble(
    upload: &Upload,
    parts: &[(u64, Part)],
    size: u64,
    checksum: &str,
) -> Result<(Vec<Segment>, Digest), ApiError> {
    let mut root = Root::default();
    let mut end = 0;
    for (start, part) in parts {
        let is_next = *start == end && end.is_multiple_of(upload.part_size);
        if !is_next {
            return Err(errors::invalid(format!("The parts of the upload leave a gap at byte {end}")));
        }
        end += part.segment.size;
        root.push(part.tree_hash);
    }
    if end != size {
        return Err(errors::invalid(format!(
            "Archive size mismatch: {size} was expected but the parts have {end} bytes"
        )));
    }
    let tree_hash = root.finish().ok_or_else(|| errors::invalid("The upload has no parts"))?;
    let found = tree_hash.hex();
    match found.eq_ignore_ascii_case(checksum.trim()) {
        true => Ok((parts.iter().map(|(_, part)| part.segment).collect(), tree_hash)),
        false => Err(errors::tree_hash_mismatch(checksum, &found)),
    }
}

/// Removes an upload with its parts; returns their files.
pub(crate) fn forget(tx: &mut Tx<'_>, key: &(String, String)) -> Result<Vec<u128>, ApiError> {
    tables::UPLOADS.delete(tx, key);
    tables::ACTIVITIES.delete(tx, key);
    let parts = tables::PARTS.list(tx, &Rows::prefix(&key.1), MOST_PARTS as usize)?;
    for (key, _) in &parts {
        tables::PARTS.delete(tx, key);
    }
    Ok(parts.into_iter().map(|(_, part)| part.segment.file).collect())
}
