//! Intelligent-Tiering: objects that nobody reads move to cheaper tiers, and back when somebody does (S3 User Guide, "How
//! S3 Intelligent-Tiering works").
//!
//! Each watched version has a row with its tier and when it was last read. The bucket's nightly round moves it on. A read
//! writes at most once a day, so that reading stays reading.

use std::sync::Arc;
use std::time::Duration;

use cloud::Ctx;
use s3_api::IntelligentTieringConfiguration;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Range, Reader, StoreError, Tx};

use crate::bucket::Bucket;
use crate::class::StorageClass;
use crate::events::Event;
use crate::object::Version;
use crate::settings::Loaded;
use crate::store_version::bucket_now;
use crate::{S3, lifecycle, tables, versions};

/// Smaller objects stay in the frequent tier and are not watched.
const LEAST_WATCHED_BYTES: u64 = 128 * 1024;
const DAY: Duration = Duration::from_secs(86_400);
const INFREQUENT_AFTER_DAYS: u32 = 30;
const ARCHIVE_INSTANT_AFTER_DAYS: u32 = 90;
/// Rows looked at in one go, and changed in one transaction.
const PAGE: usize = 500;

/// From the dearest to the cheapest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Tier {
    #[default]
    Frequent,
    Infrequent,
    ArchiveInstant,
    Archive,
    DeepArchive,
}

impl Tier {
    /// The name of a tier whose objects must be restored before they can be read.
    pub(crate) fn archive_name(self) -> Option<&'static str> {
        match self {
            Self::Archive => Some("ARCHIVE_ACCESS"),
            Self::DeepArchive => Some("DEEP_ARCHIVE_ACCESS"),
            Self::Frequent | Self::Infrequent | Self::ArchiveInstant => None,
        }
    }
}

/// A watched version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Watched {
    pub tier: Tier,
    pub accessed: Timestamp,
}

store::row!(Watched, 1);

/// Begins to watch a version, if its class and size have it so.
pub(crate) fn watch(
    tx: &mut Tx<'_>,
    bucket: &Bucket,
    key: &str,
    version: &Version,
    now: Timestamp,
    number: u128,
) -> Result<(), ApiError> {
    if !is_watched(version) {
        return Ok(());
    }
    let row = Watched { tier: Tier::Frequent, accessed: now };
    tables::WATCHED.put(tx, &place(bucket.id, key, version), &row);
    lifecycle::schedule(tx, bucket, now, number)
}

/// The tier that a version is in now.
pub(crate) fn tier(
    reader: &mut dyn Reader,
    bucket: u64,
    key: &str,
    version: &Version,
) -> Result<Tier, StoreError> {
    if !is_watched(version) {
        return Ok(Tier::Frequent);
    }
    let row = tables::WATCHED.find(reader, &place(bucket, key, version))?;
    Ok(row.map_or(Tier::Frequent, |row| row.tier))
}

/// Brings a restored version back to the frequent tier.
pub(crate) fn bring_back(tx: &mut Tx<'_>, bucket: u64, key: &str, version: &Version, now: Timestamp) {
    let row = Watched { tier: Tier::Frequent, accessed: now };
    tables::WATCHED.put(tx, &place(bucket, key, version), &row);
}

fn is_watched(version: &Version) -> bool {
    version.class == StorageClass::IntelligentTiering
        && version.size >= LEAST_WATCHED_BYTES
        && !version.is_delete_marker
}

fn place(bucket: u64, key: &str, version: &Version) -> (u64, String, u64) {
    (bucket, key.to_owned(), version.id.order)
}

impl S3 {
    /// Notes that a version was read. What is archived is not, before it is restored.
    pub(crate) async fn accessed(
        &self,
        ctx: &Ctx,
        loaded: &Loaded,
        key: &str,
        version: &Version,
    ) -> Result<(), ApiError> {
        if !is_watched(version) {
            return Ok(());
        }
        let (place, now) = (place(loaded.bucket.id, key, version), ctx.now());
        let is_news = move |row: &Watched| {
            row.tier.archive_name().is_none() && (row.tier != Tier::Frequent || row.accessed + DAY <= now)
        };
        if !tables::WATCHED.find(&mut self.read()?, &place)?.as_ref().is_some_and(is_news) {
            return Ok(());
        }
        self.write(move |tx| {
            if tables::WATCHED.find(tx, &place)?.as_ref().is_some_and(is_news) {
                tables::WATCHED.put(tx, &place, &Watched { tier: Tier::Frequent, accessed: now });
            }
            Ok::<_, ApiError>(())
        })
        .await
    }

    /// Moves on what nobody read for long enough, and forgets versions that are gone.
    pub(crate) async fn move_tiers(
        self: &Arc<Self>,
        ctx: &Ctx,
        loaded: &Arc<Loaded>,
    ) -> Result<(), ApiError> {
        let bucket = loaded.bucket.id;
        let mut after = None::<(u64, String, u64)>;
        loop {
            let range = match &after {
                None => Range::prefix(&bucket),
                Some(place) => Range::prefix(&bucket).after(place),
            };
            let rows = tables::WATCHED.list(&mut self.read()?, &range, PAGE)?;
            let is_last = rows.len() < PAGE;
            after = rows.last().map(|(place, _)| place.clone());
            if !rows.is_empty() {
                let (s3, own, target) = (Arc::clone(self), ctx.clone(), Arc::clone(loaded));
                self.write(move |tx| {
                    bucket_now(tx, &target)?;
                    rows.iter().try_for_each(|(place, _)| s3.move_one(&own, tx, &target, place))
                })
                .await?;
            }
            if is_last {
                return Ok(());
            }
        }
    }

    fn move_one(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        loaded: &Loaded,
        place: &(u64, String, u64),
    ) -> Result<(), ApiError> {
        let (bucket, key, order) = place;
        let Some(row) = tables::WATCHED.find(tx, place)? else { return Ok(()) };
        let version = versions::at(tx, *bucket, key, *order)?;
        let Some(version) = version.filter(is_watched) else {
            tables::WATCHED.delete(tx, place);
            return Ok(());
        };
        let due = due(&loaded.settings.tiering, key, &version, row.accessed, ctx.now());
        if due <= row.tier || version.restore.is_some() {
            return Ok(());
        }
        tables::WATCHED.put(tx, place, &Watched { tier: due, ..row });
        if due.archive_name().is_some() {
            self.notify(ctx, tx, loaded, &Event { name: "IntelligentTiering", key, version: &version })?;
        }
        Ok(())
    }
}

/// The cheapest tier that a version has earned. The archive tiers are for those that a configuration names.
fn due(
    configurations: &[IntelligentTieringConfiguration],
    key: &str,
    version: &Version,
    accessed: Timestamp,
    now: Timestamp,
) -> Tier {
    let is_over = |days: u32| accessed + DAY * days <= now;
    let mut tier = match () {
        () if is_over(ARCHIVE_INSTANT_AFTER_DAYS) => Tier::ArchiveInstant,
        () if is_over(INFREQUENT_AFTER_DAYS) => Tier::Infrequent,
        () => Tier::Frequent,
    };
    let enabled = configurations.iter().filter(|configuration| configuration.status == "Enabled");
    for configuration in enabled.filter(|configuration| fits(configuration, key, version)) {
        for tiering in &configuration.tierings {
            let archive =
                if tiering.access_tier == "ARCHIVE_ACCESS" { Tier::Archive } else { Tier::DeepArchive };
            if u32::try_from(tiering.days).is_ok_and(is_over) {
                tier = tier.max(archive);
            }
        }
    }
    tier
}

fn fits(configuration: &IntelligentTieringConfiguration, key: &str, version: &Version) -> bool {
    let Some(filter) = &configuration.filter else { return true };
    let and = filter.and.as_ref();
    let prefix = filter.prefix.as_deref().or_else(|| and.and_then(|and| and.prefix.as_deref()));
    let mut tags = filter.tag.iter().chain(and.iter().flat_map(|and| and.tags.iter().flatten()));
    key.starts_with(prefix.unwrap_or_default())
        && tags.all(|tag| version.tags.iter().any(|(name, value)| *name == tag.key && *value == tag.value))
}
