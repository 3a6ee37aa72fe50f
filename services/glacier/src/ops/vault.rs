//! CreateVault, DescribeVault, ListVaults, DeleteVault.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use glacier_api::op::{CreateVault, DeleteVault, DescribeVault, ListVaults};
use glacier_api::{
    CreateVaultInput, CreateVaultOutput, DeleteVaultInput, DeleteVaultOutput, DescribeVaultInput,
    DescribeVaultOutput, ListVaultsInput, ListVaultsOutput,
};
use shapes::{ApiError, Timestamp};
use store::{Range, Scope, Tx};

use crate::place::{self, Place};
use crate::vault::{self, Vault};
use crate::{Glacier, content, errors, inventory, page, retrieval, tables};

/// Of an account in a region (Glacier Developer Guide, "Vaults").
const MOST_VAULTS: usize = 1000;
const PAGE: usize = 10;

impl Handle<CreateVault> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &CreateVaultInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: CreateVaultInput,
    ) -> Result<CreateVaultOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let (now, number) = (ctx.now(), ctx.ids().number());
        let location = place.path("");
        let scope = place.scope();
        let write = ctx.store().write(&scope, move |tx| {
            // A vault that is there is as good as one that is made.
            if tables::VAULTS.contains(tx, &place.vault)? {
                return Ok(());
            }
            if tables::VAULTS.list(tx, &Range::all(), MOST_VAULTS)?.len() >= MOST_VAULTS {
                return Err(errors::limit_exceeded(format!("The account already has {MOST_VAULTS} vaults")));
            }
            tables::VAULTS.put(tx, &place.vault, &Vault::new(now));
            inventory::schedule(tx, now, number, &place);
            Ok(())
        });
        write.await?;
        Ok(CreateVaultOutput { location: Some(location) })
    }
}

impl Handle<DescribeVault> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &DescribeVaultInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeVaultInput,
    ) -> Result<DescribeVaultOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let found = vault::find(&mut ctx.store().read(&place.scope())?, &place)?;
        Ok(described(&place, &found))
    }
}

fn described(place: &Place, vault: &Vault) -> DescribeVaultOutput {
    let held = vault.inventory.map(|inventory| inventory.held).unwrap_or_default();
    DescribeVaultOutput {
        vault_arn: Some(place.arn()),
        vault_name: Some(place.vault.clone()),
        creation_date: Some(vault.created.iso8601_millis()),
        last_inventory_date: vault.inventory.map(|inventory| Timestamp::iso8601_millis(inventory.taken)),
        number_of_archives: i64::try_from(held.archives).ok(),
        size_in_bytes: i64::try_from(held.bytes).ok(),
    }
}

impl Handle<ListVaults> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &ListVaultsInput) -> Result<Guard, ApiError> {
        self.account_guard(ctx, &input.account_id, "vaults/*")
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListVaultsInput,
    ) -> Result<ListVaultsOutput, ApiError> {
        let account = place::account_of(ctx, &input.account_id)?;
        let at = |vault: &str| Place { account, region: ctx.region(), vault: vault.to_owned() };
        let limit = page::limit(input.limit.as_deref(), PAGE)?;
        let mut range = Range::all();
        if let Some(marker) = &input.marker {
            let name = marker.rsplit_once("vaults/").map(|(_, name)| name);
            let name = name.filter(|name| *marker == at(name).arn());
            let name = name.ok_or_else(|| errors::invalid(format!("Invalid marker: {marker}")))?;
            range = range.starting_at(&name.to_owned());
        }
        let scope = at("").scope();
        let mut rows = tables::VAULTS.list(&mut ctx.store().read(&scope)?, &range, limit + 1)?;
        let next = page::cut(&mut rows, limit);
        let vaults = rows.iter().map(|(name, vault)| described(&at(name), vault)).collect();
        Ok(ListVaultsOutput { vault_list: Some(vaults), marker: next.map(|(name, _)| at(&name).arn()) })
    }
}

impl Handle<DeleteVault> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &DeleteVaultInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteVaultInput,
    ) -> Result<DeleteVaultOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let scope = place.scope();
        let write = ctx.store().write(&scope, move |tx| {
            // Deleting what is not there succeeds (Glacier API, "Delete Vault").
            let Some(vault) = tables::VAULTS.find(tx, &place.vault)? else { return Ok(Vec::new()) };
            if !vault.is_deletable() {
                return Err(errors::invalid(format!(
                    "Vault not empty or recently written to: {}",
                    place.arn()
                )));
            }
            tables::VAULTS.delete(tx, &place.vault);
            remove_rows(tx, &place.vault)
        });
        let freed = write.await?;
        self.remove(freed);
        Ok(DeleteVaultOutput {})
    }
}

/// Removes what is left of a vault: its jobs, uploads under way, and archives that were deleted.
fn remove_rows(tx: &mut Tx<'_>, vault: &str) -> Result<Vec<u128>, ApiError> {
    let all = Range::prefix(&vault.to_owned());
    let mut freed = Vec::new();
    for (key, _) in tables::JOBS.list(tx, &all, usize::MAX)? {
        freed.extend(retrieval::forget(tx, &key)?);
    }
    for (key, _) in tables::UPLOADS.list(tx, &all, usize::MAX)? {
        let parts = crate::multipart::forget(tx, &key)?;
        let dropped = tx.with_scope(&Scope::global(), |tx| content::drop_files(tx, parts.into_iter()));
        freed.extend(dropped);
    }
    for (key, ()) in tables::DELETED.list(tx, &all, usize::MAX)? {
        tables::DELETED.delete(tx, &key);
        tables::ARCHIVES.delete(tx, &key);
    }
    Ok(freed)
}
