//! Clusters and their nodes. All nodes of a cluster are this process and share one cache; each has a port of its own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};

use crate::errors;

/// Nodes of one cluster: a primary and its replicas (Amazon DynamoDB Developer Guide, "DAX cluster components": 11 with
/// a primary).
pub(crate) const MAXIMUM_NODES: i32 = 11;

const NODE_TYPES: [&str; 18] = [
    "dax.r3.large",
    "dax.r3.xlarge",
    "dax.r3.2xlarge",
    "dax.r3.4xlarge",
    "dax.r3.8xlarge",
    "dax.r4.large",
    "dax.r4.xlarge",
    "dax.r4.2xlarge",
    "dax.r4.4xlarge",
    "dax.r4.8xlarge",
    "dax.r4.16xlarge",
    "dax.r5.large",
    "dax.r5.xlarge",
    "dax.r5.2xlarge",
    "dax.r5.4xlarge",
    "dax.t2.small",
    "dax.t2.medium",
    "dax.t3.small",
];
const MORE_NODE_TYPES: [&str; 9] = [
    "dax.t3.medium",
    "dax.r5.8xlarge",
    "dax.r5.12xlarge",
    "dax.r5.16xlarge",
    "dax.r5.24xlarge",
    "dax.r7i.large",
    "dax.r7i.xlarge",
    "dax.r7i.2xlarge",
    "dax.r7i.4xlarge",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Creating,
    Available,
    Modifying,
    Deleting,
    Rebooting,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Available => "available",
            Self::Modifying => "modifying",
            Self::Deleting => "deleting",
            Self::Rebooting => "rebooting",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Node {
    pub id: String,
    pub port: u16,
    pub zone: String,
    pub created: Timestamp,
    pub status: Status,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cluster {
    pub name: String,
    /// Tells it from a later cluster of the name.
    pub id: u64,
    pub arn: String,
    pub description: String,
    pub node_type: String,
    pub status: Status,
    pub role: String,
    pub subnet_group: String,
    pub security_groups: Vec<String>,
    pub maintenance_window: String,
    /// The topic's ARN and `active` or `inactive`.
    pub topic: Option<(String, String)>,
    pub parameter_group: String,
    pub nodes: Vec<Node>,
    /// Ids of nodes on their way out.
    pub leaving: Vec<String>,
    pub next_node: u32,
    /// Of the discovery endpoint.
    pub port: u16,
    pub is_tls: bool,
    pub is_encrypted: bool,
    pub network_type: String,
    pub tags: BTreeMap<String, String>,
}

store::row!(Cluster, 1);

impl Cluster {
    pub(crate) fn check_available(&self) -> Result<(), ApiError> {
        match self.status {
            Status::Available => Ok(()),
            status => Err(errors::invalid_cluster_state(&self.name, status.as_str())),
        }
    }

    /// All ports, the discovery endpoint's first.
    pub(crate) fn ports(&self) -> impl Iterator<Item = u16> {
        std::iter::once(self.port).chain(self.nodes.iter().map(|node| node.port))
    }

    /// The ports that no client can know yet.
    pub(crate) fn unknown_ports(&self) -> impl Iterator<Item = u16> {
        let own = (self.status == Status::Creating).then_some(self.port);
        let nodes = self.nodes.iter().filter(|node| node.status == Status::Creating);
        own.into_iter().chain(nodes.map(|node| node.port))
    }

    pub(crate) fn move_port(&mut self, old: u16, new: u16) {
        let nodes = self.nodes.iter_mut().map(|node| &mut node.port);
        nodes.chain([&mut self.port]).filter(|port| **port == old).for_each(|port| *port = new);
    }

    pub(crate) fn scheme(&self) -> &'static str {
        if self.is_tls { "daxs" } else { "dax" }
    }

    /// A node more, in this zone.
    pub(crate) fn add_node(&mut self, port: u16, zone: String, now: Timestamp) {
        let number = self.next_node;
        self.next_node += 1;
        // a to z, then aa and on.
        let mut letters = String::new();
        let mut left = number;
        loop {
            letters.insert(0, char::from(b'a' + (left % 26) as u8));
            if left < 26 {
                break;
            }
            left = left / 26 - 1;
        }
        self.nodes.push(Node {
            id: format!("{}-{letters}", self.name),
            port,
            zone,
            created: now,
            status: Status::Creating,
        });
    }

    /// What is under way comes to its end.
    pub(crate) fn settle(&mut self) {
        let leaving = std::mem::take(&mut self.leaving);
        self.nodes.retain(|node| !leaving.contains(&node.id));
        self.nodes.iter_mut().for_each(|node| node.status = Status::Available);
        self.status = Status::Available;
    }

    pub(crate) fn describe(&self, host: &str) -> dax_api::Cluster {
        let active = self.nodes.iter().filter(|node| node.status == Status::Available).count();
        let is_created = self.status != Status::Creating;
        let endpoint = |port: u16| dax_api::Endpoint {
            address: Some(host.to_owned()),
            port: Some(i32::from(port)),
            url: Some(format!("{}://{host}:{port}", self.scheme())),
        };
        let node = |node: &Node| dax_api::ClusterNode {
            node_id: Some(node.id.clone()),
            endpoint: is_created.then(|| dax_api::Endpoint { url: None, ..endpoint(node.port) }),
            node_create_time: Some(node.created),
            availability_zone: Some(node.zone.clone()),
            node_status: Some(node.status.as_str().to_owned()),
            parameter_group_status: Some("in-sync".to_owned()),
        };
        dax_api::Cluster {
            cluster_name: Some(self.name.clone()),
            description: Some(self.description.clone()),
            cluster_arn: Some(self.arn.clone()),
            total_nodes: Some(self.nodes.len() as i32),
            active_nodes: Some(active as i32),
            node_type: Some(self.node_type.clone()),
            status: Some(
                if self.status == Status::Rebooting { Status::Modifying } else { self.status }
                    .as_str()
                    .to_owned(),
            ),
            cluster_discovery_endpoint: is_created.then(|| endpoint(self.port)),
            node_ids_to_remove: (!self.leaving.is_empty()).then(|| self.leaving.clone()),
            nodes: Some(self.nodes.iter().map(node).collect()),
            preferred_maintenance_window: Some(self.maintenance_window.clone()),
            notification_configuration: self.topic.as_ref().map(|(arn, status)| {
                dax_api::NotificationConfiguration {
                    topic_arn: Some(arn.clone()),
                    topic_status: Some(status.clone()),
                }
            }),
            subnet_group: Some(self.subnet_group.clone()),
            security_groups: Some(security_groups(&self.security_groups)),
            iam_role_arn: Some(self.role.clone()),
            parameter_group: Some(dax_api::ParameterGroupStatus {
                parameter_group_name: Some(self.parameter_group.clone()),
                parameter_apply_status: Some("in-sync".to_owned()),
                node_ids_to_reboot: Some(Vec::new()),
            }),
            sse_description: Some(dax_api::SSEDescription {
                status: Some(if self.is_encrypted { "ENABLED" } else { "DISABLED" }.to_owned()),
            }),
            cluster_endpoint_encryption_type: Some(if self.is_tls { "TLS" } else { "NONE" }.to_owned()),
            network_type: Some(self.network_type.clone()),
        }
    }
}

fn security_groups(ids: &[String]) -> Vec<dax_api::SecurityGroupMembership> {
    let membership = |id: &String| dax_api::SecurityGroupMembership {
        security_group_identifier: Some(id.clone()),
        status: Some("active".to_owned()),
    };
    ids.iter().map(membership).collect()
}

/// Names are 1 to 20 letters, digits and hyphens, begin with a letter, do not end with a hyphen and have no two of them
/// in a row (API Reference, CreateCluster, "ClusterName"). They are kept in small letters.
pub(crate) fn parse_name(name: &str) -> Result<String, ApiError> {
    let is_valid = (1..=20).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && !name.ends_with('-')
        && !name.contains("--");
    if is_valid {
        return Ok(name.to_ascii_lowercase());
    }
    Err(errors::invalid_value(format!(
        "Cluster ID specified is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII \
         letters, digits, and hyphens; must have at most 20 characters and must not end with a hyphen or contain two \
         consecutive hyphens: {name}"
    )))
}

pub(crate) fn check_node_type(node_type: &str) -> Result<(), ApiError> {
    if NODE_TYPES.contains(&node_type) || MORE_NODE_TYPES.contains(&node_type) {
        return Ok(());
    }
    Err(errors::invalid_value(format!("Invalid node type: {node_type}")))
}
