//! AbortMultipartUpload, and uploads that end with their bucket or by a rule.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3_api::op::AbortMultipartUpload;
use s3_api::{AbortMultipartUploadInput, AbortMultipartUploadOutput};
use shapes::ApiError;
use store::{Range, Tx};

use crate::multipart::{id_text, parse_id};
use crate::versions::{self, Freed};
use crate::{S3, errors, tables};

impl Handle<AbortMultipartUpload> for S3 {
    fn guard(&self, ctx: &Ctx, input: &AbortMultipartUploadInput) -> Result<Guard, ApiError> {
        self.object_guard(ctx, &input.bucket, &input.key, "s3:AbortMultipartUpload")
    }

    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: AbortMultipartUploadInput,
    ) -> Result<AbortMultipartUploadOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let id = parse_id(&input.upload_id)?;
        let freed = self
            .write(move |tx| {
                let place = (loaded.bucket.id, input.key.clone(), id);
                if !tables::UPLOADS.contains(tx, &place)? {
                    return Err(errors::no_such_upload(&id_text(id)));
                }
                abort(tx, &place)
            })
            .await?;
        self.remove(freed);
        Ok(AbortMultipartUploadOutput::default())
    }
}

/// Ends an upload and takes away its parts.
pub(crate) fn abort(tx: &mut Tx<'_>, place: &(u64, String, u128)) -> Result<Freed, ApiError> {
    let mut freed = Freed::new();
    tables::UPLOADS.delete(tx, place);
    for ((id, number), part) in tables::PARTS.list(tx, &Range::prefix(&place.2), usize::MAX)? {
        tables::PARTS.delete(tx, &(id, number));
        versions::release_content(tx, part.content, &mut freed)?;
    }
    Ok(freed)
}

/// Ends all uploads of a bucket that goes away.
pub(in crate::ops) fn drop_uploads(tx: &mut Tx<'_>, bucket: u64) -> Result<Freed, ApiError> {
    let mut freed = Freed::new();
    for (place, _) in tables::UPLOADS.list(tx, &Range::prefix(&bucket), usize::MAX)? {
        freed.extend(abort(tx, &place)?);
    }
    Ok(freed)
}
