//! CompleteMultipartUpload.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3_api::op::CompleteMultipartUpload;
use s3_api::{CompleteMultipartUploadInput, CompleteMultipartUploadOutput};
use shapes::ApiError;
use store::{Reader, Tx};

use super::assemble::{assemble, settle_parts};
use crate::conditions::Conditions;
use crate::multipart::{id_text, parse_id};
use crate::ops::put_object::written;
use crate::settings::Loaded;
use crate::store_version::NewVersion;
use crate::upload::Stored;
use crate::versions::{self, Freed};
use crate::{S3, errors, key, tables};

impl Handle<CompleteMultipartUpload> for S3 {
    fn guard(&self, ctx: &Ctx, input: &CompleteMultipartUploadInput) -> Result<Guard, ApiError> {
        self.object_guard(ctx, &input.bucket, &input.key, "s3:PutObject")
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: CompleteMultipartUploadInput,
    ) -> Result<CompleteMultipartUploadOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let conditions = Conditions::read(&input);
        conditions.check_writable()?;
        let (id, upload) = {
            let mut reader = self.read()?;
            match self.upload(&mut reader, &loaded, &input.key, &input.upload_id) {
                Ok(found) => found,
                // Who did not hear the first answer asks again, and is told the same.
                Err(error) => return self.completed(&mut reader, &loaded, &input, error),
            }
        };
        let listed =
            input.multipart_upload.as_ref().and_then(|upload| upload.parts.clone()).unwrap_or_default();
        if listed.is_empty() {
            let message = "You must specify at least one part";
            return Err(ApiError::sender("MalformedXML", message));
        }
        let assembled = assemble(&mut self.read()?, id, &upload, &listed, &input)?;
        let mut version = upload.version.clone();
        version.size = assembled.size;
        version.etag = assembled.etag;
        version.checksum = assembled.checksum;
        version.modified = ctx.now();
        let manifest = assembled.manifest;
        let (bucket_id, upload_key) = (loaded.bucket.id, input.key.clone());
        let stale = Arc::new(std::sync::Mutex::new(Freed::new()));
        let found_stale = Arc::clone(&stale);
        let new = NewVersion {
            loaded: Arc::clone(&loaded),
            key: input.key.clone(),
            version,
            stored: Stored::Parts(id),
            conditions,
            event: "ObjectCreated:CompleteMultipartUpload",
        };
        let finish = move |tx: &mut Tx<'_>| {
            let place = (bucket_id, upload_key.clone(), id);
            if !tables::UPLOADS.contains(tx, &place)? {
                return Err(errors::no_such_upload(&id_text(id)));
            }
            tables::UPLOADS.delete(tx, &place);
            let freed = settle_parts(tx, id, &manifest)?;
            tables::MANIFESTS.put(tx, &id, &manifest);
            *found_stale.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = freed;
            Ok(())
        };
        let (version, bucket) = self.store_version_with(ctx, new, finish).await?;
        let freed = std::mem::take(&mut *stale.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        self.remove(freed);
        Ok(self.completion(&input, &version, bucket.versioning.has_ids()))
    }
}

impl S3 {
    fn completion(
        &self,
        input: &CompleteMultipartUploadInput,
        version: &crate::object::Version,
        has_ids: bool,
    ) -> CompleteMultipartUploadOutput {
        let endpoint = &self.cloud.settings().endpoint;
        let mut output = CompleteMultipartUploadOutput {
            location: Some(format!("{endpoint}/{}/{}", input.bucket, key::url_encode(&input.key, true))),
            bucket: Some(input.bucket.clone()),
            key: Some(input.key.clone()),
            e_tag: Some(version.etag.quoted()),
            ..Default::default()
        };
        written(version, has_ids, &mut output);
        output
    }

    /// The answer to a completion that was done already; `error` when it was not.
    fn completed(
        &self,
        reader: &mut dyn Reader,
        loaded: &Loaded,
        input: &CompleteMultipartUploadInput,
        error: ApiError,
    ) -> Result<CompleteMultipartUploadOutput, ApiError> {
        let id = parse_id(&input.upload_id)?;
        let newest = versions::newest(reader, loaded.bucket.id, &input.key)?;
        match newest.filter(|version| version.content == crate::object::Content::Parts(id)) {
            Some(version) => Ok(self.completion(input, &version, loaded.bucket.versioning.has_ids())),
            None => Err(error),
        }
    }
}
