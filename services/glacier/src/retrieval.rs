//! What makes jobs end: their output is prepared when their time has come, kept for a day, and let go.

use std::sync::Arc;

use clock::{JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use identity::{AccountId, Region};
use shapes::{ApiError, Timestamp};
use store::{Scope, Tx};

use crate::content::{self, Received};
use crate::job::{Job, KEPT_FOR, Output, Query, State, Task, has_tree_hash};
use crate::place::Place;
use crate::{Glacier, errors, notification, tables, vault};

const JOB: &str = "glacier.retrieval";

/// Has a job end at `due`.
pub(crate) fn schedule(
    tx: &mut Tx<'_>,
    now: Timestamp,
    number: u128,
    (place, id): (&Place, &str),
    due: Timestamp,
) {
    let named = (place.account.to_string(), place.region.to_string(), &place.vault, id);
    let payload = serde_json::to_vec(&named).unwrap_or_default();
    Jobs::add(tx, now, number, NewJob { kind: JOB, subject: place.arn(), payload, due });
}

pub(crate) fn job(glacier: &Arc<Glacier>) -> JobKind {
    let glacier = Arc::clone(glacier);
    JobKind {
        name: JOB,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: 4,
        handler: Arc::new(move |_, job| {
            let glacier = Arc::clone(&glacier);
            Box::pin(async move {
                let Some((place, id)) = named(&job.payload) else { return JobOutcome::Done };
                glacier.end(place, id).await.unwrap_or_else(|error| JobOutcome::Failed(error.to_string()))
            })
        }),
        given_up: None,
    }
}

fn named(payload: &[u8]) -> Option<(Place, String)> {
    let (account, region, vault, id): (String, String, String, String) =
        serde_json::from_slice(payload).ok()?;
    Some((Place { account: AccountId::parse(&account)?, region: Region::parse(&region)?, vault }, id))
}

impl Glacier {
    async fn end(&self, place: Place, id: String) -> Result<JobOutcome, ApiError> {
        let key = (place.vault.clone(), id.clone());
        let now = self.cloud.clock().now();
        let found = tables::JOBS.find(&mut self.cloud.store().read(&place.scope())?, &key)?;
        let Some(job) = found else { return Ok(JobOutcome::Done) };
        if let Some(completed) = job.state.completed() {
            if now < completed + KEPT_FOR {
                return Ok(JobOutcome::Again(completed + KEPT_FOR));
            }
            self.expire(&place, key).await?;
            return Ok(JobOutcome::Done);
        }
        match job.task.clone() {
            Task::Archive { .. } => self.complete(place, id, now, None).await?,
            Task::Inventory(query) => {
                let (received, marker) = self.write_inventory(&place, &query).await?;
                self.complete(place, id, now, Some((received, marker))).await?;
            }
        }
        Ok(JobOutcome::Again(now + KEPT_FOR))
    }

    /// Ends a job in one transaction with what is told of it.
    async fn complete(
        &self,
        place: Place,
        id: String,
        now: Timestamp,
        inventory: Option<(Received, Option<String>)>,
    ) -> Result<(), ApiError> {
        let ctx = self.cloud.background(notification::SERVICE, &place.arn(), place.account, place.region);
        let number = self.cloud.ids().number();
        let written = inventory
            .as_ref()
            .map(|(received, marker)| (received.segment(), received.file(), marker.clone()));
        let scope = place.scope();
        let write = self.cloud.store().write(&scope, move |tx| {
            let key = (place.vault.clone(), id.clone());
            let Some(mut job) = tables::JOBS.find(tx, &key)? else { return Ok::<_, ApiError>(false) };
            job.state = match &written {
                None => archive_output(tx, &place, &job, now)?,
                Some((segment, file, marker)) => {
                    content::store(tx, number, vec![*segment], Some(file));
                    let output = Output {
                        content: number,
                        range: 0..segment.size,
                        tree_hash: None,
                        description: String::new(),
                        marker: marker.clone(),
                    };
                    State::Succeeded { when: now, output }
                }
            };
            tables::JOBS.put(tx, &key, &job);
            let message = job.message(&place, &id);
            let configured = tables::VAULTS.find(tx, &place.vault)?.and_then(|vault| vault.notifications);
            let configured =
                configured.filter(|wanted| wanted.events.iter().any(|event| event == job.task.event()));
            let mut topics: Vec<String> =
                configured.map(|wanted| wanted.topic).into_iter().chain(job.topic).collect();
            topics.dedup();
            for topic in &topics {
                notification::publish(&ctx, tx, topic, &message);
            }
            Ok(true)
        });
        let is_named = write.await?;
        if let Some((received, _)) = inventory.filter(|_| is_named) {
            received.placed.keep();
        }
        Ok(())
    }

    async fn expire(&self, place: &Place, key: (String, String)) -> Result<(), ApiError> {
        let scope = place.scope();
        let write = self.cloud.store().write(&scope, move |tx| forget(tx, &key));
        let freed = write.await?;
        self.remove(freed);
        Ok(())
    }

    /// Whether what `query` asks for is an inventory that was taken.
    pub(crate) fn check_inventory(vault: &vault::Vault, query: &Query) -> Result<(), ApiError> {
        if vault.inventory.is_none() {
            let message = "Inventory retrieval is not available: the initial inventory for this vault has not yet been generated.";
            return Err(errors::not_found(message));
        }
        match (query.start, query.end) {
            (Some(start), Some(end)) if start >= end => {
                Err(errors::invalid("StartDate must be before EndDate"))
            }
            _ => Ok(()),
        }
    }
}

/// Removes a job with its hold on what it prepared. Returns the files to be removed.
pub(crate) fn forget(tx: &mut Tx<'_>, key: &(String, String)) -> Result<Vec<u128>, ApiError> {
    let Some(job) = tables::JOBS.find(tx, key)? else { return Ok(Vec::new()) };
    tables::JOBS.delete(tx, key);
    match job.state {
        State::Succeeded { output, .. } => content::release(tx, output.content),
        _ => Ok(Vec::new()),
    }
}

/// Holds on to the archive's content, if the archive is still there.
fn archive_output(tx: &mut Tx<'_>, place: &Place, job: &Job, now: Timestamp) -> Result<State, ApiError> {
    let Task::Archive { id, size, range, .. } = &job.task else {
        return Err(ApiError::internal("an inventory's job has no output"));
    };
    let Some(archive) = vault::find_archive(tx, place, id)? else {
        return Ok(State::Failed { when: now, message: format!("The archive ID was not found: {id}") });
    };
    content::share(tx, archive.content)?;
    let tree_hash = match has_tree_hash(range, *size) {
        true => tx.with_scope(&Scope::global(), |tx| {
            let content = content::find(tx, archive.content)?;
            content::tree_hash_of(tx, &content, range)
        })?,
        false => None,
    };
    let output = Output {
        content: archive.content,
        range: range.clone(),
        tree_hash,
        description: archive.description,
        marker: None,
    };
    Ok(State::Succeeded { when: now, output })
}
