//! Work that outlives a request. Each job compares what should be with what is, in steps of bounded size, and may run
//! again after a crash.

mod backfill;
mod expiry;
mod purge;
mod trimming;

pub(crate) use purge::delete_some;

use std::sync::Arc;

use clock::{Job, JobId, JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::{Ctx, tenant};
use identity::{AccountId, Region};
use serde::{Deserialize, Serialize};
use shapes::ApiError;
use store::Tx;

use crate::DynamoDb;
use crate::definitions::Table;
use crate::target::Target;

/// Ends items whose time to live is over.
pub(crate) const EXPIRY: &str = "dynamodb/expiry";
/// Takes records from streams and journals that are older than they are kept.
pub(crate) const TRIMMING: &str = "dynamodb/trimming";
/// Fills what must know all items of a table: indexes, times to live, backups, restored tables.
pub(crate) const FILLING: &str = "dynamodb/filling";
/// Clears away what a deleted table, index or backup held.
pub(crate) const PURGE: &str = "dynamodb/purge";
/// Writes a table to S3.
pub(crate) const EXPORT: &str = "dynamodb/export";
/// Fills a table from S3.
pub(crate) const IMPORT: &str = "dynamodb/import";
/// Carries writes between the replicas of global tables, fills new replicas, forgets deletions.
pub(crate) const REPLICATION: &str = "dynamodb/replication";
/// Looks whether a table's KMS key can still be used.
pub(crate) const KEY_CHECK: &str = "dynamodb/key-check";

/// Rows that one step of a job reads or writes, so that no transaction is long.
const ROWS_AT_ONCE: usize = 500;
const BYTES_AT_ONCE: usize = 1 << 20;

/// What a job does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Work {
    Expire { settings: u64 },
    EnterEnds { settings: u64 },
    TrimStream { label: String },
    TrimJournal { journal: u64 },
    Backfill { index: String, id: u64 },
    Purge { places: Vec<u64>, time_to_live: Option<u64>, journal: Option<u64> },
    Backup { id: String },
    Restore { source: RestoreSource },
    CheckKey { table: u64, key_arn: String },
    Export { id: String },
    Import { id: String },
    Replicate { table: u64 },
    FillReplica { region: String, group: u64 },
    ForgetDeletions { table: u64 },
    ForgetReplica { table: u64 },
    ForgetDataKeys { numbers: Vec<u64> },
}

/// What a restored table is filled from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum RestoreSource {
    Backup { place: u64 },
    Moment { id: u64, journal: u64, at: shapes::Timestamp },
}

#[derive(Serialize, Deserialize)]
struct Payload {
    account: String,
    region: String,
    table: String,
    work: Work,
}

/// A job's payload: the table it is about, and the work.
pub(crate) fn payload(table: &Table, work: &Work) -> Vec<u8> {
    encode(table.account, table.region, table.name(), work)
}

pub(crate) fn encode(account: AccountId, region: Region, table: &str, work: &Work) -> Vec<u8> {
    let payload = Payload {
        account: account.to_string(),
        region: region.as_str().to_owned(),
        table: table.to_owned(),
        work: work.clone(),
    };
    postcard::to_stdvec(&payload).expect("a payload is plain data, which postcard can always write to memory")
}

/// Adds a job that is due now.
pub(crate) fn start(ctx: &Ctx, tx: &mut Tx<'_>, kind: &'static str, target: &Target, work: &Work) {
    let payload = encode(target.account, target.region, &target.name, work);
    let job = NewJob { kind, subject: target.arn(), payload, due: ctx.now() };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
}

pub(crate) fn kinds(service: &Arc<DynamoDb>) -> Vec<JobKind> {
    [
        (EXPIRY, 4),
        (TRIMMING, 2),
        (FILLING, 4),
        (PURGE, 2),
        (KEY_CHECK, 2),
        (EXPORT, 2),
        (IMPORT, 2),
        (REPLICATION, 4),
    ]
    .into_iter()
    .map(|(name, concurrency)| {
        let service = Arc::clone(service);
        JobKind {
            name,
            retry: RetryPolicy::UNTIL_DONE,
            concurrency,
            handler: Arc::new(move |id, job| {
                let service = Arc::clone(&service);
                Box::pin(async move { run(&service, id, &job).await })
            }),
            given_up: None,
        }
    })
    .collect()
}

/// A job under way.
pub(crate) struct Running {
    pub service: Arc<DynamoDb>,
    pub ctx: Ctx,
    pub target: Target,
    pub id: JobId,
}

async fn run(service: &Arc<DynamoDb>, id: JobId, job: &Job) -> JobOutcome {
    let Some((target, work)) = decode(&job.payload) else {
        tracing::error!(subject = %job.subject, kind = %job.kind, "a job's payload cannot be read");
        return JobOutcome::Done;
    };
    let ctx =
        service.cloud.background("dynamodb.amazonaws.com", &target.arn(), target.account, target.region);
    let running = Running { service: Arc::clone(service), ctx, target, id };
    match running.work(work).await {
        Ok(outcome) => outcome,
        Err(error) => JobOutcome::Failed(format!("{error:?}")),
    }
}

fn decode(payload: &[u8]) -> Option<(Target, Work)> {
    let payload: Payload = postcard::from_bytes(payload).ok()?;
    let (account, region) = (AccountId::parse(&payload.account)?, Region::parse(&payload.region)?);
    let target = Target { name: payload.table, account, region, scope: tenant(account, region) };
    Some((target, payload.work))
}

impl Running {
    async fn work(&self, work: Work) -> Result<JobOutcome, ApiError> {
        match work {
            Work::Expire { settings } => self.expire(settings).await,
            Work::EnterEnds { settings } => self.enter_ends(settings).await,
            Work::TrimStream { label } => self.trim_stream(label).await,
            Work::TrimJournal { journal } => self.trim_journal(journal).await,
            Work::Backfill { index, id } => self.backfill(index, id).await,
            Work::Purge { places, time_to_live, journal } => self.purge(places, time_to_live, journal).await,
            Work::Backup { id } => self.copy_backup(id).await,
            Work::Restore { source } => self.restore(source).await,
            Work::ForgetDataKeys { numbers } => self.forget_data_keys(&numbers).await,
            Work::CheckKey { table, key_arn } => self.check_key(table, &key_arn).await,
            Work::Export { id } => self.export(id).await,
            Work::Import { id } => self.import(id).await,
            Work::Replicate { table } => self.replicate(table).await,
            Work::FillReplica { region, group } => self.fill_replica(region, group).await,
            Work::ForgetDeletions { table } => self.forget_deletions(table).await,
            Work::ForgetReplica { table } => self.forget_replica(table).await,
        }
    }

    /// One step, as a transaction in the table's tenant.
    pub(crate) async fn step<T: Send + 'static>(
        &self,
        mut step: impl FnMut(&DynamoDb, &Ctx, &mut Tx<'_>, &Target) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (service, ctx, target) = (Arc::clone(&self.service), self.ctx.clone(), self.target.clone());
        self.ctx.write(move |tx| step(&service, &ctx, tx, &target)).await
    }
}
