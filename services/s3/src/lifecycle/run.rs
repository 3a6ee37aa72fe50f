//! The nightly round through one bucket.

use std::sync::Arc;

use clock::{Job, JobKind, JobOutcome, RetryPolicy};
use cloud::Ctx;
use s3_api::{LifecycleRule, NoncurrentVersionExpiration, NoncurrentVersionTransition};
use shapes::{ApiError, Timestamp};
use store::{Range, Tail, Tx};

use super::filter::{self, LEAST_MOVED_BYTES};
use super::{JOB, expires, fact, midnight_after, next_midnight};
use crate::bucket::{Bucket, Versioning};
use crate::class::{self, StorageClass};
use crate::conditions::Conditions;
use crate::events::Event;
use crate::object::{Version, VersionId};
use crate::ops::abort_upload;
use crate::settings::Loaded;
use crate::store_version::bucket_now;
use crate::versions::{self, Freed};
use crate::{S3, key, tables, tiering};

/// Rows looked at in one go, and changes made in one transaction.
const PAGE: usize = 500;

/// One change that has fallen due.
#[derive(Clone, Debug)]
enum Change {
    /// The newest version expires.
    Expire {
        key: String,
        id: VersionId,
    },
    /// An older version, or a delete marker that hides nothing any more, goes away.
    Remove {
        key: String,
        id: VersionId,
    },
    Move {
        key: String,
        id: VersionId,
        class: StorageClass,
    },
    Abort {
        key: String,
        upload: u128,
    },
}

pub(crate) fn job(s3: &Arc<S3>) -> JobKind {
    let s3 = Arc::clone(s3);
    JobKind {
        name: JOB,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: 4,
        handler: Arc::new(move |_, job| {
            let s3 = Arc::clone(&s3);
            Box::pin(async move {
                match s3.lifecycle_round(&job).await {
                    Ok(true) => JobOutcome::Again(next_midnight(s3.cloud.clock().now())),
                    Ok(false) => JobOutcome::Done,
                    Err(error) => JobOutcome::Failed(error.to_string()),
                }
            })
        }),
        given_up: None,
    }
}

impl S3 {
    /// Does what has fallen due in a bucket; false when it has no rules any more.
    async fn lifecycle_round(self: &Arc<Self>, job: &Job) -> Result<bool, ApiError> {
        let id = job.payload.as_slice().try_into().map(u64::from_be_bytes).unwrap_or_default();
        self.buckets.forget(&job.subject);
        let loaded = self.find_bucket(&job.subject)?.filter(|loaded| loaded.bucket.id == id);
        let Some(loaded) = &loaded else {
            self.write(move |tx| {
                tables::FACTS.delete(tx, &fact(id));
                for (place, _) in tables::WATCHED.list(tx, &Range::prefix(&id), usize::MAX)? {
                    tables::WATCHED.delete(tx, &place);
                }
                Ok::<_, ApiError>(())
            })
            .await?;
            return Ok(false);
        };
        let rules = loaded.settings.lifecycle.iter().flat_map(|lifecycle| &lifecycle.rules);
        let rules: Vec<LifecycleRule> = rules.filter(|rule| rule.status == "Enabled").cloned().collect();
        let region =
            identity::Region::parse(&loaded.bucket.region).unwrap_or(self.cloud.settings().default_region);
        let arn = key::arn(&loaded.bucket.name, None);
        let ctx = self.cloud.background("s3.amazonaws.com", &arn, loaded.bucket.owner, region);
        if !rules.is_empty() {
            self.look_through_current(&ctx, loaded, &rules).await?;
            self.look_through_older(&ctx, loaded, &rules).await?;
            self.look_through_uploads(&ctx, loaded, &rules).await?;
        }
        self.move_tiers(&ctx, loaded).await?;
        self.write(move |tx| {
            let has_rules = tables::CONFIGS.contains(tx, &(id, "lifecycle".to_owned(), String::new()))?;
            let has_more = has_rules || !tables::WATCHED.list(tx, &Range::prefix(&id), 1)?.is_empty();
            if !has_more {
                tables::FACTS.delete(tx, &fact(id));
            }
            Ok::<_, ApiError>(has_more)
        })
        .await
    }

    async fn look_through_current(
        self: &Arc<Self>,
        ctx: &Ctx,
        loaded: &Arc<Loaded>,
        rules: &[LifecycleRule],
    ) -> Result<(), ApiError> {
        let (bucket, mut after) = (loaded.bucket.id, None::<Vec<u8>>);
        loop {
            let range = match &after {
                None => Range::prefix(&bucket),
                Some(key) => {
                    Range::prefix(&bucket).starting_at(&(bucket, Tail([key.as_slice(), &[0]].concat())))
                }
            };
            let rows = tables::CURRENT.list(&mut self.read()?, &range, PAGE)?;
            let is_last = rows.len() < PAGE;
            after = rows.last().map(|((_, Tail(key)), _)| key.clone());
            let named = rows
                .into_iter()
                .filter_map(|((_, Tail(key)), version)| Some((String::from_utf8(key).ok()?, version)));
            let changes = named.filter_map(|(key, version)| current_change(rules, key, &version, ctx.now()));
            self.apply(ctx, loaded, changes.collect()).await?;
            if is_last {
                return Ok(());
            }
        }
    }

    async fn look_through_older(
        self: &Arc<Self>,
        ctx: &Ctx,
        loaded: &Arc<Loaded>,
        rules: &[LifecycleRule],
    ) -> Result<(), ApiError> {
        let bucket = loaded.bucket.id;
        let mut after = None::<(String, u64)>;
        // The key whose versions are being counted, and how many of them were seen.
        let mut counted = (String::new(), 0);
        loop {
            let range = match &after {
                None => Range::prefix(&bucket),
                Some((key, place)) => Range::prefix(&bucket).after(&(bucket, key.clone(), *place)),
            };
            let mut changes = Vec::new();
            let is_last = {
                let mut reader = self.read()?;
                let rows = tables::OLDER.list(&mut reader, &range, PAGE)?;
                after = rows.last().map(|((_, key, place), _)| (key.clone(), *place));
                let is_last = rows.len() < PAGE;
                for ((_, key, _), version) in rows {
                    let is_new_key = counted.0 != key;
                    if is_new_key {
                        counted = (key.clone(), 0);
                    }
                    let has_current =
                        tables::CURRENT.contains(&mut reader, &tables::current(bucket, &key))?;
                    if is_new_key && !has_current {
                        // The newest is a delete marker. It hides nothing when it is alone.
                        let is_alone =
                            tables::OLDER.list(&mut reader, &Range::prefix(&(bucket, key.clone())), 2)?.len()
                                == 1;
                        let goes = version.is_delete_marker
                            && is_alone
                            && marker_expires(rules, &key, &version, ctx.now());
                        changes.extend(goes.then_some(Change::Remove { key, id: version.id }));
                        continue;
                    }
                    changes.extend(older_change(rules, &key, &version, counted.1, ctx.now()));
                    counted.1 += 1;
                }
                is_last
            };
            self.apply(ctx, loaded, changes).await?;
            if is_last {
                return Ok(());
            }
        }
    }

    async fn look_through_uploads(
        self: &Arc<Self>,
        ctx: &Ctx,
        loaded: &Arc<Loaded>,
        rules: &[LifecycleRule],
    ) -> Result<(), ApiError> {
        let bucket = loaded.bucket.id;
        let mut after = None::<(String, u128)>;
        loop {
            let range = match &after {
                None => Range::prefix(&bucket),
                Some((key, id)) => Range::prefix(&bucket).after(&(bucket, key.clone(), *id)),
            };
            let rows = tables::UPLOADS.list(&mut self.read()?, &range, PAGE)?;
            let is_last = rows.len() < PAGE;
            after = rows.last().map(|((_, key, id), _)| (key.clone(), *id));
            let is_due = |key: &str, initiated: Timestamp| {
                rules.iter().filter(|rule| key.starts_with(filter::prefix(rule))).any(|rule| {
                    let days = rule
                        .abort_incomplete_multipart_upload
                        .as_ref()
                        .and_then(|abort| abort.days_after_initiation);
                    days.is_some_and(|days| midnight_after(initiated, days) <= ctx.now())
                })
            };
            let due = rows.into_iter().filter(|((_, key, _), upload)| is_due(key, upload.initiated));
            let changes = due.map(|((_, key, upload), _)| Change::Abort { key, upload }).collect();
            self.apply(ctx, loaded, changes).await?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Makes changes in one transaction, each only if what it is about is still as it was seen.
    async fn apply(
        self: &Arc<Self>,
        ctx: &Ctx,
        loaded: &Arc<Loaded>,
        changes: Vec<Change>,
    ) -> Result<(), ApiError> {
        if changes.is_empty() {
            return Ok(());
        }
        let (s3, own, target) = (Arc::clone(self), ctx.clone(), Arc::clone(loaded));
        let freed = self
            .write(move |tx| {
                let bucket = bucket_now(tx, &target)?;
                let mut freed = Freed::new();
                for change in &changes {
                    s3.apply_one(&own, tx, &target, &bucket, change, &mut freed)?;
                }
                Ok::<_, ApiError>(freed)
            })
            .await?;
        self.remove(freed);
        Ok(())
    }

    fn apply_one(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        loaded: &Loaded,
        bucket: &Bucket,
        change: &Change,
        freed: &mut Freed,
    ) -> Result<(), ApiError> {
        match change {
            Change::Abort { key, upload } => {
                let place = (bucket.id, key.clone(), *upload);
                if tables::UPLOADS.contains(tx, &place)? {
                    freed.extend(abort_upload(tx, &place)?);
                }
            }
            Change::Expire { key, id } => {
                let Some(version) = still(tx, bucket, key, *id)? else { return Ok(()) };
                let is_kept =
                    bucket.versioning == Versioning::Never && version.lock.protects(ctx.now(), false);
                if is_kept {
                    return Ok(());
                }
                let mut marker = Version::delete_marker(bucket.owner, ctx.now());
                marker.id.chance = u64::from_le_bytes(ctx.ids().bytes());
                let deleted =
                    versions::delete_newest(tx, bucket, key, marker.clone(), &Conditions::default())?;
                freed.extend(deleted.freed);
                let (name, told) = match deleted.version {
                    Some(id) => {
                        marker.id = id;
                        ("LifecycleExpiration:DeleteMarkerCreated", &marker)
                    }
                    None => ("LifecycleExpiration:Delete", &version),
                };
                self.notify(ctx, tx, loaded, &Event { name, key, version: told })?;
            }
            Change::Remove { key, id } => {
                let Some(version) = still(tx, bucket, key, *id)? else { return Ok(()) };
                if version.lock.protects(ctx.now(), false) {
                    return Ok(());
                }
                freed.extend(versions::delete_version(tx, bucket, key, &version)?);
                let name = "LifecycleExpiration:Delete";
                self.notify(ctx, tx, loaded, &Event { name, key, version: &version })?;
            }
            Change::Move { key, id, class } => {
                let Some(mut version) = still(tx, bucket, key, *id)? else { return Ok(()) };
                version.class = *class;
                version.restore = None;
                versions::update(tx, bucket.id, key, &version)?;
                tiering::watch(tx, bucket, key, &version, ctx.now(), ctx.ids().number())?;
                self.notify(ctx, tx, loaded, &Event { name: "LifecycleTransition", key, version: &version })?;
            }
        }
        Ok(())
    }
}

/// A version that is there as it was seen.
fn still(tx: &mut Tx<'_>, bucket: &Bucket, key: &str, id: VersionId) -> Result<Option<Version>, ApiError> {
    let found = versions::find(tx, bucket, key, Some(&id.to_string()))?;
    Ok(found.filter(|version| version.id == id))
}

/// What has fallen due for the newest version of a key: expiry before a move, and of several moves the farthest.
fn current_change(rules: &[LifecycleRule], key: String, version: &Version, now: Timestamp) -> Option<Change> {
    let fitting = || rules.iter().filter(|rule| filter::fits(rule, &key, version));
    let id = version.id;
    if fitting().any(|rule| expires(rule, version).is_some_and(|due| due <= now)) {
        return Some(Change::Expire { key, id });
    }
    let mut target = None;
    for rule in fitting() {
        if version.size < LEAST_MOVED_BYTES && !filter::asks_size(rule) {
            continue;
        }
        for transition in rule.transitions.iter().flatten() {
            let due = transition
                .date
                .or_else(|| transition.days.map(|days| midnight_after(version.modified, days)));
            let class = class::of_transition(transition.storage_class.as_deref().unwrap_or_default()).ok()?;
            if due.is_some_and(|due| due <= now) && version.class.can_become(class) {
                target = target.max(Some(class));
            }
        }
    }
    target.map(|class| Change::Move { key, id, class })
}

/// Whether a delete marker that hides nothing goes away.
fn marker_expires(rules: &[LifecycleRule], key: &str, marker: &Version, now: Timestamp) -> bool {
    rules.iter().filter(|rule| filter::fits(rule, key, marker)).any(|rule| {
        let asks = rule.expiration.as_ref().and_then(|expiration| expiration.expired_object_delete_marker);
        asks == Some(true) || expires(rule, marker).is_some_and(|due| due <= now)
    })
}

/// What has fallen due for an older version, before which `newer` older ones of its key come.
fn older_change(
    rules: &[LifecycleRule],
    key: &str,
    version: &Version,
    newer: usize,
    now: Timestamp,
) -> Option<Change> {
    let since = version.superseded.unwrap_or(version.modified);
    let is_due = |days: Option<i32>, keeps: Option<i32>| {
        let is_beyond = keeps.is_none_or(|keeps| usize::try_from(keeps).is_ok_and(|keeps| newer >= keeps));
        is_beyond && days.is_some_and(|days| midnight_after(since, days) <= now)
    };
    let id = version.id;
    let mut target = None;
    for rule in rules.iter().filter(|rule| filter::fits(rule, key, version)) {
        if let Some(NoncurrentVersionExpiration { noncurrent_days, newer_noncurrent_versions }) =
            rule.noncurrent_version_expiration
            && is_due(noncurrent_days, newer_noncurrent_versions)
        {
            return Some(Change::Remove { key: key.to_owned(), id });
        }
        for transition in rule.noncurrent_version_transitions.iter().flatten() {
            let NoncurrentVersionTransition { noncurrent_days, newer_noncurrent_versions, storage_class } =
                transition;
            let class = class::of_transition(storage_class.as_deref().unwrap_or_default()).ok()?;
            if is_due(*noncurrent_days, *newer_noncurrent_versions)
                && !version.is_delete_marker
                && version.class.can_become(class)
                && (version.size >= LEAST_MOVED_BYTES || filter::asks_size(rule))
            {
                target = target.max(Some(class));
            }
        }
    }
    target.map(|class| Change::Move { key: key.to_owned(), id, class })
}
