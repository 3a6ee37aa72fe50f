//! Brings clusters from one state to the next: ports open and close, nodes come and go.

use std::sync::Arc;
use std::time::Duration;

use clock::{Job, JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::Ctx;
use serde::{Deserialize, Serialize};
use shapes::ApiError;
use store::{Row, Scope, Tx};

use crate::cluster::{Cluster, Status};
use crate::serving::Name;
use crate::tables::{CLUSTERS, PORTS, PortOwner};
use crate::{Dax, ops};

const KIND: &str = "dax/cluster";
/// How long a cluster is between two states.
const TRANSITION: Duration = Duration::from_secs(1);

/// The cluster that a job is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Subject {
    owner: PortOwner,
    id: u64,
}

store::row!(Subject, 1);

pub(crate) fn kinds(dax: &Arc<Dax>) -> Vec<JobKind> {
    let dax = Arc::clone(dax);
    vec![JobKind {
        name: KIND,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: 4,
        handler: Arc::new(move |_, job| {
            let dax = Arc::clone(&dax);
            Box::pin(async move {
                run(&dax, job).await.unwrap_or_else(|error| JobOutcome::Failed(error.to_string()))
            })
        }),
        given_up: None,
    }]
}

/// Lets a cluster's state be brought to its end, as a part of `tx`.
pub(crate) fn schedule(ctx: &Ctx, tx: &mut Tx<'_>, cluster: &Cluster) {
    let owner = PortOwner {
        account: ctx.account().to_string(),
        region: ctx.region().as_str().to_owned(),
        cluster: cluster.name.clone(),
    };
    let mut payload = Vec::new();
    Subject { owner, id: cluster.id }.encode(&mut payload);
    let job = NewJob { kind: KIND, subject: cluster.arn.clone(), payload, due: ctx.now() + TRANSITION };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
}

async fn run(dax: &Arc<Dax>, job: Job) -> Result<JobOutcome, ApiError> {
    let Ok(subject) = Subject::decode(&job.payload) else { return Ok(JobOutcome::Done) };
    let Some(name) = Name::of(&subject.owner) else { return Ok(JobOutcome::Done) };
    let ctx = dax.cloud.background("dax.amazonaws.com", &job.subject, name.account, name.region);
    let found = CLUSTERS.find(&mut ctx.read()?, &name.cluster)?;
    let Some(cluster) = found.filter(|cluster| cluster.id == subject.id) else { return Ok(JobOutcome::Done) };
    match cluster.status {
        Status::Available => Ok(JobOutcome::Done),
        Status::Deleting => {
            close(dax, &cluster.ports().collect::<Vec<_>>());
            let own = ctx.clone();
            ctx.write(move |tx| {
                release(tx, cluster.ports());
                CLUSTERS.delete(tx, &cluster.name);
                ops::note(&own, tx, "CLUSTER", &cluster.name, "Cluster deleted.")
            })
            .await?;
            dax.forget(&name);
            Ok(JobOutcome::Done)
        }
        Status::Creating | Status::Modifying | Status::Rebooting => {
            let leaving: Vec<u16> = cluster
                .nodes
                .iter()
                .filter(|node| cluster.leaving.contains(&node.id) || node.status == Status::Rebooting)
                .map(|node| node.port)
                .collect();
            close(dax, &leaving);
            seat(dax, &ctx, &subject, &cluster).await?;
            dax.open(&name)?;
            let own = ctx.clone();
            ctx.write(move |tx| settle(&own, tx, &subject)).await?;
            // A restart of a node leaves the contents of the cache (API Reference, RebootNode).
            if let Some(serving) = dax.serving(&name)? {
                serving.renew();
            }
            // Of nodes that left, which had been opened with the others.
            close(dax, &gone(dax, &name, &cluster)?);
            Ok(JobOutcome::Done)
        }
    }
}

/// Gives new ports in the place of those that somebody else listens on by now. Nobody knows the ports yet of what is being
/// created.
async fn seat(dax: &Arc<Dax>, ctx: &Ctx, subject: &Subject, cluster: &Cluster) -> Result<(), ApiError> {
    let Some(ports) = dax.cloud.ports() else { return Ok(()) };
    let open: Vec<u16> = ports.list().into_iter().map(|(port, _)| port.number).collect();
    let taken: Vec<u16> =
        cluster.unknown_ports().filter(|port| !open.contains(port) && !ports.is_free(*port)).collect();
    if taken.is_empty() {
        return Ok(());
    }
    let (dax, own, subject) = (Arc::clone(dax), ctx.clone(), subject.clone());
    ctx.write(move |tx| {
        let found = CLUSTERS.find(tx, &subject.owner.cluster)?;
        let Some(mut cluster) = found.filter(|cluster| cluster.id == subject.id) else { return Ok(()) };
        for old in &taken {
            let new = dax.take_port(&own, tx, &cluster)?;
            release(tx, std::iter::once(*old));
            cluster.move_port(*old, new);
        }
        CLUSTERS.put(tx, &cluster.name, &cluster);
        Ok(())
    })
    .await
}

fn settle(ctx: &Ctx, tx: &mut Tx<'_>, subject: &Subject) -> Result<(), ApiError> {
    let found = CLUSTERS.find(tx, &subject.owner.cluster)?;
    let Some(mut cluster) = found.filter(|cluster| cluster.id == subject.id) else { return Ok(()) };
    if cluster.status == Status::Deleting {
        return Ok(());
    }
    let is_new = cluster.status == Status::Creating;
    let leaving = cluster.nodes.iter().filter(|node| cluster.leaving.contains(&node.id));
    release(tx, leaving.map(|node| node.port));
    cluster.settle();
    CLUSTERS.put(tx, &cluster.name, &cluster);
    if is_new {
        ops::note(ctx, tx, "CLUSTER", &cluster.name, "Cluster created.")?;
    }
    Ok(())
}

fn release(tx: &mut Tx<'_>, ports: impl Iterator<Item = u16>) {
    tx.with_scope(&Scope::global(), |tx| ports.for_each(|port| PORTS.delete(tx, &port)));
}

fn close(dax: &Dax, numbers: &[u16]) {
    if let Some(ports) = dax.cloud.ports() {
        numbers.iter().for_each(|number| ports.close(*number));
    }
}

fn gone(dax: &Dax, name: &Name, before: &Cluster) -> Result<Vec<u16>, ApiError> {
    let scope = cloud::tenant(name.account, name.region);
    let now = CLUSTERS.find(&mut dax.cloud.store().read(&scope)?, &name.cluster)?;
    let still: Vec<u16> = now.iter().flat_map(Cluster::ports).collect();
    Ok(before.ports().filter(|port| !still.contains(port)).collect())
}
