//! Receiving the bytes of an object or part: hashed, sealed and stored as they come, never whole in memory.
//!
//! Small contents become rows, so that many of them share one commit. Larger ones become files.

use std::sync::Arc;

use blobs::sealed::{Digests, Key, Placed, Receiving, SealedId};
use bytes::{Bytes, BytesMut};
use md5::{Digest, Md5};
use md5_lanes::Lanes;
use shapes::{ApiError, Body, ByteSource};
use store::Tx;

use crate::checksum::{self, Algorithm, Checksum, Expected, Hasher};
use crate::object::Content;
use crate::tables::{self, Sealed};
use crate::{S3, errors};

/// Up to this, contents are rows.
pub(crate) const ROW_BYTES: usize = 64 * 1024;
/// A PUT, a part, a form's file (S3 User Guide, "Amazon S3 multipart upload limits").
pub(crate) const MOST_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// Bytes that are stored, or sealed to be stored, and not named by anything yet.
#[derive(Debug)]
pub(crate) struct Received {
    pub stored: Stored,
    pub size: u64,
    pub md5: [u8; 16],
    pub checksum: Checksum,
}

#[derive(Debug)]
pub(crate) enum Stored {
    Empty,
    Row {
        id: u128,
        sealed: Bytes,
    },
    File(Placed),
    /// Parts that are stored already.
    Parts(u128),
}

impl Stored {
    pub(crate) fn content(&self) -> Content {
        match self {
            Self::Empty => Content::Empty,
            Self::Row { id, .. } => Content::Row(*id),
            Self::File(placed) => Content::File(placed.id().0),
            Self::Parts(id) => Content::Parts(*id),
        }
    }

    /// What is to be stored with the row that names the content.
    pub(crate) fn draft(&self) -> StoredDraft {
        match self {
            Self::Empty | Self::Parts(_) => StoredDraft::Nothing,
            Self::Row { id, sealed } => StoredDraft::Row { id: *id, sealed: sealed.clone() },
            Self::File(placed) => StoredDraft::File(placed.id().0),
        }
    }

    /// Something durable names the content now.
    pub(crate) fn keep(self) {
        if let Self::File(placed) = self {
            placed.keep();
        }
    }
}

/// The part of [`Stored`] that a transaction stores, as often as it runs.
#[derive(Clone, Debug)]
pub(crate) enum StoredDraft {
    Nothing,
    Row { id: u128, sealed: Bytes },
    File(u128),
}

impl StoredDraft {
    pub(crate) fn store(&self, tx: &mut Tx<'_>) {
        match self {
            Self::Nothing => {}
            Self::Row { id, sealed } => tables::CONTENTS.put(tx, id, &Sealed(sealed.clone())),
            Self::File(id) => tables::FILES.put(tx, id, &()),
        }
    }
}

/// The hashes that are computed on the way to a file.
struct Hashes {
    md5: md5_lanes::Md5,
    algorithm: Algorithm,
    /// `None` when the algorithm is MD5 itself.
    checksum: Option<Hasher>,
}

impl Hashes {
    fn new(lanes: &Arc<Lanes>, algorithm: Algorithm) -> Self {
        let md5 = md5_lanes::Md5::new(Arc::clone(lanes));
        Self { md5, algorithm, checksum: other_than_md5(algorithm) }
    }

    fn finish(self) -> ([u8; 16], Checksum) {
        let md5 = self.md5.finish();
        let value = self.checksum.map_or_else(|| md5.to_vec(), Hasher::finish);
        (md5, Checksum::full(self.algorithm, value))
    }
}

impl Digests for Hashes {
    fn update(&mut self, pieces: &[Bytes]) {
        self.md5.update(pieces);
        if let Some(checksum) = &mut self.checksum {
            pieces.iter().for_each(|piece| checksum.update(piece));
        }
    }
}

fn other_than_md5(algorithm: Algorithm) -> Option<Hasher> {
    (algorithm != Algorithm::Md5).then(|| Hasher::new(algorithm))
}

/// The hashes of what is at hand as a whole.
fn hashes_of(algorithm: Algorithm, bytes: &[u8]) -> ([u8; 16], Checksum) {
    let md5: [u8; 16] = Md5::digest(bytes).into();
    let value = match other_than_md5(algorithm) {
        None => md5.to_vec(),
        Some(mut checksum) => {
            checksum.update(bytes);
            checksum.finish()
        }
    };
    (md5, Checksum::full(algorithm, value))
}

impl S3 {
    /// Receives `body` and holds it to what the client said of it.
    pub(crate) async fn receive(
        &self,
        body: Body,
        key: &Key,
        expected: &Expected,
        most: u64,
    ) -> Result<Received, ApiError> {
        match body.length() {
            Some(length) if length > most => return Err(errors::entity_too_large(length, most)),
            _ => {}
        }
        let algorithm = expected.checksum.as_ref().map_or(Algorithm::Crc64Nvme, |(algorithm, _)| *algorithm);
        let mut source = body.into_source();
        let mut head = BytesMut::new();
        let mut whole = true;
        while let Some(piece) = shapes::next(&mut *source).await {
            let piece = piece?;
            if head.len() + piece.len() > ROW_BYTES {
                // The piece that makes it a file goes with what came before it.
                head.extend_from_slice(&piece);
                whole = false;
                break;
            }
            head.extend_from_slice(&piece);
        }
        let head = head.freeze();
        let (stored, size, md5, checksum) = if whole {
            let (md5, checksum) = hashes_of(algorithm, &head);
            (self.row(key, &head), head.len() as u64, md5, checksum)
        } else {
            let (placed, size, hashes) = self.receive_file(head, &mut *source, key, algorithm, most).await?;
            let (md5, checksum) = hashes.finish();
            (Stored::File(placed), size, md5, checksum)
        };
        verify(expected, &source.trailers(), md5, &checksum)?;
        Ok(Received { stored, size, md5, checksum })
    }

    fn row(&self, key: &Key, bytes: &[u8]) -> Stored {
        if bytes.is_empty() {
            return Stored::Empty;
        }
        let id = self.fresh_id();
        Stored::Row { id, sealed: blobs::sealed::seal(key, id, bytes).into() }
    }

    /// An id that grows with time, so that rows that come together lie together.
    fn fresh_id(&self) -> u128 {
        let millis = u128::from(self.cloud.clock().now().millis().unsigned_abs());
        millis << 80 | self.cloud.ids().number() >> 48
    }

    async fn receive_file(
        &self,
        head: Bytes,
        source: &mut dyn ByteSource,
        key: &Key,
        algorithm: Algorithm,
        most: u64,
    ) -> Result<(Placed, u64, Hashes), ApiError> {
        let ids = self.cloud.ids();
        let (id, salt) = (SealedId(ids.number()), ids.number());
        let mut size = head.len() as u64;
        let mut receiving =
            Receiving::begin(&self.blobs, id, key, salt, Hashes::new(&self.md5_lanes, algorithm));
        receiving.push(head).await.map_err(errors::storage)?;
        while let Some(piece) = shapes::next(source).await {
            let piece = piece?;
            size += piece.len() as u64;
            if size > most {
                return Err(errors::entity_too_large(size, most));
            }
            receiving.push(piece).await.map_err(errors::storage)?;
        }
        let (placed, hashes) = receiving.finish().await.map_err(errors::storage)?;
        Ok((placed, size, hashes))
    }

    /// Removes files that nothing names any more.
    pub(crate) fn remove(&self, freed: Vec<u128>) {
        if freed.is_empty() {
            return;
        }
        let blobs = self.blobs.clone();
        tokio::task::spawn_blocking(move || {
            for id in freed {
                // One that is left over is found by the next sweep.
                if let Err(cause) = blobs.delete(SealedId(id)) {
                    tracing::warn!(error = %cause, "a blob that nothing names could not be deleted");
                }
            }
        });
    }
}

fn verify(
    expected: &Expected,
    trailers: &[(String, String)],
    md5: [u8; 16],
    found: &Checksum,
) -> Result<(), ApiError> {
    if expected.md5.is_some_and(|expected| expected != md5) {
        return Err(errors::bad_digest("Content-MD5"));
    }
    let trailer = trailers.iter().find_map(|(name, value)| Some((Algorithm::of_header(name)?, value)));
    let wanted = match (&expected.checksum, trailer) {
        (Some((_, Some(value))), _) => Some(value.clone()),
        (_, Some((algorithm, value))) if algorithm == found.algorithm => {
            Some(checksum::parse(algorithm, value)?)
        }
        (_, Some((algorithm, _))) => {
            let name = algorithm.name().to_ascii_lowercase();
            let message = format!("The trailer x-amz-checksum-{name} was not announced in x-amz-trailer.");
            return Err(errors::invalid_request(message));
        }
        _ => None,
    };
    match wanted {
        Some(wanted) if wanted != found.value => Err(errors::bad_digest(found.algorithm.name())),
        _ => Ok(()),
    }
}
