//! What every engine must do, whatever it is made of.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kv::{Engine, KeyRange, KvError, MAX_KEY_BYTES, MAX_VALUE_BYTES, Order, Verdict};

use crate::support::{commit, get, put, scan, scan_tx, text};

/// The whole suite for the engine that `$subject` makes.
macro_rules! suite {
    ($name:ident, $subject:expr) => {
        $crate::conformance::suite!(
            $name, $subject,
            puts_gets_and_deletes, transaction_sees_its_own_writes, scans_stop_and_turn_around,
            scan_merges_own_writes, empty_and_reversed_ranges_have_no_keys, abort_keeps_nothing, panic_keeps_nothing,
            failed_write_fails_the_transaction, snapshot_does_not_move, transactions_do_not_interleave,
            dropped_future_still_commits, watch_wakes_after_commit, watch_misses_nothing, watch_ends_with_its_owner,
            many_watches, abort_does_not_announce, closed_engine_refuses, order_is_by_bytes,
            deleted_key_of_same_batch_is_gone, hooks_run_in_order_once_durable, undone_transactions_run_no_hooks
        );
    };
    ($name:ident, $subject:expr, $($case:ident),*) => {
        mod $name {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let subject = $subject;
                $crate::conformance::$case(subject.engine.clone()).await;
            })*
        }
    };
}
pub(crate) use suite;

type Subject = Arc<dyn Engine>;

pub(crate) async fn puts_gets_and_deletes(engine: Subject) {
    assert_eq!(get(&*engine, b"k"), None);
    put(&*engine, b"k", b"1").await.unwrap();
    put(&*engine, b"k", b"2").await.unwrap();
    put(&*engine, b"empty", b"").await.unwrap();
    assert_eq!(get(&*engine, b"k").as_deref(), Some(&b"2"[..]));
    assert_eq!(get(&*engine, b"empty").as_deref(), Some(&b""[..]));
    commit(&*engine, |tx| {
        tx.delete(b"k");
        tx.delete(b"never there");
    })
    .await
    .unwrap();
    assert_eq!(get(&*engine, b"k"), None);
    assert_eq!(engine.stats().committed, 4);
}

pub(crate) async fn transaction_sees_its_own_writes(engine: Subject) {
    put(&*engine, b"a", b"old").await.unwrap();
    let seen = commit(&*engine, |tx| {
        tx.put(b"a", b"new");
        let own = tx.get(b"a").unwrap();
        tx.delete(b"a");
        (own, tx.get(b"a").unwrap())
    })
    .await
    .unwrap();
    assert_eq!(seen, (Some(b"new".as_slice().into()), None));
}

pub(crate) async fn scans_stop_and_turn_around(engine: Subject) {
    commit(&*engine, |tx| {
        for key in ["a", "b", "c", "d", "e"] {
            tx.put(key.as_bytes(), key.as_bytes());
        }
    })
    .await
    .unwrap();
    assert_eq!(text(&scan(&*engine, b"b", b"e", Order::Ascending, 9)), "b=b c=c d=d");
    assert_eq!(text(&scan(&*engine, b"b", b"e", Order::Descending, 9)), "d=d c=c b=b");
    assert_eq!(text(&scan(&*engine, b"a", b"z", Order::Ascending, 2)), "a=a b=b");
    assert_eq!(text(&scan(&*engine, b"a", b"z", Order::Descending, 2)), "e=e d=d");
    let inside = commit(&*engine, |tx| text(&scan_tx(tx, b"b", b"z", Order::Descending, 3))).await.unwrap();
    assert_eq!(inside, "e=e d=d c=c");
}

pub(crate) async fn scan_merges_own_writes(engine: Subject) {
    commit(&*engine, |tx| {
        for key in ["b", "d", "f"] {
            tx.put(key.as_bytes(), b"0");
        }
    })
    .await
    .unwrap();
    let seen = commit(&*engine, |tx| {
        tx.put(b"a", b"1");
        tx.put(b"d", b"1");
        tx.delete(b"f");
        tx.put(b"g", b"1");
        tx.delete(b"g");
        tx.put(b"h", b"1");
        let ascending = text(&scan_tx(tx, b"a", b"z", Order::Ascending, 9));
        let descending = text(&scan_tx(tx, b"a", b"z", Order::Descending, 9));
        (ascending, descending, text(&scan_tx(tx, b"c", b"z", Order::Ascending, 2)))
    })
    .await
    .unwrap();
    assert_eq!(seen, ("a=1 b=0 d=1 h=1".into(), "h=1 d=1 b=0 a=1".into(), "d=1 h=1".into()));
    assert_eq!(text(&scan(&*engine, b"a", b"z", Order::Ascending, 9)), "a=1 b=0 d=1 h=1");
}

pub(crate) async fn empty_and_reversed_ranges_have_no_keys(engine: Subject) {
    put(&*engine, b"m", b"1").await.unwrap();
    for (from, to) in [("m", "m"), ("z", "a"), ("", ""), ("n", "z"), ("a", "m")] {
        for order in [Order::Ascending, Order::Descending] {
            assert_eq!(scan(&*engine, from.as_bytes(), to.as_bytes(), order, 9), [], "{from}..{to}");
            let inside = commit(&*engine, move |tx| scan_tx(tx, from.as_bytes(), to.as_bytes(), order, 9))
                .await
                .unwrap();
            assert_eq!(inside, [], "{from}..{to} in a transaction");
        }
    }
    assert!(KeyRange { from: b"b", to: b"a" }.is_empty());
}

pub(crate) async fn abort_keeps_nothing(engine: Subject) {
    put(&*engine, b"a", b"1").await.unwrap();
    engine
        .transact(Box::new(|tx| {
            tx.put(b"a", b"2");
            tx.put(b"a", b"3");
            tx.delete(b"a");
            tx.put(b"b", b"2");
            Verdict::Abort
        }))
        .await
        .unwrap();
    assert_eq!(text(&scan(&*engine, b"a", b"z", Order::Ascending, 9)), "a=1");
    assert_eq!(engine.stats().aborted, 1);
}

pub(crate) async fn panic_keeps_nothing(engine: Subject) {
    put(&*engine, b"a", b"1").await.unwrap();
    let failed = engine
        .transact(Box::new(|tx| {
            tx.put(b"a", b"2");
            tx.put(b"b", b"2");
            panic!("the closure's fault {}", 7)
        }))
        .await;
    assert!(matches!(failed, Err(KvError::Panicked { message }) if message == "the closure's fault 7"));
    assert_eq!(text(&scan(&*engine, b"a", b"z", Order::Ascending, 9)), "a=1");
    put(&*engine, b"b", b"3").await.unwrap();
    assert_eq!(text(&scan(&*engine, b"a", b"z", Order::Ascending, 9)), "a=1 b=3");
}

pub(crate) async fn failed_write_fails_the_transaction(engine: Subject) {
    let (long_key, long_value) = (vec![b'k'; MAX_KEY_BYTES + 1], vec![0; MAX_VALUE_BYTES + 1]);
    let empty = put(&*engine, b"", b"v").await;
    assert!(matches!(empty, Err(KvError::KeyLength { bytes: 0 })));
    let long = commit(&*engine, move |tx| {
        tx.put(b"a", b"1");
        tx.put(&long_key, b"v");
    });
    assert!(matches!(long.await, Err(KvError::KeyLength { bytes }) if bytes == MAX_KEY_BYTES + 1));
    let long = put(&*engine, b"a", &long_value).await;
    assert!(matches!(long, Err(KvError::ValueLength { bytes }) if bytes == MAX_VALUE_BYTES + 1));
    assert_eq!(get(&*engine, b"a"), None);
    put(&*engine, &vec![b'k'; MAX_KEY_BYTES], b"v").await.unwrap();
    assert_eq!(get(&*engine, &vec![b'k'; MAX_KEY_BYTES]).as_deref(), Some(&b"v"[..]));
}

pub(crate) async fn snapshot_does_not_move(engine: Subject) {
    put(&*engine, b"a", b"1").await.unwrap();
    put(&*engine, b"b", b"1").await.unwrap();
    let snapshot = engine.snapshot().unwrap();
    commit(&*engine, |tx| {
        tx.put(b"a", b"2");
        tx.delete(b"b");
        tx.put(b"c", b"2");
    })
    .await
    .unwrap();
    assert_eq!(snapshot.get(b"a").unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(snapshot.get(b"c").unwrap(), None);
    let mut keys = Vec::new();
    snapshot
        .scan(KeyRange { from: b"a", to: b"z" }, Order::Ascending, &mut |key, _| {
            keys.push(key.to_vec());
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(keys, [b"a", b"b"]);
    assert_eq!(text(&scan(&*engine, b"a", b"z", Order::Ascending, 9)), "a=2 c=2");
}

/// Many tasks read, add one, and write back: each addition counts, on each of several keys.
pub(crate) async fn transactions_do_not_interleave(engine: Subject) {
    const TASKS: usize = 16;
    const ADDITIONS: usize = 25;
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let engine = Arc::clone(&engine);
            tokio::spawn(async move {
                for addition in 0..ADDITIONS {
                    let key = [b'0' + ((task + addition) % 3) as u8];
                    commit(&*engine, move |tx| {
                        let count = tx.get(&key).unwrap().map_or(0, |bytes| bytes.len());
                        tx.put(&key, &vec![b'x'; count + 1]);
                    })
                    .await
                    .unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let total: usize =
        scan(&*engine, b"0", b"9", Order::Ascending, 9).iter().map(|(_, value)| value.len()).sum();
    assert_eq!(total, TASKS * ADDITIONS);
    assert_eq!(engine.stats().committed, (TASKS * ADDITIONS) as u64);
}

pub(crate) async fn dropped_future_still_commits(engine: Subject) {
    // Polled once, so that it is submitted.
    let submitted = put(&*engine, b"a", b"1");
    let _ = tokio::time::timeout(Duration::ZERO, submitted).await;
    put(&*engine, b"b", b"1").await.unwrap();
    assert_eq!(text(&scan(&*engine, b"a", b"z", Order::Ascending, 9)), "a=1 b=1");
}

pub(crate) async fn watch_wakes_after_commit(engine: Subject) {
    let mut watch = engine.watch(b"queue");
    let mut other = engine.watch(b"other");
    let waiter = {
        let engine = Arc::clone(&engine);
        tokio::spawn(async move {
            watch.changed().await;
            get(&*engine, b"a")
        })
    };
    announce(&*engine, b"a", b"queue").await;
    assert_eq!(waiter.await.unwrap().as_deref(), Some(&b"1"[..]));
    assert!(!other.take_change());
}

/// An announcement between subscribing and waiting is not lost, and counts once.
pub(crate) async fn watch_misses_nothing(engine: Subject) {
    let mut watch = engine.watch(b"t");
    let mut second = engine.watch(b"t");
    announce(&*engine, b"a", b"t").await;
    announce(&*engine, b"a", b"t").await;
    watch.changed().await;
    assert!(!watch.take_change());
    assert!(second.take_change());
    assert!(!engine.watch(b"t").take_change(), "what was before the watch does not count");
}

pub(crate) async fn watch_ends_with_its_owner(engine: Subject) {
    let (first, second) = (engine.watch(b"t"), engine.watch(b"t"));
    assert_eq!(engine.stats().watched_topics, 1);
    drop(first);
    assert_eq!(engine.stats().watched_topics, 1);
    drop(second);
    assert_eq!(engine.stats().watched_topics, 0);
    let mut again = engine.watch(b"t");
    announce(&*engine, b"a", b"t").await;
    assert!(again.take_change());
}

pub(crate) async fn many_watches(engine: Subject) {
    let mut watches: Vec<_> = (0..5000_u32).map(|topic| engine.watch(&topic.to_be_bytes())).collect();
    commit(&*engine, |tx| (0..2500_u32).for_each(|topic| tx.announce(&topic.to_be_bytes()))).await.unwrap();
    let woken = watches.iter_mut().filter_map(|watch| watch.take_change().then_some(())).count();
    assert_eq!(woken, 2500);
    assert_eq!(engine.stats().watched_topics, 5000);
}

pub(crate) async fn abort_does_not_announce(engine: Subject) {
    let mut watch = engine.watch(b"t");
    engine
        .transact(Box::new(|tx| {
            tx.announce(b"t");
            Verdict::Abort
        }))
        .await
        .unwrap();
    assert!(!watch.take_change());
}

pub(crate) async fn closed_engine_refuses(engine: Subject) {
    put(&*engine, b"a", b"1").await.unwrap();
    let mut watch = engine.watch(b"t");
    engine.close().await.unwrap();
    engine.close().await.unwrap();
    watch.changed().await;
    let has_run = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&has_run);
    let refused = commit(&*engine, move |_| flag.store(true, Ordering::Relaxed)).await;
    assert!(matches!(refused, Err(KvError::Closed)));
    assert!(!has_run.load(Ordering::Relaxed));
}

pub(crate) async fn order_is_by_bytes(engine: Subject) {
    let keys: [&[u8]; 6] = [b"\x00", b"\x00\x00", b"\x00\xff", b"a", b"\x80", b"\xff\xff"];
    commit(&*engine, move |tx| keys.iter().rev().for_each(|key| tx.put(key, b""))).await.unwrap();
    let seen: Vec<_> = scan(&*engine, b"\0", b"\xff\xff\xff", Order::Ascending, 9);
    assert_eq!(seen.iter().map(|(key, _)| key.as_slice()).collect::<Vec<_>>(), keys);
}

/// Reads of what another transaction wrote moments ago, in a batch that may not be on disk yet.
pub(crate) async fn deleted_key_of_same_batch_is_gone(engine: Subject) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let (one, two, three) = tokio::join!(
        put(&*engine, b"a", b"1"),
        commit(&*engine, |tx| tx.delete(b"a")),
        commit(&*engine, move |tx| log.lock().unwrap().push(tx.get(b"a").unwrap())),
    );
    one.and(two).and(three).unwrap();
    assert_eq!(*seen.lock().unwrap(), [None]);
    assert_eq!(get(&*engine, b"a"), None);
}

/// A hook sees what its transaction wrote, and comes before its caller's answer.
pub(crate) async fn hooks_run_in_order_once_durable(engine: Subject) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    for number in 0..3_u8 {
        let (log, reader) = (Arc::clone(&seen), Arc::clone(&engine));
        commit(&*engine, move |tx| {
            tx.put(b"a", &[number]);
            let (log, reader) = (Arc::clone(&log), Arc::clone(&reader));
            tx.after_commit(Box::new(move || log.lock().unwrap().push(get(&*reader, b"a"))));
        })
        .await
        .unwrap();
        assert_eq!(seen.lock().unwrap().len(), usize::from(number) + 1);
    }
    let seen: Vec<_> =
        seen.lock().unwrap().iter().map(|value| value.as_deref().map(<[u8]>::to_vec)).collect();
    assert_eq!(seen, [Some(vec![0]), Some(vec![1]), Some(vec![2])]);
}

pub(crate) async fn undone_transactions_run_no_hooks(engine: Subject) {
    let ran = Arc::new(Mutex::new(0));
    let count = Arc::clone(&ran);
    let hook = move |tx: &mut dyn kv::Transaction| {
        let count = Arc::clone(&count);
        tx.after_commit(Box::new(move || *count.lock().unwrap() += 1));
    };
    let aborting = hook.clone();
    engine
        .transact(Box::new(move |tx| {
            aborting(tx);
            Verdict::Abort
        }))
        .await
        .unwrap();
    let outcome = commit(&*engine, move |tx| {
        hook(tx);
        tx.put(b"", b"no key is empty");
    });
    assert!(outcome.await.is_err());
    assert_eq!(*ran.lock().unwrap(), 0);
}

async fn announce(engine: &dyn Engine, key: &'static [u8], topic: &'static [u8]) {
    commit(engine, move |tx| {
        tx.put(key, b"1");
        tx.announce(topic);
    })
    .await
    .unwrap();
}
