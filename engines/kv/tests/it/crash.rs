//! `kill -9` at any moment loses nothing that was acknowledged.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use kv::{Durability, Engine};

use crate::support::{commit, get, open};

const DIRECTORY: &str = "KV_CRASH_DIRECTORY";
const DURABILITY: &str = "KV_CRASH_DURABILITY";
const ROUNDS: u64 = 6;
/// Enough for the kill to come while memtables are flushed and tables merged.
const FILLER_BYTES: usize = 12_000;

#[test]
fn durable_writes_survive_kill() {
    kill_and_compare("durable");
}

#[test]
fn relaxed_writes_survive_kill() {
    kill_and_compare("relaxed");
}

/// Kills the writer after a different number of acknowledgements each time, and compares after each.
fn kill_and_compare(durability: &str) {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    for round in 0..ROUNDS {
        write_until_killed(directory.path(), durability, 37 + round * 211, &mut acknowledged);
        let engine = open(directory.path(), Durability::Durable);
        for (key, value) in &acknowledged {
            let stored: u64 = text(&get(&engine, key).unwrap());
            // The writer may have got further than it could say, never less far.
            assert!(stored >= *value, "{key:?} has {stored}, {value} was acknowledged");
            let twin: u64 = text(&get(&engine, &twin(key)).unwrap());
            assert_eq!(stored, twin, "both halves of a transaction, or neither");
            let filler = get(&engine, &filler(key, stored)).unwrap();
            assert_eq!(filler, [stored as u8; FILLER_BYTES]);
        }
    }
    assert!(acknowledged.len() > 10);
}

fn write_until_killed(
    directory: &Path,
    durability: &str,
    kill_after: u64,
    acknowledged: &mut BTreeMap<Vec<u8>, u64>,
) {
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::writer", "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .env(DURABILITY, durability)
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
        // The last line may be cut short by the kill; then it is a smaller number, which is still acknowledged.
        let Ok(value) = value.parse::<u64>() else { continue };
        let latest = acknowledged.entry(key.as_bytes().to_vec()).or_insert(0);
        *latest = value.max(*latest);
        count += 1;
        if count == kill_after {
            writer.kill().unwrap();
        }
    }
    writer.wait().unwrap();
    assert!(count >= kill_after, "the writer ended by itself after {count} acknowledgements");
}

/// The process to kill: several tasks, each writing growing numbers under two keys at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the tests above, in a process of its own"]
async fn writer() {
    let directory = std::env::var_os(DIRECTORY).expect("the directory to write to");
    let is_relaxed = std::env::var(DURABILITY).is_ok_and(|value| value == "relaxed");
    let durability = if is_relaxed { Durability::Relaxed } else { Durability::Durable };
    let engine = std::sync::Arc::new(open(Path::new(&directory), durability));
    let tasks: Vec<_> = (0..16_u8)
        .map(|task| {
            let engine = std::sync::Arc::clone(&engine);
            tokio::spawn(async move {
                let key = format!("key-{task}").into_bytes();
                loop {
                    let value = next(&*engine, key.clone()).await;
                    let line = format!("ack key-{task} {value}\n");
                    if std::io::stdout().write_all(line.as_bytes()).is_err() {
                        return;
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

async fn next(engine: &dyn Engine, key: Vec<u8>) -> u64 {
    commit(engine, move |tx| {
        let value = tx.get(&key).unwrap().map_or(0, |bytes| text(&bytes)) + 1;
        let stored = format!("{value:<200}");
        tx.put(&filler(&key, value), &[value as u8; FILLER_BYTES]);
        tx.put(&key, stored.as_bytes());
        tx.put(&twin(&key), stored.as_bytes());
        value
    })
    .await
    .unwrap()
}

fn filler(key: &[u8], value: u64) -> Vec<u8> {
    [b"filler-", key, &value.to_be_bytes()].concat()
}

fn twin(key: &[u8]) -> Vec<u8> {
    [b"twin-", key].concat()
}

fn text(bytes: &[u8]) -> u64 {
    std::str::from_utf8(bytes).unwrap().trim_end().parse().unwrap()
}
