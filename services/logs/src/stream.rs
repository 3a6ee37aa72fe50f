//! Log streams.

use shapes::{ApiError, Timestamp};
use store::Reader;

use crate::group::check_length;
use crate::{errors, tables};

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Stream {
    pub name: String,
    /// Events lie under it, so that a new stream of an old name begins empty.
    pub id: u64,
    pub created: Timestamp,
    /// Times of the earliest and the latest event, in milliseconds.
    pub first_event: Option<i64>,
    pub last_event: Option<i64>,
    pub last_ingestion: Option<Timestamp>,
    pub stored_bytes: u64,
    /// The number that the next event gets.
    pub next_sequence: u64,
}

store::row!(Stream, 1);

impl Stream {
    pub(crate) fn new(name: String, id: u64, created: Timestamp) -> Self {
        Self {
            name,
            id,
            created,
            first_event: None,
            last_event: None,
            last_ingestion: None,
            stored_bytes: 0,
            next_sequence: 0,
        }
    }

    pub(crate) fn find(reader: &mut dyn Reader, group: u64, name: &str) -> Result<Self, ApiError> {
        tables::STREAMS.find(reader, &(group, name.to_owned()))?.ok_or_else(errors::stream_does_not_exist)
    }

    /// Whether it may hold events from `from` up to and without `to`.
    pub(crate) fn overlaps(&self, from: i64, to: i64) -> bool {
        match (self.first_event, self.last_event) {
            (Some(first), Some(last)) => first < to && last >= from,
            _ => false,
        }
    }

    /// Tokens are no longer asked for, and clients still expect one.
    pub(crate) fn sequence_token(&self) -> String {
        format!("{:056}", u128::from(self.id) << 32 | u128::from(self.next_sequence as u32))
    }
}

pub(crate) fn check_name(name: &str) -> Result<(), ApiError> {
    check_length(name, "logStreamName")?;
    if name.contains([':', '*']) {
        let rule = "Member must satisfy regular expression pattern: [^:*]*";
        return Err(errors::constraint(name, "logStreamName", rule));
    }
    Ok(())
}
