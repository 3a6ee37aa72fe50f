//! The live architecture as the console draws it.

use std::collections::BTreeSet;

use cloud::Cloud;
use serde_json::{Value, json};

use super::inventory::Inventory;

/// What there is, and the calls between all that called or was called lately.
pub(super) async fn architecture(cloud: &Cloud, inventory: &Inventory) -> Value {
    let now = cloud.clock().now();
    let edges = cloud.architecture().edges(now);
    let ends = edges.iter().flat_map(|edge| [&*edge.from, &*edge.to]);
    let seen: BTreeSet<&str> = ends.filter(|end| end.starts_with("arn:")).collect();
    let resources = inventory.resources(cloud, &seen).await;
    let nodes: BTreeSet<&str> = resources.iter().map(String::as_str).chain(seen).collect();
    let nodes: Vec<Value> = nodes.into_iter().map(|arn| json!({ "arn": arn, "kind": kind(arn) })).collect();
    json!({
        "region": cloud.settings().default_region.as_str(),
        "now": now.iso8601_millis(),
        "edges": edges,
        "nodes": nodes,
    })
}

/// The service part of an ARN.
pub(super) fn kind(arn: &str) -> &str {
    arn.split(':').nth(2).unwrap_or_default()
}
