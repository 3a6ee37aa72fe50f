//! UpdateCluster and DeleteCluster.

use cloud::{Ctx, Guard, Transact};
use dax_api::op::{DeleteCluster, UpdateCluster};
use dax_api::{DeleteClusterInput, DeleteClusterOutput, UpdateClusterInput, UpdateClusterOutput};
use shapes::ApiError;
use store::Tx;

use super::{cluster_guard, find_cluster, note};
use crate::cluster::Status;
use crate::tables::{CLUSTERS, PARAMETER_GROUPS};
use crate::{Dax, errors, jobs, parameter_group};

impl Transact<UpdateCluster> for Dax {
    type Draft = UpdateClusterInput;

    fn guard(&self, ctx: &Ctx, input: &UpdateClusterInput) -> Result<Guard, ApiError> {
        Ok(cluster_guard(ctx, &input.cluster_name))
    }

    fn prepare(&self, _: &Ctx, input: UpdateClusterInput) -> Result<Self::Draft, ApiError> {
        Ok(input)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        input: &Self::Draft,
    ) -> Result<UpdateClusterOutput, ApiError> {
        let mut cluster = find_cluster(tx, &input.cluster_name)?;
        cluster.check_available()?;
        if let Some(description) = &input.description {
            cluster.description.clone_from(description);
        }
        if let Some(window) = &input.preferred_maintenance_window {
            cluster.maintenance_window.clone_from(window);
        }
        if let Some(groups) = &input.security_group_ids {
            cluster.security_groups.clone_from(groups);
        }
        if let Some(arn) = &input.notification_topic_arn {
            cluster.topic = (!arn.is_empty()).then(|| (arn.clone(), "active".to_owned()));
        }
        if let (Some((_, status)), Some(given)) = (&mut cluster.topic, &input.notification_topic_status) {
            status.clone_from(given);
        }
        if let Some(group) = &input.parameter_group_name {
            if group != parameter_group::DEFAULT && !PARAMETER_GROUPS.contains(tx, group)? {
                return Err(errors::parameter_group_not_found(group));
            }
            cluster.parameter_group.clone_from(group);
        }
        cluster.status = Status::Modifying;
        CLUSTERS.put(tx, &cluster.name, &cluster);
        note(ctx, tx, "CLUSTER", &cluster.name, "Cluster settings changed.")?;
        jobs::schedule(ctx, tx, &cluster);
        Ok(UpdateClusterOutput { cluster: Some(cluster.describe(&self.host())) })
    }
}

impl Transact<DeleteCluster> for Dax {
    type Draft = String;

    fn guard(&self, ctx: &Ctx, input: &DeleteClusterInput) -> Result<Guard, ApiError> {
        Ok(cluster_guard(ctx, &input.cluster_name))
    }

    fn prepare(&self, _: &Ctx, input: DeleteClusterInput) -> Result<Self::Draft, ApiError> {
        Ok(input.cluster_name)
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, name: &Self::Draft) -> Result<DeleteClusterOutput, ApiError> {
        let mut cluster = find_cluster(tx, name)?;
        cluster.check_available()?;
        cluster.status = Status::Deleting;
        cluster.nodes.iter_mut().for_each(|node| node.status = Status::Deleting);
        CLUSTERS.put(tx, &cluster.name, &cluster);
        jobs::schedule(ctx, tx, &cluster);
        Ok(DeleteClusterOutput { cluster: Some(cluster.describe(&self.host())) })
    }
}
