//! UploadPart and UploadPartCopy.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3_api::op::{UploadPart, UploadPartCopy};
use s3_api::{CopyPartResult, UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput, UploadPartOutput};
use shapes::ApiError;

use crate::checksum::Expected;
use crate::encryption::{self, Plan};
use crate::multipart::{Part, Upload, id_text, part_number};
use crate::object::{ETag, Encryption};
use crate::ops::copy_object::CopySource;
use crate::settings::Loaded;
use crate::store_version::bucket_now;
use crate::upload::{MOST_BYTES, Received};
use crate::versions::{self, Freed};
use crate::{S3, errors, range, tables};

impl Handle<UploadPart> for S3 {
    fn guard(&self, ctx: &Ctx, input: &UploadPartInput) -> Result<Guard, ApiError> {
        self.object_guard(ctx, &input.bucket, &input.key, "s3:PutObject")
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        mut input: UploadPartInput,
    ) -> Result<UploadPartOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let number = part_number(input.part_number)?;
        let (id, upload) = self.upload(&mut self.read()?, &loaded, &input.key, &input.upload_id)?;
        let mut plan = self.part_plan(&upload, &input)?;
        let mut expected = Expected::read(&input)?;
        match (&expected.checksum, upload.checksum) {
            (None, _) => expected.checksum = Some((upload.algorithm(), None)),
            (Some((algorithm, _)), Some((chosen, _))) if *algorithm != chosen => {
                let message = format!(
                    "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                    chosen.name().to_ascii_lowercase(),
                    algorithm.name().to_ascii_lowercase()
                );
                return Err(errors::invalid_request(message));
            }
            _ => {}
        }
        let body = std::mem::take(&mut input.body).unwrap_or_default();
        if body.length().is_none() {
            return Err(errors::missing_content_length());
        }
        let key = self.key_for_writing(ctx, (&input.bucket, &input.key), &mut plan).await?;
        let received = self.receive(body, &key, &expected, MOST_BYTES).await?;
        let part = self.store_part(ctx, (loaded, input.key, id, number), received).await?;
        let mut output =
            UploadPartOutput { e_tag: Some(ETag::whole(part.md5).quoted()), ..Default::default() };
        encryption::write(&plan.encryption, &mut output);
        part.checksum.write(&mut output);
        Ok(output)
    }
}

impl Handle<UploadPartCopy> for S3 {
    fn guard(&self, ctx: &Ctx, input: &UploadPartCopyInput) -> Result<Guard, ApiError> {
        let guard = self.object_guard(ctx, &input.bucket, &input.key, "s3:PutObject")?;
        Ok(guard.and(CopySource::parse(&input.copy_source)?.guard(self, ctx)?))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: UploadPartCopyInput,
    ) -> Result<UploadPartCopyOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let number = part_number(input.part_number)?;
        let (id, upload) = self.upload(&mut self.read()?, &loaded, &input.key, &input.upload_id)?;
        let mut plan = self.part_plan(&upload, &input)?;
        let named = CopySource::parse(&input.copy_source)?;
        let source = self.source(ctx, &named, &input).await?;
        self.accessed(ctx, &source.loaded, &named.key, &source.version).await?;
        let size = source.version.size;
        let range = match &input.copy_source_range {
            None => 0..size,
            Some(text) => copied_range(text, size)?,
        };
        if range.end - range.start > MOST_BYTES {
            return Err(errors::entity_too_large(range.end - range.start, MOST_BYTES));
        }
        let source_id = source.version.id;
        let has_ids = source.loaded.bucket.versioning.has_ids();
        let key = self.key_for_writing(ctx, (&input.bucket, &input.key), &mut plan).await?;
        let received = self.copy_bytes(source, range, &key, Some(upload.algorithm())).await?;
        let part = self.store_part(ctx, (loaded, input.key, id, number), received).await?;
        let mut result = CopyPartResult {
            e_tag: Some(ETag::whole(part.md5).quoted()),
            last_modified: Some(part.modified),
            ..Default::default()
        };
        if upload.checksum.is_some() {
            part.checksum.write(&mut result);
        }
        let mut output = UploadPartCopyOutput {
            copy_part_result: Some(result),
            copy_source_version_id: has_ids.then(|| source_id.to_string()),
            ..Default::default()
        };
        encryption::write(&plan.encryption, &mut output);
        Ok(output)
    }
}

/// `bytes=first-last`, both given and within the source.
fn copied_range(text: &str, size: u64) -> Result<std::ops::Range<u64>, ApiError> {
    let invalid = || {
        let message = "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are \
                       the zero-based offsets of the first and last bytes to copy";
        errors::invalid_argument("x-amz-copy-source-range", text, message)
    };
    let (first, last) =
        text.strip_prefix("bytes=").and_then(|spec| spec.split_once('-')).ok_or_else(invalid)?;
    let first: u64 = first.parse().map_err(|_| invalid())?;
    let last: u64 = last.parse().map_err(|_| invalid())?;
    if last >= size {
        let message = format!("Range specified is not valid for source object of size: {size}");
        return Err(errors::invalid_argument("x-amz-copy-source-range", text, message));
    }
    range::parse(text, size)?.filter(|range| range.start == first).ok_or_else(invalid)
}

impl S3 {
    /// How a part of an upload is encrypted: as the upload is, with the customer's key brought along.
    fn part_plan(&self, upload: &Upload, input: &dyn shapes::Struct) -> Result<Plan, ApiError> {
        let encryption = upload.version.encryption.clone();
        let customer_key = match encryption {
            Encryption::Customer { .. } => self.check_customer_key(&encryption, input, "")?,
            // Begun before there were KMS keys.
            Encryption::Kms { .. } => Some(self.region_key()?),
            Encryption::Region | Encryption::DataKey { .. } => None,
        };
        Ok(Plan { encryption, customer_key, context: None })
    }

    /// Stores a part in place of one that may have its number.
    async fn store_part(
        self: &Arc<Self>,
        ctx: &Ctx,
        (loaded, key, id, number): (Arc<Loaded>, String, u128, u16),
        received: Received,
    ) -> Result<Part, ApiError> {
        let Received { stored, size, md5, checksum } = received;
        let part = Part { size, md5, checksum, content: stored.content(), modified: ctx.now() };
        let (draft, row) = (stored.draft(), part.clone());
        let freed = self
            .write(move |tx| {
                let bucket = bucket_now(tx, &loaded)?;
                if !tables::UPLOADS.contains(tx, &(bucket.id, key.clone(), id))? {
                    return Err(errors::no_such_upload(&id_text(id)));
                }
                let mut freed = Freed::new();
                if let Some(replaced) = tables::PARTS.find(tx, &(id, number))? {
                    versions::release_content(tx, replaced.content, &mut freed)?;
                }
                draft.store(tx);
                tables::PARTS.put(tx, &(id, number), &row);
                Ok(freed)
            })
            .await?;
        stored.keep();
        self.remove(freed);
        Ok(part)
    }
}
