//! ListMultipartUploads.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3_api::op::ListMultipartUploads;
use s3_api::{ListMultipartUploadsInput, ListMultipartUploadsOutput, MultipartUpload};
use shapes::ApiError;

use super::initiator;
use crate::fields::FieldsMut;
use crate::listing::{self, Entry, Query};
use crate::multipart::{Upload, id_text, parse_id};
use crate::ops::list_objects::{Spelling, common_prefix, most};
use crate::{S3, acl, errors};

impl Handle<ListMultipartUploads> for S3 {
    fn guard(&self, ctx: &Ctx, input: &ListMultipartUploadsInput) -> Result<Guard, ApiError> {
        self.bucket_guard(ctx, &input.bucket, "s3:ListBucketMultipartUploads")
    }

    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: ListMultipartUploadsInput,
    ) -> Result<ListMultipartUploadsOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let spelling = Spelling::parse(input.encoding_type.as_deref())?;
        let after_upload = match input.upload_id_marker.as_deref().filter(|marker| !marker.is_empty()) {
            Some(marker) => Some(parse_id(marker).map_err(|_| {
                errors::invalid_argument("upload-id-marker", marker, "Invalid uploadId marker")
            })?),
            None => None,
        };
        let query = Query {
            bucket: loaded.bucket.id,
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone().filter(|delimiter| !delimiter.is_empty()),
            after: input.key_marker.clone().filter(|marker| !marker.is_empty()),
            after_version: None,
            most: most(input.max_uploads, "max-uploads")?,
        };
        let page = listing::uploads(&mut self.read()?, &query, after_upload)?;
        let mut output = ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            key_marker: Some(spelling.of(&input.key_marker.unwrap_or_default())),
            upload_id_marker: Some(input.upload_id_marker.unwrap_or_default()),
            prefix: Some(spelling.of(&query.prefix)),
            delimiter: spelling.of_option(query.delimiter),
            max_uploads: i32::try_from(query.most).ok(),
            encoding_type: input.encoding_type,
            is_truncated: Some(page.is_truncated),
            ..Default::default()
        };
        if page.is_truncated {
            output.next_key_marker = page.last().map(|key| spelling.of(key));
            if let Some(Entry::Item(_, (id, _))) = page.entries.last() {
                output.next_upload_id_marker = Some(id_text(*id));
            }
        }
        for entry in page.entries {
            match entry {
                Entry::Prefix(prefix) => {
                    output.common_prefixes.get_or_insert_default().push(common_prefix(&prefix, spelling));
                }
                Entry::Item(key, (id, upload)) => {
                    output.uploads.get_or_insert_default().push(told(spelling.of(&key), id, &upload));
                }
            }
        }
        Ok(output)
    }
}

fn told(key: String, id: u128, upload: &Upload) -> MultipartUpload {
    let mut told = MultipartUpload {
        key: Some(key),
        upload_id: Some(id_text(id)),
        initiated: Some(upload.initiated),
        initiator: Some(initiator(upload)),
        owner: Some(acl::owner(upload.version.owner)),
        ..Default::default()
    };
    let mut fields = FieldsMut(&mut told);
    fields.text("StorageClass", Some(upload.version.class.name()));
    fields.text("ChecksumAlgorithm", upload.checksum.map(|(algorithm, _)| algorithm.name()));
    fields.text("ChecksumType", upload.checksum.map(|(_, kind)| kind.name()));
    told
}
