//! Exactly-once sending to FIFO queues (Developer Guide, "Using the message deduplication ID").
//!
//! What was accepted lies under the interval of five minutes in which it was, so that the last five minutes lie in
//! this interval and the one before, and older intervals can be deleted whole.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shapes::Timestamp;
use store::{Reader, StoreError, Tx};

use crate::tables;

/// How long a deduplication id counts.
pub(crate) const INTERVAL: Duration = Duration::from_secs(300);

/// A message that a FIFO queue accepted, which a later one with the same deduplication id is taken for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Accepted {
    pub at: Timestamp,
    pub message_id: String,
    pub place: u64,
}

store::row!(Accepted, 1);

/// The interval that a time lies in.
pub(crate) fn interval(at: Timestamp) -> u64 {
    u64::try_from(at.millis()).unwrap_or(0) / INTERVAL.as_millis() as u64
}

/// The message that was accepted under a deduplication id within the last five minutes.
pub(crate) fn find(
    reader: &mut dyn Reader,
    queue: u64,
    group: &str,
    id: &str,
    now: Timestamp,
) -> Result<Option<Accepted>, StoreError> {
    let current = interval(now);
    for interval in [current, current.saturating_sub(1)] {
        let key = (queue, interval, group.to_owned(), id.to_owned());
        let accepted = tables::ACCEPTED.find(reader, &key)?;
        if let Some(accepted) = accepted.filter(|accepted| now < accepted.at + INTERVAL) {
            return Ok(Some(accepted));
        }
    }
    Ok(None)
}

/// Remembers what was accepted.
pub(crate) fn put(tx: &mut Tx<'_>, queue: u64, group: &str, id: &str, accepted: &Accepted) {
    let key = (queue, interval(accepted.at), group.to_owned(), id.to_owned());
    tables::ACCEPTED.put(tx, &key, accepted);
}
