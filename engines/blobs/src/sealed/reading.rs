//! Reading what lies in several blobs as one, piece by piece: the next pieces are read while the last ones are sent.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::{Key, SealedBlobs, SealedId, SealedReader, panicked};
use crate::BlobError;

/// A stretch of what is read.
pub enum Stretch<E> {
    /// `range` of a blob of `length` bytes.
    Blob { id: SealedId, length: u64, range: Range<u64> },
    /// Bytes that are kept elsewhere, and fetched on a thread that may block.
    Elsewhere(Box<dyn FnOnce() -> Result<Bytes, E> + Send>),
}

/// Stretches being read: pieces that are there, and the next ones on their way.
pub struct Reading<E> {
    source: Source<E>,
    stretches: VecDeque<Stretch<E>>,
    /// The blob that is being read, with what of it is still wanted.
    open: Option<(SealedReader, Range<u64>)>,
    pieces: VecDeque<Bytes>,
    ahead: Option<JoinHandle<Result<Batch, E>>>,
}

struct Source<E> {
    blobs: SealedBlobs,
    key: Key,
    /// What the caller calls an error of ours.
    wrap: fn(BlobError) -> E,
}

/// What one visit to the disk gave, and where the next one goes on.
struct Batch {
    pieces: Vec<Bytes>,
    open: Option<(SealedReader, Range<u64>)>,
}

impl<E: Send + 'static> Reading<E> {
    /// Reads the first pieces, so that a damaged or missing blob is an error before anything is sent.
    pub async fn begin(
        blobs: &SealedBlobs,
        key: &Key,
        stretches: VecDeque<Stretch<E>>,
        wrap: fn(BlobError) -> E,
    ) -> Result<Self, E> {
        let source = Source { blobs: blobs.clone(), key: key.clone(), wrap };
        let mut reading = Self { source, stretches, open: None, pieces: VecDeque::new(), ahead: None };
        reading.read_ahead();
        if reading.pieces.is_empty() {
            reading.fill().await?;
        }
        Ok(reading)
    }

    /// The next piece, and what reads on; `None` after the last.
    pub async fn next(mut self) -> Result<Option<(Bytes, Self)>, E> {
        while self.pieces.is_empty() && self.ahead.is_some() {
            self.fill().await?;
        }
        Ok(self.pieces.pop_front().map(|piece| (piece, self)))
    }

    /// Takes what was read ahead, and has the next batch read while this one is sent.
    async fn fill(&mut self) -> Result<(), E> {
        let Some(ahead) = self.ahead.take() else { return Ok(()) };
        let wrap = self.source.wrap;
        let batch = ahead.await.unwrap_or_else(|panic| Err(wrap(panicked("reading a blob", panic))))?;
        self.pieces = batch.pieces.into();
        self.open = batch.open;
        self.read_ahead();
        Ok(())
    }

    fn read_ahead(&mut self) {
        let Source { blobs, key, wrap } = &self.source;
        let open = self.open.take();
        if open.is_none() {
            // Stretches that are in memory need no thread that may block.
            while let Some(Stretch::Blob { id, range, .. }) = self.stretches.front()
                && let Some(mut pieces) = blobs.recall(*id, key, range)
            {
                self.pieces.append(&mut pieces);
                self.stretches.pop_front();
            }
        }
        let stretch = if open.is_none() { self.stretches.pop_front() } else { None };
        if open.is_none() && stretch.is_none() {
            return;
        }
        let (blobs, key, wrap) = (blobs.clone(), key.clone(), *wrap);
        self.ahead = Some(tokio::task::spawn_blocking(move || batch(&blobs, &key, wrap, open, stretch)));
    }
}

fn batch<E>(
    blobs: &SealedBlobs,
    key: &Key,
    wrap: fn(BlobError) -> E,
    open: Option<(SealedReader, Range<u64>)>,
    stretch: Option<Stretch<E>>,
) -> Result<Batch, E> {
    let (reader, range) = match (open, stretch) {
        (Some(open), _) => open,
        (None, Some(Stretch::Blob { id, length, range })) => {
            (blobs.read(id, key, length).map_err(wrap)?, range)
        }
        (None, Some(Stretch::Elsewhere(fetch))) => {
            return Ok(Batch { pieces: vec![fetch()?], open: None });
        }
        (None, None) => return Ok(Batch { pieces: Vec::new(), open: None }),
    };
    let pieces = reader.read(range.clone()).map_err(wrap)?;
    let read: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
    let rest = range.start + read..range.end;
    Ok(Batch { pieces, open: (!rest.is_empty()).then_some((reader, rest)) })
}
