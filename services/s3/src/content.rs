//! Reading the bytes of versions, in pieces, from anywhere in them.

use std::collections::VecDeque;
use std::ops::Range;

use blobs::BlobError;
use blobs::sealed::{Key, SealedBlobs, SealedId, SealedReader, unseal};
use bytes::Bytes;
use shapes::{ApiError, Body};
use store::Reader;
use tokio::task::JoinHandle;

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

/// A stretch of one file or row.
enum Stretch {
    File { id: u128, length: u64, range: Range<u64> },
    Row { id: u128, range: Range<u64> },
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
            Found::File { id, length } => VecDeque::from([Stretch::File { id, length, range }]),
            Found::Parts(manifest) => stretches(&manifest, range),
        };
        let mut reading = Reading {
            blobs: self.blobs.clone(),
            store: self.cloud.store().clone(),
            key: key.clone(),
            stretches,
            open: None,
            pieces: VecDeque::new(),
            ahead: None,
        };
        // The first pieces are read before the answer begins, so that a damaged or missing blob is an error and not a cut.
        reading.read_ahead();
        reading.fill().await?;
        Ok(Body::stream(Some(length), shapes::unfold(reading, Reading::next)))
    }
}

fn missing(what: &str, id: u128) -> ApiError {
    ApiError::internal(format!("the {what} {id:032x} of an object's content is missing"))
}

fn opened(key: &Key, id: u128, sealed: &[u8]) -> Result<Bytes, ApiError> {
    let bytes = unseal(key, id, sealed);
    bytes.map(Bytes::from).ok_or_else(|| errors::storage(BlobError::DamagedSealed(SealedId(id))))
}

/// The stretches of the parts that a range touches.
fn stretches(manifest: &Manifest, range: Range<u64>) -> VecDeque<Stretch> {
    let mut stretches = VecDeque::new();
    let mut begin = 0;
    for part in &manifest.parts {
        let end = begin + part.size;
        let within = range.start.max(begin)..range.end.min(end);
        if within.start < within.end {
            let range = within.start - begin..within.end - begin;
            stretches.extend(match part.content {
                Content::File(id) => Some(Stretch::File { id, length: part.size, range }),
                Content::Row(id) => Some(Stretch::Row { id, range }),
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

/// A body being read: pieces that are there, and the next ones on their way.
struct Reading {
    blobs: SealedBlobs,
    store: store::Store,
    key: Key,
    stretches: VecDeque<Stretch>,
    /// The file that is being read, with what of it is still wanted.
    open: Option<(SealedReader, Range<u64>)>,
    pieces: VecDeque<Bytes>,
    ahead: Option<JoinHandle<Result<Batch, ApiError>>>,
}

/// What one visit to the disk gave, and where the next one goes on.
struct Batch {
    pieces: Vec<Bytes>,
    open: Option<(SealedReader, Range<u64>)>,
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, ApiError> {
        if self.pieces.is_empty() {
            self.fill().await?;
        }
        Ok(self.pieces.pop_front().map(|piece| (piece, self)))
    }

    /// Takes what was read ahead, and has the next batch read while this one is sent.
    async fn fill(&mut self) -> Result<(), ApiError> {
        let Some(ahead) = self.ahead.take() else { return Ok(()) };
        let batch = ahead.await.unwrap_or_else(|panic| Err(ApiError::internal(panic.to_string())))?;
        self.pieces = batch.pieces.into();
        self.open = batch.open;
        self.read_ahead();
        Ok(())
    }

    fn read_ahead(&mut self) {
        let open = self.open.take();
        let stretch = if open.is_none() { self.stretches.pop_front() } else { None };
        if open.is_none() && stretch.is_none() {
            return;
        }
        let (blobs, store, key) = (self.blobs.clone(), self.store.clone(), self.key.clone());
        self.ahead = Some(tokio::task::spawn_blocking(move || batch(&blobs, &store, &key, open, stretch)));
    }
}

fn batch(
    blobs: &SealedBlobs,
    store: &store::Store,
    key: &Key,
    open: Option<(SealedReader, Range<u64>)>,
    stretch: Option<Stretch>,
) -> Result<Batch, ApiError> {
    let (reader, range) = match (open, stretch) {
        (Some(open), _) => open,
        (None, Some(Stretch::File { id, length, range })) => {
            (blobs.read(SealedId(id), key, length).map_err(errors::storage)?, range)
        }
        (None, Some(Stretch::Row { id, range })) => {
            let row = tables::CONTENTS.find(&mut store.read(&store::Scope::global())?, &id)?;
            let bytes = opened(key, id, &row.ok_or_else(|| missing("row", id))?.0)?;
            let piece = bytes.slice(range.start as usize..range.end as usize);
            return Ok(Batch { pieces: vec![piece], open: None });
        }
        (None, None) => return Ok(Batch { pieces: Vec::new(), open: None }),
    };
    let pieces = reader.read(range.clone()).map_err(errors::storage)?;
    let read: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
    let rest = range.start + read..range.end;
    Ok(Batch { pieces, open: (!rest.is_empty()).then_some((reader, rest)) })
}
