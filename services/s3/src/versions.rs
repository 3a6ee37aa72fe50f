//! Versions of objects in a transaction: finding, putting and deleting them, as the bucket's versioning has it.

use std::ops::ControlFlow;

use shapes::{ApiError, Timestamp};
use store::{Order, Range, Reader, StoreError, Tx};

use crate::bucket::{Bucket, Versioning};
use crate::object::{Content, Version, VersionId};
use crate::tables;
use crate::{conditions::Conditions, errors};

/// Files that nothing names any more once the transaction is durable, to be removed then.
pub(crate) type Freed = Vec<u128>;

/// What became of a request to delete.
#[derive(Debug, Default)]
pub(crate) struct Deleted {
    /// The marker that was made, or the version that went away.
    pub version: Option<VersionId>,
    pub is_delete_marker: bool,
    /// The version that went away for good.
    pub gone: Option<Version>,
    pub freed: Freed,
}

/// The version of a key that a request means: the newest, which may be a delete marker, or the one with this id.
pub(crate) fn find(
    reader: &mut dyn Reader,
    bucket: &Bucket,
    key: &str,
    version_id: Option<&str>,
) -> Result<Option<Version>, ApiError> {
    let Some(text) = version_id else { return Ok(newest(reader, bucket.id, key)?) };
    match VersionId::parse(text)? {
        None => Ok(find_null(reader, bucket.id, key)?),
        Some((order, chance)) => {
            let is_it = |version: &Version| {
                version.id.order == order && version.id.chance == chance && !version.id.is_null
            };
            let current = tables::CURRENT.find(reader, &tables::current(bucket.id, key))?;
            if let Some(current) = current.filter(is_it) {
                return Ok(Some(current));
            }
            let older = tables::OLDER.find(reader, &tables::older(bucket.id, key, order))?;
            Ok(older.filter(is_it))
        }
    }
}

/// The version of a key with this order.
pub(crate) fn at(
    reader: &mut dyn Reader,
    bucket: u64,
    key: &str,
    order: u64,
) -> Result<Option<Version>, StoreError> {
    let current = tables::CURRENT.find(reader, &tables::current(bucket, key))?;
    match current.filter(|current| current.id.order == order) {
        Some(current) => Ok(Some(current)),
        None => tables::OLDER.find(reader, &tables::older(bucket, key, order)),
    }
}

/// As [`find`]; what is not there, and delete markers, are errors.
pub(crate) fn find_object(
    reader: &mut dyn Reader,
    bucket: &Bucket,
    key: &str,
    version_id: Option<&str>,
) -> Result<Version, ApiError> {
    match (find(reader, bucket, key, version_id)?, version_id) {
        (Some(version), _) if !version.is_delete_marker => Ok(version),
        (Some(marker), asked) => {
            let id = bucket.versioning.has_ids().then(|| marker.id.to_string());
            Err(errors::delete_marker(key, id.as_deref(), asked.is_some()))
        }
        (None, Some(id)) => Err(errors::no_such_version(key, id)),
        (None, None) => Err(errors::no_such_key(key)),
    }
}

/// The newest version of a key, or the delete marker in its place.
pub(crate) fn newest(reader: &mut dyn Reader, bucket: u64, key: &str) -> Result<Option<Version>, StoreError> {
    match tables::CURRENT.find(reader, &tables::current(bucket, key))? {
        Some(current) => Ok(Some(current)),
        None => newest_older(reader, bucket, key),
    }
}

fn newest_older(reader: &mut dyn Reader, bucket: u64, key: &str) -> Result<Option<Version>, StoreError> {
    let range = Range::prefix(&(bucket, key.to_owned()));
    Ok(tables::OLDER.list(reader, &range, 1)?.pop().map(|(_, version)| version))
}

fn find_null(reader: &mut dyn Reader, bucket: u64, key: &str) -> Result<Option<Version>, StoreError> {
    let current = tables::CURRENT.find(reader, &tables::current(bucket, key))?;
    if let Some(current) = current.filter(|current| current.id.is_null) {
        return Ok(Some(current));
    }
    let Some(order) = tables::NULLS.find(reader, &(bucket, key.to_owned()))? else { return Ok(None) };
    tables::OLDER.find(reader, &tables::older(bucket, key, order.0))
}

/// Puts `version` as the newest of its key and gives it its id.
pub(crate) fn put(
    tx: &mut Tx<'_>,
    bucket: &Bucket,
    key: &str,
    mut version: Version,
    conditions: &Conditions,
) -> Result<(Version, Freed), ApiError> {
    let mut freed = Freed::new();
    let current = tables::CURRENT.find(tx, &tables::current(bucket.id, key))?;
    conditions.check_write(key, current.as_ref())?;
    version.id = next_id(tx, bucket, key, current.as_ref(), version.id.chance, version.modified)?;
    if let Some(current) = current {
        let is_replaced = version.id.is_null && current.id.is_null;
        if is_replaced {
            release(tx, &current, &mut freed)?;
        } else {
            shelve(tx, bucket.id, key, current, version.modified);
        }
    }
    if version.id.is_null && bucket.versioning != Versioning::Never {
        drop_older_null(tx, bucket.id, key, &mut freed)?;
    }
    tables::CURRENT.put(tx, &tables::current(bucket.id, key), &version);
    Ok((version, freed))
}

/// Puts a version that has its id already where it belongs among its key's: a copy of another bucket's.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    bucket: &Bucket,
    key: &str,
    version: &Version,
) -> Result<Freed, ApiError> {
    let mut freed = Freed::new();
    let place = tables::current(bucket.id, key);
    let older = tables::older(bucket.id, key, version.id.order);
    let current = tables::CURRENT.find(tx, &place)?;
    if let Some(current) = current.as_ref().filter(|current| current.id == version.id) {
        release(tx, current, &mut freed)?;
        tables::CURRENT.put(tx, &place, version);
        return Ok(freed);
    }
    if let Some(same) = tables::OLDER.find(tx, &older)? {
        release(tx, &same, &mut freed)?;
        tables::OLDER.put(tx, &older, version);
        return Ok(freed);
    }
    let newest = match &current {
        Some(current) => Some(current.id.order),
        None => newest_older(tx, bucket.id, key)?.map(|older| older.id.order),
    };
    if newest.is_some_and(|newest| newest > version.id.order) {
        tables::OLDER.put(tx, &older, version);
        return Ok(freed);
    }
    if let Some(current) = current {
        tables::CURRENT.delete(tx, &place);
        shelve(tx, bucket.id, key, current, version.modified);
    }
    if version.is_delete_marker {
        tables::OLDER.put(tx, &older, version);
    } else {
        tables::CURRENT.put(tx, &place, version);
    }
    Ok(freed)
}

/// Deletes without naming a version: puts a delete marker where the bucket keeps versions.
pub(crate) fn delete_newest(
    tx: &mut Tx<'_>,
    bucket: &Bucket,
    key: &str,
    mut marker: Version,
    conditions: &Conditions,
) -> Result<Deleted, ApiError> {
    let mut deleted = Deleted::default();
    let current = tables::CURRENT.find(tx, &tables::current(bucket.id, key))?;
    conditions.check_delete(key, current.as_ref())?;
    if bucket.versioning == Versioning::Never {
        if let Some(current) = current {
            release(tx, &current, &mut deleted.freed)?;
            tables::CURRENT.delete(tx, &tables::current(bucket.id, key));
            deleted.gone = Some(current);
        }
        return Ok(deleted);
    }
    marker.id = next_id(tx, bucket, key, current.as_ref(), marker.id.chance, marker.modified)?;
    if let Some(current) = current {
        tables::CURRENT.delete(tx, &tables::current(bucket.id, key));
        if marker.id.is_null && current.id.is_null {
            release(tx, &current, &mut deleted.freed)?;
        } else {
            shelve(tx, bucket.id, key, current, marker.modified);
        }
    }
    if marker.id.is_null {
        drop_older_null(tx, bucket.id, key, &mut deleted.freed)?;
        tables::NULLS.put(tx, &(bucket.id, key.to_owned()), &tables::Order(marker.id.order));
    }
    tables::OLDER.put(tx, &tables::older(bucket.id, key, marker.id.order), &marker);
    deleted.version = Some(marker.id);
    deleted.is_delete_marker = true;
    Ok(deleted)
}

/// Deletes one version for good. A version that is not there is deleted already.
pub(crate) fn delete_version(
    tx: &mut Tx<'_>,
    bucket: &Bucket,
    key: &str,
    version: &Version,
) -> Result<Freed, ApiError> {
    let mut freed = Freed::new();
    release(tx, version, &mut freed)?;
    let place = tables::current(bucket.id, key);
    let is_current = tables::CURRENT.find(tx, &place)?.is_some_and(|current| current.id == version.id);
    if is_current {
        tables::CURRENT.delete(tx, &place);
    } else {
        tables::OLDER.delete(tx, &tables::older(bucket.id, key, version.id.order));
        if version.id.is_null {
            tables::NULLS.delete(tx, &(bucket.id, key.to_owned()));
        }
    }
    // What is newest now may be a version again. A delete marker stays where markers are.
    let next = if is_current || version.is_delete_marker { newest_older(tx, bucket.id, key)? } else { None };
    let has_current = tables::CURRENT.contains(tx, &place)?;
    if let Some(mut next) = next.filter(|next| !next.is_delete_marker && !has_current) {
        tables::OLDER.delete(tx, &tables::older(bucket.id, key, next.id.order));
        if next.id.is_null {
            tables::NULLS.delete(tx, &(bucket.id, key.to_owned()));
        }
        next.superseded = None;
        tables::CURRENT.put(tx, &place, &next);
    }
    Ok(freed)
}

/// Stores a version that was changed in place.
pub(crate) fn update(tx: &mut Tx<'_>, bucket: u64, key: &str, version: &Version) -> Result<(), StoreError> {
    let place = tables::current(bucket, key);
    let is_current = tables::CURRENT.find(tx, &place)?.is_some_and(|current| current.id == version.id);
    if is_current {
        tables::CURRENT.put(tx, &place, version);
    } else {
        tables::OLDER.put(tx, &tables::older(bucket, key, version.id.order), version);
    }
    Ok(())
}

/// Takes away the content of a version that goes away.
pub(crate) fn release(tx: &mut Tx<'_>, version: &Version, freed: &mut Freed) -> Result<(), StoreError> {
    release_content(tx, version.content, freed)
}

pub(crate) fn release_content(
    tx: &mut Tx<'_>,
    content: Content,
    freed: &mut Freed,
) -> Result<(), StoreError> {
    match content {
        Content::Empty => {}
        Content::Row(id) => tables::CONTENTS.delete(tx, &id),
        Content::File(id) => {
            tables::FILES.delete(tx, &id);
            freed.push(id);
        }
        Content::Parts(id) => {
            let manifest = tables::MANIFESTS.find(tx, &id)?;
            tables::MANIFESTS.delete(tx, &id);
            for part in manifest.into_iter().flat_map(|manifest| manifest.parts) {
                release_content(tx, part.content, freed)?;
            }
        }
    }
    Ok(())
}

/// Whether a bucket holds nothing at all.
pub(crate) fn is_empty(reader: &mut dyn Reader, bucket: u64) -> Result<(bool, bool), StoreError> {
    let mut has_older = false;
    tables::OLDER.visit(reader, &Range::prefix(&bucket), Order::Ascending, |_, _| {
        has_older = true;
        ControlFlow::Break(())
    })?;
    let mut has_current = false;
    tables::CURRENT.visit(reader, &Range::prefix(&bucket), Order::Ascending, |_, _| {
        has_current = true;
        ControlFlow::Break(())
    })?;
    Ok((has_current, has_older))
}

fn next_id(
    tx: &mut Tx<'_>,
    bucket: &Bucket,
    key: &str,
    current: Option<&Version>,
    chance: u64,
    now: Timestamp,
) -> Result<VersionId, StoreError> {
    let is_null = bucket.versioning != Versioning::Enabled;
    let latest = match current {
        Some(current) => Some(current.id.order),
        None if bucket.versioning == Versioning::Never => None,
        None => newest_older(tx, bucket.id, key)?.map(|older| older.id.order),
    };
    let clock = u64::try_from(now.millis()).unwrap_or(0) * 1000;
    let order = clock.max(latest.map_or(0, |latest| latest + 1));
    Ok(VersionId { order, chance, is_null })
}

/// Puts a version that is the newest no longer among the older ones.
fn shelve(tx: &mut Tx<'_>, bucket: u64, key: &str, mut version: Version, now: Timestamp) {
    version.superseded = Some(now);
    if version.id.is_null {
        tables::NULLS.put(tx, &(bucket, key.to_owned()), &tables::Order(version.id.order));
    }
    tables::OLDER.put(tx, &tables::older(bucket, key, version.id.order), &version);
}

fn drop_older_null(tx: &mut Tx<'_>, bucket: u64, key: &str, freed: &mut Freed) -> Result<(), StoreError> {
    let place = (bucket, key.to_owned());
    let Some(order) = tables::NULLS.find(tx, &place)? else { return Ok(()) };
    let older = tables::older(bucket, key, order.0);
    if let Some(version) = tables::OLDER.find(tx, &older)? {
        release(tx, &version, freed)?;
        tables::OLDER.delete(tx, &older);
    }
    tables::NULLS.delete(tx, &place);
    Ok(())
}
