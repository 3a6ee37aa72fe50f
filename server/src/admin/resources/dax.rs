//! DAX clusters and their nodes.

use cloud::Ctx;
use dax_api::{DescribeClustersInput, op};
use serde_json::Value;
use shapes::ApiError;

use crate::admin::document::{at, items, look, pretty};
use crate::admin::section::{Found, PAGE, Part, Section};

pub(super) async fn list(ctx: &Ctx, part: &Part) -> Result<Section, ApiError> {
    let input = DescribeClustersInput {
        max_results: Some(PAGE as i32),
        next_token: part.after.clone(),
        ..Default::default()
    };
    let answer = look::<op::DescribeClusters>(ctx, input).await?;
    let section = Section::new("dax", "DAX clusters", &["Name", "Status", "Nodes", "Type", "Endpoint"])
        .resources(
            items(&answer, "Clusters"),
            &["ClusterName", "Status", "TotalNodes", "NodeType", "ClusterDiscoveryEndpoint/URL"],
            |cluster| at(cluster, "ClusterArn"),
        );
    Ok(section.next(at(&answer, "NextToken")))
}

/// By `cache/NAME`.
async fn cluster(ctx: &Ctx, resource: &str) -> Result<Value, ApiError> {
    let name = resource.split('/').nth(1).unwrap_or_default().to_owned();
    let input = DescribeClustersInput { cluster_names: Some(vec![name]), ..Default::default() };
    let answer = look::<op::DescribeClusters>(ctx, input).await?;
    Ok(items(&answer, "Clusters").first().cloned().unwrap_or_default())
}

pub(super) async fn describe(ctx: &Ctx, resource: &str) -> Result<Found, ApiError> {
    let cluster = cluster(ctx, resource).await?;
    Ok(Found::titled(&at(&cluster, "ClusterName"))
        .facts(
            &cluster,
            &[
                ("Status", "Status"),
                ("Nodes", "TotalNodes"),
                ("Active nodes", "ActiveNodes"),
                ("Node type", "NodeType"),
                ("Endpoint", "ClusterDiscoveryEndpoint/URL"),
                ("Encryption on the way", "ClusterEndpointEncryptionType"),
                ("Parameter group", "ParameterGroup/ParameterGroupName"),
                ("Role", "IamRoleArn"),
                ("Description", "Description"),
            ],
        )
        .sections(&["nodes"])
        .document("Cluster", pretty(&cluster)))
}

pub(super) async fn section(ctx: &Ctx, resource: &str) -> Result<Section, ApiError> {
    let cluster = cluster(ctx, resource).await?;
    let section = Section::new("nodes", "Nodes", &["Id", "Status", "Address", "Port", "Zone"]);
    let paths = ["NodeId", "NodeStatus", "Endpoint/Address", "Endpoint/Port", "AvailabilityZone"];
    Ok(section.documents(items(&cluster, "Nodes"), &paths))
}
