//! Everything SQS stores.

use serde::{Deserialize, Serialize};
use shapes::Timestamp;
use store::Table;

use crate::deduplication::Accepted;
use crate::message::{Head, Message};
use crate::move_task::MoveTask;
use crate::queue::Queue;
use crate::receipt::Receipt;
use crate::sealing::RegionKey;

/// Queues by name.
pub(crate) const QUEUES: Table<String, Queue> = Table::new("sqs/queue");

/// Names of queues that were deleted within the last minute.
pub(crate) const DELETED: Table<String, Deletion> = Table::new("sqs/deleted-queue");

/// Messages by queue and by place. A place grows with the time of sending, and says it.
pub(crate) const MESSAGES: Table<(u64, u64), Message> = Table::new("sqs/stored-message");

/// The same rows, of which only the beginning is read.
pub(crate) const HEADS: Table<(u64, u64), Head> = Table::new("sqs/stored-message");

/// The latest receive of messages that were received, by queue and place.
pub(crate) const RECEIPTS: Table<(u64, u64), Receipt> = Table::new("sqs/receipt");

/// What FIFO queues accepted within the deduplication interval: by queue, by interval, by message group where
/// deduplication is per group, and by deduplication id.
pub(crate) const ACCEPTED: Table<(u64, u64, String, String), Accepted> = Table::new("sqs/accepted");

/// Message move tasks by the name of their source, the latest first (by the time left until the end of time), and id.
pub(crate) const MOVE_TASKS: Table<(String, i64, String), MoveTask> = Table::new("sqs/move-task");

/// The region's key, in the global scope, by its number: there is one.
pub(crate) const KEYS: Table<u8, RegionKey> = Table::new("sqs/region-key");

/// When a queue was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Deletion {
    pub at: Timestamp,
}

store::row!(Deletion, 1);
