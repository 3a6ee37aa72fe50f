//! Blobs on a real disk.

use std::fs;

use blobs::{BlobError, BlobId, Blobs, DirectoryBlobs};
use bytes::Bytes;
use tokio::io::AsyncReadExt;

const DIGEST: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

fn hello() -> Bytes {
    Bytes::from_static(b"hello")
}

#[tokio::test]
async fn what_is_put_is_read_by_its_digest_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let id = DirectoryBlobs::open(folder.path()).unwrap().put(hello()).await.unwrap();
    assert_eq!(id.to_string(), DIGEST);
    let blobs = DirectoryBlobs::open(folder.path()).unwrap();
    assert!(blobs.exists(id).await.unwrap());
    assert_eq!(blobs.get(id).await.unwrap(), hello());
    let (length, mut reader) = blobs.open(id).await.unwrap();
    let mut text = String::new();
    reader.read_to_string(&mut text).await.unwrap();
    assert_eq!((length, text.as_str()), (5, "hello"));
}

#[tokio::test]
async fn equal_bytes_are_one_blob_and_deleting_twice_is_fine() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = DirectoryBlobs::open(folder.path()).unwrap();
    let (first, second) = tokio::join!(blobs.put(hello()), blobs.put(hello()));
    let id = first.unwrap();
    assert_eq!(id, second.unwrap());
    blobs.delete(id).await.unwrap();
    blobs.delete(id).await.unwrap();
    assert!(!blobs.exists(id).await.unwrap());
    assert!(matches!(blobs.get(id).await, Err(BlobError::Missing(missing)) if missing == id));
    assert!(matches!(blobs.open(id).await.err(), Some(BlobError::Missing(_))));
}

#[tokio::test]
async fn leftovers_of_a_crash_are_swept_and_never_seen() {
    let folder = tempfile::tempdir().unwrap();
    drop(DirectoryBlobs::open(folder.path()).unwrap());
    let leftover = folder.path().join("incoming/0");
    fs::write(&leftover, "hel").unwrap();
    let blobs = DirectoryBlobs::open(folder.path()).unwrap();
    assert!(!leftover.exists());
    assert!(!blobs.exists(BlobId::of(b"hel")).await.unwrap());
    blobs.put(hello()).await.unwrap();
    assert_eq!(fs::read_dir(folder.path().join("incoming")).unwrap().count(), 0);
}

#[tokio::test]
async fn damaged_bytes_are_not_handed_out() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = DirectoryBlobs::open(folder.path()).unwrap();
    let id = blobs.put(hello()).await.unwrap();
    fs::write(folder.path().join("blobs/2c").join(DIGEST), "jello").unwrap();
    assert!(matches!(blobs.get(id).await, Err(BlobError::Damaged(_))));
}

#[test]
fn an_id_is_a_digest_and_never_a_path() {
    assert_eq!(DIGEST.parse::<BlobId>().unwrap(), BlobId::of(b"hello"));
    let upper = DIGEST.to_uppercase();
    let dots = format!("../{}", &DIGEST[3..]);
    for wrong in ["", "ab", "../../etc/passwd", upper.as_str(), dots.as_str(), &"é".repeat(32)] {
        assert!(wrong.parse::<BlobId>().is_err(), "{wrong}");
    }
}
