//! What there is in a bucket, by storage class.

use std::collections::BTreeMap;

use s3control_api::{MatchObjectAge, MatchObjectSize, S3Tag, StorageLensGroup};
use shapes::{ApiError, Timestamp};
use store::{Range, Tail};

use crate::object::{Replication, Version};
use crate::{S3, tables};

const PAGE: usize = 1000;
const DAY_MILLIS: i64 = 86_400_000;

/// Bytes and objects of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Amount {
    pub bytes: u64,
    pub objects: u64,
}

impl Amount {
    fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.objects += 1;
    }

    fn join(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.objects += other.objects;
    }
}

/// Free metrics of a storage class (S3 User Guide, "Amazon S3 Storage Lens metrics glossary").
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counted {
    current: Amount,
    noncurrent: Amount,
    delete_markers: u64,
    locked: Amount,
    replicated: Amount,
    replicas: Amount,
    uploads: Amount,
}

/// By the class's name.
pub(super) type ByClass = BTreeMap<&'static str, Counted>;

impl Counted {
    pub(super) fn add(&mut self, version: &Version, is_current: bool) {
        if version.is_delete_marker {
            self.delete_markers += 1;
            return;
        }
        let size = version.size;
        if is_current { &mut self.current } else { &mut self.noncurrent }.add(size);
        if version.lock.retention.is_some() || version.lock.has_legal_hold {
            self.locked.add(size);
        }
        match version.replication {
            Some(Replication::Completed) => self.replicated.add(size),
            Some(Replication::Replica) => self.replicas.add(size),
            _ => {}
        }
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.current.join(other.current);
        self.noncurrent.join(other.noncurrent);
        self.delete_markers += other.delete_markers;
        self.locked.join(other.locked);
        self.replicated.join(other.replicated);
        self.replicas.join(other.replicas);
        self.uploads.join(other.uploads);
    }

    /// The metrics' names and values. Everything that is stored is encrypted.
    pub(super) fn metrics(&self) -> Vec<(&'static str, u64)> {
        let mut all = self.current;
        all.join(self.noncurrent);
        vec![
            ("StorageBytes", all.bytes + self.uploads.bytes),
            ("ObjectCount", all.objects),
            ("CurrentVersionStorageBytes", self.current.bytes),
            ("CurrentVersionObjectCount", self.current.objects),
            ("NonCurrentVersionStorageBytes", self.noncurrent.bytes),
            ("NonCurrentVersionObjectCount", self.noncurrent.objects),
            ("DeleteMarkerObjectCount", self.delete_markers),
            ("EncryptedStorageBytes", all.bytes),
            ("EncryptedObjectCount", all.objects),
            ("ObjectLockEnabledStorageBytes", self.locked.bytes),
            ("ObjectLockEnabledObjectCount", self.locked.objects),
            ("ReplicatedStorageBytesSource", self.replicated.bytes),
            ("ReplicatedObjectCountSource", self.replicated.objects),
            ("ReplicatedStorageBytes", self.replicas.bytes),
            ("ReplicatedObjectCount", self.replicas.objects),
            ("IncompleteMultipartUploadStorageBytes", self.uploads.bytes),
            ("IncompleteMultipartUploadObjectCount", self.uploads.objects),
        ]
    }
}

impl S3 {
    /// What is in a bucket, and what of it each group takes.
    pub(super) fn count_bucket(
        &self,
        bucket: u64,
        groups: &[StorageLensGroup],
    ) -> Result<(ByClass, Vec<ByClass>), ApiError> {
        let now = self.cloud.clock().now();
        let (mut all, mut of_groups) = (ByClass::new(), vec![ByClass::new(); groups.len()]);
        let mut add = |key: &str, version: &Version, is_current: bool| {
            let class = version.class.name();
            all.entry(class).or_default().add(version, is_current);
            for (group, counted) in groups.iter().zip(&mut of_groups) {
                if takes(group, key, version, now) {
                    counted.entry(class).or_default().add(version, is_current);
                }
            }
        };
        let mut range = Range::prefix(&bucket);
        loop {
            let rows = tables::CURRENT.list(&mut self.read()?, &range, PAGE)?;
            for ((_, Tail(key)), version) in &rows {
                add(&String::from_utf8_lossy(key), version, true);
            }
            match rows.last().filter(|_| rows.len() == PAGE) {
                Some((last, _)) => range = Range::prefix(&bucket).after(last),
                None => break,
            }
        }
        let mut range = Range::prefix(&bucket);
        loop {
            let rows = tables::OLDER.list(&mut self.read()?, &range, PAGE)?;
            for ((_, key, _), version) in &rows {
                add(key, version, false);
            }
            match rows.last().filter(|_| rows.len() == PAGE) {
                Some((last, _)) => range = Range::prefix(&bucket).after(last),
                None => break,
            }
        }
        self.count_uploads(bucket, &mut all)?;
        Ok((all, of_groups))
    }

    fn count_uploads(&self, bucket: u64, all: &mut ByClass) -> Result<(), ApiError> {
        let mut range = Range::prefix(&bucket);
        loop {
            let mut reader = self.read()?;
            let rows = tables::UPLOADS.list(&mut reader, &range, PAGE)?;
            for ((_, _, number), upload) in &rows {
                let parts = tables::PARTS.list(&mut reader, &Range::prefix(number), usize::MAX)?;
                let bytes = parts.iter().map(|(_, part)| part.size).sum();
                all.entry(upload.version.class.name()).or_default().uploads.add(bytes);
            }
            match rows.last().filter(|_| rows.len() == PAGE) {
                Some((last, _)) => range = Range::prefix(&bucket).after(last),
                None => return Ok(()),
            }
        }
    }
}

/// What a filter asks for, at its own level or below one of its operators.
struct Asked<'f> {
    prefixes: Option<&'f [String]>,
    suffixes: Option<&'f [String]>,
    tags: Option<&'f [S3Tag]>,
    age: Option<&'f MatchObjectAge>,
    size: Option<&'f MatchObjectSize>,
}

impl Asked<'_> {
    /// The answer to each question that is asked.
    fn answers(&self, key: &str, version: &Version, now: Timestamp) -> Vec<bool> {
        let days = (now.millis() - version.modified.millis()).div_euclid(DAY_MILLIS);
        let size = i64::try_from(version.size).unwrap_or(i64::MAX);
        let has =
            |tag: &S3Tag| version.tags.iter().any(|(name, value)| *name == tag.key && *value == tag.value);
        let answers = [
            self.prefixes.map(|all| all.iter().any(|prefix| key.starts_with(prefix.as_str()))),
            self.suffixes.map(|all| all.iter().any(|suffix| key.ends_with(suffix.as_str()))),
            self.tags.map(|all| all.iter().any(has)),
            self.age.map(|age| {
                age.days_greater_than.is_none_or(|least| days > i64::from(least))
                    && age.days_less_than.is_none_or(|most| days < i64::from(most))
            }),
            self.size.map(|asked| {
                asked.bytes_greater_than.is_none_or(|least| size > least)
                    && asked.bytes_less_than.is_none_or(|most| size < most)
            }),
        ];
        answers.into_iter().flatten().collect()
    }
}

/// Whether a group is about an object.
fn takes(group: &StorageLensGroup, key: &str, version: &Version, now: Timestamp) -> bool {
    macro_rules! asked {
        ($filter:expr) => {
            Asked {
                prefixes: $filter.match_any_prefix.as_deref(),
                suffixes: $filter.match_any_suffix.as_deref(),
                tags: $filter.match_any_tag.as_deref(),
                age: $filter.match_object_age.as_ref(),
                size: $filter.match_object_size.as_ref(),
            }
        };
    }
    let filter = &group.filter;
    if let Some(or) = &filter.or {
        return asked!(or).answers(key, version, now).contains(&true);
    }
    let answers = match &filter.and {
        Some(and) => asked!(and).answers(key, version, now),
        None => asked!(filter).answers(key, version, now),
    };
    !version.is_delete_marker && !answers.contains(&false)
}
