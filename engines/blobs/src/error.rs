//! Every error that this engine returns.

use std::io;

use crate::BlobId;

#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    #[error("there is no blob {0}")]
    Missing(BlobId),
    /// The bytes on disk are not those that were put.
    #[error("blob {0} is damaged: its bytes do not have its digest")]
    Damaged(BlobId),
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
