//! GetJobTagging, PutJobTagging, DeleteJobTagging.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3control_api::op::{DeleteJobTagging, GetJobTagging, PutJobTagging};
use s3control_api::{
    DeleteJobTaggingInput, DeleteJobTaggingOutput, GetJobTaggingInput, GetJobTaggingOutput,
    PutJobTaggingInput, PutJobTaggingOutput, S3Tag,
};
use shapes::ApiError;

use super::batch_job::{find, guard};
use super::check_account;
use crate::{S3, errors, tables};

/// S3 User Guide, "Controlling access and labeling jobs using tags".
const MOST_TAGS: usize = 50;

pub(super) fn check_tags(tags: &[S3Tag]) -> Result<(), ApiError> {
    if tags.len() > MOST_TAGS {
        let message = format!("The number of tags exceeds the limit of {MOST_TAGS} tags.");
        return Err(s3control_api::error::too_many_tags_exception(message));
    }
    for (index, tag) in tags.iter().enumerate() {
        if tag.key.starts_with("aws:") {
            return Err(errors::invalid_tag("System tags cannot be added/updated by requester"));
        }
        if tags[..index].iter().any(|other| other.key == tag.key) {
            return Err(errors::invalid_tag("Cannot provide multiple Tags with the same key"));
        }
    }
    Ok(())
}

impl S3 {
    async fn set_job_tags(
        self: &Arc<Self>,
        ctx: &Ctx,
        id: String,
        tags: Vec<(String, String)>,
    ) -> Result<(), ApiError> {
        let own = ctx.clone();
        self.write(move |tx| {
            let mut job = find(tx, &own, &id)?;
            job.tags.clone_from(&tags);
            tables::BATCH_JOBS.put(tx, &job.place(), &job);
            Ok(())
        })
        .await
    }
}

impl Handle<GetJobTagging> for S3 {
    fn guard(&self, ctx: &Ctx, input: &GetJobTaggingInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.job_id, "s3:GetJobTagging"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetJobTaggingInput,
    ) -> Result<GetJobTaggingOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let job = find(&mut self.read()?, ctx, &input.job_id)?;
        let tags = job.tags.into_iter().map(|(key, value)| S3Tag { key, value });
        Ok(GetJobTaggingOutput { tags: Some(tags.collect()) })
    }
}

impl Handle<PutJobTagging> for S3 {
    fn guard(&self, ctx: &Ctx, input: &PutJobTaggingInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.job_id, "s3:PutJobTagging"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: PutJobTaggingInput,
    ) -> Result<PutJobTaggingOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        check_tags(&input.tags)?;
        let tags = input.tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
        self.set_job_tags(ctx, input.job_id, tags).await?;
        Ok(PutJobTaggingOutput::default())
    }
}

impl Handle<DeleteJobTagging> for S3 {
    fn guard(&self, ctx: &Ctx, input: &DeleteJobTaggingInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.job_id, "s3:DeleteJobTagging"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteJobTaggingInput,
    ) -> Result<DeleteJobTaggingOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        self.set_job_tags(ctx, input.job_id, Vec::new()).await?;
        Ok(DeleteJobTaggingOutput::default())
    }
}
