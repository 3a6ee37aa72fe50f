//! ListParts.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3_api::op::ListParts;
use s3_api::{ListPartsInput, ListPartsOutput, Part as ApiPart};
use shapes::ApiError;
use store::Range;

use super::initiator;
use crate::object::ETag;
use crate::ops::list_objects::most;
use crate::{S3, acl, tables};

impl Handle<ListParts> for S3 {
    fn guard(&self, ctx: &Ctx, input: &ListPartsInput) -> Result<Guard, ApiError> {
        self.object_guard(ctx, &input.bucket, &input.key, "s3:ListMultipartUploadParts")
    }

    async fn handle(self: &Arc<Self>, _: &Ctx, input: ListPartsInput) -> Result<ListPartsOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let mut reader = self.read()?;
        let (id, upload) = self.upload(&mut reader, &loaded, &input.key, &input.upload_id)?;
        let most = most(input.max_parts, "max-parts")?;
        let marker = input.part_number_marker.unwrap_or(0);
        let mut range = Range::prefix(&id);
        if let Ok(marker) = u16::try_from(marker) {
            range = range.after(&(id, marker));
        }
        let mut rows = tables::PARTS.list(&mut reader, &range, most + 1)?;
        let is_truncated = rows.len() > most && most > 0;
        rows.truncate(most);
        let parts: Vec<ApiPart> = rows
            .into_iter()
            .map(|((_, number), part)| {
                let mut told = ApiPart {
                    part_number: Some(i32::from(number)),
                    e_tag: Some(ETag::whole(part.md5).quoted()),
                    size: i64::try_from(part.size).ok(),
                    last_modified: Some(part.modified),
                    ..Default::default()
                };
                if upload.checksum.is_some() {
                    part.checksum.write(&mut told);
                }
                told
            })
            .collect();
        Ok(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            part_number_marker: Some(marker),
            next_part_number_marker: parts.last().and_then(|part| part.part_number).or(Some(0)),
            max_parts: i32::try_from(most).ok(),
            is_truncated: Some(is_truncated),
            parts: (!parts.is_empty()).then_some(parts),
            initiator: Some(initiator(&upload)),
            owner: Some(acl::owner(upload.version.owner)),
            storage_class: Some(upload.version.class.name().to_owned()),
            checksum_algorithm: upload.checksum.map(|(algorithm, _)| algorithm.name().to_owned()),
            checksum_type: upload.checksum.map(|(_, kind)| kind.name().to_owned()),
            ..Default::default()
        })
    }
}
