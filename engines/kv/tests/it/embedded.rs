//! What only an engine on a disk can be asked: reopening, a full disk, two owners, batches.

use std::sync::Arc;

use kv::{Durability, EmbeddedEngine, Engine, KvError, Order};

use crate::support::{commit, get, open, options, put, scan};

#[tokio::test]
async fn data_outlives_the_engine() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), Durability::Relaxed);
    put(&engine, b"a", b"1").await.unwrap();
    engine.close().await.unwrap();
    assert!(matches!(engine.get(b"a"), Err(KvError::Closed)));
    let again = open(directory.path(), Durability::Durable);
    assert_eq!(get(&again, b"a").as_deref(), Some(&b"1"[..]));
}

#[tokio::test]
async fn a_directory_has_one_owner() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path(), Durability::Durable);
    let second = EmbeddedEngine::open(directory.path(), &options(Durability::Durable));
    let error = second.err().unwrap();
    assert!(matches!(&error, KvError::Locked { path } if path == directory.path()));
    assert!(error.to_string().contains(&directory.path().display().to_string()));
    drop(first);
    open(directory.path(), Durability::Durable);
}

#[tokio::test]
async fn a_full_disk_refuses_writes_until_there_is_space() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), Durability::Durable);
    put(&engine, b"a", b"1").await.unwrap();
    engine.set_reserved_bytes(u64::MAX / 2);
    let refused = put(&engine, b"b", b"1").await;
    assert!(matches!(refused, Err(KvError::OutOfSpace { needed_bytes, .. }) if needed_bytes > u64::MAX / 2));
    assert_eq!(get(&engine, b"a").as_deref(), Some(&b"1"[..]));
    assert_eq!(commit(&engine, |tx| tx.get(b"b").unwrap()).await.unwrap(), None);
    engine.set_reserved_bytes(0);
    put(&engine, b"b", b"2").await.unwrap();
    assert_eq!(get(&engine, b"b").as_deref(), Some(&b"2"[..]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_transactions_share_a_sync() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Arc::new(open(directory.path(), Durability::Durable));
    let writers: Vec<_> = (0..200_u8)
        .map(|key| {
            let engine = Arc::clone(&engine);
            tokio::spawn(async move { put(&*engine, &[key], &[key; 300]).await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    let stats = engine.stats();
    assert_eq!(stats.batched_transactions, 200);
    assert_eq!(stats.syncs, stats.batches);
    assert!(stats.batches < 150, "{} batches", stats.batches);
    assert!(stats.disk_bytes > 0);
}

/// More than the memtable holds several times over, with deletions at the front as a queue makes them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_larger_than_memory_keeps_its_order() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(directory.path(), Durability::Relaxed);
    let mut head = 0_u32;
    for first in (0..6000_u32).step_by(200) {
        commit(&engine, move |tx| {
            (first..first + 200).for_each(|n| tx.put(&n.to_be_bytes(), &[n as u8; 500]));
            (first / 2..first / 2 + 100).for_each(|n| tx.delete(&n.to_be_bytes()));
        })
        .await
        .unwrap();
        head = first / 2 + 100;
    }
    engine.close().await.unwrap();
    let again = open(directory.path(), Durability::Relaxed);
    let pairs = scan(&again, &[0], &[0xff], Order::Ascending, usize::MAX);
    let keys: Vec<u32> =
        pairs.iter().map(|(key, _)| u32::from_be_bytes(key.as_slice().try_into().unwrap())).collect();
    assert_eq!(keys, (head..6000).collect::<Vec<_>>());
    assert!(pairs.iter().zip(&keys).all(|((_, value), n)| value == &[*n as u8; 500]));
}

#[tokio::test]
async fn a_reader_sees_only_what_a_batch_made_durable() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Arc::new(open(directory.path(), Durability::Durable));
    let writer = Arc::clone(&engine);
    let writing = tokio::spawn(async move {
        for n in 0..50_u8 {
            commit(&*writer, move |tx| {
                tx.put(b"left", &[n]);
                tx.put(b"right", &[n]);
            })
            .await
            .unwrap();
        }
    });
    while !writing.is_finished() {
        let snapshot = engine.snapshot().unwrap();
        assert_eq!(snapshot.get(b"left").unwrap(), snapshot.get(b"right").unwrap());
        drop(snapshot);
        tokio::task::yield_now().await;
    }
    writing.await.unwrap();
    assert_eq!(get(&*engine, b"left").as_deref(), Some(&[49][..]));
}

/// Fills a disk of a few hundred MiB that is the test's own, without any reserve, so that the library itself fails:
/// `KV_SMALL_DISK=directory cargo test -p kv -- --ignored small_disk`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a small disk of its own"]
async fn a_small_disk_recovers_once_there_is_space() {
    let disk =
        std::path::PathBuf::from(std::env::var_os("KV_SMALL_DISK").expect("the directory of a small disk"));
    let ballast = disk.join("ballast");
    std::fs::write(&ballast, vec![1; 64 << 20]).unwrap();
    let mut opened = options(Durability::Durable);
    opened.reserved_bytes = 0;
    let engine = EmbeddedEngine::open(&disk.join("data"), &opened).unwrap();
    let mut acknowledged = 0_u32;
    let error = loop {
        match put(&engine, &acknowledged.to_be_bytes(), &vec![acknowledged as u8; 100_000]).await {
            Ok(()) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, KvError::Io { .. } | KvError::OutOfSpace { .. }), "{error:?}");
    assert_eq!(get(&engine, &0_u32.to_be_bytes()).map(|value| value.len()), Some(100_000));
    assert!(put(&engine, b"still full", &vec![1; 1 << 20]).await.is_err());
    std::fs::remove_file(ballast).unwrap();
    put(&engine, b"again", b"1").await.unwrap();
    for key in 0..acknowledged {
        assert_eq!(get(&engine, &key.to_be_bytes()), Some(vec![key as u8; 100_000]), "{key}");
    }
}

/// Two keys that always change together, read while they do: every snapshot has them alike and none goes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_beside_a_writer_see_whole_commits_in_their_order() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Arc::new(open(directory.path(), Durability::Relaxed));
    let is_done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (engine, is_done) = (Arc::clone(&engine), Arc::clone(&is_done));
            tokio::task::spawn_blocking(move || {
                let (mut last, mut looks) = (None, 0_u64);
                while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
                    let snapshot = engine.snapshot().unwrap();
                    let (left, right) = (snapshot.get(b"left").unwrap(), snapshot.get(b"right").unwrap());
                    assert_eq!(left, right);
                    assert!(left >= last, "{left:?} after {last:?}");
                    (last, looks) = (left, looks + 1);
                }
                looks
            })
        })
        .collect();
    for number in 0..3000_u32 {
        commit(&*engine, move |tx| {
            let before =
                tx.get(b"left").unwrap().map_or(0, |bytes| u32::from_be_bytes(bytes[..].try_into().unwrap()));
            assert_eq!(before, number);
            for key in [b"left".as_slice(), b"right"] {
                tx.put(key, &(number + 1).to_be_bytes());
            }
        })
        .await
        .unwrap();
    }
    is_done.store(true, std::sync::atomic::Ordering::Relaxed);
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
    assert_eq!(get(&*engine, b"right").unwrap(), 3000_u32.to_be_bytes());
}
