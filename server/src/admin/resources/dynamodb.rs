//! Tables: keys, indexes, items and the stream.

use cloud::Ctx;
use dynamodb_api::{
    AttributeValue, DescribeContributorInsightsInput, DescribeTableInput, DescribeTimeToLiveInput,
    ListBackupsInput, ListContributorInsightsInput, ListTablesInput, ScanInput, op,
};
use serde_json::Value;
use shapes::{ApiError, Timestamp};

use super::{arn, page_key};
use crate::admin::document::{at, document, items, look, pretty, size};
use crate::admin::section::{Found, PAGE, Part, Row, Section};

/// Items of a page: each may have 400 KB.
const ITEMS: i32 = 25;
/// Characters of an item's attributes in its row.
const LINE: usize = 300;
/// Contributors of each rule, as many as CloudWatch shows unless it is asked for more.
const CONTRIBUTORS: usize = 10;

pub(super) async fn list(ctx: &Ctx, part: &Part) -> Result<Section, ApiError> {
    let input = ListTablesInput { exclusive_start_table_name: part.after.clone(), limit: Some(PAGE as i32) };
    let answer = look::<op::ListTables>(ctx, input).await?;
    let mut section =
        Section::new("dynamodb", "Tables", &["Name", "Status", "Key", "Items", "Size", "Stream"]);
    for name in items(&answer, "TableNames").iter().filter_map(Value::as_str) {
        let mut cells = vec![name.to_owned()];
        if !part.is_brief {
            let table = table(ctx, name).await.unwrap_or_default();
            let size = table.get("TableSizeBytes").and_then(Value::as_i64).map(size).unwrap_or_default();
            cells.extend([
                at(&table, "TableStatus"),
                key(&table),
                at(&table, "ItemCount"),
                size,
                stream(&table),
            ]);
        }
        section.rows.push(Row {
            cells,
            arn: arn(ctx, "dynamodb", &format!("table/{name}")),
            ..Row::default()
        });
    }
    Ok(section.next(at(&answer, "LastEvaluatedTableName")))
}

async fn table(ctx: &Ctx, name: &str) -> Result<Value, ApiError> {
    let input = DescribeTableInput { table_name: name.to_owned() };
    let answer = look::<op::DescribeTable>(ctx, input).await?;
    Ok(answer.get("Table").cloned().unwrap_or_default())
}

/// `orderId (S), at (N)`: the key of a table or index, with the attributes' types where they are known.
fn key(table: &Value) -> String {
    let types = items(table, "AttributeDefinitions");
    let named = items(table, "KeySchema").iter().map(|part| {
        let name = at(part, "AttributeName");
        match types.iter().find(|known| at(known, "AttributeName") == name) {
            Some(known) => format!("{name} ({})", at(known, "AttributeType")),
            None => name,
        }
    });
    named.collect::<Vec<_>>().join(", ")
}

fn stream(table: &Value) -> String {
    match at(table, "StreamSpecification/StreamViewType").as_str() {
        "" => "off".to_owned(),
        view => view.to_owned(),
    }
}

/// The table's name in `table/NAME/stream/LABEL`.
fn name_in(resource: &str) -> String {
    resource.split('/').nth(1).unwrap_or_default().to_owned()
}

pub(super) async fn describe(ctx: &Ctx, resource: &str) -> Result<Found, ApiError> {
    let name = name_in(resource);
    let table = table(ctx, &name).await?;
    let mut found = Found::titled(&name).facts(&table, &[("Status", "TableStatus"), ("Items", "ItemCount")]);
    found.add("Size", table.get("TableSizeBytes").and_then(Value::as_i64).map(size).unwrap_or_default());
    found.add("Key", key(&table));
    found.add("Stream", stream(&table));
    found = found.facts(
        &table,
        &[
            ("Stream since", "LatestStreamLabel"),
            ("Billing", "BillingModeSummary/BillingMode"),
            ("Class", "TableClassSummary/TableClass"),
            ("Encrypted with", "SSEDescription/KMSMasterKeyArn"),
            ("Deletion protection", "DeletionProtectionEnabled"),
            ("Created", "CreationDateTime"),
        ],
    );
    let input = DescribeTimeToLiveInput { table_name: name.clone() };
    let expiry = look::<op::DescribeTimeToLive>(ctx, input).await?;
    found.add("Expires by", at(&expiry, "TimeToLiveDescription/AttributeName"));
    let mut sections = vec!["items", "indexes", "backups"];
    if !watched(ctx, &name).await?.is_empty() {
        sections.push("contributors");
    }
    Ok(found.sections(&sections).document("Description", pretty(&table)))
}

pub(super) async fn section(ctx: &Ctx, resource: &str, id: &str, part: &Part) -> Result<Section, ApiError> {
    let name = name_in(resource);
    if id == "indexes" {
        let table = table(ctx, &name).await?;
        let mut section =
            Section::new("indexes", "Indexes", &["Name", "Kind", "Key", "Projection", "Status"]);
        for (list, kind) in [("GlobalSecondaryIndexes", "global"), ("LocalSecondaryIndexes", "local")] {
            section.rows.extend(items(&table, list).iter().map(|index| Row {
                cells: vec![
                    at(index, "IndexName"),
                    kind.to_owned(),
                    key(index),
                    at(index, "Projection/ProjectionType"),
                    at(index, "IndexStatus"),
                ],
                detail: pretty(index),
                ..Row::default()
            }));
        }
        return Ok(section);
    }
    if id == "backups" {
        let input = ListBackupsInput {
            table_name: Some(name),
            exclusive_start_backup_arn: part.after.clone(),
            limit: Some(PAGE as i32),
            ..Default::default()
        };
        let answer = look::<op::ListBackups>(ctx, input).await?;
        let section = Section::new("backups", "Backups", &["Name", "Status", "Type", "Created"]);
        let paths = ["BackupName", "BackupStatus", "BackupType", "BackupCreationDateTime"];
        let section = section.documents(items(&answer, "BackupSummaries"), &paths);
        return Ok(section.next(at(&answer, "LastEvaluatedBackupArn")));
    }
    if id == "contributors" {
        return contributors(ctx, &name).await;
    }
    first_items(ctx, name, part).await
}

/// The global indexes whose contributor insights are enabled; `None` for the table itself.
async fn watched(ctx: &Ctx, name: &str) -> Result<Vec<Option<String>>, ApiError> {
    let input = ListContributorInsightsInput { table_name: Some(name.to_owned()), ..Default::default() };
    let answer = ctx.call::<op::ListContributorInsights>(input).await?;
    let summaries = answer.contributor_insights_summaries.into_iter().flatten();
    let enabled =
        summaries.filter(|summary| summary.contributor_insights_status.as_deref() == Some("ENABLED"));
    Ok(enabled.map(|summary| summary.index_name).collect())
}

/// The keys that consumed the most and were throttled the most in the last hour.
async fn contributors(ctx: &Ctx, name: &str) -> Result<Section, ApiError> {
    let columns = ["What", "Of", "Key", "This minute", "This hour"];
    let mut section = Section::new("contributors", "Contributors", &columns);
    let now = ctx.now().seconds();
    for index in watched(ctx, name).await? {
        let input =
            DescribeContributorInsightsInput { table_name: name.to_owned(), index_name: index.clone() };
        let described = ctx.call::<op::DescribeContributorInsights>(input).await?;
        for rule in described.contributor_insights_rule_list.into_iter().flatten() {
            let found = ctx.cloud().insight_rules().find(ctx.account(), ctx.region(), &rule);
            let what = match rule.split('-').nth(1) {
                Some("PKC") => "units of a partition key",
                Some("SKC") => "units of a key",
                Some("PKT") => "throttled, of a partition key",
                _ => "throttled, of a key",
            };
            let (from, until) = (Timestamp::from_seconds(now - 3600), Timestamp::from_seconds(now + 1));
            for contributor in found.iter().flat_map(|rule| rule.report(from, until, CONTRIBUTORS)) {
                let minute = contributor.minutes.last().filter(|(minute, _)| minute + 60 > now);
                section.rows.push(Row {
                    cells: vec![
                        what.to_owned(),
                        index.clone().unwrap_or_else(|| "the table".to_owned()),
                        contributor.keys.join(", "),
                        minute.map_or(0.0, |(_, sum)| *sum).to_string(),
                        contributor.sum.to_string(),
                    ],
                    detail: rule.clone(),
                    ..Row::default()
                });
            }
        }
    }
    Ok(section)
}

/// Items as they lie in the table, with their keys before the rest.
async fn first_items(ctx: &Ctx, name: String, part: &Part) -> Result<Section, ApiError> {
    let input = DescribeTableInput { table_name: name.clone() };
    let schema = ctx.call::<op::DescribeTable>(input).await?.table.and_then(|table| table.key_schema);
    let keys: Vec<String> = schema.into_iter().flatten().map(|part| part.attribute_name).collect();
    let after = part.after.as_deref().map(|after| page_key(after).and_then(|key| key_values(&key)));
    let input = ScanInput {
        table_name: name,
        limit: Some(ITEMS),
        exclusive_start_key: after.transpose()?,
        ..Default::default()
    };
    let answer = ctx.call::<op::Scan>(input).await?;
    let mut section = Section::new("items", "Items", &["Key", "Sort key", "Attributes"]);
    if keys.len() < 2 {
        section.columns.remove(1);
    }
    section.rows.extend(answer.items.iter().flatten().map(|item| {
        let shown = item.iter().map(|(name, value)| (name.clone(), value_document(value))).collect();
        let mut cells: Vec<String> =
            keys.iter().map(|key| item.get(key).map(short).unwrap_or_default()).collect();
        cells.push(rest(item, &keys));
        Row { cells, detail: pretty(&Value::Object(shown)), ..Row::default() }
    }));
    section.next = answer.last_evaluated_key.map(|key| {
        let key = key.iter().map(|(name, value)| (name.clone(), value_document(value)));
        Value::Object(key.collect()).to_string()
    });
    Ok(section)
}

/// A value as DynamoDB writes it: `{"S": "text"}`.
fn value_document(value: &AttributeValue) -> Value {
    let output = dynamodb_api::GetItemOutput {
        item: Some([("value".to_owned(), value.clone())].into()),
        ..Default::default()
    };
    document(&output).pointer("/Item/value").cloned().unwrap_or_default()
}

fn key_values(key: &Value) -> Result<shapes::Map<AttributeValue>, ApiError> {
    let invalid = || ApiError::sender("InvalidRequest", "this is no place in a table");
    let members = key.as_object().ok_or_else(invalid)?;
    let read = members.iter().map(|(name, value)| {
        let (kind, text) = value.as_object().and_then(|value| value.iter().next()).ok_or_else(invalid)?;
        let text = text.as_str().ok_or_else(invalid)?.to_owned();
        let value = match kind.as_str() {
            "S" => AttributeValue::S(text),
            "N" => AttributeValue::N(text),
            "B" => {
                use base64::Engine;
                let bytes = base64::engine::general_purpose::STANDARD.decode(text).map_err(|_| invalid())?;
                AttributeValue::B(bytes.into())
            }
            _ => return Err(invalid()),
        };
        Ok((name.clone(), value))
    });
    read.collect()
}

/// The attributes beside the keys in a line: `total=9.90  who=Ada`.
fn rest(item: &shapes::Map<AttributeValue>, keys: &[String]) -> String {
    let words = item.iter().filter(|(name, _)| !keys.contains(name));
    let words: Vec<String> = words.map(|(name, value)| format!("{name}={}", short(value))).collect();
    words.join("  ").chars().take(LINE).collect()
}

fn short(value: &AttributeValue) -> String {
    use AttributeValue as Value;
    match value {
        Value::S(text) | Value::N(text) => text.chars().take(LINE / 2).collect(),
        Value::Bool(value) => value.to_string(),
        Value::Null(_) => "null".to_owned(),
        Value::B(bytes) => format!("({} bytes)", bytes.len()),
        Value::L(items) => format!("[{}]", items.len()),
        Value::M(entries) => format!("{{{}}}", entries.len()),
        Value::Ss(items) | Value::Ns(items) => format!("[{}]", items.len()),
        Value::Bs(items) => format!("[{}]", items.len()),
        Value::Unset => String::new(),
    }
}
