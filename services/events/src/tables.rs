//! Everything EventBridge stores.

use store::Table;

use crate::bus::Bus;
use crate::matching::Generation;
use crate::rule::Rule;
use crate::rule_target::RuleTarget;

/// Event buses by name. The default bus has a row once something of it was set.
pub(crate) const BUSES: Table<String, Bus> = Table::new("events/bus");

/// Rules by bus and name.
pub(crate) const RULES: Table<(String, String), Rule> = Table::new("events/rule");

/// Targets by bus, rule and id.
pub(crate) const TARGETS: Table<(String, String, String), RuleTarget> = Table::new("events/target");

/// Rules by bus and the ARN of one of their targets.
pub(crate) const RULES_BY_TARGET: Table<(String, String, String), ()> = Table::new("events/rule-by-target");

/// Changes with everything that decides what a bus does with an event. By bus.
pub(crate) const GENERATIONS: Table<String, Generation> = Table::new("events/generation");
