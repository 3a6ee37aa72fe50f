//! Everything Lambda stores.

use sources::Checkpoint;
use store::Table;

use crate::async_invoke::EventInvokeConfig;
use crate::event_source::Mapping;
use crate::function::{Alias, Function, Version};
use crate::function_url::{FunctionUrl, UrlOwner};
use crate::layer::{LayerEnd, LayerVersion};
use crate::policy::ResourcePolicy;
use crate::provisioned::Provisioned;

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

/// Layers by name.
pub(crate) const LAYERS: Table<String, LayerEnd> = Table::new("lambda/layer");

/// Versions of layers by the layer's name and their number.
pub(crate) const LAYER_VERSIONS: Table<(String, u64), LayerVersion> = Table::new("lambda/layer-version");

/// URLs of functions by the function's name and an alias, which may be empty.
pub(crate) const FUNCTION_URLS: Table<(String, String), FunctionUrl> = Table::new("lambda/function-url");

/// Whose URL it is, by its id. Region-wide.
pub(crate) const URL_OWNERS: Table<String, UrlOwner> = Table::new("lambda/url-owner");

/// How many environments wait for events, by the function's name and a qualifier.
pub(crate) const PROVISIONED: Table<(String, String), Provisioned> = Table::new("lambda/provisioned");

/// The configurations whose tasks are to run, by account, region, function and qualifier. Region-wide.
pub(crate) const PROVISIONED_PLACES: Table<(String, String, String, String), ()> =
    Table::new("lambda/provisioned-place");
