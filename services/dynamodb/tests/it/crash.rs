//! `kill -9` at any moment: what was acknowledged is there, and of every write the item, its index entry and its stream
//! record are there together or not at all.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use dynamodb_api::op::{CreateTable, Scan, TransactWriteItems, UpdateItem};
use dynamodb_api::*;
use kv::{EmbeddedEngine, EmbeddedOptions};
use store::Store;

use crate::kit::{Db, Item, attribute, item, key, projection, table, values_of};
use crate::streams::{arn, enabled, get, iterator};

const DIRECTORY: &str = "DYNAMODB_CRASH_DIRECTORY";
const ROUND: &str = "DYNAMODB_CRASH_ROUND";
const ACKNOWLEDGED: &str = "DYNAMODB_CRASH_ACKNOWLEDGED";
const ROUNDS: u64 = 4;

#[test]
fn a_write_and_its_stream_record_survive_a_kill_together() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    for round in 0..ROUNDS {
        write_until_killed(directory.path(), round, 23 + round * 97, &mut acknowledged);
        let told: Vec<_> = acknowledged.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let reader = child("crash::reader", directory.path(), round)
            .env(ACKNOWLEDGED, told.join(" "))
            .output()
            .unwrap();
        assert!(reader.status.success(), "round {round}: {}", String::from_utf8_lossy(&reader.stderr));
    }
    assert_eq!(acknowledged.len(), 8, "every task got to write");
}

fn open(directory: &Path, seed: u64) -> Db {
    // The default reserve of free space is a matter of the machine.
    let options = EmbeddedOptions { reserved_bytes: 0, ..EmbeddedOptions::default() };
    Db::over(Store::new(Arc::new(EmbeddedEngine::open(directory, &options).unwrap())), seed)
}

/// One of the tests below, in a process of its own: a region holds its data directory until its process ends.
fn child(test: &str, directory: &Path, round: u64) -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .env(ROUND, round.to_string());
    child
}

fn write_until_killed(
    directory: &Path,
    round: u64,
    kill_after: u64,
    acknowledged: &mut BTreeMap<String, u64>,
) {
    let mut writer = child("crash::writer", directory, round)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut count = 0;
    for line in BufReader::new(writer.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some((key, value)) = line.strip_prefix("ack ").and_then(|rest| rest.split_once(' ')) else {
            continue;
        };
        // A last line cut short by the kill shows a smaller number, which is still acknowledged.
        let Ok(value) = value.parse::<u64>() else { continue };
        let latest = acknowledged.entry(key.to_owned()).or_insert(0);
        *latest = value.max(*latest);
        count += 1;
        if count == kill_after {
            writer.kill().unwrap();
        }
    }
    writer.wait().unwrap();
    assert!(count >= kill_after, "the writer ended by itself after {count} acknowledgements");
}

/// What is stored, by key.
async fn counters(db: &Db, index: Option<&str>) -> BTreeMap<String, u64> {
    let input = ScanInput {
        table_name: "orders".to_owned(),
        index_name: index.map(str::to_owned),
        ..Default::default()
    };
    let items = db.call::<Scan>(input).await.unwrap().items.unwrap();
    items.iter().map(|item| (text(item, "pk"), text(item, "n").parse().unwrap())).collect()
}

fn text(item: &Item, name: &str) -> String {
    match &item[name] {
        AttributeValue::S(text) | AttributeValue::N(text) => text.clone(),
        other => panic!("{other:?}"),
    }
}

async fn compare(db: &Db, acknowledged: &BTreeMap<String, u64>) {
    let stored = counters(db, None).await;
    for (key, value) in acknowledged {
        // The writer may have got further than it could say, never less far.
        assert!(stored.get(key) >= Some(value), "{key}: {stored:?}, acknowledged {value}");
    }
    assert_eq!(counters(db, Some("by-n")).await, stored);
    for key in stored.keys().filter(|key| key.starts_with('t')) {
        assert_eq!(stored.get(key), stored.get(&format!("of-{key}")), "a transaction is whole");
    }
    // Every write added one: the stream must count without a gap up to what is stored.
    let mut told: BTreeMap<String, u64> = BTreeMap::new();
    let mut next = iterator(db, &arn(db).await, "TRIM_HORIZON", None).await.unwrap();
    loop {
        let page = get(db, &next, None).await.unwrap();
        let records = page.records.unwrap();
        if records.is_empty() {
            break;
        }
        for record in records {
            let image = record.dynamodb.unwrap().new_image.unwrap();
            let (Some(key), Some(count)) = (plain(&image, "pk"), plain(&image, "n")) else {
                panic!("{image:?}");
            };
            let before = told.insert(key, count.parse().unwrap());
            assert_eq!(before.unwrap_or(0) + 1, count.parse::<u64>().unwrap());
        }
        next = page.next_shard_iterator.unwrap();
    }
    assert_eq!(told, stored);
}

fn plain(image: &shapes::Map<dynamodb_streams_api::AttributeValue>, name: &str) -> Option<String> {
    use dynamodb_streams_api::AttributeValue as Value;
    match image.get(name)? {
        Value::S(text) | Value::N(text) => Some(text.clone()),
        _ => None,
    }
}

/// The process that looks at what a killed one left.
#[tokio::test]
#[ignore = "run by the test above, in a process of its own"]
async fn reader() {
    let (directory, round) = given();
    let acknowledged = std::env::var(ACKNOWLEDGED).expect("what was acknowledged");
    let acknowledged = acknowledged.split_whitespace().filter_map(|pair| pair.split_once('='));
    let acknowledged = acknowledged.map(|(key, value)| (key.to_owned(), value.parse().unwrap())).collect();
    compare(&open(&directory, 1_000 + round), &acknowledged).await;
}

fn given() -> (PathBuf, u64) {
    let directory = std::env::var_os(DIRECTORY).expect("the directory");
    (directory.into(), std::env::var(ROUND).expect("the round").parse().unwrap())
}

/// The process to kill: half of its tasks count single items up, half of them pairs in transactions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the test above, in a process of its own"]
async fn writer() {
    let (directory, round) = given();
    let db = open(&directory, round + 1);
    if round == 0 {
        let mut input = table("orders", false);
        input.stream_specification = enabled("NEW_IMAGE").stream_specification;
        input.attribute_definitions.as_mut().unwrap().push(attribute("n", "N"));
        input.global_secondary_indexes = Some(vec![GlobalSecondaryIndex {
            index_name: "by-n".to_owned(),
            key_schema: vec![key("n", "HASH")],
            projection: projection("KEYS_ONLY", &[]),
            ..Default::default()
        }]);
        db.call::<CreateTable>(input).await.unwrap();
    }
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8u8 {
        let ctx = db.region.ctx();
        tasks.spawn(async move {
            let is_paired = task % 2 == 1;
            let key = format!("{}{task}", if is_paired { 't' } else { 's' });
            let mut count = counter(&ctx, &key).await;
            loop {
                if is_paired {
                    let transact_items = vec![part(&key), part(&format!("of-{key}"))];
                    let input = TransactWriteItemsInput { transact_items, ..Default::default() };
                    ctx.call::<TransactWriteItems>(input).await.unwrap();
                } else {
                    let input = UpdateItemInput {
                        table_name: "orders".to_owned(),
                        key: item(&format!("pk={key}")),
                        update_expression: Some("ADD n :one".to_owned()),
                        expression_attribute_values: values_of(":one=1"),
                        ..Default::default()
                    };
                    ctx.call::<UpdateItem>(input).await.unwrap();
                }
                count += 1;
                let line = format!("ack {key} {count}\n");
                if std::io::stdout().write_all(line.as_bytes()).is_err() {
                    return;
                }
            }
        });
    }
    tasks.join_all().await;
}

async fn counter(ctx: &cloud::Ctx, key: &str) -> u64 {
    let key = item(&format!("pk={key}"));
    let input = GetItemInput { table_name: "orders".to_owned(), key, ..Default::default() };
    let found = ctx.call::<dynamodb_api::op::GetItem>(input).await.unwrap().item;
    found.map_or(0, |item| text(&item, "n").parse().unwrap())
}

fn part(key: &str) -> TransactWriteItem {
    let update = Update {
        table_name: "orders".to_owned(),
        key: item(&format!("pk={key}")),
        update_expression: "ADD n :one".to_owned(),
        expression_attribute_values: values_of(":one=1"),
        ..Default::default()
    };
    TransactWriteItem { update: Some(update), ..Default::default() }
}
