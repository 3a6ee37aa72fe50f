//! DescribeClusters.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dax_api::op::DescribeClusters;
use dax_api::{DescribeClustersInput, DescribeClustersOutput};
use shapes::ApiError;

use super::{all, arn, find_cluster, page};
use crate::Dax;
use crate::cluster::Cluster;
use crate::tables::CLUSTERS;

impl Handle<DescribeClusters> for Dax {
    fn guard(&self, ctx: &Ctx, input: &DescribeClustersInput) -> Result<Guard, ApiError> {
        let names = input.cluster_names.iter().flatten();
        Ok(Guard { resources: names.map(|name| arn(ctx, name)).collect(), ..Guard::default() })
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeClustersInput,
    ) -> Result<DescribeClustersOutput, ApiError> {
        let mut snapshot = ctx.read()?;
        let clusters: Vec<Cluster> = match &input.cluster_names {
            Some(names) if !names.is_empty() => {
                names.iter().map(|name| find_cluster(&mut snapshot, name)).collect::<Result<_, _>>()?
            }
            _ => all(&mut snapshot, &CLUSTERS)?,
        };
        let (clusters, next_token) =
            page(clusters, |cluster| &cluster.name, input.next_token.as_deref(), input.max_results)?;
        let clusters = clusters.iter().map(|cluster| cluster.describe(&self.host())).collect();
        Ok(DescribeClustersOutput { clusters: Some(clusters), next_token })
    }
}
