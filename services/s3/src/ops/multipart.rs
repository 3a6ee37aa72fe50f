//! Multipart uploads: begun, given their parts, listed, completed or aborted.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use md5::{Digest, Md5};
use s3_api::op::{
    AbortMultipartUpload, CompleteMultipartUpload, CreateMultipartUpload, ListMultipartUploads, ListParts,
    UploadPart, UploadPartCopy,
};
use s3_api::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CompletedPart, CopyPartResult, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, Initiator, ListMultipartUploadsInput, ListMultipartUploadsOutput,
    ListPartsInput, ListPartsOutput, MultipartUpload, Part as ApiPart, UploadPartCopyInput,
    UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use shapes::ApiError;
use store::{Range, Reader, Tx};

use super::copy_object::CopySource;
use super::list_objects::{Spelling, common_prefix, most};
use super::put_object::{with_request, written};
use crate::checksum::{self, Algorithm, Checksum, Expected, Kind};
use crate::conditions::Conditions;
use crate::draft::Draft;
use crate::encryption::{self, Plan};
use crate::fields::FieldsMut;
use crate::listing::{self, Entry, Query};
use crate::multipart::{
    LEAST_PART_BYTES, MOST_OBJECT_BYTES, MOST_PARTS, Manifest, Part, Piece, Upload, id_text, parse_id,
    part_number,
};
use crate::object::{ETag, Encryption};
use crate::settings::Loaded;
use crate::store_version::{NewVersion, bucket_now};
use crate::upload::{MOST_BYTES, Received, Stored};
use crate::versions::Freed;
use crate::{S3, acl, errors, key, range, tables, versions};

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

impl S3 {
    fn upload(
        &self,
        reader: &mut dyn Reader,
        loaded: &Loaded,
        key: &str,
        id: &str,
    ) -> Result<(u128, Upload), ApiError> {
        let number = parse_id(id)?;
        let upload = tables::UPLOADS.find(reader, &(loaded.bucket.id, key.to_owned(), number))?;
        upload.map(|upload| (number, upload)).ok_or_else(|| errors::no_such_upload(id))
    }

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
        let source = self.source(ctx, &CopySource::parse(&input.copy_source)?, &input).await?;
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

/// An object made of its parts.
struct Assembled {
    manifest: Manifest,
    size: u64,
    etag: ETag,
    checksum: Option<Checksum>,
}

fn assemble(
    reader: &mut dyn Reader,
    id: u128,
    upload: &Upload,
    listed: &[CompletedPart],
    input: &CompleteMultipartUploadInput,
) -> Result<Assembled, ApiError> {
    if listed.len() > MOST_PARTS as usize {
        return Err(errors::malformed_xml());
    }
    let (mut parts, mut size, mut tags) = (Vec::with_capacity(listed.len()), 0, Md5::new());
    let number = |part: &CompletedPart| part.part_number.unwrap_or(0);
    if !listed.is_sorted_by(|one, other| number(one) < number(other)) || number(&listed[0]) < 1 {
        return Err(errors::invalid_part_order());
    }
    for (index, wanted) in listed.iter().enumerate() {
        let number = number(wanted);
        let part = find_part(reader, id, number, wanted, input)?;
        let is_last = index + 1 == listed.len();
        if part.size < LEAST_PART_BYTES && !is_last {
            let number = u16::try_from(number).unwrap_or(0);
            return Err(errors::entity_too_small(part.size, number, &ETag::whole(part.md5).to_string()));
        }
        size += part.size;
        tags.update(part.md5);
        parts.push((u16::try_from(number).unwrap_or(0), part));
    }
    if size > MOST_OBJECT_BYTES {
        return Err(errors::entity_too_large(size, MOST_OBJECT_BYTES));
    }
    if input.mpu_object_size.is_some_and(|expected| u64::try_from(expected) != Ok(size)) {
        let message = "The provided 'x-amz-mp-object-size' header value does not match what was computed.";
        return Err(errors::invalid_request(message));
    }
    let checksum = whole_checksum(upload, &parts, input)?;
    let etag = ETag { digest: tags.finalize().into(), parts: u16::try_from(parts.len()).unwrap_or(u16::MAX) };
    let keeps = upload.checksum.is_some();
    let pieces = parts.into_iter().map(|(number, part)| Piece {
        number,
        size: part.size,
        content: part.content,
        checksum: keeps.then_some(part.checksum.value),
    });
    Ok(Assembled { manifest: Manifest { parts: pieces.collect() }, size, etag, checksum })
}

fn find_part(
    reader: &mut dyn Reader,
    id: u128,
    number: i32,
    wanted: &CompletedPart,
    input: &CompleteMultipartUploadInput,
) -> Result<Part, ApiError> {
    let etag = wanted.e_tag.as_deref().unwrap_or_default().trim_matches('"');
    let invalid = || errors::invalid_part(number, etag, &input.upload_id);
    let number = u16::try_from(number).map_err(|_| invalid())?;
    let part = tables::PARTS.find(reader, &(id, number))?.ok_or_else(invalid)?;
    if ETag::whole(part.md5).to_string() != etag {
        return Err(invalid());
    }
    match checksum::given(wanted)? {
        Some((algorithm, value)) if algorithm != part.checksum.algorithm || value != part.checksum.value => {
            Err(invalid())
        }
        _ => Ok(part),
    }
}

/// The checksum of the whole: combined from the parts', or that of the parts' in order.
fn whole_checksum(
    upload: &Upload,
    parts: &[(u16, Part)],
    input: &CompleteMultipartUploadInput,
) -> Result<Option<Checksum>, ApiError> {
    let (algorithm, kind) = (upload.algorithm(), upload.kind());
    // A part that came with another checksum than the upload's usual one leaves the whole without.
    if parts.iter().any(|(_, part)| part.checksum.algorithm != algorithm) {
        return Ok(None);
    }
    let value = match kind {
        Kind::FullObject => {
            algorithm.combine(parts.iter().map(|(_, part)| (&*part.checksum.value, part.size)))
        }
        Kind::Composite => {
            let all: Vec<u8> = parts.iter().flat_map(|(_, part)| part.checksum.value.clone()).collect();
            Some(checksum::of(algorithm, &all))
        }
    };
    let Some(value) = value else { return Ok(None) };
    let count = u16::try_from(parts.len()).unwrap_or(u16::MAX);
    let found = Checksum { algorithm, kind, value, parts: if kind == Kind::Composite { count } else { 0 } };
    if let Some(claimed) = claimed(input, algorithm)
        && claimed != found.text()
        && claimed != checksum::base64(&found.value)
    {
        return Err(errors::bad_digest(algorithm.name()));
    }
    Ok(Some(found))
}

/// What the client says that the whole has, with or without the number of parts.
fn claimed(input: &CompleteMultipartUploadInput, algorithm: Algorithm) -> Option<String> {
    crate::fields::Fields(input).owned(algorithm.member())
}

/// Takes the parts out of the upload; those that the object does not have go away.
fn settle_parts(tx: &mut Tx<'_>, id: u128, manifest: &Manifest) -> Result<Freed, ApiError> {
    let mut freed = Freed::new();
    let mut kept = manifest.parts.iter().peekable();
    for ((_, number), part) in tables::PARTS.list(tx, &Range::prefix(&id), usize::MAX)? {
        tables::PARTS.delete(tx, &(id, number));
        match kept.peek() {
            Some(piece) if piece.number == number => {
                // Uploaded anew since it was looked at: what the client named is not there any more.
                if piece.content != part.content {
                    return Err(errors::invalid_part(i32::from(number), "", &id_text(id)));
                }
                kept.next();
            }
            _ => versions::release_content(tx, part.content, &mut freed)?,
        }
    }
    match kept.next() {
        Some(piece) => Err(errors::invalid_part(i32::from(piece.number), "", &id_text(id))),
        None => Ok(freed),
    }
}

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
pub(super) fn drop_uploads(tx: &mut Tx<'_>, bucket: u64) -> Result<Freed, ApiError> {
    let mut freed = Freed::new();
    for (place, _) in tables::UPLOADS.list(tx, &Range::prefix(&bucket), usize::MAX)? {
        freed.extend(abort(tx, &place)?);
    }
    Ok(freed)
}

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

fn initiator(upload: &Upload) -> Initiator {
    Initiator { id: Some(upload.initiator.canonical_user_id()), ..Default::default() }
}

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
