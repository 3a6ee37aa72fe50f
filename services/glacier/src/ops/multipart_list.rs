//! ListMultipartUploads, ListParts.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use glacier_api::op::{ListMultipartUploads, ListParts};
use glacier_api::{
    ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput, PartListElement,
    UploadListElement,
};
use shapes::ApiError;
use store::Range;

use super::multipart::find;
use crate::place::Place;
use crate::{Glacier, errors, multipart, page, range, tables, vault};

const PAGE: usize = 50;

impl Handle<ListMultipartUploads> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &ListMultipartUploadsInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListMultipartUploadsInput,
    ) -> Result<ListMultipartUploadsOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let limit = page::limit(input.limit.as_deref(), PAGE)?;
        let mut reader = ctx.store().read(&place.scope())?;
        vault::find(&mut reader, &place)?;
        let mut all = Range::prefix(&place.vault);
        if let Some(marker) = input.marker {
            all = all.starting_at(&(place.vault.clone(), marker));
        }
        let mut rows = tables::UPLOADS.list(&mut reader, &all, limit + 1)?;
        let next = page::cut(&mut rows, limit);
        let uploads = rows.into_iter().map(|((_, id), upload)| UploadListElement {
            multipart_upload_id: Some(id),
            vault_arn: Some(place.arn()),
            archive_description: Some(upload.description).filter(|text| !text.is_empty()),
            part_size_in_bytes: i64::try_from(upload.part_size).ok(),
            creation_date: Some(upload.created.iso8601_millis()),
        });
        let uploads_list = Some(uploads.collect());
        Ok(ListMultipartUploadsOutput { uploads_list, marker: next.map(|((_, id), _)| id) })
    }
}

impl Handle<ListParts> for Glacier {
    fn guard(&self, ctx: &Ctx, input: &ListPartsInput) -> Result<Guard, ApiError> {
        self.vault_guard(ctx, &input.account_id, &input.vault_name)
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: ListPartsInput) -> Result<ListPartsOutput, ApiError> {
        let place = Place::of(ctx, &input.account_id, &input.vault_name)?;
        let limit = page::limit(input.limit.as_deref(), PAGE)?;
        let mut reader = ctx.store().read(&place.scope())?;
        let key = (place.vault.clone(), input.upload_id);
        let upload = find(&mut reader, &place, &key)?;
        let from = match &input.marker {
            Some(marker) => {
                let range = range::parse(marker);
                range
                    .map(|range| range.start)
                    .ok_or_else(|| errors::invalid(format!("Invalid marker: {marker}")))?
            }
            None => 0,
        };
        let mut rows = multipart::parts(&mut reader, &key.1, from, limit + 1)?;
        let next = page::cut(&mut rows, limit);
        let text = |start: u64, part: &multipart::Part| range::text(&(start..start + part.segment.size));
        let parts = rows.iter().map(|(start, part)| PartListElement {
            range_in_bytes: Some(text(*start, part)),
            sha256_tree_hash: Some(part.tree_hash.hex()),
        });
        Ok(ListPartsOutput {
            parts: Some(parts.collect()),
            multipart_upload_id: Some(key.1),
            vault_arn: Some(place.arn()),
            archive_description: Some(upload.description).filter(|text| !text.is_empty()),
            part_size_in_bytes: i64::try_from(upload.part_size).ok(),
            creation_date: Some(upload.created.iso8601_millis()),
            marker: next.map(|(start, part)| text(start, &part)),
        })
    }
}
