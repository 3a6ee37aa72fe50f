//! InitiateJob, DescribeJob, ListJobs.

use std::ops::Range;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use glacier_api::op::{DescribeJob, InitiateJob, ListJobs};
use glacier_api::{
    DescribeJobInput, GlacierJobDescription, InitiateJobInput, InitiateJobOutput, JobParameters,
    ListJobsInput, ListJobsOutput,
};
use shapes::ApiError;
use store::{Reader, Tx};

use super::id;
use crate::job::{Job, Query, State, Task, Tier};
use crate::place::Place;
use crate::tree_hash::MEGABYTE;
use crate::{
    Glacier, errors, inventory, notification, page, range, retrieval, retrieval_policy, tables, vault,
};

const PAGE: usize = 50;

/// What a job is asked to do, past its checks.
#[derive(Clone)]
enum Wanted {
    Archive { id: String, range: Option<Range<u64>>, tier: Tier },
    Inventory(Query),
}

impl Handle<InitiateJob> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &InitiateJobInput) -> Result<Guard, ApiError> {
        let archive = input.job_parameters.as_ref().and_then(|parameters| parameters.archive_id.as_deref());
        let vault = (&*input.account_id, &*input.vault_name);
        self.archive_guard(ctx, vault, archive.unwrap_or_default())
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: InitiateJobInput,
    ) -> Result<InitiateJobOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let parameters = input.job_parameters.unwrap_or_default();
        let (description, topic) = (parameters.description.clone(), parameters.sns_topic.clone());
        let description = description.map(|text| vault::description(Some(text))).transpose()?;
        topic.as_deref().map(notification::check_topic).transpose()?;
        let wanted = parse(parameters)?;
        let (job_id, number, now) = (id(ctx, 92), ctx.ids().number(), ctx.now());
        let location = place.path(&format!("/jobs/{job_id}"));
        let output = InitiateJobOutput {
            location: Some(location),
            job_id: Some(job_id.clone()),
            job_output_path: None,
        };
        let scope = place.scope();
        let write = ctx.store().write(&scope, move |tx| {
            let task = task(tx, &place, &wanted, now)?;
            let due = now + task.tier().takes();
            let (description, topic) = (description.clone(), topic.clone());
            let job = Job { task, description, topic, created: now, state: State::InProgress };
            tables::JOBS.put(tx, &(place.vault.clone(), job_id.clone()), &job);
            retrieval::schedule(tx, now, number, (&place, &job_id), due);
            Ok::<_, ApiError>(())
        });
        write.await?;
        Ok(output)
    }
}

fn parse(parameters: JobParameters) -> Result<Wanted, ApiError> {
    let tier = match parameters.tier.as_deref() {
        None => Tier::Standard,
        Some(text) => Tier::parse(text).ok_or_else(|| errors::invalid(format!("Invalid Tier: {text}")))?,
    };
    match parameters.r#type.as_deref() {
        None => Err(errors::missing("Type")),
        Some("archive-retrieval") => {
            if parameters.format.is_some() {
                return Err(errors::invalid("Format is only for jobs of type inventory-retrieval"));
            }
            let id = parameters.archive_id.ok_or_else(|| errors::missing("ArchiveId"))?;
            let range = parameters.retrieval_byte_range.map(|text| {
                range::parse(&text)
                    .ok_or_else(|| errors::invalid(format!("Invalid RetrievalByteRange: {text}")))
            });
            Ok(Wanted::Archive { id, range: range.transpose()?, tier })
        }
        Some("inventory-retrieval") => {
            if parameters.archive_id.is_some() || parameters.retrieval_byte_range.is_some() {
                return Err(errors::invalid("ArchiveId and RetrievalByteRange are only for archives"));
            }
            let is_csv = match parameters.format.as_deref() {
                None | Some("JSON") => false,
                Some("CSV") => true,
                Some(other) => return Err(errors::invalid(format!("Invalid Format: {other}"))),
            };
            let asked = parameters.inventory_retrieval_parameters.unwrap_or_default();
            let date = |text: Option<String>| {
                let parse = |text: String| {
                    inventory::date(&text).ok_or_else(|| errors::invalid(format!("Invalid date: {text}")))
                };
                text.map(parse).transpose()
            };
            let limit = asked.limit.map(|text| {
                let limit = text.parse::<u64>().ok().filter(|limit| *limit > 0);
                limit.ok_or_else(|| errors::invalid(format!("Invalid Limit: {text}")))
            });
            Ok(Wanted::Inventory(Query {
                is_csv,
                start: date(asked.start_date)?,
                end: date(asked.end_date)?,
                limit: limit.transpose()?,
                marker: asked.marker,
            }))
        }
        Some("select") => Err(errors::invalid("Jobs of type select are no longer supported")),
        Some(other) => Err(errors::invalid(format!("Invalid Type: {other}"))),
    }
}

fn task(tx: &mut Tx<'_>, place: &Place, wanted: &Wanted, now: shapes::Timestamp) -> Result<Task, ApiError> {
    let vault = vault::find(tx, place)?;
    match wanted.clone() {
        Wanted::Inventory(query) => {
            Glacier::check_inventory(&vault, &query)?;
            Ok(Task::Inventory(query))
        }
        Wanted::Archive { id, range, tier } => {
            let archive = vault::find_archive(tx, place, &id)?;
            let archive = archive.ok_or_else(|| errors::archive_not_found(&id))?;
            let size = archive.size;
            let range = range.unwrap_or(0..size);
            let is_in_place = range.end <= size
                && range.start.is_multiple_of(MEGABYTE)
                && (range.end.is_multiple_of(MEGABYTE) || range.end == size);
            if !is_in_place {
                let message = format!(
                    "Invalid RetrievalByteRange: {} is not of whole megabytes of the archive",
                    range::text(&range)
                );
                return Err(errors::invalid(message));
            }
            if tier == Tier::Standard {
                retrieval_policy::admit(tx, range.end - range.start, now)?;
            }
            Ok(Task::Archive { id, size, tree_hash: archive.tree_hash, range, tier })
        }
    }
}

impl Handle<DescribeJob> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &DescribeJobInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeJobInput,
    ) -> Result<GlacierJobDescription, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let job = find(&mut ctx.store().read(&place.scope())?, &place, &input.job_id)?;
        Ok(job.describe(&place, &input.job_id))
    }
}

/// A job of a vault that is there.
pub(super) fn find(reader: &mut dyn Reader, place: &Place, id: &str) -> Result<Job, ApiError> {
    vault::find(reader, place)?;
    let found = tables::JOBS.find(reader, &(place.vault.clone(), id.to_owned()))?;
    found.ok_or_else(|| errors::job_not_found(id))
}

impl Handle<ListJobs> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &ListJobsInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: ListJobsInput) -> Result<ListJobsOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let limit = page::limit(input.limit.as_deref(), PAGE)?;
        let is_completed = match input.completed.as_deref() {
            None => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(other) => return Err(errors::invalid(format!("Invalid completed: {other}"))),
        };
        let status = input.statuscode;
        if let Some(other) =
            status.as_deref().filter(|status| !["InProgress", "Succeeded", "Failed"].contains(status))
        {
            return Err(errors::invalid(format!("Invalid statuscode: {other}")));
        }
        let mut reader = ctx.store().read(&place.scope())?;
        vault::find(&mut reader, &place)?;
        let mut range = store::Range::prefix(&place.vault);
        if let Some(marker) = input.marker {
            range = range.starting_at(&(place.vault.clone(), marker));
        }
        let mut rows = Vec::new();
        tables::JOBS.visit(&mut reader, &range, store::Order::Ascending, |(_, id), job| {
            let is_wanted = is_completed.is_none_or(|wanted| wanted == job.state.completed().is_some())
                && status.as_deref().is_none_or(|wanted| wanted == job.state.name());
            if is_wanted {
                rows.push((id, job));
            }
            if rows.len() > limit {
                std::ops::ControlFlow::Break(())
            } else {
                std::ops::ControlFlow::Continue(())
            }
        })?;
        let next = page::cut(&mut rows, limit);
        let jobs = rows.iter().map(|(id, job)| job.describe(&place, id)).collect();
        Ok(ListJobsOutput { job_list: Some(jobs), marker: next.map(|(id, _)| id) })
    }
}
