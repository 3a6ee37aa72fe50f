//! The live architecture as the console draws it.

use std::collections::BTreeSet;

use cloud::Cloud;
use identity::{AccountId, Region};
use serde_json::{Value, json};

use super::inventory::Inventory;
use super::node::Tenant;

/// What there is, and the calls between all that called or was called lately.
pub(super) async fn architecture(cloud: &Cloud, inventory: &Inventory) -> Value {
    let now = cloud.clock().now();
    let edges = cloud.architecture().edges(now);
    let ends = edges.iter().flat_map(|edge| [&*edge.from, &*edge.to]);
    let seen: BTreeSet<&str> = ends.filter(|end| end.starts_with("arn:")).collect();
    let own = (AccountId::DEFAULT, cloud.settings().default_region);
    let tenants: BTreeSet<Tenant> = seen.iter().filter_map(|arn| tenant(arn)).chain([own]).collect();
    let resources = inventory.drawn(cloud, &tenants).await;
    let nodes: BTreeSet<&str> = resources.iter().map(String::as_str).chain(seen).collect();
    let nodes: Vec<Value> = nodes.into_iter().map(|arn| json!({ "arn": arn, "kind": kind(arn) })).collect();
    let tenants: Vec<Value> = tenants
        .iter()
        .map(|(account, region)| json!({ "account": account.to_string(), "region": region.as_str() }))
        .collect();
    json!({
        "region": own.1.as_str(),
        "account": own.0.to_string(),
        "tenants": tenants,
        "now": now.iso8601_millis(),
        "edges": edges,
        "nodes": nodes,
    })
}

fn tenant(arn: &str) -> Option<Tenant> {
    let parts = identity::arn::split(arn)?;
    Some((parts.account_id()?, Region::parse(parts.region)?))
}

/// The service part of an ARN.
pub(super) fn kind(arn: &str) -> &str {
    arn.split(':').nth(2).unwrap_or_default()
}
