//! The tree across flushes, merges, failures and fresh starts.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;

use proptest::prelude::*;

use super::super::overlay::UndoLog;
use super::*;
use crate::{KeyRange, Order, Snapshot};

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

fn options() -> EmbeddedOptions {
    EmbeddedOptions { reserved_bytes: 0, memtable_bytes: 32 << 10, ..EmbeddedOptions::default() }
}

fn open(path: &Path) -> Tree {
    Tree::open(path, &options()).expect("a tree")
}

fn batch(changes: &[(Vec<u8>, Option<Vec<u8>>)]) -> Overlay {
    let mut overlay = Overlay::default();
    for (key, value) in changes {
        overlay.write(key, value.as_deref(), &mut UndoLog::default());
    }
    overlay
}

fn write(tree: &Tree, key: &[u8], value: &[u8]) -> Result<(), KvError> {
    tree.commit(&batch(&[(key.to_vec(), Some(value.to_vec()))]), true)
}

fn get(tree: &Tree, key: &[u8]) -> Option<Vec<u8>> {
    tree.get(key).expect("a read").map(|value| value.to_vec())
}

fn scan(view: &View, order: Order) -> Vec<(Vec<u8>, Vec<u8>)> {
    let range = KeyRange { from: b"\0", to: &[0xff; 8] };
    let pairs = view.range(range, order).map(|pair| pair.expect("a read"));
    pairs.map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

fn check_view(view: &View, model: &Model) {
    let expected: Vec<_> = model.clone().into_iter().collect();
    assert_eq!(scan(view, Order::Ascending), expected);
    assert_eq!(scan(view, Order::Descending), expected.into_iter().rev().collect::<Vec<_>>());
}

fn store(tree: &Tree) -> Arc<Store> {
    tree.store().expect("an open tree")
}

#[test]
fn a_failed_write_is_followed_by_a_fresh_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let tree = open(directory.path());
    write(&tree, b"before", b"value").expect("a healthy tree");

    tree.distrust();
    let view = tree.view().expect("reads go on");
    assert!(
        matches!(write(&tree, b"refused", b"value"), Err(KvError::Locked { .. })),
        "the view holds the directory"
    );
    assert_eq!(view.get(b"before").expect("a read").as_deref(), Some(&b"value"[..]));
    drop(view);

    write(&tree, b"after", b"value").expect("a tree opened afresh");
    assert_eq!(get(&tree, b"before").as_deref(), Some(&b"value"[..]));
    assert_eq!(get(&tree, b"after").as_deref(), Some(&b"value"[..]));
    assert_eq!(get(&tree, b"refused"), None);
}

#[test]
fn a_failure_in_the_background_is_followed_by_a_fresh_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let tree = open(directory.path());
    write(&tree, b"before", b"value").expect("a healthy tree");
    store(&tree).fail_by_hand(KvError::io(directory.path(), ErrorKind::StorageFull.into()));
    assert_eq!(get(&tree, b"before").as_deref(), Some(&b"value"[..]), "reads go on");
    write(&tree, b"after", b"value").expect("a tree opened afresh");
    assert_eq!(get(&tree, b"before").as_deref(), Some(&b"value"[..]));
    assert_eq!(get(&tree, b"after").as_deref(), Some(&b"value"[..]));
}

#[test]
fn a_view_does_not_move_while_memtables_are_flushed_and_tables_merged() {
    let directory = tempfile::tempdir().expect("a directory");
    let tree = open(directory.path());
    let key = |n: u32| format!("key{n:03}").into_bytes();
    let before: Model = (0..100).map(|n| (key(n), format!("first {n}").into_bytes())).collect();
    let changes: Vec<_> = before.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    tree.commit(&batch(&changes), true).expect("a commit");
    let view = tree.view().expect("a view");
    let (mut after, mut round) = (Model::new(), 0_u32);
    while tree.figures().flushes < 12 || tree.figures().merges < 3 {
        round += 1;
        assert!(round < 5000, "no flushes or merges in the background: {:?}", tree.figures());
        let value = format!("round {round} {}", "x".repeat(500)).into_bytes();
        after = (0..50).map(|n| (key(n * 3), value.clone())).collect();
        let mut changes: Vec<_> = (0..150).map(|n| (key(n), None)).collect();
        changes.extend(after.iter().map(|(key, value)| (key.clone(), Some(value.clone()))));
        tree.commit(&batch(&changes), false).expect("a commit");
    }
    check_view(&view, &before);
    for (key, value) in &before {
        assert_eq!(view.get(key).expect("a read").as_deref(), Some(value.as_slice()));
    }
    assert_eq!(view.get(&key(120)).expect("a read"), None);
    check_view(&tree.view().expect("a view"), &after);
    drop(view);
    check_view(&tree.view().expect("a view"), &after);
    drop(tree);
    check_view(&open(directory.path()).view().expect("a view"), &after);
}

#[test]
fn a_flood_waits_for_flushes_rather_than_filling_memory() {
    let directory = tempfile::tempdir().expect("a directory");
    let tree = open(directory.path());
    for n in 0..600_u32 {
        tree.commit(&batch(&[(n.to_be_bytes().to_vec(), Some(vec![n as u8; 20_000]))]), false)
            .expect("a commit");
        let sealed = tree.figures().sealed;
        assert!(sealed <= 4, "{sealed} memtables wait");
    }
    assert!(tree.figures().flushes > 0);
    assert!((0..600_u32).all(|n| get(&tree, &n.to_be_bytes()) == Some(vec![n as u8; 20_000])));
}

#[test]
fn memtables_that_were_not_flushed_are_found_in_many_segments() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut model = Model::new();
    for start in 0..3 {
        let tree = open(directory.path());
        check_view(&tree.view().expect("a view"), &model);
        for n in 0..12_u8 {
            let (key, value) = (vec![b'k', n, start], vec![n; 9000]);
            write(&tree, &key, &value).expect("a commit");
            write(&tree, b"last", &[start, n]).expect("a commit");
            model.insert(key, value);
            model.insert(b"last".to_vec(), vec![start, n]);
            // As if the process died before any of them was flushed.
            store(&tree).seal_and_forget();
        }
    }
    let tree = open(directory.path());
    check_view(&tree.view().expect("a view"), &model);
    write(&tree, b"last", b"again").expect("a commit");
    assert_eq!(get(&tree, b"last").as_deref(), Some(&b"again"[..]));
}

#[test]
fn a_flush_whose_segments_are_still_there_changes_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let tree = open(directory.path());
    write(&tree, b"a", b"1").expect("a commit");
    write(&tree, b"b", b"1").expect("a commit");
    store(&tree).seal_and_write_tables();
    write(&tree, b"a", b"2").expect("a commit");
    tree.commit(&batch(&[(b"b".to_vec(), None)]), true).expect("a commit");
    // The tables are durable, and the process dies before it removes the segments.
    store(&tree).seal_and_write_tables();
    drop(tree);
    let tree = open(directory.path());
    let expected = Model::from([(b"a".to_vec(), b"2".to_vec())]);
    check_view(&tree.view().expect("a view"), &expected);
    write(&tree, b"a", b"3").expect("a commit");
    drop(tree);
    assert_eq!(get(&open(directory.path()), b"a").as_deref(), Some(&b"3"[..]));
}

#[test]
fn tables_of_a_merge_that_was_cut_short_go_after_the_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let tree = open(directory.path());
    write(&tree, b"a", b"1").expect("a commit");
    store(&tree).seal_and_write_tables();
    drop(tree);
    let tables = directory.path().join("tree").join("tables");
    let names = || fs::read_dir(&tables).expect("a listing").count();
    assert_eq!(names(), 1);
    fs::write(tables.join("4711"), "half a table").expect("a file");
    let tree = open(directory.path());
    assert_eq!(names(), 1);
    assert_eq!(get(&tree, b"a").as_deref(), Some(&b"1"[..]));
    drop(tree);
    assert!(!directory.path().join("doomed").exists());
    assert_eq!(get(&open(directory.path()), b"a").as_deref(), Some(&b"1"[..]));
}

/// The log is empty then, and says nothing of how far the numbers of batches went.
#[test]
fn what_is_written_after_everything_was_flushed_counts() {
    let directory = tempfile::tempdir().expect("a directory");
    for start in 0..6_u8 {
        let tree = open(directory.path());
        assert_eq!(get(&tree, b"key"), start.checked_sub(1).map(|before| vec![before]));
        write(&tree, b"key", &[start]).expect("a commit");
        store(&tree).seal_by_hand();
        store(&tree).wait_for_flushes();
        store(&tree).merge_by_hand();
        assert_eq!(get(&tree, b"key"), Some(vec![start]));
    }
}

#[test]
fn the_log_stays_short_over_many_starts() {
    let directory = tempfile::tempdir().expect("a directory");
    for start in 0..40_u8 {
        let tree = open(directory.path());
        write(&tree, b"key", &[start]).expect("a commit");
    }
    // One for each start since the last flush, what was flushed moments ago, a spare.
    let files = fs::read_dir(directory.path().join("log")).expect("a listing").count();
    assert!(files < 24, "{files} files in the log");
    assert_eq!(get(&open(directory.path()), b"key").as_deref(), Some(&[39][..]));
}

#[test]
fn a_directory_of_something_else_is_refused() {
    let check = |names: &[&str], content: &str, expected: &str| {
        let directory = tempfile::tempdir().expect("a directory");
        for name in names {
            fs::write(directory.path().join(name), content).expect("a file");
        }
        let error = Tree::open(directory.path(), &options()).map(drop).expect_err("a refusal");
        assert!(matches!(error, KvError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        let left = fs::read_dir(directory.path()).expect("a listing").count();
        assert_eq!(left, names.len(), "nothing was written");
    };
    check(&["0.jnl", "lock", "version"], "", "fjall's format");
    check(&["holiday.jpg"], "", "it holds holiday.jpg");
    check(&["format"], "brume kv 7\n", "\"brume kv 7\", and this version reads \"brume kv 1\"");
}

#[test]
fn tables_without_a_log_are_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let tree = open(directory.path());
    write(&tree, b"a", b"1").expect("a commit");
    store(&tree).seal_and_write_tables();
    drop(tree);
    fs::remove_dir_all(directory.path().join("log")).expect("a deletion");
    let error = Tree::open(directory.path(), &options()).map(drop).expect_err("a refusal");
    assert!(error.to_string().contains("the log is missing"), "{error}");
}

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<(Vec<u8>, Option<Vec<u8>>)>),
    OpenView,
    CloseView(usize),
    Seal,
    Flush,
    Merge,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let key = prop::collection::vec(b'a'..b'e', 1..3);
    let value = prop_oneof![
        3 => prop::collection::vec(any::<u8>(), 0..30).prop_map(Some),
        1 => Just(Some(vec![7; 9000])),
        2 => Just(None),
    ];
    prop_oneof![
        8 => prop::collection::vec((key, value), 1..6).prop_map(Step::Commit),
        3 => Just(Step::OpenView),
        2 => any::<usize>().prop_map(Step::CloseView),
        2 => Just(Step::Seal),
        2 => Just(Step::Flush),
        2 => Just(Step::Merge),
        1 => Just(Step::Reopen),
    ]
}

fn run(steps: Vec<Step>) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut tree = open(directory.path());
    let mut model = Model::new();
    let mut views: Vec<(View, Model)> = Vec::new();
    for step in steps {
        match step {
            Step::Commit(changes) => {
                tree.commit(&batch(&changes), false).expect("a commit");
                for (key, value) in changes {
                    match value {
                        Some(value) => model.insert(key, value),
                        None => model.remove(&key),
                    };
                }
            }
            Step::OpenView => views.push((tree.view().expect("a view"), model.clone())),
            Step::CloseView(which) if !views.is_empty() => drop(views.swap_remove(which % views.len())),
            Step::CloseView(_) => {}
            Step::Seal => store(&tree).seal_by_hand(),
            Step::Flush => {
                store(&tree).seal_by_hand();
                store(&tree).wait_for_flushes();
            }
            Step::Merge => store(&tree).merge_by_hand(),
            Step::Reopen => {
                views.clear();
                drop(tree);
                tree = open(directory.path());
            }
        }
        views.iter().for_each(|(view, then)| check_view(view, then));
        check_view(&tree.view().expect("a view"), &model);
        for key in [&b"a"[..], b"ab", b"d", b"dd"] {
            assert_eq!(get(&tree, key), model.get(key).cloned());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_view_shows_what_was_there_when_it_was_opened(steps in prop::collection::vec(step(), 1..60)) {
        run(steps);
    }
}
