//! The live architecture as the console draws it.

use std::collections::BTreeSet;

use cloud::Cloud;
use serde_json::{Value, json};

/// Nodes and edges of everything that called or was called lately.
pub(super) fn architecture(cloud: &Cloud) -> Value {
    let now = cloud.clock().now();
    let edges = cloud.architecture().edges(now);
    let ends = edges.iter().flat_map(|edge| [&*edge.from, &*edge.to]);
    let nodes: BTreeSet<&str> = ends.filter(|end| end.starts_with("arn:")).collect();
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
