//! Everything SQS stores.

use shapes::Timestamp;
use store::Table;

use crate::message::Message;
use crate::queue::Queue;

/// Queues by name.
pub(crate) const QUEUES: Table<String, Queue> = Table::new("sqs/queue");

/// Messages by queue, by the time from which they may be received, and by a place of their own in the queue.
///
/// What lies up to now is visible, the earliest first; what lies ahead is in flight or delayed. So a visibility
/// timeout ends without anybody doing anything.
pub(crate) const MESSAGES: Table<(u64, Timestamp, u128), Message> = Table::new("sqs/message");

/// Where a message lies whose visibility timeout was changed, since its receipt handle tells where it was before.
/// By queue and place.
pub(crate) const MOVED: Table<(u64, u128), Moved> = Table::new("sqs/moved");

/// The handle was given for `from`; the message now lies at `to`.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Moved {
    pub from: Timestamp,
    pub to: Timestamp,
}

store::row!(Moved, 1);
