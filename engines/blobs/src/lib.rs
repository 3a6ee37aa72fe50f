//! Bytes that are too big for a row, named by their content.
//!
//! [`Blobs`] is the shape: what is put can be read under the SHA-256 of its bytes, and is durable once `put` has
//! returned. [`DirectoryBlobs`] keeps one file each under a folder of the local disk; object stores can stand behind
//! the same trait. [`sealed`] is for blobs of any length that are written and read in pieces. Who needs a blob, and when it may be deleted, is the caller's to know: equal bytes are one blob.

mod directory;
mod error;
mod id;
pub mod sealed;

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use tokio::io::AsyncRead;

pub use directory::DirectoryBlobs;
pub use error::BlobError;
pub use id::{BlobId, InvalidBlobId};

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The bytes of a blob, read as they are needed.
pub type BlobReader = Pin<Box<dyn AsyncRead + Send>>;

/// A place where blobs are kept.
pub trait Blobs: Send + Sync {
    /// Keeps `bytes`. They are durable, and can be read by everybody, when the future has returned.
    fn put(&self, bytes: Bytes) -> BoxFuture<'_, Result<BlobId, BlobError>>;

    /// The whole blob; [`BlobError::Missing`] when there is none.
    fn get(&self, id: BlobId) -> BoxFuture<'_, Result<Bytes, BlobError>>;

    /// The blob's length and its bytes in pieces, for those that should not be in memory whole.
    fn open(&self, id: BlobId) -> BoxFuture<'_, Result<(u64, BlobReader), BlobError>>;

    /// Forgets a blob. One that is not there is forgotten already.
    fn delete(&self, id: BlobId) -> BoxFuture<'_, Result<(), BlobError>>;

    fn exists(&self, id: BlobId) -> BoxFuture<'_, Result<bool, BlobError>>;
}
