//! Everything EventBridge stores.

use shapes::Timestamp;
use store::Table;

use crate::api_destination::ApiDestination;
use crate::archive::{Archive, Archived};
use crate::bus::Bus;
use crate::connection::Connection;
use crate::endpoint::{Endpoint, EndpointPlace};
use crate::matching::Generation;
use crate::partner::EventSource;
use crate::replay::Replay;
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

/// Rules (`rule/NAME`) and archives (`archive/NAME`) of the default bus that may match events of API calls, by whether
/// they want those that only read.
pub(crate) const CALL_LISTENERS: Table<(u8, String), ()> = Table::new("events/call-listener");

/// Archives by name.
pub(crate) const ARCHIVES: Table<String, Archive> = Table::new("events/archive");

/// Events by archive, their time and their id.
pub(crate) const ARCHIVED: Table<(u64, Timestamp, String), Archived> = Table::new("events/archived");

/// When archived events were stored: by archive, that time, and the rest of their key.
pub(crate) const EXPIRIES: Table<(u64, Timestamp, Timestamp, String), ()> =
    Table::new("events/archived-expiry");

/// Replays by name.
pub(crate) const REPLAYS: Table<String, Replay> = Table::new("events/replay");

/// Connections by name.
pub(crate) const CONNECTIONS: Table<String, Connection> = Table::new("events/connection");

/// API destinations by name.
pub(crate) const API_DESTINATIONS: Table<String, ApiDestination> = Table::new("events/api-destination");

/// Event sources that partners offer to this account, by name.
pub(crate) const EVENT_SOURCES: Table<String, EventSource> = Table::new("events/event-source");

/// Event sources that this account offers as a partner, by name and the account that each is offered to.
pub(crate) const OFFERS: Table<(String, String), ()> = Table::new("events/partner-offer");

/// Global endpoints by name, in their primary Region.
pub(crate) const ENDPOINTS: Table<String, Endpoint> = Table::new("events/endpoint");

/// Where they are, by id. In the global scope.
pub(crate) const ENDPOINT_PLACES: Table<String, EndpointPlace> = Table::new("events/endpoint-place");
