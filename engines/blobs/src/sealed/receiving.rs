//! Writing a blob whose pieces come over time: while one batch is digested, sealed and written on a thread of its own, the
//! next one is received.

use bytes::Bytes;
use tokio::task::JoinHandle;

use super::{Key, Placed, SealedBlobs, SealedId, SealedWriter, panicked};
use crate::BlobError;

/// Bytes received before they are handed to the writing thread.
const BATCH_BYTES: usize = 512 * 1024;

/// What is computed of bytes on their way.
pub trait Digests: Send + 'static {
    /// Takes the pieces that follow those before.
    fn update(&mut self, pieces: &[Bytes]);
}

/// A blob under way. Dropped before [`Receiving::finish`], it goes away.
pub struct Receiving<D> {
    batch: Vec<Bytes>,
    held: usize,
    running: JoinHandle<Result<Writing<D>, BlobError>>,
}

/// Goes to the writing thread and comes back.
struct Writing<D> {
    writer: SealedWriter,
    digests: D,
}

impl<D: Digests> Writing<D> {
    fn write(mut self, batch: &[Bytes]) -> Result<Self, BlobError> {
        self.digests.update(batch);
        for piece in batch {
            self.writer.write(piece)?;
        }
        Ok(self)
    }
}

impl<D: Digests> Receiving<D> {
    /// Begins a blob. `id` and `salt` are fresh and random.
    pub fn begin(blobs: &SealedBlobs, id: SealedId, key: &Key, salt: u128, digests: D) -> Self {
        let (blobs, key) = (blobs.clone(), key.clone());
        let running = tokio::task::spawn_blocking(move || {
            Ok(Writing { writer: blobs.create(id, &key, salt)?, digests })
        });
        Self { batch: Vec::new(), held: 0, running }
    }

    /// Takes the next piece. Waits when the disk is slower than the pieces come.
    pub async fn push(&mut self, piece: Bytes) -> Result<(), BlobError> {
        self.held += piece.len();
        self.batch.push(piece);
        if self.held >= BATCH_BYTES { self.hand_over().await } else { Ok(()) }
    }

    /// Ends the blob: it is whole and durable, and held until somebody keeps it.
    pub async fn finish(mut self) -> Result<(Placed, D), BlobError> {
        self.hand_over().await?;
        let Writing { writer, digests } = joined(&mut self.running).await?;
        let placed = tokio::task::spawn_blocking(move || writer.finish()).await;
        Ok((placed.unwrap_or_else(|panic| Err(panicked("writing a blob", panic)))?, digests))
    }

    async fn hand_over(&mut self) -> Result<(), BlobError> {
        let writing = joined(&mut self.running).await?;
        let batch = std::mem::take(&mut self.batch);
        self.held = 0;
        self.running = tokio::task::spawn_blocking(move || writing.write(&batch));
        Ok(())
    }
}

async fn joined<T>(task: &mut JoinHandle<Result<T, BlobError>>) -> Result<T, BlobError> {
    task.await.unwrap_or_else(|panic| Err(panicked("writing a blob", panic)))
}
