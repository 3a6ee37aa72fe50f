//! IncreaseReplicationFactor, DecreaseReplicationFactor and RebootNode.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use dax_api::op::{DecreaseReplicationFactor, IncreaseReplicationFactor, RebootNode};
use dax_api::{
    DecreaseReplicationFactorInput, DecreaseReplicationFactorOutput, IncreaseReplicationFactorInput,
    IncreaseReplicationFactorOutput, RebootNodeInput, RebootNodeOutput,
};
use shapes::ApiError;
use store::Tx;

use super::{cluster_guard, find_cluster, note};
use crate::cluster::{Cluster, MAXIMUM_NODES, Node, Status};
use crate::tables::CLUSTERS;
use crate::{Dax, errors, jobs, subnet_group};

impl Handle<IncreaseReplicationFactor> for Dax {
    fn guard(&self, ctx: &Ctx, input: &IncreaseReplicationFactorInput) -> Result<Guard, ApiError> {
        Ok(cluster_guard(ctx, &input.cluster_name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: IncreaseReplicationFactorInput,
    ) -> Result<IncreaseReplicationFactorOutput, ApiError> {
        let (service, own) = (Arc::clone(self), ctx.clone());
        let cluster = ctx
            .write(move |tx| {
                let mut cluster = find_cluster(tx, &input.cluster_name)?;
                cluster.check_available()?;
                let wanted = input.new_replication_factor;
                if wanted > MAXIMUM_NODES {
                    return Err(errors::too_many_nodes(MAXIMUM_NODES));
                }
                if wanted <= cluster.nodes.len() as i32 {
                    return Err(errors::invalid_value(
                        "The new replication factor must be greater than the current one",
                    ));
                }
                let more = (wanted as usize).saturating_sub(cluster.nodes.len());
                let first = cluster.next_node as usize;
                let named = input.availability_zones.clone();
                for zone in subnet_group::zones(own.region().as_str(), named, first, more)? {
                    let port = service.take_port(&own, tx, &cluster)?;
                    cluster.add_node(port, zone, own.now());
                }
                cluster.status = Status::Modifying;
                CLUSTERS.put(tx, &cluster.name, &cluster);
                let message = format!("Replication factor changed to {wanted}.");
                note(&own, tx, "CLUSTER", &cluster.name, &message)?;
                jobs::schedule(&own, tx, &cluster);
                Ok(cluster)
            })
            .await?;
        Ok(IncreaseReplicationFactorOutput { cluster: Some(cluster.describe(&self.host())) })
    }
}

impl Transact<DecreaseReplicationFactor> for Dax {
    type Draft = DecreaseReplicationFactorInput;

    fn guard(&self, ctx: &Ctx, input: &DecreaseReplicationFactorInput) -> Result<Guard, ApiError> {
        Ok(cluster_guard(ctx, &input.cluster_name))
    }

    fn prepare(&self, _: &Ctx, input: DecreaseReplicationFactorInput) -> Result<Self::Draft, ApiError> {
        Ok(input)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        input: &Self::Draft,
    ) -> Result<DecreaseReplicationFactorOutput, ApiError> {
        let mut cluster = find_cluster(tx, &input.cluster_name)?;
        cluster.check_available()?;
        let wanted = input.new_replication_factor;
        let (wanted_nodes, current) = (usize::try_from(wanted).unwrap_or(0), cluster.nodes.len());
        if wanted_nodes == 0 || wanted_nodes >= current {
            return Err(errors::invalid_value(
                "The new replication factor must be at least 1 and less than the current one",
            ));
        }
        let named = input.node_ids_to_remove.clone().unwrap_or_default();
        for id in &named {
            if !cluster.nodes.iter().any(|node| node.id == *id) {
                return Err(errors::node_not_found(id));
            }
        }
        if !named.is_empty() && named.len() != current - wanted_nodes {
            return Err(errors::invalid_combination(
                "The nodes to remove must be as many as the replication factor decreases by",
            ));
        }
        let leaving = if named.is_empty() {
            last_of(&cluster, input.availability_zones.as_deref(), current - wanted_nodes)?
        } else {
            named
        };
        for node in &mut cluster.nodes {
            if leaving.contains(&node.id) {
                node.status = Status::Deleting;
            }
        }
        cluster.leaving = leaving;
        cluster.status = Status::Modifying;
        CLUSTERS.put(tx, &cluster.name, &cluster);
        note(ctx, tx, "CLUSTER", &cluster.name, &format!("Replication factor changed to {wanted}."))?;
        jobs::schedule(ctx, tx, &cluster);
        Ok(DecreaseReplicationFactorOutput { cluster: Some(cluster.describe(&self.host())) })
    }
}

/// The nodes that came last, of these zones if any are named.
fn last_of(cluster: &Cluster, zones: Option<&[String]>, count: usize) -> Result<Vec<String>, ApiError> {
    let zones = zones.filter(|zones| !zones.is_empty());
    let may_leave = |node: &&Node| zones.is_none_or(|zones| zones.contains(&node.zone));
    let leaving = cluster.nodes.iter().rev().filter(may_leave).take(count);
    let leaving: Vec<String> = leaving.map(|node| node.id.clone()).collect();
    if leaving.len() == count {
        return Ok(leaving);
    }
    Err(errors::invalid_combination("The availability zones have fewer nodes than are to be removed"))
}

impl Transact<RebootNode> for Dax {
    type Draft = RebootNodeInput;

    fn guard(&self, ctx: &Ctx, input: &RebootNodeInput) -> Result<Guard, ApiError> {
        Ok(cluster_guard(ctx, &input.cluster_name))
    }

    fn prepare(&self, _: &Ctx, input: RebootNodeInput) -> Result<Self::Draft, ApiError> {
        Ok(input)
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, input: &Self::Draft) -> Result<RebootNodeOutput, ApiError> {
        let mut cluster = find_cluster(tx, &input.cluster_name)?;
        cluster.check_available()?;
        let node = cluster.nodes.iter_mut().find(|node| node.id == input.node_id);
        node.ok_or_else(|| errors::node_not_found(&input.node_id))?.status = Status::Rebooting;
        cluster.status = Status::Rebooting;
        CLUSTERS.put(tx, &cluster.name, &cluster);
        note(ctx, tx, "CLUSTER", &cluster.name, &format!("Node {} restarts.", input.node_id))?;
        jobs::schedule(ctx, tx, &cluster);
        Ok(RebootNodeOutput { cluster: Some(cluster.describe(&self.host())) })
    }
}
