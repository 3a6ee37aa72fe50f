//! TagResource and UntagResource.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use secretsmanager_api::op::{TagResource, UntagResource};
use secretsmanager_api::{Tag, TagResourceInput, TagResourceOutput, UntagResourceInput, UntagResourceOutput};
use shapes::ApiError;

use crate::SecretsManager;
use crate::secret::{self, check_tags};
use crate::secret_id::SecretId;

/// The guard with the tags that a request brings.
pub(super) fn asked(guard: Guard, tags: &[Tag]) -> Guard {
    let names = tags.iter().filter_map(|tag| tag.key.clone()).collect();
    tags.iter().fold(guard.with("aws:tagkeys", names), |guard, tag| match (&tag.key, &tag.value) {
        (Some(key), Some(value)) => guard.with(&format!("aws:requesttag/{key}"), vec![value.clone()]),
        _ => guard,
    })
}

impl Handle<TagResource> for SecretsManager {
    fn guard(&self, ctx: &Ctx, input: &TagResourceInput) -> Result<Guard, ApiError> {
        Ok(asked(self.guard_of(ctx, &input.secret_id)?, &input.tags))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: TagResourceInput,
    ) -> Result<TagResourceOutput, ApiError> {
        let id = SecretId::parse(ctx, &input.secret_id)?;
        let added = secret::tags(input.tags)?;
        self.change(&id, move |_, secret| {
            secret.check_not_deleted()?;
            secret.tags.extend(added.clone());
            check_tags(&secret.tags)
        })
        .await?;
        Ok(TagResourceOutput {})
    }
}

impl Handle<UntagResource> for SecretsManager {
    fn guard(&self, ctx: &Ctx, input: &UntagResourceInput) -> Result<Guard, ApiError> {
        Ok(self.guard_of(ctx, &input.secret_id)?.with("aws:tagkeys", input.tag_keys.clone()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: UntagResourceInput,
    ) -> Result<UntagResourceOutput, ApiError> {
        let id = SecretId::parse(ctx, &input.secret_id)?;
        self.change(&id, move |_, secret| {
            secret.check_not_deleted()?;
            secret.tags.retain(|name, _| !input.tag_keys.contains(name));
            Ok(())
        })
        .await?;
        Ok(UntagResourceOutput {})
    }
}
