//! CreateCluster: the cluster is stored with its ports, and a job opens them.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dax_api::op::CreateCluster;
use dax_api::{CreateClusterInput, CreateClusterOutput};
use shapes::ApiError;
use store::{Scope, Tx};

use super::{cluster_guard, note, tags};
use crate::cluster::{Cluster, MAXIMUM_NODES, Status, check_node_type, parse_name};
use crate::tables::{CLUSTERS, PARAMETER_GROUPS, PORTS, PortOwner, SUBNET_GROUPS};
use crate::{Dax, errors, jobs, parameter_group, subnet_group};

impl Handle<CreateCluster> for Dax {
    fn guard(&self, ctx: &Ctx, input: &CreateClusterInput) -> Result<Guard, ApiError> {
        Ok(cluster_guard(ctx, &input.cluster_name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: CreateClusterInput,
    ) -> Result<CreateClusterOutput, ApiError> {
        let factor = input.replication_factor;
        let count = usize::try_from(factor).unwrap_or_default();
        let zones = input.availability_zones.clone();
        let mut cluster = draft(ctx, input)?;
        let zones = subnet_group::zones(ctx.region().as_str(), zones, 0, count)?;
        if cluster.is_tls && !self.cloud.ports().is_some_and(|ports| ports.has_tls()) {
            return Err(errors::invalid_combination(
                "The region has no certificate for clusters with TLS: start it with --tls-certificate and --tls-key",
            ));
        }
        let (service, own) = (Arc::clone(self), ctx.clone());
        let cluster = ctx
            .write(move |tx| {
                if CLUSTERS.contains(tx, &cluster.name)? {
                    return Err(errors::cluster_exists(&cluster.name));
                }
                check_groups(tx, &cluster)?;
                cluster.nodes.clear();
                cluster.next_node = 0;
                cluster.port = service.take_port(&own, tx, &cluster)?;
                for zone in &zones {
                    let port = service.take_port(&own, tx, &cluster)?;
                    cluster.add_node(port, zone.clone(), own.now());
                }
                CLUSTERS.put(tx, &cluster.name, &cluster);
                note(&own, tx, "CLUSTER", &cluster.name, "Cluster creation started.")?;
                jobs::schedule(&own, tx, &cluster);
                Ok(cluster.clone())
            })
            .await?;
        Ok(CreateClusterOutput { cluster: Some(cluster.describe(&self.host())) })
    }
}

fn draft(ctx: &Ctx, input: CreateClusterInput) -> Result<Cluster, ApiError> {
    let name = parse_name(&input.cluster_name)?;
    check_node_type(&input.node_type)?;
    let factor = input.replication_factor;
    if factor < 1 {
        return Err(errors::invalid_value("The replication factor must be at least 1"));
    }
    if factor > MAXIMUM_NODES {
        return Err(errors::too_many_nodes(MAXIMUM_NODES));
    }
    if let Some(other) = input.network_type.as_deref().filter(|network_type| *network_type != "ipv4") {
        return Err(errors::invalid_combination(format!(
            "The subnets of the region have addresses of ipv4 only, and not {other}"
        )));
    }
    let encryption = input.cluster_endpoint_encryption_type.as_deref().unwrap_or("NONE");
    if !matches!(encryption, "NONE" | "TLS") {
        return Err(errors::invalid_value(format!(
            "ClusterEndpointEncryptionType is NONE or TLS, and not {encryption}"
        )));
    }
    let role = input.iam_role_arn;
    let is_role = identity::arn::split(&role)
        .is_some_and(|parts| parts.service == "iam" && parts.resource.starts_with("role/"));
    if !is_role {
        return Err(errors::invalid_value(format!("{role} is not the ARN of a role")));
    }
    let tags: BTreeMap<String, String> = tags::parse(input.tags.unwrap_or_default())?;
    Ok(Cluster {
        arn: super::arn(ctx, &name),
        name,
        id: ctx.ids().number() as u64,
        description: input.description.unwrap_or_default(),
        node_type: input.node_type,
        status: Status::Creating,
        role,
        subnet_group: input.subnet_group_name.unwrap_or_else(|| subnet_group::DEFAULT.to_owned()),
        security_groups: input.security_group_ids.unwrap_or_default(),
        maintenance_window: input
            .preferred_maintenance_window
            .unwrap_or_else(|| "sun:05:00-sun:06:00".to_owned()),
        topic: input.notification_topic_arn.map(|arn| (arn, "active".to_owned())),
        parameter_group: input.parameter_group_name.unwrap_or_else(|| parameter_group::DEFAULT.to_owned()),
        nodes: Vec::new(),
        leaving: Vec::new(),
        next_node: 0,
        port: 0,
        is_tls: input.cluster_endpoint_encryption_type.as_deref() == Some("TLS"),
        is_encrypted: input.sse_specification.is_some_and(|specification| specification.enabled),
        network_type: input.network_type.unwrap_or_else(|| "ipv4".to_owned()),
        tags,
    })
}

fn check_groups(tx: &mut Tx<'_>, cluster: &Cluster) -> Result<(), ApiError> {
    let (parameters, subnets) = (&cluster.parameter_group, &cluster.subnet_group);
    if parameters != parameter_group::DEFAULT && !PARAMETER_GROUPS.contains(tx, parameters)? {
        return Err(errors::parameter_group_not_found(parameters));
    }
    if subnets != subnet_group::DEFAULT && !SUBNET_GROUPS.contains(tx, subnets)? {
        return Err(errors::subnet_group_not_found(subnets));
    }
    Ok(())
}

impl Dax {
    /// The next port that no cluster has and nobody else listens on.
    pub(crate) fn take_port(&self, ctx: &Ctx, tx: &mut Tx<'_>, cluster: &Cluster) -> Result<u16, ApiError> {
        let owner = PortOwner {
            account: ctx.account().to_string(),
            region: ctx.region().as_str().to_owned(),
            cluster: cluster.name.clone(),
        };
        // The ports that DAX has at AWS, and those behind them.
        let first: u16 = if cluster.is_tls { 9111 } else { 8111 };
        let ports = self.cloud.ports();
        tx.with_scope(&Scope::global(), |tx| {
            for port in first..first + 900 {
                if !PORTS.contains(tx, &port)? && ports.is_none_or(|ports| ports.is_free(port)) {
                    PORTS.put(tx, &port, &owner);
                    return Ok(port);
                }
            }
            Err(dax_api::error::insufficient_cluster_capacity_fault(
                "No port is free for the cluster's nodes",
            ))
        })
    }
}
