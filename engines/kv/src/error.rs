//! What an engine can meet.

use std::any::Any;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::{MAX_KEY_BYTES, MAX_VALUE_BYTES};

/// Cheap to clone, because one failed disk write fails every transaction that shared it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KvError {
    /// Writes are refused until there is space again. Reads go on.
    #[error("the disk of {} is full: {free_bytes} bytes free, {needed_bytes} needed", path.display())]
    OutOfSpace { path: PathBuf, free_bytes: u64, needed_bytes: u64 },
    #[error("reading or writing {} failed", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: Arc<io::Error>,
    },
    /// What is stored does not have the form it was written in.
    #[error("the data in {} cannot be read: {detail}", path.display())]
    Corrupt { path: PathBuf, detail: String },
    #[error("{} is in use by another process: stop it, or choose another data directory", path.display())]
    Locked { path: PathBuf },
    #[error("the transaction panicked: {message}")]
    Panicked { message: String },
    /// A distributed engine gave up after running the transaction this many times.
    #[error("the transaction met other transactions {attempts} times")]
    Conflict { attempts: u32 },
    #[error("a key of {bytes} bytes: keys have 1 to {MAX_KEY_BYTES} bytes")]
    KeyLength { bytes: usize },
    #[error("a value of {bytes} bytes: values have up to {MAX_VALUE_BYTES} bytes")]
    ValueLength { bytes: usize },
    #[error("the engine is closed")]
    Closed,
}

impl KvError {
    pub(crate) fn io(path: &std::path::Path, source: io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), source: Arc::new(source) }
    }

    /// From what `catch_unwind` caught.
    pub(crate) fn panicked(payload: &(dyn Any + Send)) -> Self {
        let message = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "without a message".to_owned());
        Self::Panicked { message }
    }
}
