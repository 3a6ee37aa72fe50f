//! Contents: bytes of archives and of inventories, in sealed files that are on disk before anything names them.

use std::collections::VecDeque;
use std::ops::Range;

use blobs::sealed::{Key, Placed, Reading, Receiving, SealedId, Stretch};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Body};
use store::{Reader, Scope, Tx};

use crate::tree_hash::{self, Digest, MEGABYTE, Root, TreeHasher};
use crate::{Glacier, errors, tables};

/// Bytes that archives and jobs name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Content {
    /// Files that follow each other. Each but the last is of whole megabytes.
    pub segments: Vec<Segment>,
    /// How many rows name this one.
    pub uses: u32,
}

store::row!(Content, 1);

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Segment {
    /// Of [`tables::FILES`].
    pub file: u128,
    pub size: u64,
}

/// A file's leaves of the tree hash, one after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct File {
    pub leaves: bytes::Bytes,
}

store::row!(File, 1);

/// Bytes that are on disk and not named by anything yet.
#[derive(Debug)]
pub(crate) struct Received {
    pub placed: Placed,
    pub size: u64,
    pub tree_hash: Digest,
    pub leaves: bytes::Bytes,
}

impl Received {
    pub(crate) fn segment(&self) -> Segment {
        Segment { file: self.placed.id().0, size: self.size }
    }

    /// What the transaction that names the bytes stores beside its own row.
    pub(crate) fn file(&self) -> (u128, File) {
        (self.placed.id().0, File { leaves: self.leaves.clone() })
    }
}

/// A file under way, whose bytes come from here or there.
pub(crate) struct Draft {
    receiving: Receiving<TreeHasher>,
    size: u64,
}

impl Draft {
    pub(crate) async fn push(&mut self, piece: bytes::Bytes) -> Result<(), ApiError> {
        self.size += piece.len() as u64;
        self.receiving.push(piece).await.map_err(errors::storage)
    }

    pub(crate) async fn finish(self) -> Result<Received, ApiError> {
        let (placed, hasher) = self.receiving.finish().await.map_err(errors::storage)?;
        let leaves: bytes::Bytes = hasher.finish().into();
        Ok(Received { placed, size: self.size, tree_hash: tree_hash::root(&leaves), leaves })
    }
}

impl Glacier {
    /// The key that contents are sealed under, one of those derived from the region's.
    async fn key(&self) -> Result<Key, ApiError> {
        if let Some(key) = self.key.get() {
            return Ok(key.clone());
        }
        let derived = self.cloud.root_key().await?.derive_bytes("glacier/contents");
        Ok(self.key.get_or_init(|| Key(derived)).clone())
    }

    pub(crate) async fn draft(&self) -> Result<Draft, ApiError> {
        let ids = self.cloud.ids();
        let (id, salt) = (SealedId(ids.number()), ids.number());
        let receiving = Receiving::begin(&self.blobs, id, &self.key().await?, salt, TreeHasher::default());
        Ok(Draft { receiving, size: 0 })
    }

    /// Receives a body of `most` bytes at most, and holds it to the tree hash that the client has computed.
    pub(crate) async fn receive(
        &self,
        body: Option<Body>,
        checksum: Option<&str>,
        most: u64,
    ) -> Result<Received, ApiError> {
        let checksum = checksum.ok_or_else(|| errors::missing("x-amz-sha256-tree-hash"))?;
        let body = body.unwrap_or_default();
        match body.length() {
            Some(0) => return Err(errors::invalid("Invalid Content-Length: 0")),
            Some(length) if length > most => return Err(too_long(length)),
            _ => {}
        }
        let mut source = body.into_source();
        let mut draft = self.draft().await?;
        while let Some(piece) = shapes::next(&mut *source).await {
            draft.push(piece.map_err(in_our_words)?).await?;
            if draft.size > most {
                return Err(too_long(draft.size));
            }
        }
        if draft.size == 0 {
            return Err(errors::invalid("Invalid Content-Length: 0"));
        }
        let received = draft.finish().await?;
        let found = received.tree_hash.hex();
        match found.eq_ignore_ascii_case(checksum.trim()) {
            true => Ok(received),
            false => Err(errors::tree_hash_mismatch(checksum, &found)),
        }
    }

    /// The bytes of `range` of a content, checked as they are read.
    pub(crate) async fn body(&self, content: &Content, range: Range<u64>) -> Result<Body, ApiError> {
        let length = range.end - range.start;
        let mut stretches = VecDeque::new();
        let mut begin = 0;
        for segment in &content.segments {
            let end = begin + segment.size;
            let within = range.start.max(begin)..range.end.min(end);
            if within.start < within.end {
                let range = within.start - begin..within.end - begin;
                let (id, length) = (SealedId(segment.file), segment.size);
                stretches.push_back(Stretch::Blob { id, length, range });
            }
            begin = end;
        }
        let key = self.key().await?;
        let reading = Reading::begin(&self.blobs, &key, stretches, errors::storage).await?;
        Ok(Body::stream(Some(length), shapes::unfold(reading, Reading::next)))
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

/// One row less names a content; the last one takes it away. Returns the files to be removed.
pub(crate) fn release(tx: &mut Tx<'_>, number: u128) -> Result<Vec<u128>, ApiError> {
    tx.with_scope(&Scope::global(), |tx| {
        let Some(mut content) = tables::CONTENTS.find(tx, &number)? else { return Ok(Vec::new()) };
        content.uses = content.uses.saturating_sub(1);
        if content.uses > 0 {
            tables::CONTENTS.put(tx, &number, &content);
            return Ok(Vec::new());
        }
        tables::CONTENTS.delete(tx, &number);
        Ok(drop_files(tx, content.segments.iter().map(|segment| segment.file)))
    })
}

/// Forgets files that no content has. The transaction is in the global scope.
pub(crate) fn drop_files(tx: &mut Tx<'_>, files: impl Iterator<Item = u128>) -> Vec<u128> {
    files.inspect(|file| tables::FILES.delete(tx, file)).collect()
}

/// Stores a content that one row names.
pub(crate) fn store(tx: &mut Tx<'_>, number: u128, segments: Vec<Segment>, file: Option<&(u128, File)>) {
    tx.with_scope(&Scope::global(), |tx| {
        if let Some((id, file)) = file {
            tables::FILES.put(tx, id, file);
        }
        tables::CONTENTS.put(tx, &number, &Content { segments, uses: 1 });
    });
}

/// One row more names a content.
pub(crate) fn share(tx: &mut Tx<'_>, number: u128) -> Result<(), ApiError> {
    tx.with_scope(&Scope::global(), |tx| {
        let mut content = find(tx, number)?;
        content.uses += 1;
        tables::CONTENTS.put(tx, &number, &content);
        Ok(())
    })
}

/// A content that a row names. The reader is of the global scope.
pub(crate) fn find(reader: &mut dyn Reader, number: u128) -> Result<Content, ApiError> {
    let found = tables::CONTENTS.find(reader, &number)?;
    found.ok_or_else(|| ApiError::internal(format!("the content {number:032x} is missing")))
}

/// The tree hash of a range of whole megabytes, or up to the end. The reader is of the global scope.
pub(crate) fn tree_hash_of(
    reader: &mut dyn Reader,
    content: &Content,
    range: &Range<u64>,
) -> Result<Option<Digest>, ApiError> {
    let mut root = Root::default();
    let mut begin = 0;
    for segment in &content.segments {
        let end = begin + segment.size;
        let within = range.start.max(begin)..range.end.min(end);
        if within.start < within.end {
            let file = tables::FILES.find(reader, &segment.file)?;
            let file = file.ok_or_else(|| ApiError::internal("the leaves of a file are missing"))?;
            let first = (within.start - begin) / MEGABYTE;
            let last = (within.end - begin).div_ceil(MEGABYTE);
            let (leaves, _) = file.leaves.as_chunks::<32>();
            let within =
                usize::try_from(first).unwrap_or(usize::MAX)..usize::try_from(last).unwrap_or(usize::MAX);
            let leaves = leaves.get(within).ok_or_else(|| ApiError::internal("a file has too few leaves"))?;
            leaves.iter().for_each(|leaf| root.push(Digest(*leaf)));
        }
        begin = end;
    }
    Ok(root.finish())
}

fn too_long(length: u64) -> ApiError {
    errors::invalid(format!("Invalid Content-Length: {length}"))
}

/// What went wrong with a body before it got here.
fn in_our_words(error: ApiError) -> ApiError {
    match error.name() {
        "XAmzContentSHA256Mismatch" => {
            errors::invalid("Checksum mismatch: x-amz-content-sha256 is not the SHA-256 of the data")
        }
        "IncompleteBody" => errors::invalid("Invalid Content-Length: the data ended before its end"),
        "RequestTimeout" => glacier_api::error::request_timeout_exception(error.message()),
        _ => error,
    }
}
