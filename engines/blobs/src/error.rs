//! Every error that this engine returns.

use std::io;

use crate::BlobId;
use crate::sealed::SealedId;

#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    #[error("there is no blob {0}")]
    Missing(BlobId),
    /// The bytes on disk are not those that were put.
    #[error("blob {0} is damaged: its bytes do not have its digest")]
    Damaged(BlobId),
    #[error("there is no sealed blob {0}")]
    MissingSealed(SealedId),
    /// The bytes on disk are not those that were written, or were sealed under another key.
    #[error("sealed blob {0} is damaged, or has another key")]
    DamagedSealed(SealedId),
    #[error("{step} failed")]
    Io {
        /// What was being done.
        step: &'static str,
        #[source]
        source: io::Error,
    },
}

impl BlobError {
    pub(crate) fn io(step: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { step, source }
    }
}
