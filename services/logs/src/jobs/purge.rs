//! Takes away what a deleted group or stream held.

use std::ops::ControlFlow;
use std::sync::Arc;

use clock::{JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::{Cloud, Ctx};
use store::{Key, Order, Range, Row, StoreError, Table, Tx};

use super::{ROWS_AT_ONCE, Tenant};
use crate::{group, tables};

const KIND: &str = "logs/purge";

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Purge {
    tenant: Tenant,
    group: u64,
    /// `None`: the whole group.
    stream: Option<u64>,
}

store::row!(Purge, 1);

pub(crate) fn schedule(ctx: &Ctx, tx: &mut Tx<'_>, name: &str, group: u64, stream: Option<u64>) {
    let mut payload = Vec::new();
    Purge { tenant: Tenant::of(ctx), group, stream }.encode(&mut payload);
    let job = NewJob { kind: KIND, subject: group::arn(ctx, name), payload, due: ctx.now() };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
}

pub(crate) fn kind(cloud: Cloud) -> JobKind {
    JobKind {
        name: KIND,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: 2,
        handler: Arc::new(move |_, job| {
            let cloud = cloud.clone();
            Box::pin(async move { run(&cloud, &job.payload).await })
        }),
        given_up: None,
    }
}

async fn run(cloud: &Cloud, payload: &[u8]) -> JobOutcome {
    let Some((purge, scope)) = Purge::decode(payload).ok().and_then(|purge| {
        let scope = purge.tenant.scope()?;
        Some((purge, scope))
    }) else {
        return JobOutcome::Done;
    };
    loop {
        let purge = purge.clone();
        match cloud.store().write(&scope, move |tx| purge.some(tx)).await {
            Ok(true) => return JobOutcome::Done,
            Ok(false) => {}
            Err(error) => return JobOutcome::Failed(error.to_string()),
        }
    }
}

impl Purge {
    /// Whether nothing is left.
    fn some(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        match self.stream {
            Some(stream) => delete_some(tx, &tables::EVENTS, &Range::prefix(&(self.group, stream))),
            None => {
                let range = Range::prefix(&self.group);
                Ok(delete_some(tx, &tables::EVENTS, &range)? && delete_some(tx, &tables::STREAMS, &range)?)
            }
        }
    }
}

/// Deletes rows of `range`; whether they were all.
fn delete_some<K: Key, R: Row>(
    tx: &mut Tx<'_>,
    table: &Table<K, R>,
    range: &Range,
) -> Result<bool, StoreError> {
    let mut keys = Vec::new();
    let mut is_all = true;
    table.visit(tx, range, Order::Ascending, |key, _| {
        if keys.len() == ROWS_AT_ONCE {
            is_all = false;
            return ControlFlow::Break(());
        }
        keys.push(key);
        ControlFlow::Continue(())
    })?;
    for key in &keys {
        table.delete(tx, key);
    }
    Ok(is_all)
}
