//! Everything CloudWatch Logs stores.

use store::Table;

use crate::event::Event;
use crate::group::Group;
use crate::stream::Stream;

/// Groups by name.
pub(crate) const GROUPS: Table<String, Group> = Table::new("logs/group");

/// Streams by their group's id and their name.
pub(crate) const STREAMS: Table<(u64, String), Stream> = Table::new("logs/stream");

/// Events by group, stream, time in milliseconds, and their number in the stream, so that a stream reads in the order
/// of time and events of one time in the order they came.
pub(crate) const EVENTS: Table<(u64, u64, i64, u64), Event> = Table::new("logs/event");
