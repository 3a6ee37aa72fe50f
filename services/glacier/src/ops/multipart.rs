//! InitiateMultipartUpload, UploadMultipartPart, CompleteMultipartUpload, AbortMultipartUpload.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use glacier_api::op::{
    AbortMultipartUpload, CompleteMultipartUpload, InitiateMultipartUpload, UploadMultipartPart,
};
use glacier_api::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ArchiveCreationOutput,
    CompleteMultipartUploadInput, InitiateMultipartUploadInput, InitiateMultipartUploadOutput,
    UploadMultipartPartInput, UploadMultipartPartOutput,
};
use shapes::ApiError;
use store::Scope;

use super::archive::created;
use super::id;
use crate::expiry::{self, Activity};
use crate::multipart::{self, MOST_PARTS, Part, Upload, forget};
use crate::place::Place;
use crate::vault::{self, Archive};
use crate::{Glacier, content, errors, tables};

impl Handle<InitiateMultipartUpload> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &InitiateMultipartUploadInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: InitiateMultipartUploadInput,
    ) -> Result<InitiateMultipartUploadOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let upload = Upload {
            part_size: multipart::part_size(input.part_size.as_deref())?,
            description: vault::description(input.archive_description)?,
            created: ctx.now(),
        };
        let id = id(ctx, 92);
        let location = place.path(&format!("/multipart-uploads/{id}"));
        let output = InitiateMultipartUploadOutput { location: Some(location), upload_id: Some(id.clone()) };
        let (scope, now, number) = (place.scope(), ctx.now(), ctx.ids().number());
        let write = ctx.store().write(&scope, move |tx| {
            vault::find(tx, &place)?;
            tables::UPLOADS.put(tx, &(place.vault.clone(), id.clone()), &upload);
            expiry::schedule(tx, now, number, &place, &id);
            Ok::<_, ApiError>(())
        });
        write.await?;
        Ok(output)
    }
}

impl Handle<UploadMultipartPart> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &UploadMultipartPartInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: UploadMultipartPartInput,
    ) -> Result<UploadMultipartPartOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let key = (place.vault.clone(), input.upload_id);
        let upload = find(&mut ctx.store().read(&place.scope())?, &place, &key)?;
        let range = multipart::part_range(input.range.as_deref(), upload.part_size)?;
        let received = self.receive(input.body, input.checksum.as_deref(), range.end - range.start).await?;
        if received.size != range.end - range.start {
            let message =
                format!("Content-Range: {}-{} is not of {} bytes", range.start, range.end - 1, received.size);
            return Err(errors::invalid(message));
        }
        let tree_hash = received.tree_hash;
        let (part, file) = (Part { segment: received.segment(), tree_hash }, received.file());
        let (scope, now) = (place.scope(), ctx.now());
        let write = ctx.store().write(&scope, move |tx| {
            find(tx, &place, &key)?;
            tables::ACTIVITIES.put(tx, &key, &Activity(now));
            let place_of_part = (key.1.clone(), range.start);
            let earlier = tables::PARTS.find(tx, &place_of_part)?;
            tables::PARTS.put(tx, &place_of_part, &part);
            tx.with_scope(&Scope::global(), |tx| {
                tables::FILES.put(tx, &file.0, &file.1);
                let replaced = earlier.map(|earlier| earlier.segment.file);
                Ok::<_, ApiError>(content::drop_files(tx, replaced.into_iter()))
            })
        });
        let freed = write.await?;
        received.placed.keep();
        self.remove(freed);
        Ok(UploadMultipartPartOutput { checksum: Some(tree_hash.hex()) })
    }
}

impl Handle<CompleteMultipartUpload> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &CompleteMultipartUploadInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: CompleteMultipartUploadInput,
    ) -> Result<ArchiveCreationOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let size = input.archive_size.ok_or_else(|| errors::missing("x-amz-archive-size"))?;
        let size =
            size.parse::<u64>().map_err(|_| errors::invalid(format!("Invalid archive size: {size}")))?;
        let checksum = input.checksum.ok_or_else(|| errors::missing("x-amz-sha256-tree-hash"))?;
        let key = (place.vault.clone(), input.upload_id);
        let (archive_id, content, now) = (id(ctx, 138), ctx.ids().number(), ctx.now());
        let scope = place.scope();
        let write = ctx.store().write(&scope, move |tx| {
            let upload = find(tx, &place, &key)?;
            let parts = multipart::parts(tx, &key.1, 0, MOST_PARTS as usize)?;
            let (segments, tree_hash) = multipart::assemble(&upload, &parts, size, &checksum)?;
            forget(tx, &key)?;
            content::store(tx, content, segments, None);
            let description = upload.description;
            let archive = Archive { content, size, tree_hash, description, created: now, deleted: None };
            tables::ARCHIVES.put(tx, &(place.vault.clone(), archive_id.clone()), &archive);
            vault::change(tx, &place, |vault| {
                vault.add(size, now);
                Ok(())
            })?;
            Ok::<_, ApiError>(created(&place, &archive_id, &archive))
        });
        write.await
    }
}

impl Handle<AbortMultipartUpload> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &AbortMultipartUploadInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: AbortMultipartUploadInput,
    ) -> Result<AbortMultipartUploadOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let key = (place.vault.clone(), input.upload_id);
        let scope = place.scope();
        let write = ctx.store().write(&scope, move |tx| {
            find(tx, &place, &key)?;
            let files = forget(tx, &key)?;
            tx.with_scope(&Scope::global(), |tx| {
                Ok::<_, ApiError>(content::drop_files(tx, files.into_iter()))
            })
        });
        let freed = write.await?;
        self.remove(freed);
        Ok(AbortMultipartUploadOutput {})
    }
}

/// An upload of a vault that is there.
pub(super) fn find(
    reader: &mut dyn store::Reader,
    place: &Place,
    key: &(String, String),
) -> Result<Upload, ApiError> {
    vault::find(reader, place)?;
    tables::UPLOADS.find(reader, key)?.ok_or_else(|| errors::upload_not_found(&key.1))
}
