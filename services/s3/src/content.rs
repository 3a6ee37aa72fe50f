//! Reading the bytes of versions, in pieces, from anywhere in them.

use std::collections::VecDeque;
use std::ops::Range;

use blobs::BlobError;
use blobs::sealed::{Key, Reading, SealedId, Stretch, unseal};
use bytes::Bytes;
use shapes::{ApiError, Body};
use store::Reader;

use crate::multipart::Manifest;
use crate::object::{Content, Version};
use crate::{S3, errors, tables};

/// A content that is found: its row is read, its file is open. What happens to it afterwards does not concern a reader.
pub(crate) enum Found {
    Empty,
    Row(Bytes),
    File { id: u128, length: u64 },
    Parts(Manifest),
}

impl S3 {
    /// Finds a version's content with the reader that found the version.
    pub(crate) fn find_content(&self, reader: &mut dyn Reader, version: &Version) -> Result<Found, ApiError> {
        match version.content {
            Content::Empty => Ok(Found::Empty),
            Content::Row(id) => {
                let row = tables::CONTENTS.find(reader, &id)?;
                row.map(|row| Found::Row(row.0)).ok_or_else(|| missing("row", id))
            }
            Content::File(id) => Ok(Found::File { id, length: version.size }),
            Content::Parts(id) => {
                let manifest = tables::MANIFESTS.find(reader, &id)?;
                manifest.map(Found::Parts).ok_or_else(|| missing("manifest", id))
            }
        }
    }

    /// The bytes of `range` of a content, checked as they are read.
    pub(crate) async fn body(
        &self,
        version: &Version,
        found: Found,
        key: &Key,
        range: Range<u64>,
    ) -> Result<Body, ApiError> {
        let length = range.end - range.start;
        if length == 0 {
            return Ok(Body::default());
        }
        let stretches = match found {
            Found::Empty => VecDeque::new(),
            Found::Row(sealed) => {
                let Content::Row(id) = version.content else { return Err(missing("row", 0)) };
                return Ok(opened(key, id, &sealed)?.slice(range.start as usize..range.end as usize).into());
            }
            Found::File { id, length } => VecDeque::from([Stretch::Blob { id: SealedId(id), length, range }]),
            Found::Parts(manifest) => self.stretches(&manifest, key, range),
        };
        let reading = Reading::begin(&self.blobs, key, stretches, errors::storage).await?;
        Ok(Body::stream(Some(length), shapes::unfold(reading, Reading::next)))
    }

    /// The stretches of the parts that a range touches.
    fn stretches(&self, manifest: &Manifest, key: &Key, range: Range<u64>) -> VecDeque<Stretch<ApiError>> {
        let mut stretches = VecDeque::new();
        let mut begin = 0;
        for part in &manifest.parts {
            let end = begin + part.size;
            let within = range.start.max(begin)..range.end.min(end);
            if within.start < within.end {
                let range = within.start - begin..within.end - begin;
                stretches.extend(match part.content {
                    Content::File(id) => Some(Stretch::Blob { id: SealedId(id), length: part.size, range }),
                    Content::Row(id) => Some(self.row_stretch(id, key, range)),
                    Content::Empty | Content::Parts(_) => None,
                });
            }
            begin = end;
            if begin >= range.end {
                break;
            }
        }
        stretches
    }

    fn row_stretch(&self, id: u128, key: &Key, range: Range<u64>) -> Stretch<ApiError> {
        let (store, key) = (self.cloud.store().clone(), key.clone());
        Stretch::Elsewhere(Box::new(move || {
            let row = tables::CONTENTS.find(&mut store.read(&store::Scope::global())?, &id)?;
            let bytes = opened(&key, id, &row.ok_or_else(|| missing("row", id))?.0)?;
            Ok(bytes.slice(range.start as usize..range.end as usize))
        }))
    }
}

fn missing(what: &str, id: u128) -> ApiError {
    ApiError::internal(format!("the {what} {id:032x} of an object's content is missing"))
}

fn opened(key: &Key, id: u128, sealed: &[u8]) -> Result<Bytes, ApiError> {
    let bytes = unseal(key, id, sealed);
    bytes.map(Bytes::from).ok_or_else(|| errors::storage(BlobError::DamagedSealed(SealedId(id))))
}
