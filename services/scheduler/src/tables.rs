//! Everything the service stores.

use store::Table;

use crate::group::Group;
use crate::schedule::ScheduleRow;

/// Groups by name, but for the one that every account has.
pub(crate) const GROUPS: Table<String, Group> = Table::new("scheduler/group");
/// Schedules by group and name.
pub(crate) const SCHEDULES: Table<(String, String), ScheduleRow> = Table::new("scheduler/schedule");
