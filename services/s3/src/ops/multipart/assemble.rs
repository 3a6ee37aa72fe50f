//! How an object is made of its parts: order, sizes, and the checksum of the whole.

use md5::{Digest, Md5};
use s3_api::{CompleteMultipartUploadInput, CompletedPart};
use shapes::ApiError;
use store::{Range, Reader, Tx};

use crate::checksum::{self, Algorithm, Checksum, Kind};
use crate::multipart::{
    LEAST_PART_BYTES, MOST_OBJECT_BYTES, MOST_PARTS, Manifest, Part, Piece, Upload, id_text,
};
use crate::object::ETag;
use crate::versions::{self, Freed};
use crate::{errors, tables};

/// An object made of its parts.
pub(super) struct Assembled {
    pub manifest: Manifest,
    pub size: u64,
    pub etag: ETag,
    pub checksum: Option<Checksum>,
}

pub(super) fn assemble(
    reader: &mut dyn Reader,
    id: u128,
    upload: &Upload,
    listed: &[CompletedPart],
    input: &CompleteMultipartUploadInput,
) -> Result<Assembled, ApiError> {
    if listed.len() > MOST_PARTS as usize {
        return Err(errors::malformed_xml());
    }
    let (mut parts, mut size, mut tags) = (Vec::with_capacity(listed.len()), 0, Md5::new());
    let number = |part: &CompletedPart| part.part_number.unwrap_or(0);
    if !listed.is_sorted_by(|one, other| number(one) < number(other)) || number(&listed[0]) < 1 {
        return Err(errors::invalid_part_order());
    }
    for (index, wanted) in listed.iter().enumerate() {
        let number = number(wanted);
        let part = find_part(reader, id, number, wanted, input)?;
        let is_last = index + 1 == listed.len();
        if part.size < LEAST_PART_BYTES && !is_last {
            let number = u16::try_from(number).unwrap_or(0);
            return Err(errors::entity_too_small(part.size, number, &ETag::whole(part.md5).to_string()));
        }
        size += part.size;
        tags.update(part.md5);
        parts.push((u16::try_from(number).unwrap_or(0), part));
    }
    if size > MOST_OBJECT_BYTES {
        return Err(errors::entity_too_large(size, MOST_OBJECT_BYTES));
    }
    if input.mpu_object_size.is_some_and(|expected| u64::try_from(expected) != Ok(size)) {
        let message = "The provided 'x-amz-mp-object-size' header value does not match what was computed.";
        return Err(errors::invalid_request(message));
    }
    let checksum = whole_checksum(upload, &parts, input)?;
    let etag = ETag { digest: tags.finalize().into(), parts: u16::try_from(parts.len()).unwrap_or(u16::MAX) };
    let keeps = upload.checksum.is_some();
    let pieces = parts.into_iter().map(|(number, part)| Piece {
        number,
        size: part.size,
        content: part.content,
        checksum: keeps.then_some(part.checksum.value),
    });
    Ok(Assembled { manifest: Manifest { parts: pieces.collect() }, size, etag, checksum })
}

fn find_part(
    reader: &mut dyn Reader,
    id: u128,
    number: i32,
    wanted: &CompletedPart,
    input: &CompleteMultipartUploadInput,
) -> Result<Part, ApiError> {
    let etag = wanted.e_tag.as_deref().unwrap_or_default().trim_matches('"');
    let invalid = || errors::invalid_part(number, etag, &input.upload_id);
    let number = u16::try_from(number).map_err(|_| invalid())?;
    let part = tables::PARTS.find(reader, &(id, number))?.ok_or_else(invalid)?;
    if ETag::whole(part.md5).to_string() != etag {
        return Err(invalid());
    }
    match checksum::given(wanted)? {
        Some((algorithm, value)) if algorithm != part.checksum.algorithm || value != part.checksum.value => {
            Err(invalid())
        }
        _ => Ok(part),
    }
}

/// The checksum of the whole: combined from the parts', or that of the parts' in order.
fn whole_checksum(
    upload: &Upload,
    parts: &[(u16, Part)],
    input: &CompleteMultipartUploadInput,
) -> Result<Option<Checksum>, ApiError> {
    let (algorithm, kind) = (upload.algorithm(), upload.kind());
    // A part that came with another checksum than the upload's usual one leaves the whole without.
    if parts.iter().any(|(_, part)| part.checksum.algorithm != algorithm) {
        return Ok(None);
    }
    let value = match kind {
        Kind::FullObject => {
            algorithm.combine(parts.iter().map(|(_, part)| (&*part.checksum.value, part.size)))
        }
        Kind::Composite => {
            let all: Vec<u8> = parts.iter().flat_map(|(_, part)| part.checksum.value.clone()).collect();
            Some(checksum::of(algorithm, &all))
        }
    };
    let Some(value) = value else { return Ok(None) };
    let count = u16::try_from(parts.len()).unwrap_or(u16::MAX);
    let found = Checksum { algorithm, kind, value, parts: if kind == Kind::Composite { count } else { 0 } };
    if let Some(claimed) = claimed(input, algorithm)
        && claimed != found.text()
        && claimed != checksum::base64(&found.value)
    {
        return Err(errors::bad_digest(algorithm.name()));
    }
    Ok(Some(found))
}

/// What the client says that the whole has, with or without the number of parts.
fn claimed(input: &CompleteMultipartUploadInput, algorithm: Algorithm) -> Option<String> {
    crate::fields::Fields(input).owned(algorithm.member())
}

/// Takes the parts out of the upload; those that the object does not have go away.
pub(super) fn settle_parts(tx: &mut Tx<'_>, id: u128, manifest: &Manifest) -> Result<Freed, ApiError> {
    let mut freed = Freed::new();
    let mut kept = manifest.parts.iter().peekable();
    for ((_, number), part) in tables::PARTS.list(tx, &Range::prefix(&id), usize::MAX)? {
        tables::PARTS.delete(tx, &(id, number));
        match kept.peek() {
            Some(piece) if piece.number == number => {
                // Uploaded anew since it was looked at: what the client named is not there any more.
                if piece.content != part.content {
                    return Err(errors::invalid_part(i32::from(number), "", &id_text(id)));
                }
                kept.next();
            }
            _ => versions::release_content(tx, part.content, &mut freed)?,
        }
    }
    match kept.next() {
        Some(piece) => Err(errors::invalid_part(i32::from(piece.number), "", &id_text(id))),
        None => Ok(freed),
    }
}
