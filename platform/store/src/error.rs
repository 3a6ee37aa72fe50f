//! What can go wrong between a service and its state.

use shapes::ApiError;

use crate::row::RowError;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the storage engine failed")]
    Engine(#[from] kv::KvError),
    #[error("a row of table {table} cannot be read")]
    Row {
        table: &'static str,
        #[source]
        source: RowError,
    },
    #[error("a key of table {table} cannot be read")]
    Key { table: &'static str },
}

impl StoreError {
    /// Whether the store was closed: the region stops, and what was wanted waits for its next start.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Engine(kv::KvError::Closed))
    }
}

/// A service that does not decide what a failed store means to its client passes it on as a fault of ours.
impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if let StoreError::Engine(kv::KvError::OutOfSpace { .. }) = &error {
            let message = "The region's disk is full: writes are refused until there is space again.";
            return ApiError::with_status(503, "ServiceUnavailable", message).with_cause(error);
        }
        ApiError::internal(error)
    }
}
