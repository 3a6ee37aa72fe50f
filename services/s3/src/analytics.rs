//! Storage class analysis: each day, how much of what age a filter takes and how much of it was read, as CSV to another
//! bucket (S3 User Guide, "Amazon S3 analytics – Storage Class Analysis").
//!
//! A day's lines are kept, for the exported file has those of the days before as well. What is read is counted in memory,
//! so that a day with a restart tells less than happened.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clock::{JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use s3_api::op::PutObject;
use s3_api::{AnalyticsConfiguration, AnalyticsFilter, PutObjectInput, Tag};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Range, Tail, Tx};

use crate::bucket::Bucket;
use crate::class::StorageClass;
use crate::object::Version;
use crate::settings::Loaded;
use crate::tables::{self, Fact};
use crate::{S3, key, lifecycle};

const JOB: &str = "s3.analytics";
const PAGE: usize = 1000;
/// Days of the exported file.
const KEPT_DAYS: usize = 400;
const DAY_MILLIS: i64 = 86_400_000;
const MEGABYTE: f64 = 1024.0 * 1024.0;
const HEAD: &str = "Date,ConfigId,Filter,StorageClass,ObjectAge,ObjectCount,DataUploaded_MB,Storage_MB,DataRetrieved_MB,\
                    GetRequestCount,CumulativeAccessRatio,ObjectAgeForSIATransition,RecommendedObjectAgeForSIATransition\n";
/// From which day on an age has its name.
const AGES: [(i64, &str); 12] = [
    (0, "000-014"),
    (15, "015-029"),
    (30, "030-044"),
    (45, "045-059"),
    (60, "060-074"),
    (75, "075-089"),
    (90, "090-119"),
    (120, "120-149"),
    (150, "150-179"),
    (180, "180-364"),
    (365, "365-729"),
    (730, "730+"),
];
const CLASSES: [(StorageClass, &str); 2] =
    [(StorageClass::Standard, "STANDARD"), (StorageClass::StandardIa, "STANDARD_IA")];

/// The lines of one day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Analysed(pub String);

store::row!(Analysed, 1);

/// Reads since the day began: by configuration, class and age, how many and of how many bytes.
#[derive(Default)]
pub(crate) struct Reads(Mutex<HashMap<Group, (u64, u64)>>);

/// Bucket, id of the configuration, class and age.
type Group = (u64, String, usize, usize);

#[derive(Serialize, Deserialize)]
struct Round {
    bucket: String,
    bucket_id: u64,
    id: String,
}

fn fact(bucket: u64, id: &str) -> String {
    format!("analytics/{bucket:016x}/{id}")
}

/// Adds the job of a configuration, unless it has one.
pub(crate) fn schedule(
    tx: &mut Tx<'_>,
    bucket: &Bucket,
    id: &str,
    now: Timestamp,
    number: u128,
) -> Result<(), ApiError> {
    let fact = fact(bucket.id, id);
    if tables::FACTS.find(tx, &fact)?.is_some() {
        return Ok(());
    }
    tables::FACTS.put(tx, &fact, &Fact::Scheduled);
    let round = Round { bucket: bucket.name.clone(), bucket_id: bucket.id, id: id.to_owned() };
    let payload = serde_json::to_vec(&round).map_err(ApiError::internal)?;
    let due = lifecycle::midnight_after(now + Duration::from_millis(1), 0);
    Jobs::add(tx, now, number, NewJob { kind: JOB, subject: format!("{}: {id}", bucket.name), payload, due });
    Ok(())
}

pub(crate) fn job(s3: &Arc<S3>) -> JobKind {
    let s3 = Arc::clone(s3);
    JobKind {
        name: JOB,
        // A destination that takes no files is asked again for some hours, and then the next day.
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: 2,
        handler: Arc::new(move |_, job| {
            let s3 = Arc::clone(&s3);
            Box::pin(async move {
                let Ok(round) = serde_json::from_slice::<Round>(&job.payload) else {
                    return JobOutcome::Done;
                };
                match s3.analytics_round(&round).await {
                    Ok(Some(next)) => JobOutcome::Again(next),
                    Ok(None) => JobOutcome::Done,
                    Err(error) => JobOutcome::Failed(error.to_string()),
                }
            })
        }),
        given_up: None,
    }
}

impl S3 {
    /// Counts a read for the analyses that are about the object.
    pub(crate) fn analyse_read(&self, loaded: &Loaded, key: &str, version: &Version, bytes: u64) {
        let fitting = loaded.settings.analytics.iter();
        for configuration in fitting.filter(|configuration| fits(configuration, key, version)) {
            let Some((class, age)) = group(version, self.cloud.clock().now()) else { continue };
            let place = (loaded.bucket.id, configuration.id.clone(), class, age);
            let mut reads = self.reads.0.lock().unwrap_or_else(PoisonError::into_inner);
            let (count, sum) = reads.entry(place).or_default();
            *count += 1;
            *sum += bytes;
        }
    }

    /// Analyses the day that has ended; returns when the next one has.
    async fn analytics_round(self: &Arc<Self>, round: &Round) -> Result<Option<Timestamp>, ApiError> {
        self.buckets.forget(&round.bucket);
        let loaded = self.find_bucket(&round.bucket)?.filter(|loaded| loaded.bucket.id == round.bucket_id);
        let configuration = loaded.as_ref().and_then(|loaded| {
            loaded.settings.analytics.iter().find(|configuration| configuration.id == round.id).cloned()
        });
        let (Some(loaded), Some(configuration)) = (loaded, configuration) else {
            self.take_reads(round.bucket_id, &round.id, &mut Sums::default());
            let (fact, place) = (fact(round.bucket_id, &round.id), (round.bucket_id, round.id.clone()));
            self.write(move |tx| {
                tables::FACTS.delete(tx, &fact);
                for (day, _) in tables::ANALYSED.list(tx, &Range::prefix(&place), usize::MAX)? {
                    tables::ANALYSED.delete(tx, &day);
                }
                Ok::<_, ApiError>(())
            })
            .await?;
            return Ok(None);
        };
        let now = self.cloud.clock().now();
        let day = now.millis().div_euclid(DAY_MILLIS) - 1;
        let place = (loaded.bucket.id, configuration.id.clone(), day);
        if !tables::ANALYSED.contains(&mut self.read()?, &place)? {
            let lines = Analysed(self.analyse(&loaded, &configuration, day)?);
            self.keep_analysed(place, lines).await?;
        }
        self.export_analysis(&loaded, &configuration).await?;
        Ok(Some(lifecycle::midnight_after(now + Duration::from_millis(1), 0)))
    }

    async fn keep_analysed(&self, place: (u64, String, i64), lines: Analysed) -> Result<(), ApiError> {
        self.write(move |tx| {
            let days = Range::prefix(&(place.0, place.1.clone()));
            let days = tables::ANALYSED.list(tx, &days, usize::MAX)?;
            for (day, _) in days.iter().take((days.len() + 1).saturating_sub(KEPT_DAYS)) {
                tables::ANALYSED.delete(tx, day);
            }
            tables::ANALYSED.put(tx, &place, &lines);
            Ok(())
        })
        .await
    }

    /// The lines of one day.
    fn analyse(
        &self,
        loaded: &Loaded,
        configuration: &AnalyticsConfiguration,
        day: i64,
    ) -> Result<String, ApiError> {
        let midnight = Timestamp::from_millis((day + 1) * DAY_MILLIS);
        let mut sums = [[Sum::default(); AGES.len()]; CLASSES.len()];
        let (bucket, mut after) = (loaded.bucket.id, None::<Vec<u8>>);
        loop {
            let range = match &after {
                None => Range::prefix(&bucket),
                Some(key) => {
                    Range::prefix(&bucket).starting_at(&(bucket, Tail([key.as_slice(), &[0]].concat())))
                }
            };
            let rows = tables::CURRENT.list(&mut self.read()?, &range, PAGE)?;
            for ((_, Tail(key)), version) in &rows {
                let fits = std::str::from_utf8(key).is_ok_and(|key| fits(configuration, key, version));
                if let Some((class, age)) = group(version, midnight).filter(|_| fits) {
                    let is_new = version.modified.millis() >= day * DAY_MILLIS;
                    sums[class][age].add(version.size, is_new);
                }
            }
            if rows.len() < PAGE {
                break;
            }
            after = rows.into_iter().last().map(|((_, Tail(key)), _)| key);
        }
        self.take_reads(bucket, &configuration.id, &mut sums);
        let date = Timestamp::from_millis(day * DAY_MILLIS).date();
        Ok(lines(&configuration.id, configuration.filter.as_ref(), date, &sums))
    }

    fn take_reads(&self, bucket: u64, id: &str, sums: &mut Sums) {
        let mut reads = self.reads.0.lock().unwrap_or_else(PoisonError::into_inner);
        reads.retain(|(of, configuration, class, age), (count, bytes)| {
            let is_own = *of == bucket && configuration == id;
            if is_own {
                sums[*class][*age].reads += *count;
                sums[*class][*age].read_bytes += *bytes;
            }
            !is_own
        });
    }

    async fn export_analysis(
        &self,
        loaded: &Loaded,
        configuration: &AnalyticsConfiguration,
    ) -> Result<(), ApiError> {
        let Some(export) = &configuration.storage_class_analysis.data_export else { return Ok(()) };
        let destination = &export.destination.s3_bucket_destination;
        let days = Range::prefix(&(loaded.bucket.id, configuration.id.clone()));
        let mut csv = HEAD.to_owned();
        for (_, day) in tables::ANALYSED.list(&mut self.read()?, &days, KEPT_DAYS)? {
            csv.push_str(&day.0);
        }
        let prefix = destination.prefix.as_deref().map(|prefix| prefix.trim_end_matches('/'));
        let prefix = prefix.filter(|prefix| !prefix.is_empty()).map(|prefix| format!("{prefix}/"));
        let region =
            identity::Region::parse(&loaded.bucket.region).unwrap_or(self.cloud.settings().default_region);
        let arn = key::arn(&loaded.bucket.name, None);
        let ctx = self.cloud.background("s3.amazonaws.com", &arn, loaded.bucket.owner, region);
        let (name, id) = (&loaded.bucket.name, &configuration.id);
        let input = PutObjectInput {
            bucket: key::bucket_of_arn(&destination.bucket).to_owned(),
            key: format!("{}{name}/{id}.csv", prefix.unwrap_or_default()),
            body: Some(csv.into_bytes().into()),
            expected_bucket_owner: destination.bucket_account_id.clone(),
            content_type: Some("text/csv".to_owned()),
            ..Default::default()
        };
        match ctx.call::<PutObject>(input).await {
            // The next day's file has this day's lines as well.
            Err(error) if error.status() < 500 => {
                tracing::warn!(bucket = %name, %id, %error, "an analysis was not taken by its destination");
                Ok(())
            }
            other => other.map(drop),
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Sum {
    objects: u64,
    bytes: u64,
    uploaded: u64,
    reads: u64,
    read_bytes: u64,
}

type Sums = [[Sum; AGES.len()]; CLASSES.len()];

impl Sum {
    fn add(&mut self, size: u64, is_new: bool) {
        self.objects += 1;
        self.bytes += size;
        self.uploaded += if is_new { size } else { 0 };
    }

    fn and(self, other: &Self) -> Self {
        Self {
            objects: self.objects + other.objects,
            bytes: self.bytes + other.bytes,
            uploaded: self.uploaded + other.uploaded,
            reads: self.reads + other.reads,
            read_bytes: self.read_bytes + other.read_bytes,
        }
    }
}

/// Class and age of a version, by their places in [`CLASSES`] and [`AGES`].
fn group(version: &Version, now: Timestamp) -> Option<(usize, usize)> {
    let class = CLASSES.iter().position(|(class, _)| *class == version.class)?;
    let days = (now.millis() - version.modified.millis()).div_euclid(DAY_MILLIS).max(0);
    Some((class, AGES.iter().rposition(|(from, _)| *from <= days)?))
}

fn fits(configuration: &AnalyticsConfiguration, key: &str, version: &Version) -> bool {
    let Some(filter) = &configuration.filter else { return true };
    let and = filter.and.as_ref();
    let prefix = filter.prefix.as_deref().or_else(|| and.and_then(|and| and.prefix.as_deref()));
    let mut tags = filter.tag.iter().chain(and.iter().flat_map(|and| and.tags.iter().flatten()));
    let has = |tag: &Tag| version.tags.iter().any(|(name, value)| *name == tag.key && *value == tag.value);
    key.starts_with(prefix.unwrap_or_default()) && tags.all(has)
}

fn filter_text(filter: Option<&AnalyticsFilter>) -> String {
    let Some(filter) = filter else { return String::new() };
    let and = filter.and.as_ref();
    let prefix = filter.prefix.as_deref().or_else(|| and.and_then(|and| and.prefix.as_deref()));
    let tags = filter.tag.iter().chain(and.iter().flat_map(|and| and.tags.iter().flatten()));
    let parts = prefix.map(|prefix| format!("prefix={prefix}")).into_iter();
    let parts = parts.chain(tags.map(|tag| format!("{}={}", tag.key, tag.value)));
    parts.collect::<Vec<_>>().join("&")
}

fn lines(id: &str, filter: Option<&AnalyticsFilter>, date: (i64, u32, u32), sums: &Sums) -> String {
    let filter = filter_text(filter);
    let mut csv = String::new();
    let mut line = |class: &str, age: &str, sum: &Sum| {
        let megabytes = |bytes: u64| bytes as f64 / MEGABYTE;
        let ratio = if sum.bytes == 0 { 0.0 } else { sum.read_bytes as f64 / sum.bytes as f64 };
        let (year, month, day) = date;
        let _ = writeln!(
            csv,
            "{year:04}-{month:02}-{day:02},{id},\"{}\",{class},{age},{},{:.6},{:.6},{:.6},{},{ratio:.6},,",
            filter.replace('"', "\"\""),
            sum.objects,
            megabytes(sum.uploaded),
            megabytes(sum.bytes),
            megabytes(sum.read_bytes),
            sum.reads,
        );
    };
    for ((_, class), ages) in CLASSES.iter().zip(sums) {
        let all = ages.iter().fold(Sum::default(), Sum::and);
        line(class, "ALL", &all);
        for ((_, age), sum) in AGES.iter().zip(ages).filter(|(_, sum)| sum.objects > 0 || sum.reads > 0) {
            line(class, age, sum);
        }
    }
    csv
}
