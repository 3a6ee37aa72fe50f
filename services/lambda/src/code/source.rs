//! Where a package comes from: the request itself, or an object in Amazon S3.

use bytes::Bytes;
use cloud::Ctx;
use s3_api::GetObjectInput;
use s3_api::op::GetObject;
use shapes::ApiError;

use super::MOST_UNZIPPED_BYTES;
use crate::function::Code;
use crate::{Lambda, errors};

/// What a request gives of a package.
#[derive(Default)]
pub(crate) struct Source {
    pub zip: Option<Bytes>,
    pub bucket: Option<String>,
    pub key: Option<String>,
    pub version: Option<String>,
}

impl Lambda {
    /// Checks and keeps the package that a request means; it reads the object as the caller.
    pub(crate) async fn package(&self, ctx: &Ctx, source: Source, operation: &str) -> Result<Code, ApiError> {
        let Source { zip, bucket, key, version } = source;
        match (zip, bucket, key) {
            (Some(zip), None, None) => self.code.keep(zip, operation).await,
            (None, Some(bucket), Some(key)) => {
                let input = GetObjectInput { bucket, key, version_id: version, ..Default::default() };
                let object = ctx.call::<GetObject>(input).await.map_err(|error| errors::no_object(&error))?;
                let body = object.body.unwrap_or_default();
                let zip = body.collect(MOST_UNZIPPED_BYTES as usize).await?;
                let zip = zip.ok_or_else(|| errors::unzipped_too_large(MOST_UNZIPPED_BYTES))?;
                self.code.keep_any(zip).await
            }
            (None, None, None) => Err(errors::invalid("Please provide a source for function code.")),
            (Some(_), ..) => Err(errors::invalid(
                "Please do not provide other FunctionCode parameters when providing a ZipFile.",
            )),
            (None, ..) => Err(errors::invalid("Please provide both S3Bucket and S3Key.")),
        }
    }
}
