//! Log groups, their streams, and the latest lines.

use cloud::Ctx;
use logs_api::{DescribeLogGroupsInput, DescribeLogStreamsInput, GetLogEventsInput, op};
use serde_json::{Value, json};
use shapes::{ApiError, Timestamp};

use super::{SHOWN, arn};
use crate::admin::document::{at, cut, items, look, pretty, size};
use crate::admin::section::{Found, PAGE, Part, Row, Section};

/// Streams that the latest lines of a group are taken from.
const STREAMS: i32 = 4;

pub(super) async fn list(ctx: &Ctx, part: &Part) -> Result<Section, ApiError> {
    let input = DescribeLogGroupsInput {
        limit: Some(PAGE as i32),
        log_group_name_prefix: part.prefix(),
        next_token: part.after.clone(),
        ..Default::default()
    };
    let answer = look::<op::DescribeLogGroups>(ctx, input).await?;
    let mut section = Section::new("logs", "Log groups", &["Name", "Retention (days)", "Stored", "Created"]);
    section.rows.extend(items(&answer, "logGroups").iter().map(|group| {
        let stored = group.get("storedBytes").and_then(Value::as_i64).map(size).unwrap_or_default();
        let name = at(group, "logGroupName");
        Row {
            arn: arn(ctx, "logs", &format!("log-group:{name}")),
            cells: vec![name, at(group, "retentionInDays"), stored, moment(group, "creationTime")],
            ..Row::default()
        }
    }));
    Ok(section.with_prefix().next(at(&answer, "nextToken")))
}

/// A member that counts milliseconds, as a time.
fn moment(document: &Value, name: &str) -> String {
    let millis = document.get(name).and_then(Value::as_i64);
    millis.map(|millis| Timestamp::from_millis(millis).iso8601_millis()).unwrap_or_default()
}

/// Group and stream in `log-group:GROUP:log-stream:STREAM`.
fn names_in(resource: &str) -> (String, Option<String>) {
    let rest = resource.strip_prefix("log-group:").unwrap_or(resource);
    match rest.split_once(":log-stream:") {
        Some((group, stream)) => (group.to_owned(), Some(stream.to_owned())),
        None => (rest.trim_end_matches(":*").to_owned(), None),
    }
}

pub(super) async fn describe(ctx: &Ctx, resource: &str) -> Result<Found, ApiError> {
    let (group, stream) = names_in(resource);
    if let Some(stream) = stream {
        let mut found = Found::titled(&stream);
        found.add("Log group", group.clone());
        found.recent = lines(ctx, &group, &stream, SHOWN as i32 * 4).await?;
        return Ok(found);
    }
    let input = DescribeLogGroupsInput { log_group_name_prefix: Some(group.clone()), ..Default::default() };
    let answer = look::<op::DescribeLogGroups>(ctx, input).await?;
    let about = items(&answer, "logGroups").iter().find(|about| at(about, "logGroupName") == group);
    let Some(about) = about else {
        return Err(ApiError::sender("ResourceNotFoundException", "The specified log group does not exist."));
    };
    let mut found = Found::titled(&group).facts(
        about,
        &[("Retention (days)", "retentionInDays"), ("Class", "logGroupClass"), ("Key", "kmsKeyId")],
    );
    found.add("Stored", about.get("storedBytes").and_then(Value::as_i64).map(size).unwrap_or_default());
    found.add("Created", moment(about, "creationTime"));
    found.recent = latest(ctx, &group).await?;
    Ok(found.sections(&["streams"]).document("Description", pretty(about)))
}

async fn streams(ctx: &Ctx, group: &str, limit: i32, part: &Part) -> Result<Value, ApiError> {
    // With a prefix they come by their names; otherwise the latest come first.
    let order = if part.prefix.is_empty() { "LastEventTime" } else { "LogStreamName" };
    let input = DescribeLogStreamsInput {
        log_group_name: Some(group.to_owned()),
        log_stream_name_prefix: part.prefix(),
        order_by: Some(order.to_owned()),
        descending: Some(part.prefix.is_empty()),
        limit: Some(limit),
        next_token: part.after.clone(),
        ..Default::default()
    };
    look::<op::DescribeLogStreams>(ctx, input).await
}

pub(super) async fn section(ctx: &Ctx, resource: &str, part: &Part) -> Result<Section, ApiError> {
    let (group, _) = names_in(resource);
    let answer = streams(ctx, &group, PAGE as i32, part).await?;
    let mut section = Section::new("streams", "Streams", &["Name", "Last event", "First event"]);
    section.rows.extend(items(&answer, "logStreams").iter().map(|stream| {
        let name = at(stream, "logStreamName");
        Row {
            arn: arn(ctx, "logs", &format!("log-group:{group}:log-stream:{name}")),
            cells: vec![name, moment(stream, "lastEventTimestamp"), moment(stream, "firstEventTimestamp")],
            ..Row::default()
        }
    }));
    Ok(section.with_prefix().next(at(&answer, "nextToken")))
}

/// The latest lines of a group, the newest first.
pub(super) async fn latest(ctx: &Ctx, group: &str) -> Result<Vec<Value>, ApiError> {
    let found = streams(ctx, group, STREAMS, &Part::default()).await?;
    let mut latest = Vec::new();
    for stream in items(&found, "logStreams") {
        latest.extend(lines(ctx, group, &at(stream, "logStreamName"), SHOWN as i32).await?);
    }
    // Stable: lines of one millisecond stay as their stream has them.
    latest.sort_by_key(|line| std::cmp::Reverse(at(line, "time")));
    latest.truncate(SHOWN);
    Ok(latest)
}

/// The latest lines of a stream, the newest first.
async fn lines(ctx: &Ctx, group: &str, stream: &str, limit: i32) -> Result<Vec<Value>, ApiError> {
    let input = GetLogEventsInput {
        log_group_name: Some(group.to_owned()),
        log_stream_name: stream.to_owned(),
        limit: Some(limit),
        ..Default::default()
    };
    let answer = look::<op::GetLogEvents>(ctx, input).await?;
    let line = |event: &Value| {
        let text = at(event, "message");
        json!({ "time": moment(event, "timestamp"), "text": cut(text.trim_end()) })
    };
    Ok(items(&answer, "events").iter().rev().map(line).collect())
}
