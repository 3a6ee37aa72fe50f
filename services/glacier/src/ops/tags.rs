//! AddTagsToVault, ListTagsForVault, RemoveTagsFromVault.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use glacier_api::op::{AddTagsToVault, ListTagsForVault, RemoveTagsFromVault};
use glacier_api::{
    AddTagsToVaultInput, AddTagsToVaultOutput, ListTagsForVaultInput, ListTagsForVaultOutput,
    RemoveTagsFromVaultInput, RemoveTagsFromVaultOutput,
};
use shapes::ApiError;

use crate::place::Place;
use crate::{Glacier, errors, vault};

/// Of a vault (Glacier API, "Add Tags To Vault").
const MOST_TAGS: usize = 10;

impl Handle<AddTagsToVault> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &AddTagsToVaultInput) -> Result<Guard, ApiError> {
        let mut guard = self.vault_guard(ctx, &input.account_id, &input.vault_name)?;
        for (key, value) in input.tags.iter().flatten() {
            guard = guard.with(&format!("aws:RequestTag/{key}"), vec![value.clone()]);
        }
        Ok(guard)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: AddTagsToVaultInput,
    ) -> Result<AddTagsToVaultOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let tags: Vec<(String, String)> = input.tags.into_iter().flatten().collect();
        if tags.is_empty() {
            return Err(errors::missing("Tags"));
        }
        for (key, value) in &tags {
            let is_key =
                (1..=128).contains(&key.chars().count()) && !key.to_ascii_lowercase().starts_with("aws:");
            if !is_key {
                return Err(errors::invalid(format!("Invalid tag key: {key}")));
            }
            if value.chars().count() > 256 {
                return Err(errors::invalid(format!("Invalid tag value of key: {key}")));
            }
        }
        self.change(place, move |vault| {
            vault.tags.extend(tags.iter().cloned());
            match vault.tags.len() > MOST_TAGS {
                true => Err(errors::limit_exceeded(format!("A vault can have up to {MOST_TAGS} tags"))),
                false => Ok(()),
            }
        })
        .await?;
        Ok(AddTagsToVaultOutput {})
    }
}

impl Handle<ListTagsForVault> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &ListTagsForVaultInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListTagsForVaultInput,
    ) -> Result<ListTagsForVaultOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let found = vault::find(&mut ctx.store().read(&place.scope())?, &place)?;
        Ok(ListTagsForVaultOutput { tags: Some(found.tags.into_iter().collect()) })
    }
}

impl Handle<RemoveTagsFromVault> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &RemoveTagsFromVaultInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: RemoveTagsFromVaultInput,
    ) -> Result<RemoveTagsFromVaultOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let keys =
            input.tag_keys.filter(|keys| !keys.is_empty()).ok_or_else(|| errors::missing("TagKeys"))?;
        self.change(place, move |vault| {
            vault.tags.retain(|key, _| !keys.contains(key));
            Ok(())
        })
        .await?;
        Ok(RemoveTagsFromVaultOutput {})
    }
}
