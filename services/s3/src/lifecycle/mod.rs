//! Lifecycle rules: what becomes of objects with time (S3 User Guide, "Managing the lifecycle of objects").
//!
//! A bucket with rules has one job, which runs at each midnight UTC, goes through the bucket page by page and does what
//! has fallen due. Days are counted from an object's creation and rounded up to the next midnight.

mod filter;
mod run;

use std::time::Duration;

use clock::{Jobs, NewJob};
use s3_api::{BucketLifecycleConfiguration, LifecycleRule};
use shapes::{ApiError, Timestamp};
use store::Tx;

use crate::bucket::Bucket;
use crate::object::Version;
use crate::tables::{self, Fact};
use crate::{class, errors, http_date};

pub(crate) use run::job;

pub(crate) const JOB: &str = "s3.lifecycle";
const MOST_RULES: usize = 1000;
const DAY_MILLIS: i64 = 86_400_000;

/// Checks rules before they are stored.
pub(crate) fn check(configuration: &BucketLifecycleConfiguration) -> Result<(), ApiError> {
    let rules = &configuration.rules;
    if rules.is_empty() || rules.len() > MOST_RULES {
        return Err(errors::malformed_xml());
    }
    for (index, rule) in rules.iter().enumerate() {
        check_rule(rule)?;
        let is_taken = rule.id.is_some() && rules[..index].iter().any(|other| other.id == rule.id);
        if is_taken {
            let id = rule.id.as_deref().unwrap_or_default();
            let message = "Rule ID must be unique. Found same ID for more than one rule";
            return Err(errors::invalid_argument("ID", id, message));
        }
    }
    Ok(())
}

fn check_rule(rule: &LifecycleRule) -> Result<(), ApiError> {
    if !matches!(rule.status.as_str(), "Enabled" | "Disabled")
        || rule.prefix.is_some() && rule.filter.is_some()
    {
        return Err(errors::malformed_xml());
    }
    if rule.id.as_ref().is_some_and(|id| id.len() > 255) {
        return Err(errors::invalid_argument("ID", "", "ID length should not exceed allowed limit of 255"));
    }
    let has_action = rule.expiration.is_some()
        || rule.transitions.as_ref().is_some_and(|all| !all.is_empty())
        || rule.noncurrent_version_expiration.is_some()
        || rule.noncurrent_version_transitions.as_ref().is_some_and(|all| !all.is_empty())
        || rule.abort_incomplete_multipart_upload.is_some();
    if !has_action {
        return Err(errors::invalid_request("At least one action needs to be specified in a rule."));
    }
    let positive = |name: &str, days: Option<i32>| match days {
        Some(days) if days <= 0 => {
            let message = format!("'{name}' for Expiration action must be a positive integer");
            Err(errors::invalid_argument(name, &days.to_string(), message))
        }
        _ => Ok(()),
    };
    if let Some(expiration) = &rule.expiration {
        positive("Days", expiration.days)?;
        let has_marker = expiration.expired_object_delete_marker == Some(true);
        let given = [expiration.days.is_some(), expiration.date.is_some(), has_marker];
        if given.into_iter().filter(|is_given| *is_given).count() > 1 {
            return Err(errors::malformed_xml());
        }
        if expiration.date.is_some_and(|date| date.millis() % DAY_MILLIS != 0) {
            let message = "'Date' must be at midnight GMT";
            return Err(errors::invalid_argument("Date", "", message));
        }
    }
    for transition in rule.transitions.iter().flatten() {
        class::of_transition(transition.storage_class.as_deref().unwrap_or_default())?;
        if transition.days.is_some() == transition.date.is_some() {
            return Err(errors::malformed_xml());
        }
    }
    for transition in rule.noncurrent_version_transitions.iter().flatten() {
        class::of_transition(transition.storage_class.as_deref().unwrap_or_default())?;
    }
    if let Some(abort) = &rule.abort_incomplete_multipart_upload {
        positive("DaysAfterInitiation", abort.days_after_initiation)?;
    }
    Ok(())
}

/// Days after `start`, at the next midnight.
pub(crate) fn midnight_after(start: Timestamp, days: i32) -> Timestamp {
    let due = start.millis() + i64::from(days) * DAY_MILLIS;
    let rounded = due.div_euclid(DAY_MILLIS) + i64::from(due.rem_euclid(DAY_MILLIS) > 0);
    Timestamp::from_millis(rounded * DAY_MILLIS)
}

/// When a rule's expiry falls due for the newest version of a key.
fn expires(rule: &LifecycleRule, version: &Version) -> Option<Timestamp> {
    let expiration = rule.expiration.as_ref()?;
    expiration.date.or_else(|| expiration.days.map(|days| midnight_after(version.modified, days)))
}

/// `expiry-date="...", rule-id="..."`, for the header of what will expire.
pub(crate) fn expiration_header(
    configuration: Option<&BucketLifecycleConfiguration>,
    key: &str,
    version: &Version,
) -> Option<String> {
    let rules = configuration?.rules.iter().filter(|rule| rule.status == "Enabled");
    let fitting = rules.filter(|rule| filter::fits(rule, key, version));
    let due = fitting.filter_map(|rule| Some((expires(rule, version)?, rule.id.clone().unwrap_or_default())));
    let (date, id) = due.min_by_key(|(date, _)| *date)?;
    Some(format!("expiry-date=\"{}\", rule-id=\"{id}\"", http_date::format(date)))
}

/// Adds the job of a bucket that has rules now, unless it has one.
pub(crate) fn schedule(
    tx: &mut Tx<'_>,
    bucket: &Bucket,
    now: Timestamp,
    number: u128,
) -> Result<(), ApiError> {
    let fact = fact(bucket.id);
    if tables::FACTS.find(tx, &fact)?.is_some() {
        return Ok(());
    }
    tables::FACTS.put(tx, &fact, &Fact::Scheduled);
    let job = NewJob {
        kind: JOB,
        subject: bucket.name.clone(),
        payload: bucket.id.to_be_bytes().to_vec(),
        due: next_midnight(now),
    };
    Jobs::add(tx, now, number, job);
    Ok(())
}

fn fact(bucket: u64) -> String {
    format!("lifecycle/{bucket:016x}")
}

fn next_midnight(now: Timestamp) -> Timestamp {
    midnight_after(now + Duration::from_millis(1), 0)
}

#[cfg(test)]
mod tests {
    use shapes::Timestamp;

    use super::midnight_after;

    #[test]
    fn days_end_at_the_next_midnight() {
        let day = |days: i64, hours: i64| Timestamp::from_seconds(days * 86_400 + hours * 3600);
        assert_eq!(midnight_after(day(10, 5), 1), day(12, 0));
        assert_eq!(midnight_after(day(10, 0), 1), day(11, 0));
        assert_eq!(super::next_midnight(day(10, 0)), day(11, 0));
    }
}
