//! GetObject, HeadObject and GetObjectAttributes: what an object is, and its bytes.

use std::ops::Range;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3_api::op::{GetObject, GetObjectAttributes, HeadObject};
use s3_api::{
    Checksum as ApiChecksum, GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectAttributesParts,
    GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, ObjectPart,
};
use shapes::{ApiError, Struct, Timestamp};

use crate::checksum::{Checksum, Kind};
use crate::conditions::Conditions;
use crate::content::Found;
use crate::fields::{Fields, FieldsMut};
use crate::multipart::Manifest;
use crate::object::{Content, Version};
use crate::settings::Loaded;
use crate::tiering::{self, Tier};
use crate::{S3, encryption, errors, http_date, key, lifecycle, range, tables, versions};

/// What of a version a request gets.
struct Part {
    range: Range<u64>,
    is_partial: bool,
    parts_count: Option<usize>,
}

impl Handle<GetObject> for S3 {
    fn guard(&self, ctx: &Ctx, input: &GetObjectInput) -> Result<Guard, ApiError> {
        self.read_guard(ctx, &input.bucket, &input.key, input.version_id.as_deref())
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: GetObjectInput) -> Result<GetObjectOutput, ApiError> {
        refuse_anonymous_overrides(ctx, &input)?;
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let (version, found, part, tier) = self.look(ctx, &loaded, &input)?;
        if !version.is_readable(ctx.now()) || tier.archive_name().is_some() {
            return Err(errors::invalid_object_state(version.class.name(), tier.archive_name()));
        }
        let mut output = GetObjectOutput::default();
        describe(ctx.now(), &version, &part, &loaded, &input, &mut output);
        let customer_key = self.check_customer_key(&version.encryption, &input, "")?;
        let key = self.key_for_reading(ctx, &version.encryption, customer_key).await?;
        let length = part.range.end - part.range.start;
        self.accessed(ctx, &loaded, &input.key, &version).await?;
        output.body = Some(self.body(&version, found, &key, part.range).await?);
        self.analyse_read(&loaded, &input.key, &version, length);
        ctx.publish("AWS/S3", "BytesDownloaded", ("BucketName", &input.bucket), length as f64);
        Ok(output)
    }
}

impl Handle<HeadObject> for S3 {
    fn guard(&self, ctx: &Ctx, input: &HeadObjectInput) -> Result<Guard, ApiError> {
        self.read_guard(ctx, &input.bucket, &input.key, input.version_id.as_deref())
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: HeadObjectInput,
    ) -> Result<HeadObjectOutput, ApiError> {
        refuse_anonymous_overrides(ctx, &input)?;
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let (version, _, part, tier) = self.look(ctx, &loaded, &input)?;
        self.check_customer_key(&version.encryption, &input, "")?;
        let mut output = HeadObjectOutput::default();
        describe(ctx.now(), &version, &part, &loaded, &input, &mut output);
        output.archive_status = tier.archive_name().map(str::to_owned);
        Ok(output)
    }
}

/// Only who signs may change the headers of an answer.
fn refuse_anonymous_overrides(ctx: &Ctx, input: &dyn Struct) -> Result<(), ApiError> {
    let is_anonymous = matches!(ctx.principal(), identity::Principal::Anonymous);
    if is_anonymous && OVERRIDES.iter().any(|(name, _)| Fields(input).text(name).is_some()) {
        let message = "Request specific response headers cannot be used for anonymous GET requests.";
        return Err(errors::invalid_request(message));
    }
    Ok(())
}

impl S3 {
    fn read_guard(
        &self,
        ctx: &Ctx,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Guard, ApiError> {
        let action = if version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
        self.version_guard(ctx, bucket, key, version, action)
    }

    /// The version that a read is about, where its bytes are, which of them are asked for, and the tier they are in.
    fn look(
        &self,
        ctx: &Ctx,
        loaded: &Loaded,
        input: &dyn Struct,
    ) -> Result<(Version, Found, Part, Tier), ApiError> {
        let fields = Fields(input);
        let key = fields.text("Key").unwrap_or_default();
        key::check(key)?;
        let mut reader = self.read()?;
        let version = versions::find_object(&mut reader, &loaded.bucket, key, fields.text("VersionId"))
            .map_err(
                |error| if error.code() == "NoSuchKey" { self.missing(ctx, loaded, error) } else { error },
            )?;
        Conditions::read(input).check_read(&version)?;
        let found = self.find_content(&mut reader, &version)?;
        let part = which(&version, &found, input)?;
        let tier = tiering::tier(&mut reader, loaded.bucket.id, key, &version)?;
        Ok((version, found, part, tier))
    }
}

/// The bytes that a range or a part number names.
fn which(version: &Version, found: &Found, input: &dyn Struct) -> Result<Part, ApiError> {
    let fields = Fields(input);
    let number = part_number_of(input);
    let header = fields.text("Range");
    match (number, header) {
        (Some(_), Some(_)) => {
            let message = "Cannot specify both Range header and partNumber query parameter";
            Err(errors::invalid_request(message))
        }
        (None, None) => Ok(Part { range: 0..version.size, is_partial: false, parts_count: None }),
        (None, Some(header)) => Ok(match range::parse(header, version.size)? {
            Some(range) => Part { range, is_partial: true, parts_count: None },
            None => Part { range: 0..version.size, is_partial: false, parts_count: None },
        }),
        (Some(number), None) => {
            crate::multipart::part_number(number)?;
            let Found::Parts(manifest) = found else {
                let whole = Part { range: 0..version.size, is_partial: true, parts_count: None };
                return if number == 1 { Ok(whole) } else { Err(errors::invalid_part_number()) };
            };
            let range = range_of_part(manifest, number)?;
            Ok(Part { range, is_partial: true, parts_count: Some(manifest.parts.len()) })
        }
    }
}

fn part_number_of(input: &dyn Struct) -> Option<i32> {
    let (index, _) = input.shape().member_named("PartNumber")?;
    match input.member(index).view() {
        shapes::View::Integer(number) => Some(number),
        _ => None,
    }
}

fn range_of_part(manifest: &Manifest, number: i32) -> Result<Range<u64>, ApiError> {
    let mut begin = 0;
    for piece in &manifest.parts {
        let end = begin + piece.size;
        if i32::from(piece.number) == number {
            return Ok(begin..end);
        }
        begin = end;
    }
    Err(errors::invalid_part_number())
}

const OVERRIDES: [(&str, &str); 6] = [
    ("ResponseContentType", "ContentType"),
    ("ResponseContentLanguage", "ContentLanguage"),
    ("ResponseExpires", "Expires"),
    ("ResponseCacheControl", "CacheControl"),
    ("ResponseContentDisposition", "ContentDisposition"),
    ("ResponseContentEncoding", "ContentEncoding"),
];

/// Fills an answer with what a version is.
fn describe(
    now: Timestamp,
    version: &Version,
    part: &Part,
    loaded: &Loaded,
    input: &dyn Struct,
    output: &mut dyn Struct,
) {
    let asked = Fields(input);
    encryption::write(&version.encryption, output);
    let is_whole = part.range == (0..version.size);
    if asked.text("ChecksumMode") == Some("ENABLED")
        && is_whole
        && let Some(checksum) = &version.checksum
    {
        checksum.write(output);
    }
    let mut fields = FieldsMut(output);
    fields.text("AcceptRanges", Some("bytes"));
    fields.text("ETag", Some(version.etag.quoted()));
    fields.time("LastModified", Some(version.modified));
    fields.number("ContentLength", Some(part.range.end - part.range.start));
    if part.is_partial && !part.range.is_empty() {
        fields.text("ContentRange", Some(range::content_range(&part.range, version.size)));
    }
    fields.number("StatusCode", part.is_partial.then_some(206));
    fields.number("PartsCount", part.parts_count.map(|count| count as u64));
    let headers = &version.headers;
    let content_type = headers.content_type.as_deref().unwrap_or("binary/octet-stream");
    fields.text("ContentType", Some(content_type));
    fields.text("ContentEncoding", headers.content_encoding.clone());
    fields.text("ContentLanguage", headers.content_language.clone());
    fields.text("ContentDisposition", headers.content_disposition.clone());
    fields.text("CacheControl", headers.cache_control.clone());
    fields.text("Expires", headers.expires.clone());
    fields.text("WebsiteRedirectLocation", headers.website_redirect.clone());
    fields.entries("Metadata", &version.metadata);
    fields.number("TagCount", (!version.tags.is_empty()).then_some(version.tags.len() as u64));
    fields.text("StorageClass", version.class.in_header());
    fields.text("ReplicationStatus", version.replication.map(crate::object::Replication::name));
    if let Some(retention) = version.lock.retention {
        fields.text("ObjectLockMode", Some(retention.mode.name()));
        fields.time("ObjectLockRetainUntilDate", Some(retention.until));
    }
    fields.text("ObjectLockLegalHoldStatus", version.lock.has_legal_hold.then_some("ON"));
    fields.text("Restore", restore(version, now));
    let key = asked.text("Key").unwrap_or_default();
    fields.text("Expiration", lifecycle::expiration_header(loaded.settings.lifecycle.as_ref(), key, version));
    let has_ids = loaded.bucket.versioning.has_ids() || !version.id.is_null;
    fields.text("VersionId", has_ids.then(|| version.id.to_string()));
    for (member, header) in OVERRIDES {
        fields.text(header, asked.text(member));
    }
}

/// `ongoing-request="false", expiry-date="..."`
fn restore(version: &Version, now: Timestamp) -> Option<String> {
    let restore = version.restore?;
    match restore.until {
        _ if restore.ready > now => Some("ongoing-request=\"true\"".to_owned()),
        Some(until) if until > now => {
            Some(format!("ongoing-request=\"false\", expiry-date=\"{}\"", http_date::format(until)))
        }
        _ => None,
    }
}

impl Handle<GetObjectAttributes> for S3 {
    fn guard(&self, ctx: &Ctx, input: &GetObjectAttributesInput) -> Result<Guard, ApiError> {
        let (read, own) = match input.version_id {
            Some(_) => ("s3:GetObjectVersion", "s3:GetObjectVersionAttributes"),
            None => ("s3:GetObject", "s3:GetObjectAttributes"),
        };
        let version = input.version_id.as_deref();
        let guard = self.version_guard(ctx, &input.bucket, &input.key, version, read)?;
        Ok(guard.and(self.version_guard(ctx, &input.bucket, &input.key, version, own)?))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetObjectAttributesInput,
    ) -> Result<GetObjectAttributesOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let mut reader = self.read()?;
        let version =
            versions::find_object(&mut reader, &loaded.bucket, &input.key, input.version_id.as_deref())
                .map_err(|error| {
                    if error.code() == "NoSuchKey" { self.missing(ctx, &loaded, error) } else { error }
                })?;
        self.check_customer_key(&version.encryption, &input, "")?;
        let wants = |name: &str| input.object_attributes.iter().any(|attribute| attribute == name);
        let mut output =
            GetObjectAttributesOutput { last_modified: Some(version.modified), ..Default::default() };
        if let Some(unknown) =
            input.object_attributes.iter().find(|name| !ATTRIBUTES.contains(&name.as_str()))
        {
            return Err(errors::invalid_argument(
                "x-amz-object-attributes",
                unknown,
                "Invalid attribute name specified.",
            ));
        }
        if wants("ETag") {
            output.e_tag = Some(version.etag.to_string());
        }
        if wants("StorageClass") {
            output.storage_class = Some(version.class.name().to_owned());
        }
        if wants("ObjectSize") {
            output.object_size = i64::try_from(version.size).ok();
        }
        if let Some(checksum) = version.checksum.as_ref().filter(|_| wants("Checksum")) {
            let mut told = ApiChecksum::default();
            // Here the number of parts stands elsewhere.
            let bare = Checksum { kind: Kind::FullObject, ..checksum.clone() };
            bare.write(&mut told);
            told.checksum_type = Some(checksum.kind.name().to_owned());
            output.checksum = Some(told);
        }
        if let (true, Content::Parts(id)) = (wants("ObjectParts"), version.content)
            && let Some(manifest) = tables::MANIFESTS.find(&mut reader, &id)?
        {
            output.object_parts = Some(parts(&version, &manifest, &input));
        }
        let has_ids = loaded.bucket.versioning.has_ids() || !version.id.is_null;
        output.version_id = has_ids.then(|| version.id.to_string());
        Ok(output)
    }
}

const ATTRIBUTES: [&str; 5] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

fn parts(
    version: &Version,
    manifest: &Manifest,
    input: &GetObjectAttributesInput,
) -> GetObjectAttributesParts {
    let marker = input.part_number_marker.unwrap_or(0);
    let most = usize::try_from(input.max_parts.unwrap_or(1000)).unwrap_or(0).min(1000);
    let behind: Vec<_> = manifest.parts.iter().filter(|piece| i32::from(piece.number) > marker).collect();
    let shown: Vec<ObjectPart> = behind
        .iter()
        .take(most)
        .map(|piece| {
            let mut part = ObjectPart {
                part_number: Some(i32::from(piece.number)),
                size: i64::try_from(piece.size).ok(),
                ..Default::default()
            };
            if let (Some(value), Some(checksum)) = (&piece.checksum, &version.checksum) {
                Checksum::full(checksum.algorithm, value.clone()).write(&mut part);
            }
            part
        })
        .collect();
    let next = shown.last().and_then(|part| part.part_number).unwrap_or(0);
    // Parts are told one by one only where each has a checksum of its own.
    let is_composite = version.checksum.as_ref().is_some_and(|checksum| checksum.kind == Kind::Composite);
    GetObjectAttributesParts {
        total_parts_count: i32::try_from(manifest.parts.len()).ok(),
        max_parts: i32::try_from(most).ok(),
        is_truncated: Some(behind.len() > shown.len()),
        part_number_marker: Some(marker),
        next_part_number_marker: Some(next),
        parts: (is_composite && !shown.is_empty()).then_some(shown),
    }
}
