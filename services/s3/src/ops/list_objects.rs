//! ListObjectsV2, ListObjects and ListObjectVersions.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3_api::op::{ListObjectVersions, ListObjects, ListObjectsV2};
use s3_api::{
    CommonPrefix, DeleteMarkerEntry, ListObjectVersionsInput, ListObjectVersionsOutput, ListObjectsInput,
    ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output, Object, ObjectVersion, RestoreStatus,
};
use shapes::{ApiError, Timestamp};

use crate::listing::{self, Entry, Listed, Page, Query};
use crate::object::{Version, VersionId};
use crate::{S3, acl, checksum, errors, key};

/// Entries of a page (API Reference, ListObjectsV2).
pub(crate) const MOST_KEYS: i32 = 1000;

impl S3 {
    /// The guard of a list, with what policies may ask about it.
    pub(crate) fn list_guard(
        &self,
        ctx: &Ctx,
        bucket: &str,
        action: &'static str,
        facts: [(&str, Option<String>); 3],
    ) -> Result<Guard, ApiError> {
        let mut guard = self.bucket_guard(ctx, bucket, action)?;
        for (name, value) in facts {
            if let Some(value) = value {
                guard = guard.with(name, vec![value]);
            }
        }
        Ok(guard)
    }
}

macro_rules! facts {
    ($input:expr) => {
        [
            ("s3:prefix", Some($input.prefix.clone().unwrap_or_default())),
            ("s3:delimiter", $input.delimiter.clone()),
            ("s3:max-keys", $input.max_keys.map(|most| most.to_string())),
        ]
    };
}

/// How many entries a page may have.
pub(crate) fn most(asked: Option<i32>, name: &str) -> Result<usize, ApiError> {
    let asked = asked.unwrap_or(MOST_KEYS);
    usize::try_from(asked.min(MOST_KEYS)).map_err(|_| {
        let message = format!("Argument {name} must be an integer between 0 and 2147483647");
        errors::invalid_argument(name, &asked.to_string(), message)
    })
}

/// How keys are spelled in an answer.
#[derive(Clone, Copy)]
pub(crate) struct Spelling {
    is_url: bool,
}

impl Spelling {
    pub(crate) fn parse(encoding: Option<&str>) -> Result<Self, ApiError> {
        match encoding {
            None => Ok(Self { is_url: false }),
            Some("url") => Ok(Self { is_url: true }),
            Some(other) => Err(errors::invalid_argument(
                "encoding-type",
                other,
                "Invalid Encoding Method specified in Request",
            )),
        }
    }

    pub(crate) fn of(self, text: &str) -> String {
        if self.is_url { key::url_encode(text, true) } else { text.to_owned() }
    }

    pub(crate) fn of_option(self, text: Option<String>) -> Option<String> {
        text.map(|text| self.of(&text))
    }
}

impl Handle<ListObjectsV2> for S3 {
    fn guard(&self, ctx: &Ctx, input: &ListObjectsV2Input) -> Result<Guard, ApiError> {
        self.list_guard(ctx, &input.bucket, "s3:ListBucket", facts!(input))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListObjectsV2Input,
    ) -> Result<ListObjectsV2Output, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let spelling = Spelling::parse(input.encoding_type.as_deref())?;
        let token = input.continuation_token.as_deref().map(decode_token).transpose()?;
        let query = Query {
            bucket: loaded.bucket.id,
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone().filter(|delimiter| !delimiter.is_empty()),
            after: token.or_else(|| input.start_after.clone().filter(|after| !after.is_empty())),
            after_version: None,
            most: most(input.max_keys, "max-keys")?,
        };
        let page = listing::objects(&mut self.read()?, &query)?;
        let next = page.last().filter(|_| page.is_truncated).map(encode_token);
        let shows_restore =
            input.optional_object_attributes.iter().flatten().any(|attribute| attribute == "RestoreStatus");
        let count = page.entries.len();
        let (is_truncated, now) = (page.is_truncated, ctx.now());
        let fetch_owner = input.fetch_owner == Some(true);
        let (contents, prefixes) = told(page, spelling, |key, version| {
            object(key, version, fetch_owner, shows_restore.then_some(now))
        });
        Ok(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(spelling.of(&query.prefix)),
            delimiter: spelling.of_option(query.delimiter),
            start_after: spelling.of_option(input.start_after),
            max_keys: i32::try_from(query.most).ok(),
            encoding_type: input.encoding_type,
            key_count: i32::try_from(count).ok(),
            is_truncated: Some(is_truncated),
            continuation_token: input.continuation_token,
            next_continuation_token: next,
            contents,
            common_prefixes: prefixes,
            ..Default::default()
        })
    }
}

impl Handle<ListObjects> for S3 {
    fn guard(&self, ctx: &Ctx, input: &ListObjectsInput) -> Result<Guard, ApiError> {
        self.list_guard(ctx, &input.bucket, "s3:ListBucket", facts!(input))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListObjectsInput,
    ) -> Result<ListObjectsOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let spelling = Spelling::parse(input.encoding_type.as_deref())?;
        let query = Query {
            bucket: loaded.bucket.id,
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone().filter(|delimiter| !delimiter.is_empty()),
            after: input.marker.clone().filter(|marker| !marker.is_empty()),
            after_version: None,
            most: most(input.max_keys, "max-keys")?,
        };
        let page = listing::objects(&mut self.read()?, &query)?;
        // Without a delimiter the last key itself is what the next page comes behind.
        let next = page.last().filter(|_| page.is_truncated && query.delimiter.is_some()).map(str::to_owned);
        let shows_restore =
            input.optional_object_attributes.iter().flatten().any(|attribute| attribute == "RestoreStatus");
        let (is_truncated, now) = (page.is_truncated, ctx.now());
        let (contents, prefixes) =
            told(page, spelling, |key, version| object(key, version, true, shows_restore.then_some(now)));
        Ok(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(spelling.of(&query.prefix)),
            marker: Some(spelling.of(&input.marker.unwrap_or_default())),
            delimiter: spelling.of_option(query.delimiter),
            max_keys: i32::try_from(query.most).ok(),
            encoding_type: input.encoding_type,
            is_truncated: Some(is_truncated),
            next_marker: spelling.of_option(next),
            contents,
            common_prefixes: prefixes,
            ..Default::default()
        })
    }
}

/// The entries of a page, in the shapes of an answer.
fn told<T, U>(
    page: Page<T>,
    spelling: Spelling,
    item: impl Fn(String, T) -> U,
) -> (Option<Vec<U>>, Option<Vec<CommonPrefix>>) {
    let (mut items, mut prefixes) = (Vec::new(), Vec::new());
    for entry in page.entries {
        match entry {
            Entry::Item(key, value) => items.push(item(spelling.of(&key), value)),
            Entry::Prefix(prefix) => prefixes.push(common_prefix(&prefix, spelling)),
        }
    }
    ((!items.is_empty()).then_some(items), (!prefixes.is_empty()).then_some(prefixes))
}

pub(crate) fn common_prefix(prefix: &str, spelling: Spelling) -> CommonPrefix {
    CommonPrefix { prefix: Some(spelling.of(prefix)) }
}

fn object(key: String, version: Version, has_owner: bool, restore_at: Option<Timestamp>) -> Object {
    let (algorithm, kind) = checksum_facts(&version);
    Object {
        key: Some(key),
        e_tag: Some(version.etag.quoted()),
        last_modified: Some(version.modified),
        size: i64::try_from(version.size).ok(),
        storage_class: Some(version.class.name().to_owned()),
        owner: has_owner.then(|| acl::owner(version.owner)),
        checksum_algorithm: algorithm,
        checksum_type: kind,
        restore_status: restore_at.and_then(|now| restore_status(&version, now)),
    }
}

fn checksum_facts(version: &Version) -> (Option<Vec<String>>, Option<String>) {
    let checksum: Option<&checksum::Checksum> = version.checksum.as_ref();
    let algorithm = checksum.map(|checksum| vec![checksum.algorithm.name().to_owned()]);
    (algorithm, checksum.map(|checksum| checksum.kind.name().to_owned()))
}

fn restore_status(version: &Version, now: Timestamp) -> Option<RestoreStatus> {
    let restore = version.restore?;
    let is_in_progress = restore.ready > now;
    Some(RestoreStatus {
        is_restore_in_progress: Some(is_in_progress),
        restore_expiry_date: restore.until.filter(|_| !is_in_progress),
    })
}

impl Handle<ListObjectVersions> for S3 {
    fn guard(&self, ctx: &Ctx, input: &ListObjectVersionsInput) -> Result<Guard, ApiError> {
        self.list_guard(ctx, &input.bucket, "s3:ListBucketVersions", facts!(input))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListObjectVersionsInput,
    ) -> Result<ListObjectVersionsOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let spelling = Spelling::parse(input.encoding_type.as_deref())?;
        let mut reader = self.read()?;
        let after = input.key_marker.clone().filter(|marker| !marker.is_empty());
        let after_version = match input.version_id_marker.as_deref().filter(|marker| !marker.is_empty()) {
            Some(_) if after.is_none() => {
                let message = "A version-id marker cannot be specified without a key marker.";
                return Err(errors::invalid_argument("version-id-marker", "", message));
            }
            Some(marker) => Some(self.order_of(&mut reader, &loaded.bucket, after.as_deref(), marker)?),
            None => None,
        };
        let query = Query {
            bucket: loaded.bucket.id,
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: input.delimiter.clone().filter(|delimiter| !delimiter.is_empty()),
            after,
            after_version,
            most: most(input.max_keys, "max-keys")?,
        };
        let page = listing::versions(&mut reader, &query)?;
        let mut output = ListObjectVersionsOutput {
            name: Some(input.bucket),
            prefix: Some(spelling.of(&query.prefix)),
            delimiter: spelling.of_option(query.delimiter),
            key_marker: Some(spelling.of(&input.key_marker.unwrap_or_default())),
            version_id_marker: Some(input.version_id_marker.unwrap_or_default()),
            max_keys: i32::try_from(query.most).ok(),
            encoding_type: input.encoding_type,
            is_truncated: Some(page.is_truncated),
            ..Default::default()
        };
        if page.is_truncated {
            output.next_key_marker = page.last().map(|key| spelling.of(key));
            if let Some(Entry::Item(_, listed)) = page.entries.last() {
                output.next_version_id_marker = Some(listed.version.id.to_string());
            }
        }
        fill(&mut output, page, spelling, ctx.now());
        Ok(output)
    }
}

impl S3 {
    /// Where among its key's versions a marker stands.
    fn order_of(
        &self,
        reader: &mut dyn store::Reader,
        bucket: &crate::bucket::Bucket,
        key: Option<&str>,
        marker: &str,
    ) -> Result<u64, ApiError> {
        match VersionId::parse(marker)? {
            Some((order, _)) => Ok(order),
            None => {
                let null = crate::versions::find(reader, bucket, key.unwrap_or_default(), Some("null"))?;
                // Deleted since it was listed, nobody knows where it stood: better twice than never.
                Ok(null.map_or(u64::MAX, |version| version.id.order))
            }
        }
    }
}

fn fill(output: &mut ListObjectVersionsOutput, page: Page<Listed>, spelling: Spelling, now: Timestamp) {
    for entry in page.entries {
        match entry {
            Entry::Prefix(prefix) => {
                output.common_prefixes.get_or_insert_default().push(common_prefix(&prefix, spelling));
            }
            Entry::Item(key, Listed { version, is_latest }) if version.is_delete_marker => {
                output.delete_markers.get_or_insert_default().push(DeleteMarkerEntry {
                    key: Some(spelling.of(&key)),
                    version_id: Some(version.id.to_string()),
                    is_latest: Some(is_latest),
                    last_modified: Some(version.modified),
                    owner: Some(acl::owner(version.owner)),
                });
            }
            Entry::Item(key, Listed { version, is_latest }) => {
                let (algorithm, kind) = checksum_facts(&version);
                output.versions.get_or_insert_default().push(ObjectVersion {
                    key: Some(spelling.of(&key)),
                    version_id: Some(version.id.to_string()),
                    is_latest: Some(is_latest),
                    e_tag: Some(version.etag.quoted()),
                    last_modified: Some(version.modified),
                    size: i64::try_from(version.size).ok(),
                    storage_class: Some(version.class.name().to_owned()),
                    owner: Some(acl::owner(version.owner)),
                    checksum_algorithm: algorithm,
                    checksum_type: kind,
                    restore_status: restore_status(&version, now),
                });
            }
        }
    }
}

/// Tokens are opaque to clients: base 64 of the last entry.
fn encode_token(last: &str) -> String {
    checksum::base64(format!("1{last}").as_bytes())
}

fn decode_token(token: &str) -> Result<String, ApiError> {
    let text = checksum::from_base64(token).and_then(|bytes| String::from_utf8(bytes).ok());
    let after = text.and_then(|text| text.strip_prefix('1').map(str::to_owned));
    after.ok_or_else(|| {
        errors::invalid_argument("continuation-token", token, "The continuation token provided is incorrect")
    })
}
