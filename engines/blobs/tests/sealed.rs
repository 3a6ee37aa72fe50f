//! Sealed blobs on a real disk.

#![allow(clippy::unwrap_used, reason = "what the tests share is test code as well")]

use std::fs;
use std::path::{Path, PathBuf};

use blobs::BlobError;
use blobs::sealed::{CHUNK_BYTES, Key, Options, SealedBlobs, SealedId, seal, unseal};

const KEY: Key = Key([7; 32]);
const ID: SealedId = SealedId(0x1234_5678_9ABC_DEF0_0000_0000_0000_00AB);

fn open(folder: &Path) -> SealedBlobs {
    SealedBlobs::open(folder, Options { is_durable: true, hot_bytes: 0 }).unwrap()
}

fn sample(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 31 % 251) as u8).collect()
}

fn write(blobs: &SealedBlobs, bytes: &[u8], piece: usize) {
    let mut writer = blobs.create(ID, &KEY, 1).unwrap();
    for piece in bytes.chunks(piece) {
        writer.write(piece).unwrap();
    }
    assert_eq!(writer.length(), bytes.len() as u64);
    writer.finish().unwrap().keep();
}

fn read(blobs: &SealedBlobs, length: usize, from: usize, to: usize) -> Result<Vec<u8>, BlobError> {
    let reader = blobs.read(ID, &KEY, length as u64)?;
    let (mut at, mut bytes) = (from as u64, Vec::new());
    while at < to as u64 {
        for piece in reader.read(at..to as u64)? {
            at += piece.len() as u64;
            bytes.extend_from_slice(&piece);
        }
    }
    Ok(bytes)
}

fn file(folder: &Path) -> PathBuf {
    folder.join("blobs/ab").join(ID.to_string())
}

#[test]
fn every_range_of_every_length_reads_back() {
    for length in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 9 * CHUNK_BYTES, 17 * CHUNK_BYTES + 5]
    {
        let folder = tempfile::tempdir().unwrap();
        let bytes = sample(length);
        write(&open(folder.path()), &bytes, 40_000);
        let blobs = open(folder.path());
        for from in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, 8 * CHUNK_BYTES + 3] {
            for to in [from + 1, from + CHUNK_BYTES, length] {
                if from <= to && to <= length {
                    assert_eq!(
                        read(&blobs, length, from, to).unwrap(),
                        bytes[from..to],
                        "{length}: {from}..{to}"
                    );
                }
            }
        }
    }
}

#[test]
fn no_flipped_bit_is_handed_out() {
    let folder = tempfile::tempdir().unwrap();
    let length = 3 * CHUNK_BYTES;
    let blobs = open(folder.path());
    write(&blobs, &sample(length), length);
    let path = file(folder.path());
    let whole = fs::read(&path).unwrap();
    assert!(!whole.windows(32).any(|window| window == &sample(32)[..]), "the bytes lie in the clear");
    for at in [0, 20, 40, CHUNK_BYTES, 2 * CHUNK_BYTES + 70, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[at] ^= 4;
        fs::write(&path, &flipped).unwrap();
        let failed = read(&blobs, length, 0, length);
        assert!(matches!(failed, Err(BlobError::DamagedSealed(ID))), "bit {at} was served: {failed:?}");
    }
    fs::write(&path, &whole[..whole.len() - CHUNK_BYTES - 16]).unwrap();
    assert!(matches!(read(&blobs, length, 0, 1), Err(BlobError::DamagedSealed(_))), "a cut was not noticed");
    fs::write(&path, &whole).unwrap();
    assert_eq!(read(&blobs, length, 0, length).unwrap(), sample(length));
    assert!(matches!(
        blobs.read(ID, &Key([8; 32]), length as u64).unwrap().read(0..1),
        Err(BlobError::DamagedSealed(_))
    ));
}

#[test]
fn what_nobody_keeps_goes_away() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = open(folder.path());
    let mut writer = blobs.create(ID, &KEY, 1).unwrap();
    writer.write(b"half").unwrap();
    assert!(blobs.is_held(ID));
    drop(writer);
    let mut writer = blobs.create(ID, &KEY, 1).unwrap();
    writer.write(b"whole").unwrap();
    let placed = writer.finish().unwrap();
    let mut seen = Vec::new();
    blobs.visit(0xAB, |id, _| seen.push(id)).unwrap();
    assert!(seen.is_empty(), "a sweep would take what is about to be named");
    drop(placed);
    assert!(matches!(blobs.read(ID, &KEY, 5), Err(BlobError::MissingSealed(ID))));
    assert!(!blobs.is_held(ID));
    assert_eq!(fs::read_dir(folder.path().join("incoming")).unwrap().count(), 0);
}

#[test]
fn a_crash_leaves_nothing_half_written_and_a_link_outlives_its_origin() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = open(folder.path()).create(ID, &KEY, 1).unwrap();
    writer.write(b"half").unwrap();
    std::mem::forget(writer);
    let blobs = open(folder.path());
    assert_eq!(fs::read_dir(folder.path().join("incoming")).unwrap().count(), 0);
    write(&blobs, b"whole", 5);
    blobs.link(ID, SealedId(5)).unwrap().keep();
    blobs.delete(ID).unwrap();
    blobs.delete(ID).unwrap();
    let pieces = blobs.read(SealedId(5), &KEY, 5).unwrap().read(0..5).unwrap();
    assert_eq!(pieces, ["whole"]);
    let mut seen = Vec::new();
    blobs.visit(5, |id, length| seen.push((id, length))).unwrap();
    assert_eq!(seen, [(SealedId(5), 53)]);
    assert!(matches!(blobs.link(ID, SealedId(6)), Err(BlobError::MissingSealed(ID))));
}

#[test]
fn rows_are_sealed_like_files() {
    let sealed = seal(&KEY, 9, b"small");
    assert_eq!(unseal(&KEY, 9, &sealed).unwrap(), b"small");
    assert_eq!(unseal(&KEY, 8, &sealed), None);
    for at in 0..sealed.len() {
        let mut flipped = sealed.clone();
        flipped[at] ^= 1;
        assert_eq!(unseal(&KEY, 9, &flipped), None);
    }
}

#[test]
fn what_is_read_again_is_remembered_and_only_under_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let length = 20 * CHUNK_BYTES + 5;
    let blobs = SealedBlobs::open(folder.path(), Options { is_durable: true, hot_bytes: 8 << 20 }).unwrap();
    let bytes = sample(length);
    write(&blobs, &bytes, length);
    for _ in 0..2 {
        assert_eq!(read(&blobs, length, 0, length).unwrap(), bytes);
    }
    // From here on only memory has the chunks: the file is as long as it was, and empty.
    let path = file(folder.path());
    let whole = fs::read(&path).unwrap();
    let head = 32;
    fs::write(&path, [&whole[..head], &vec![0; whole.len() - head]].concat()).unwrap();
    for range in [0..length, 3..4, 8 * CHUNK_BYTES - 1..8 * CHUNK_BYTES + 1, 20 * CHUNK_BYTES..length] {
        assert_eq!(read(&blobs, length, range.start, range.end).unwrap(), bytes[range]);
    }
    let reader = blobs.read(ID, &Key([8; 32]), length as u64).unwrap();
    assert!(matches!(reader.read(0..1), Err(BlobError::DamagedSealed(ID))), "another key opens nothing");
}

#[test]
fn a_blob_that_would_push_all_others_out_is_not_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let length = 20 * CHUNK_BYTES;
    let blobs = SealedBlobs::open(folder.path(), Options { is_durable: true, hot_bytes: 2 << 20 }).unwrap();
    write(&blobs, &sample(length), length);
    for _ in 0..3 {
        assert!(read(&blobs, length, 0, length).is_ok());
    }
    let path = file(folder.path());
    let length_on_disk = fs::metadata(&path).unwrap().len() as usize;
    fs::write(&path, vec![0; length_on_disk]).unwrap();
    assert!(matches!(read(&blobs, length, 0, 1), Err(BlobError::DamagedSealed(ID))));
}
