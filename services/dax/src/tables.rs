//! Everything DAX stores.

use serde::{Deserialize, Serialize};
use shapes::Timestamp;
use store::Table;

use crate::cluster::Cluster;
use crate::parameter_group::ParameterGroup;
use crate::subnet_group::SubnetGroup;

pub(crate) const CLUSTERS: Table<String, Cluster> = Table::new("dax/cluster");

pub(crate) const PARAMETER_GROUPS: Table<String, ParameterGroup> = Table::new("dax/parameter-group");

pub(crate) const SUBNET_GROUPS: Table<String, SubnetGroup> = Table::new("dax/subnet-group");

/// Events by their time and a random number.
pub(crate) const EVENTS: Table<(Timestamp, u128), Event> = Table::new("dax/event");

/// Which cluster has a port, in the global scope.
pub(crate) const PORTS: Table<u16, PortOwner> = Table::new("dax/port");

/// Lists of attribute names by their ids, which clients keep for as long as they live.
pub(crate) const ATTRIBUTE_LISTS: Table<i64, AttributeList> = Table::new("dax/attribute-list");

/// Ids of lists by a hash of their names.
pub(crate) const ATTRIBUTE_LIST_IDS: Table<(u64, i64), ListId> = Table::new("dax/attribute-list-id");

/// The last id given out.
pub(crate) const LAST_ATTRIBUTE_LIST: Table<(), ListId> = Table::new("dax/last-attribute-list");

/// Something that happened to a cluster or a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Event {
    pub source: String,
    /// `CLUSTER`, `PARAMETER_GROUP` or `SUBNET_GROUP`.
    pub source_type: String,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PortOwner {
    pub account: String,
    pub region: String,
    pub cluster: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AttributeList {
    pub names: Vec<String>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct ListId(pub i64);

store::row!(Event, 1);
store::row!(PortOwner, 1);
store::row!(AttributeList, 1);
store::row!(ListId, 1);
