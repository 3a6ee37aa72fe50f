//! GetJobOutput: what a job has prepared, or a range of it.

use std::ops::Range;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use glacier_api::op::GetJobOutput;
use glacier_api::{GetJobOutputInput, GetJobOutputOutput};
use shapes::ApiError;
use store::Scope;

use super::job::find;
use crate::job::{Output, State, Task, has_tree_hash};
use crate::place::Place;
use crate::tree_hash::Digest;
use crate::{Glacier, content, errors, range};

impl Handle<GetJobOutput> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &GetJobOutputInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetJobOutputInput,
    ) -> Result<GetJobOutputOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let job = find(&mut ctx.store().read(&place.scope())?, &place, &input.job_id)?;
        let State::Succeeded { output, .. } = job.state else {
            let message = format!("The job is not currently available for download: {}", input.job_id);
            return Err(errors::invalid(message));
        };
        let length = output.range.end - output.range.start;
        let asked = input.range.as_deref().map(|text| within(text, length)).transpose()?;
        let wanted = asked.clone().unwrap_or(0..length);
        let (content, checksum) = self.checked(&output, &job.task, &wanted)?;
        let whole = output.range.start;
        let body = self.body(&content, whole + wanted.start..whole + wanted.end).await?;
        let content_type = match &job.task {
            Task::Archive { .. } => "application/octet-stream",
            Task::Inventory(query) if query.is_csv => "text/csv",
            Task::Inventory(_) => "application/json",
        };
        Ok(GetJobOutputOutput {
            body: Some(body),
            checksum: checksum.map(Digest::hex),
            status: Some(if asked.is_some() { 206 } else { 200 }),
            content_range: asked.map(|range| format!("bytes {}/{length}", range::text(&range))),
            accept_ranges: Some("bytes".to_owned()),
            content_type: Some(content_type.to_owned()),
            archive_description: Some(output.description).filter(|text| !text.is_empty()),
        })
    }
}

impl Glacier {
    /// The content, and the hash of what is wanted of it where an archive's tree has one.
    fn checked(
        &self,
        output: &Output,
        task: &Task,
        wanted: &Range<u64>,
    ) -> Result<(content::Content, Option<Digest>), ApiError> {
        let mut reader = self.cloud.store().read(&Scope::global())?;
        let content = content::find(&mut reader, output.content)?;
        let Task::Archive { size, .. } = task else { return Ok((content, None)) };
        let range = output.range.start + wanted.start..output.range.start + wanted.end;
        let checksum = match (range == output.range, has_tree_hash(&range, *size)) {
            (true, _) => output.tree_hash,
            (false, true) => content::tree_hash_of(&mut reader, &content, &range)?,
            (false, false) => None,
        };
        Ok((content, checksum))
    }
}

/// `bytes=0-1048575` of an output.
fn within(text: &str, length: u64) -> Result<Range<u64>, ApiError> {
    let invalid = || errors::invalid(format!("Invalid range: {text}"));
    let digits = text.strip_prefix("bytes=").ok_or_else(invalid)?;
    let range = match digits.strip_suffix('-') {
        Some(first) => first.parse().ok().map(|first| first..length),
        None => range::parse(digits),
    };
    let range = range.ok_or_else(invalid)?;
    if range.start >= length { Err(invalid()) } else { Ok(range.start..range.end.min(length)) }
}
