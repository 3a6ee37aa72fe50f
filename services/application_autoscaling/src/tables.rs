//! Everything the service stores.

use store::Table;

use crate::activity::Activity;
use crate::policy::PolicyRow;
use crate::scheduled_action::ActionRow;
use crate::target::TargetRow;

/// Targets by the key of their place; see [`crate::dimension::Place::key`].
pub(crate) const TARGETS: Table<String, TargetRow> = Table::new("application-autoscaling/target");
/// The key of a target's place by the id in its ARN.
pub(crate) const TARGET_IDS: Table<String, TargetId> = Table::new("application-autoscaling/target-id");
/// Policies by the key of their target's place and their name.
pub(crate) const POLICIES: Table<(String, String), PolicyRow> = Table::new("application-autoscaling/policy");
/// Scheduled actions by the key of their target's place and their name.
pub(crate) const ACTIONS: Table<(String, String), ActionRow> = Table::new("application-autoscaling/action");
/// Activities by the key of their target's place and their id, which begins with their time.
pub(crate) const ACTIVITIES: Table<(String, String), Activity> =
    Table::new("application-autoscaling/activity");

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct TargetId(pub String);

store::row!(TargetId, 1);
