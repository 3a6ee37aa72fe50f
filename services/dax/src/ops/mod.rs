//! The operation table, and what most operations begin with.

mod create_cluster;
mod describe;
mod events;
mod nodes;
mod parameter_groups;
mod subnet_groups;
mod tags;
mod update_cluster;

use std::ops::ControlFlow;
use std::time::Duration;

use cloud::{Ctx, Guard, Operation};
use dax_api::op;
use shapes::ApiError;
use store::{Order, Range, Reader, Tx};

use crate::cluster::Cluster;
use crate::tables::{CLUSTERS, EVENTS, Event};
use crate::{Dax, errors};

pub(crate) static OPERATIONS: &[Operation<Dax>] = &[
    Operation::of::<op::CreateCluster>(),
    Operation::transaction::<op::CreateParameterGroup>(),
    Operation::transaction::<op::CreateSubnetGroup>(),
    Operation::transaction::<op::DecreaseReplicationFactor>(),
    Operation::transaction::<op::DeleteCluster>(),
    Operation::transaction::<op::DeleteParameterGroup>(),
    Operation::transaction::<op::DeleteSubnetGroup>(),
    Operation::of::<op::DescribeClusters>(),
    Operation::of::<op::DescribeDefaultParameters>(),
    Operation::of::<op::DescribeEvents>(),
    Operation::of::<op::DescribeParameterGroups>(),
    Operation::of::<op::DescribeParameters>(),
    Operation::of::<op::DescribeSubnetGroups>(),
    Operation::of::<op::IncreaseReplicationFactor>(),
    Operation::of::<op::ListTags>(),
    Operation::transaction::<op::RebootNode>(),
    Operation::transaction::<op::TagResource>(),
    Operation::transaction::<op::UntagResource>(),
    Operation::transaction::<op::UpdateCluster>(),
    Operation::transaction::<op::UpdateParameterGroup>(),
    Operation::transaction::<op::UpdateSubnetGroup>(),
];

/// How long events are kept (API Reference, DescribeEvents: 14 days).
pub(crate) const EVENTS_KEPT: Duration = Duration::from_secs(14 * 86_400);
/// Old events that one new one clears away.
const EVENTS_CLEARED: usize = 8;

pub(crate) fn arn(ctx: &Ctx, name: &str) -> String {
    let name = name.to_ascii_lowercase();
    format!("arn:aws:dax:{}:{}:cache/{name}", ctx.region().as_str(), ctx.account())
}

pub(crate) fn cluster_guard(ctx: &Ctx, name: &str) -> Guard {
    Guard::resource(arn(ctx, name))
}

/// A group: parameter and subnet groups have no ARNs that policies could name.
pub(crate) fn find_cluster(reader: &mut dyn Reader, name: &str) -> Result<Cluster, ApiError> {
    let name = name.to_ascii_lowercase();
    CLUSTERS.find(reader, &name)?.ok_or_else(|| errors::cluster_not_found(&name))
}

/// Notes an event as a part of `tx`, and clears away some that are too old.
pub(crate) fn note(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    source_type: &str,
    source: &str,
    message: &str,
) -> Result<(), ApiError> {
    let mut old = Vec::new();
    let kept_from = ctx.now() - EVENTS_KEPT;
    EVENTS.visit(tx, &Range::all().before(&kept_from), Order::Ascending, |key, _| {
        old.push(key);
        if old.len() < EVENTS_CLEARED { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    for key in &old {
        EVENTS.delete(tx, key);
    }
    let event =
        Event { source: source.to_owned(), source_type: source_type.to_owned(), message: message.to_owned() };
    EVENTS.put(tx, &(ctx.now(), ctx.ids().number()), &event);
    Ok(())
}

/// A page of a list whose tokens are the names that come next. Pages have 20 to 100 entries (API Reference).
pub(crate) fn page<T>(
    all: Vec<T>,
    name_of: impl Fn(&T) -> &str,
    token: Option<&str>,
    most: Option<i32>,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let most = match most {
        None => 100,
        Some(most @ 20..=100) => most as usize,
        Some(most) => {
            return Err(errors::invalid_value(format!(
                "MaxResults must be between 20 and 100, but is {most}"
            )));
        }
    };
    let first = match token {
        None => 0,
        Some(token) => {
            let found = all.iter().position(|entry| name_of(entry) == token);
            found.ok_or_else(|| errors::invalid_value("The NextToken is not one that was given out"))?
        }
    };
    let next = all.get(first + most).map(|entry| name_of(entry).to_owned());
    Ok((all.into_iter().skip(first).take(most).collect(), next))
}

/// All rows of a table of which an account has few.
pub(crate) fn all<K: store::Key, R: store::Row>(
    reader: &mut dyn Reader,
    table: &store::Table<K, R>,
) -> Result<Vec<R>, ApiError> {
    let rows = table.list(reader, &Range::all(), 10_000)?;
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}
