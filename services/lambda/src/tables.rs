//! Everything Lambda stores.

use store::Table;

use crate::async_invoke::EventInvokeConfig;
use crate::event_source::{Checkpoint, Mapping};
use crate::function::{Alias, Function, Version};
use crate::policy::ResourcePolicy;

/// Functions by name.
pub(crate) const FUNCTIONS: Table<String, Function> = Table::new("lambda/function");

/// Published versions by the function's name and their number.
pub(crate) const VERSIONS: Table<(String, u64), Version> = Table::new("lambda/version");

/// Aliases by the function's name and their own.
pub(crate) const ALIASES: Table<(String, String), Alias> = Table::new("lambda/alias");

/// Resource policies by the function's name and a qualifier, which is empty for the function itself.
pub(crate) const POLICIES: Table<(String, String), ResourcePolicy> = Table::new("lambda/policy");

/// How asynchronous events are treated, by the function's name and a qualifier, which may be empty.
pub(crate) const EVENT_CONFIGS: Table<(String, String), EventInvokeConfig> =
    Table::new("lambda/event-config");

/// Event source mappings by their UUID.
pub(crate) const MAPPINGS: Table<String, Mapping> = Table::new("lambda/mapping");

/// The mappings whose tasks are to run, by account, region and UUID. Region-wide.
pub(crate) const ENABLED_MAPPINGS: Table<(String, String, String), ()> = Table::new("lambda/enabled-mapping");

/// How far event source mappings have come in their streams, by the mapping's UUID and the shard.
pub(crate) const CHECKPOINTS: Table<(String, String), Checkpoint> = Table::new("lambda/checkpoint");
