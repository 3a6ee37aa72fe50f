//! CreateMultipartUpload.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3_api::op::CreateMultipartUpload;
use s3_api::{CreateMultipartUploadInput, CreateMultipartUploadOutput};
use shapes::ApiError;

use crate::checksum::{Algorithm, Kind};
use crate::draft::Draft;
use crate::multipart::{Upload, id_text};
use crate::ops::put_object::with_request;
use crate::store_version::bucket_now;
use crate::{S3, encryption, errors, key, tables};

impl Handle<CreateMultipartUpload> for S3 {
    fn guard(&self, ctx: &Ctx, input: &CreateMultipartUploadInput) -> Result<Guard, ApiError> {
        let guard = self.object_guard(ctx, &input.bucket, &input.key, "s3:PutObject")?;
        with_request(guard, ctx, self, input, &input.bucket, &input.key)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: CreateMultipartUploadInput,
    ) -> Result<CreateMultipartUploadOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        key::check(&input.key)?;
        let Draft { mut version, mut plan } = Draft::read(ctx, &loaded, &input)?;
        self.key_for_writing(ctx, (&input.bucket, &input.key), &mut plan).await?;
        version.encryption = plan.encryption;
        let checksum = chosen(input.checksum_algorithm.as_deref(), input.checksum_type.as_deref())?;
        let initiator = ctx.principal().account().unwrap_or(loaded.bucket.owner);
        let upload = Upload { initiated: ctx.now(), initiator, version, checksum };
        // Ids grow with time, so that of one key the oldest is listed first.
        let millis = u128::from(ctx.now().millis().unsigned_abs());
        let id = millis << 80 | ctx.ids().number() >> 48;
        let (target, stored, place) = (Arc::clone(&loaded), upload.clone(), input.key.clone());
        self.write(move |tx| {
            let bucket = bucket_now(tx, &target)?;
            tables::UPLOADS.put(tx, &(bucket.id, place.clone(), id), &stored);
            Ok::<_, ApiError>(())
        })
        .await?;
        let mut output = CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id_text(id)),
            checksum_algorithm: checksum.map(|(algorithm, _)| algorithm.name().to_owned()),
            checksum_type: checksum.map(|(_, kind)| kind.name().to_owned()),
            ..Default::default()
        };
        encryption::write(&upload.version.encryption, &mut output);
        Ok(output)
    }
}

/// The checksum of an upload, where one was chosen.
fn chosen(algorithm: Option<&str>, kind: Option<&str>) -> Result<Option<(Algorithm, Kind)>, ApiError> {
    let kind = kind.map(Kind::parse).transpose()?;
    let algorithm = match (algorithm.map(Algorithm::parse).transpose()?, kind) {
        (None, None) => return Ok(None),
        (None, Some(_)) => {
            let message =
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.";
            return Err(errors::invalid_request(message));
        }
        (Some(algorithm), _) => algorithm,
    };
    let kind = kind.unwrap_or(algorithm.default_kind());
    let fits = match kind {
        Kind::FullObject => algorithm.combines(),
        Kind::Composite => algorithm != Algorithm::Crc64Nvme,
    };
    if !fits {
        let (kind, name) = (kind.name(), algorithm.name().to_ascii_lowercase());
        let message = format!("The {kind} checksum type cannot be used with the {name} checksum algorithm.");
        return Err(errors::invalid_request(message));
    }
    Ok(Some((algorithm, kind)))
}
