//! Log groups: their names, ARNs and settings.

use std::collections::BTreeMap;
use std::time::Duration;

use cloud::Ctx;
use shapes::{ApiError, Timestamp};
use store::Reader;

use crate::{errors, tables};

/// API Reference, PutRetentionPolicy: the periods there are, in days.
const RETENTION_DAYS: [i32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];
const LONGEST_NAME: usize = 512;
/// User Guide, "Tag log groups".
pub(crate) const MOST_TAGS: usize = 50;

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Group {
    pub name: String,
    /// Streams and events lie under it, so that a new group of an old name begins empty.
    pub id: u64,
    pub created: Timestamp,
    pub retention_days: Option<u16>,
    pub class: String,
    pub tags: BTreeMap<String, String>,
    /// The number of the retention job that is under way for this group.
    pub sweep: Option<u128>,
}

store::row!(Group, 1);

impl Group {
    pub(crate) fn find(reader: &mut dyn Reader, name: &String) -> Result<Self, ApiError> {
        tables::GROUPS.find(reader, name)?.ok_or_else(errors::group_does_not_exist)
    }

    pub(crate) fn retention(&self) -> Option<Duration> {
        self.retention_days.map(|days| Duration::from_secs(u64::from(days) * 86_400))
    }

    /// The time, in milliseconds, up to which events are past their retention period.
    pub(crate) fn expired_before(&self, now: Timestamp) -> i64 {
        self.retention().map_or(i64::MIN, |retention| (now - retention).millis())
    }
}

pub(crate) fn check_retention(days: i32) -> Result<u16, ApiError> {
    match u16::try_from(days) {
        Ok(valid) if RETENTION_DAYS.contains(&days) => Ok(valid),
        _ => {
            let valid = RETENTION_DAYS.map(|days| days.to_string());
            let rule = format!("Member must satisfy enum value set: [{}]", valid.join(", "));
            Err(errors::constraint(&days.to_string(), "retentionInDays", &rule))
        }
    }
}

pub(crate) fn check_name(name: &str, member: &str) -> Result<(), ApiError> {
    check_length(name, member)?;
    let is_valid = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/' | b'#'));
    if is_valid {
        return Ok(());
    }
    let rule = r"Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+";
    Err(errors::constraint(name, member, rule))
}

pub(crate) fn check_length(name: &str, member: &str) -> Result<(), ApiError> {
    if name.is_empty() {
        let rule = "Member must have length greater than or equal to 1";
        return Err(errors::constraint(name, member, rule));
    }
    if name.chars().count() > LONGEST_NAME {
        let rule = format!("Member must have length less than or equal to {LONGEST_NAME}");
        return Err(errors::constraint(name, member, &rule));
    }
    Ok(())
}

/// The group's ARN without a trailing `:*`.
pub(crate) fn arn(ctx: &Ctx, name: &str) -> String {
    format!("arn:aws:logs:{}:{}:log-group:{name}", ctx.region().as_str(), ctx.account().digits().as_str())
}

/// The ARN by which policies are asked about a group or a stream of it. For a group the stream's name is empty, and so
/// `log-group:NAME:*` covers both.
pub(crate) fn policy_arn(ctx: &Ctx, group: &str, stream: &str) -> String {
    format!("{}:log-stream:{stream}", arn(ctx, group))
}

/// The group's name in an ARN of this account and region, with or without a trailing `:*`.
pub(crate) fn name_in_arn(ctx: &Ctx, text: &str) -> Option<String> {
    let parts = identity::arn::split(text)?;
    let is_here = parts.account_id() == Some(ctx.account()) && text.starts_with(&arn(ctx, ""));
    let name = parts.resource.strip_prefix("log-group:")?;
    let name = name.strip_suffix(":*").unwrap_or(name);
    is_here.then(|| name.to_owned())
}

/// The group that a request names, by its name or by `logGroupIdentifier` (a name or an ARN).
pub(crate) fn name_of(ctx: &Ctx, name: Option<&str>, identifier: Option<&str>) -> Result<String, ApiError> {
    match (name, identifier) {
        (Some(_), Some(_)) => Err(errors::exclusive("logGroupName", "logGroupIdentifier")),
        (None, None) => Err(errors::invalid_parameter("Specify either logGroupName or logGroupIdentifier.")),
        (Some(name), None) => {
            check_name(name, "logGroupName")?;
            Ok(name.to_owned())
        }
        (None, Some(arn)) if arn.starts_with("arn:") => {
            name_in_arn(ctx, arn).ok_or_else(errors::group_does_not_exist)
        }
        (None, Some(name)) => {
            check_name(name, "logGroupIdentifier")?;
            Ok(name.to_owned())
        }
    }
}

/// A count that a request may leave out.
pub(crate) fn within(value: Option<i32>, member: &str, most: i32, default: usize) -> Result<usize, ApiError> {
    match value {
        None => Ok(default),
        Some(value) if (1..=most).contains(&value) => Ok(value.unsigned_abs() as usize),
        Some(value) if value < 1 => {
            let rule = "Member must have value greater than or equal to 1";
            Err(errors::constraint(&value.to_string(), member, rule))
        }
        Some(value) => {
            let rule = format!("Member must have value less than or equal to {most}");
            Err(errors::constraint(&value.to_string(), member, &rule))
        }
    }
}
