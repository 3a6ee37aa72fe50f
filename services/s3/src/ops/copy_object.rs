//! CopyObject, and the parts of multipart uploads that are copied.

use std::ops::Range;
use std::sync::Arc;

use blobs::sealed::{Key, SealedId};
use cloud::{Ctx, Guard, Handle};
use s3_api::op::CopyObject;
use s3_api::{CopyObjectInput, CopyObjectOutput, CopyObjectResult};
use shapes::{ApiError, Struct};

use super::put_object::{with_request, written};
use crate::checksum::{Algorithm, Expected, Kind};
use crate::conditions::Conditions;
use crate::content::Found;
use crate::draft::Draft;
use crate::fields::Fields;
use crate::object::{Content, ETag, Encryption, Version};
use crate::settings::Loaded;
use crate::store_version::NewVersion;
use crate::upload::{MOST_BYTES, Received, Stored};
use crate::{S3, errors, key, tags, tiering, versions};

/// `bucket/key?versionId=id`, encoded as a URL is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CopySource {
    pub bucket: String,
    pub key: String,
    pub version_id: Option<String>,
}

impl CopySource {
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let invalid = || {
            let message = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey";
            errors::invalid_argument("x-amz-copy-source", text, message)
        };
        let (path, version_id) = match text.split_once("?versionId=") {
            Some((path, id)) => (path, Some(key::url_decode(id, false).ok_or_else(invalid)?)),
            None => (text, None),
        };
        let path = key::url_decode(path, false).ok_or_else(invalid)?;
        let path = path.strip_prefix('/').unwrap_or(&path);
        let (bucket, key) = path
            .split_once('/')
            .filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty())
            .ok_or_else(invalid)?;
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned(), version_id })
    }

    pub(crate) fn guard(&self, s3: &S3, ctx: &Ctx) -> Result<Guard, ApiError> {
        let version = self.version_id.as_deref();
        let action = if version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
        s3.version_guard(ctx, &self.bucket, &self.key, version, action)
    }
}

/// A source that was found and may be copied.
pub(crate) struct Source {
    pub loaded: Arc<Loaded>,
    pub version: Version,
    pub found: Found,
    pub key: Key,
}

impl S3 {
    /// Finds what a copy is made of, as the request's conditions have it.
    pub(crate) async fn source(
        &self,
        ctx: &Ctx,
        named: &CopySource,
        input: &dyn Struct,
    ) -> Result<Source, ApiError> {
        let loaded = self.bucket_of(&named.bucket, Fields(input).text("ExpectedSourceBucketOwner"))?;
        let (version, found, customer_key) = self.find_source(ctx, &loaded, named, input)?;
        let key = self.key_for_reading(ctx, &version.encryption, customer_key).await?;
        Ok(Source { loaded, version, found, key })
    }

    fn find_source(
        &self,
        ctx: &Ctx,
        loaded: &Loaded,
        named: &CopySource,
        input: &dyn Struct,
    ) -> Result<(Version, Found, Option<Key>), ApiError> {
        let mut reader = self.read()?;
        let version = versions::find_object(
            &mut reader,
            &loaded.bucket,
            &named.key,
            named.version_id.as_deref(),
        )
        .map_err(|error| match error.code() {
            "NoSuchKey" => self.missing(ctx, loaded, error),
            "MethodNotAllowed" => errors::invalid_request(
                "The source of a copy request may not specifically refer to a delete marker by version id.",
            ),
            _ => error,
        })?;
        Conditions::of_source(input).check_source(&version)?;
        let tier = tiering::tier(&mut reader, loaded.bucket.id, &named.key, &version)?;
        if !version.is_readable(ctx.now()) || tier.archive_name().is_some() {
            return Err(errors::invalid_object_state(version.class.name(), tier.archive_name()));
        }
        let customer_key = self.check_customer_key(&version.encryption, input, "CopySource")?;
        let found = self.find_content(&mut reader, &version)?;
        Ok((version, found, customer_key))
    }

    /// Stores a range of a source anew under `key`. A whole file under the region's key is linked and not copied.
    pub(crate) async fn copy_bytes(
        &self,
        source: Source,
        range: Range<u64>,
        key: &Key,
        algorithm: Option<Algorithm>,
    ) -> Result<Received, ApiError> {
        let Source { version, found, key: source_key, .. } = source;
        let is_whole = range == (0..version.size);
        let same_checksum = version.checksum.clone().filter(|checksum| {
            checksum.kind == Kind::FullObject
                && algorithm.is_none_or(|algorithm| algorithm == checksum.algorithm)
        });
        if let (true, Content::File(id), Some(checksum), true) =
            (is_whole && version.etag.parts == 0, version.content, same_checksum, source_key == *key)
        {
            let (blobs, to) = (self.blobs.clone(), SealedId(self.cloud.ids().number()));
            let linked = tokio::task::spawn_blocking(move || blobs.link(SealedId(id), to)).await;
            let placed =
                linked.map_err(|panic| ApiError::internal(panic.to_string()))?.map_err(errors::storage)?;
            let (size, md5) = (version.size, version.etag.digest);
            return Ok(Received { stored: Stored::File(placed), size, md5, checksum });
        }
        let expected = Expected {
            md5: None,
            checksum: algorithm
                .or(version.checksum.as_ref().map(|c| c.algorithm))
                .map(|algorithm| (algorithm, None)),
        };
        let body = self.body(&version, found, &source_key, range).await?;
        self.receive(body, key, &expected, MOST_BYTES).await
    }
}

/// The source of a copy that no request makes.
pub(crate) async fn source_of(s3: &S3, ctx: &Ctx, named: &CopySource) -> Result<Source, ApiError> {
    s3.source(ctx, named, &CopyObjectInput::default()).await
}

impl Handle<CopyObject> for S3 {
    fn guard(&self, ctx: &Ctx, input: &CopyObjectInput) -> Result<Guard, ApiError> {
        let guard = self.object_guard(ctx, &input.bucket, &input.key, "s3:PutObject")?;
        let guard = with_request(guard, ctx, self, input, &input.bucket, &input.key)?;
        Ok(guard.and(CopySource::parse(&input.copy_source)?.guard(self, ctx)?))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: CopyObjectInput,
    ) -> Result<CopyObjectOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        key::check(&input.key)?;
        let conditions = Conditions::read(&input);
        conditions.check_writable()?;
        let named = CopySource::parse(&input.copy_source)?;
        let source = self.source(ctx, &named, &input).await?;
        self.accessed(ctx, &source.loaded, &named.key, &source.version).await?;
        if source.version.size > MOST_BYTES {
            let message = "The specified copy source is larger than the maximum allowable size for a copy source: \
                           5368709120";
            return Err(errors::invalid_request(message));
        }
        let Draft { mut version, mut plan } = Draft::read(ctx, &loaded, &input)?;
        carry_over(&source, &input, &mut version)?;
        refuse_no_change(&named, &source, &input, &version)?;
        let algorithm = input.checksum_algorithm.as_deref().map(Algorithm::parse).transpose()?;
        let copied_version = source.version.clone();
        let source_has_ids = source.loaded.bucket.versioning.has_ids();
        let key = self.key_for_writing(ctx, (&input.bucket, &input.key), &mut plan).await?;
        version.encryption = plan.encryption;
        let range = 0..copied_version.size;
        let received = self.copy_bytes(source, range, &key, algorithm).await?;
        version.size = received.size;
        version.etag = ETag::whole(received.md5);
        version.checksum = Some(received.checksum);
        version.modified = ctx.now();
        let new = NewVersion {
            loaded: Arc::clone(&loaded),
            key: input.key,
            version,
            stored: received.stored,
            conditions,
            event: "ObjectCreated:Copy",
        };
        let (version, bucket) = self.store_version(ctx, new).await?;
        let mut result = CopyObjectResult {
            e_tag: Some(version.etag.quoted()),
            last_modified: Some(version.modified),
            ..Default::default()
        };
        if let Some(checksum) = &version.checksum {
            checksum.write(&mut result);
        }
        let mut output = CopyObjectOutput { copy_object_result: Some(result), ..Default::default() };
        written(&version, bucket.versioning.has_ids(), &mut output);
        output.copy_source_version_id = source_has_ids.then(|| copied_version.id.to_string());
        Ok(output)
    }
}

/// What the copy has of its source, unless the request replaces it.
fn carry_over(source: &Source, input: &CopyObjectInput, version: &mut Version) -> Result<(), ApiError> {
    match input.metadata_directive.as_deref() {
        None | Some("COPY") => {
            let redirect = version.headers.website_redirect.take();
            version.headers = source.version.headers.clone();
            version.headers.website_redirect = redirect;
            version.metadata = source.version.metadata.clone();
        }
        Some("REPLACE") => {}
        Some(other) => {
            return Err(errors::invalid_argument(
                "x-amz-metadata-directive",
                other,
                "Unknown metadata directive.",
            ));
        }
    }
    match input.tagging_directive.as_deref() {
        None | Some("COPY") => version.tags = source.version.tags.clone(),
        Some("REPLACE") => {
            version.tags = input.tagging.as_deref().map(tags::of_header).transpose()?.unwrap_or_default();
        }
        Some(other) => {
            return Err(errors::invalid_argument(
                "x-amz-tagging-directive",
                other,
                "Unknown tagging directive.",
            ));
        }
    }
    Ok(())
}

/// A copy onto itself must change something.
fn refuse_no_change(
    named: &CopySource,
    source: &Source,
    input: &CopyObjectInput,
    version: &Version,
) -> Result<(), ApiError> {
    let is_itself = named.bucket == input.bucket && named.key == input.key && named.version_id.is_none();
    let changes = input.metadata_directive.as_deref() == Some("REPLACE")
        || input.tagging_directive.as_deref() == Some("REPLACE")
        || version.class != source.version.class
        || version.headers.website_redirect != source.version.headers.website_redirect
        || input.server_side_encryption.is_some()
        || !version.encryption.is_like(&source.version.encryption)
        || matches!(version.encryption, Encryption::Customer { .. })
        || input.checksum_algorithm.is_some();
    if is_itself && !changes {
        let message = "This copy request is illegal because it is trying to copy an object to itself without changing \
                       the object's metadata, storage class, website redirect location or encryption attributes.";
        return Err(errors::invalid_request(message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::CopySource;

    #[test]
    fn sources_are_paths_with_perhaps_a_version() {
        for (text, bucket, key, version) in [
            ("b/k", "b", "k", None),
            ("/b/a%20b/c", "b", "a b/c", None),
            ("b/a+b?versionId=v1", "b", "a+b", Some("v1")),
            ("b/what?ever", "b", "what?ever", None),
        ] {
            let source = CopySource::parse(text).unwrap();
            assert_eq!((source.bucket.as_str(), source.key.as_str()), (bucket, key));
            assert_eq!(source.version_id.as_deref(), version);
        }
        for wrong in ["", "b", "b/", "/", "/b/"] {
            assert!(CopySource::parse(wrong).is_err(), "{wrong}");
        }
    }
}
