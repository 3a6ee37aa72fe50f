//! What a log gives back after a crash, and after damage.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::Bytes;
use tempfile::TempDir;

use super::*;
use crate::KvError;

type Text = (u64, String, Option<String>);

fn begin(directory: &Path, is_durable: bool) -> Result<Log, KvError> {
    let mut replay = Replay::open(directory)?;
    let mut segments = Vec::new();
    while let Some(contents) = replay.next_segment()? {
        segments.push(contents.number);
    }
    let fresh = create(directory, replay.next_number()).expect("a fresh segment");
    Ok(Log::begin(&replay, fresh, segments, is_durable))
}

fn rotate(log: &mut Log, directory: &Path) -> Vec<u64> {
    let fresh = create(directory, log.header.number + 1).expect("a fresh segment");
    log.finish().expect("a sync");
    log.rotate(fresh)
}

fn append(log: &mut Log, seqno: u64, key: &str, value: Option<&str>, must_sync: bool) {
    let change = (Bytes::from(key.to_owned()), value.map(|value| Bytes::from(value.to_owned())));
    log.append(seqno, std::iter::once((&change.0, &change.1)), must_sync).expect("an append");
}

fn put(log: &mut Log, seqno: u64) {
    append(log, seqno, "kk", Some(&format!("value{seqno:03}")), true);
}

fn read(directory: &Path) -> Result<Vec<Text>, KvError> {
    let mut replay = Replay::open(directory)?;
    let mut changes = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    while let Some(contents) = replay.next_segment()? {
        for recovery::Change { seqno, key, value } in contents.changes()? {
            changes.push((seqno, text(key), value.map(text)));
        }
    }
    Ok(changes)
}

fn seqnos(directory: &Path) -> Vec<u64> {
    read(directory).expect("a sound log").into_iter().map(|(seqno, ..)| seqno).collect()
}

fn copy(from: &Path) -> TempDir {
    let copy = tempfile::tempdir().expect("a directory");
    for entry in fs::read_dir(from).expect("a listing") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("a copy");
    }
    copy
}

fn overwrite(path: &Path, offset: u64, bytes: &[u8]) {
    let file = fs::File::options().write(true).open(path).expect("a file");
    file.write_all_at(bytes, offset).expect("a write");
}

fn flip(path: &Path, offset: u64) {
    let file = fs::File::options().read(true).write(true).open(path).expect("a file");
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).expect("a read");
    file.write_all_at(&[byte[0] ^ 0x10], offset).expect("a write");
}

fn check_corrupt(directory: &Path, number: u64, offset: u64) {
    let path = segment::path(directory, number);
    let error = read(directory).expect_err("damage is told");
    assert!(matches!(&error, KvError::Corrupt { path: named, .. } if *named == path), "{error}");
    assert!(error.to_string().ends_with(&format!("at offset {offset}")), "{error}");
}

#[test]
fn what_was_appended_is_read_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut log = begin(directory.path(), true).expect("a log");
    append(&mut log, 3, "a", Some("1"), true);
    append(&mut log, 4, "a", None, false);
    append(&mut log, 9, "empty", Some(""), true);
    assert_eq!(rotate(&mut log, directory.path()), [1]);
    append(&mut log, 10, "b", Some(&"2".repeat(70_000)), true);
    drop(log);
    let expected = vec![
        (3, "a".to_owned(), Some("1".to_owned())),
        (4, "a".to_owned(), None),
        (9, "empty".to_owned(), Some(String::new())),
        (10, "b".to_owned(), Some("2".repeat(70_000))),
    ];
    assert_eq!(read(directory.path()).expect("a sound log"), expected);
    let mut log = begin(directory.path(), true).expect("a log");
    put(&mut log, 11);
    assert_eq!(rotate(&mut log, directory.path()), [1, 2, 3]);
    assert_eq!(seqnos(directory.path()), [3, 4, 9, 10, 11]);
}

/// Each way in which a crash can leave the rest of the last record: zeros, the end of the file, something older.
#[test]
fn an_unfinished_last_record_is_dropped_wherever_it_ends() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut log = begin(directory.path(), true).expect("a log");
    put(&mut log, 1);
    put(&mut log, 2);
    let start = log.position;
    put(&mut log, 3);
    let end = log.position;
    drop(log);
    for cut in start..end {
        for rest in ["zeros", "end of file", "older"] {
            let copy = copy(directory.path());
            let path = segment::path(copy.path(), 1);
            match rest {
                "zeros" => overwrite(&path, cut, &vec![0; (end - cut) as usize]),
                "older" => overwrite(&path, cut, &vec![0xa5; (end - cut) as usize]),
                _ => fs::File::options()
                    .write(true)
                    .open(&path)
                    .and_then(|file| file.set_len(cut))
                    .expect("a cut"),
            }
            assert_eq!(seqnos(copy.path()), [1, 2], "{rest} from {cut}");
            let mut log = begin(copy.path(), true).expect("a log");
            put(&mut log, 4);
            assert_eq!(seqnos(copy.path()), [1, 2, 4], "{rest} from {cut}, and on");
        }
    }
    assert_eq!(seqnos(directory.path()), [1, 2, 3]);
}

#[test]
fn a_damaged_record_before_sound_ones_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut log = begin(directory.path(), true).expect("a log");
    put(&mut log, 1);
    let start = log.position;
    put(&mut log, 2);
    let end = log.position;
    put(&mut log, 3);
    drop(log);
    for offset in start..end {
        let copy = copy(directory.path());
        flip(&segment::path(copy.path(), 1), offset);
        check_corrupt(copy.path(), 1, start);
    }
}

#[test]
fn damage_in_an_earlier_segment_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut log = begin(directory.path(), true).expect("a log");
    put(&mut log, 1);
    let start = log.position;
    put(&mut log, 2);
    let end = log.position;
    rotate(&mut log, directory.path());
    put(&mut log, 3);
    drop(log);
    for offset in start..end {
        let copy = copy(directory.path());
        flip(&segment::path(copy.path(), 1), offset);
        check_corrupt(copy.path(), 1, start);
    }
    for (number, offset) in (0..segment::HEADER_BYTES as u64).flat_map(|offset| [(1, offset), (2, offset)]) {
        let copy = copy(directory.path());
        flip(&segment::path(copy.path(), number), offset);
        check_corrupt(copy.path(), number, 0);
    }
    let copy = copy(directory.path());
    fs::File::options()
        .write(true)
        .open(segment::path(copy.path(), 1))
        .and_then(|file| file.set_len(start))
        .expect("a cut");
    check_corrupt(copy.path(), 1, start);
}

#[test]
fn a_missing_segment_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut log = begin(directory.path(), true).expect("a log");
    for seqno in 1..6 {
        put(&mut log, seqno);
        rotate(&mut log, directory.path());
    }
    retire(directory.path(), &[1], u64::MAX).expect("the oldest may go");
    assert_eq!(seqnos(directory.path()), [2, 3, 4, 5]);
    fs::remove_file(segment::path(directory.path(), 3)).expect("a deletion");
    let error = read(directory.path()).expect_err("a gap is told");
    assert!(error.to_string().ends_with("segment 3 of the log is missing"), "{error}");
}

#[test]
fn what_a_file_held_in_an_earlier_life_is_not_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut log = begin(directory.path(), true).expect("a log");
    for seqno in 1..100 {
        put(&mut log, seqno);
    }
    let sealed = rotate(&mut log, directory.path());
    retire(directory.path(), &sealed, u64::MAX).expect("a spare");
    put(&mut log, 100);
    rotate(&mut log, directory.path());
    assert!(!directory.path().join("spare").exists());
    put(&mut log, 101);
    assert_eq!(seqnos(directory.path()), [100, 101]);
    retire(directory.path(), &[2], 1).expect("a deletion");
    assert!(!directory.path().join("spare").exists(), "too long for a spare");
}

#[test]
fn segments_that_were_never_written_to_are_no_loss() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut log = begin(directory.path(), true).expect("a log");
    create(directory.path(), 2).expect("a segment made ahead");
    assert_eq!(seqnos(directory.path()), [0; 0], "and one stays");
    put(&mut log, 1);
    rotate(&mut log, directory.path());
    rotate(&mut log, directory.path());
    put(&mut log, 2);
    create(directory.path(), 4).expect("a segment made ahead");
    assert_eq!(seqnos(directory.path()), [1, 2]);
    let error = create(directory.path(), 3).expect_err("a segment that is there");
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    let mut log = begin(directory.path(), true).expect("a log");
    put(&mut log, 3);
    assert_eq!(seqnos(directory.path()), [1, 2, 3]);
}

#[test]
fn a_half_made_segment_is_no_segment() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut log = begin(directory.path(), true).expect("a log");
    put(&mut log, 1);
    drop(log);
    fs::write(directory.path().join("next"), [1; 20]).expect("a write");
    assert_eq!(seqnos(directory.path()), [1]);
    fs::write(directory.path().join("notes.txt"), [1; 20]).expect("a write");
    let error = read(directory.path()).expect_err("a stranger is told");
    assert!(error.to_string().ends_with("notes.txt is not a segment of the log"), "{error}");
}

/// Without waiting for the disk, a power cut may leave later records whole and earlier ones not.
#[test]
fn what_was_not_waited_for_may_be_lost_in_part() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut log = begin(directory.path(), false).expect("a log");
    append(&mut log, 1, "k", Some("v"), false);
    let start = log.position;
    append(&mut log, 2, "k", Some("v"), false);
    append(&mut log, 3, "k", Some("v"), false);
    let lossy = copy(directory.path());
    flip(&segment::path(lossy.path(), 1), start + 36);
    assert_eq!(seqnos(lossy.path()), [1]);
    let mut after = begin(lossy.path(), false).expect("a log");
    append(&mut after, 7, "k", Some("v"), false);
    assert_eq!(seqnos(lossy.path()), [1, 7]);

    log.sync().expect("a sync");
    append(&mut log, 4, "k", Some("v"), false);
    flip(&segment::path(directory.path(), 1), start + 36);
    check_corrupt(directory.path(), 1, start);
}

#[test]
fn a_failed_write_is_taken_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut log = begin(directory.path(), true).expect("a log");
    put(&mut log, 1);
    let position = log.position;
    put(&mut log, 2);
    log.position = position;
    let undone = log.take_back(io::Error::other("the disk's fault"));
    assert!(matches!(undone, AppendError::Undone(error) if error.to_string() == "the disk's fault"));
    assert_eq!(seqnos(directory.path()), [1]);
    put(&mut log, 3);
    assert_eq!(seqnos(directory.path()), [1, 3]);

    rotate(&mut log, directory.path());
    let position = log.position;
    put(&mut log, 4);
    log.position = position;
    assert!(matches!(log.take_back(io::Error::other("again")), AppendError::Undone(_)));
    let copied = copy(directory.path());
    assert_eq!(seqnos(copied.path()), [1, 3], "with the link of the new segment");
    put(&mut log, 5);
    assert_eq!(seqnos(directory.path()), [1, 3, 5]);

    log.file = fs::File::open(segment::path(directory.path(), 1)).expect("a file to read only");
    let (key, value) = (Bytes::from_static(b"k"), None);
    let failed = log.append(6, std::iter::once((&key, &value)), true);
    assert!(matches!(failed, Err(AppendError::Unknown(_))), "not even taken back");
    assert_eq!(seqnos(directory.path()), [1, 3, 5]);
}
