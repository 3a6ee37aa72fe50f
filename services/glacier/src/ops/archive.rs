//! UploadArchive, DeleteArchive.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use glacier_api::op::{DeleteArchive, UploadArchive};
use glacier_api::{ArchiveCreationOutput, DeleteArchiveInput, DeleteArchiveOutput, UploadArchiveInput};
use shapes::ApiError;

use super::id;
use crate::place::Place;
use crate::vault::{self, Archive};
use crate::{Glacier, content, errors, tables};

/// An archive that is uploaded in one go.
const MOST_BYTES: u64 = 4 << 30;

impl Handle<UploadArchive> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &UploadArchiveInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: UploadArchiveInput,
    ) -> Result<ArchiveCreationOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let description = vault::description(input.archive_description)?;
        // A vault that is not there should be known before gigabytes have come.
        vault::find(&mut ctx.store().read(&place.scope())?, &place)?;
        let received = self.receive(input.body, input.checksum.as_deref(), MOST_BYTES).await?;
        let archive = Archive {
            content: ctx.ids().number(),
            size: received.size,
            tree_hash: received.tree_hash,
            description,
            created: ctx.now(),
            deleted: None,
        };
        let id = id(ctx, 138);
        let output = created(&place, &id, &archive);
        let (segment, file) = (received.segment(), received.file());
        let scope = place.scope();
        let write = ctx.store().write(&scope, move |tx| {
            vault::change(tx, &place, |vault| {
                vault.add(archive.size, archive.created);
                Ok(())
            })?;
            content::store(tx, archive.content, vec![segment], Some(&file));
            tables::ARCHIVES.put(tx, &(place.vault.clone(), id.clone()), &archive);
            Ok::<_, ApiError>(())
        });
        write.await?;
        received.placed.keep();
        Ok(output)
    }
}

pub(super) fn created(place: &Place, id: &str, archive: &Archive) -> ArchiveCreationOutput {
    ArchiveCreationOutput {
        location: Some(place.path(&format!("/archives/{id}"))),
        checksum: Some(archive.tree_hash.hex()),
        archive_id: Some(id.to_owned()),
    }
}

impl Handle<DeleteArchive> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &DeleteArchiveInput) -> Result<Guard, ApiError> {
        self.archive_guard(ctx, (&input.account_id, &input.vault_name), &input.archive_id)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteArchiveInput,
    ) -> Result<DeleteArchiveOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let now = ctx.now();
        let scope = place.scope();
        let write = ctx.store().write(&scope, move |tx| {
            vault::find(tx, &place)?;
            let Some(mut archive) = vault::find_archive(tx, &place, &input.archive_id)? else {
                return Err(errors::archive_not_found(&input.archive_id));
            };
            let key = (place.vault.clone(), input.archive_id.clone());
            archive.deleted = Some(now);
            tables::ARCHIVES.put(tx, &key, &archive);
            tables::DELETED.put(tx, &key, &());
            vault::change(tx, &place, |vault| {
                vault.remove(archive.size, now);
                Ok(())
            })?;
            content::release(tx, archive.content)
        });
        let freed = write.await?;
        self.remove(freed);
        Ok(DeleteArchiveOutput {})
    }
}
