//! Versions, delete markers, and buckets whose versioning is suspended.

use s3_api::op::{GetObject, ListObjectVersions};
use s3_api::{GetObjectInput, ListObjectVersionsInput};

use crate::kit::{Bucket, code, name};

#[tokio::test]
async fn a_version_stays_until_it_is_deleted_by_its_id() {
    let bucket = Bucket::versioned().await;
    let one = bucket.put("k", "1").await.version_id.unwrap();
    let two = bucket.put("k", "22").await.version_id.unwrap();
    assert_eq!(bucket.versions().await, "k=2* k=1");
    assert_eq!((bucket.text("k").await.as_str(), bucket.version_text("k", &one).await.as_str()), ("22", "1"));
    let marker = bucket.delete("k", None).await.unwrap();
    assert_eq!(marker.delete_marker, Some(true));
    assert_eq!(bucket.versions().await, "k-* k=2 k=1");
    assert_eq!(bucket.text("k").await, "NoSuchKey");
    let marker_id = marker.version_id.unwrap();
    assert_eq!(bucket.version_text("k", &marker_id).await, "MethodNotAllowed");
    assert_eq!(bucket.version_text("k", &two).await, "22");
    bucket.delete("k", Some(&marker_id)).await.unwrap();
    assert_eq!((bucket.text("k").await.as_str(), bucket.versions().await.as_str()), ("22", "k=2* k=1"));
    bucket.delete("k", Some(&two)).await.unwrap();
    assert_eq!((bucket.text("k").await.as_str(), bucket.versions().await.as_str()), ("1", "k=1*"));
    bucket.delete("k", Some(&one)).await.unwrap();
    assert_eq!(bucket.versions().await, "");
    assert_eq!(bucket.version_text("k", &one).await, "NoSuchVersion");
}

#[tokio::test]
async fn what_was_there_before_versioning_is_the_null_version() {
    let bucket = Bucket::create().await;
    assert_eq!(bucket.put("k", "0").await.version_id, None);
    bucket.set_versioning("Enabled").await;
    bucket.put("k", "1").await;
    assert_eq!(bucket.version_text("k", "null").await, "0");
    bucket.set_versioning("Suspended").await;
    assert_eq!(bucket.put("k", "222").await.version_id.as_deref(), Some("null"));
    assert_eq!(bucket.versions().await, "k=3* k=1", "the older null version was not replaced");
    bucket.put("k", "4444").await;
    assert_eq!(bucket.version_text("k", "null").await, "4444");
    let deleted = bucket.delete("k", None).await.unwrap();
    assert_eq!((deleted.version_id.as_deref(), deleted.delete_marker), (Some("null"), Some(true)));
    assert_eq!(bucket.versions().await, "k-* k=1");
    bucket.delete("k", None).await.unwrap();
    assert_eq!(bucket.versions().await, "k-* k=1", "delete markers of the null version pile up");
    bucket.delete("k", Some("null")).await.unwrap();
    assert_eq!(bucket.text("k").await, "1");
}

#[tokio::test]
async fn versions_within_one_instant_keep_their_order() {
    let bucket = Bucket::versioned().await;
    for n in 1..=5 {
        bucket.put("k", "x".repeat(n)).await;
    }
    assert_eq!(bucket.versions().await, "k=5* k=4 k=3 k=2 k=1");
}

#[tokio::test]
async fn pages_of_versions_follow_one_another_without_gaps() {
    let bucket = Bucket::versioned().await;
    for key in ["a", "b", "c"] {
        for n in 1..=3 {
            bucket.put(key, "x".repeat(n)).await;
        }
    }
    bucket.delete("b", None).await.unwrap();
    for size in [1, 2, 3, 4, 7, 100] {
        let (mut seen, mut key_marker, mut version_id_marker) = (Vec::new(), None, None);
        loop {
            let input = ListObjectVersionsInput {
                bucket: name(),
                max_keys: Some(size),
                key_marker,
                version_id_marker,
                ..Default::default()
            };
            let page = bucket.call::<ListObjectVersions>(input).await.unwrap();
            let entries = page
                .versions
                .iter()
                .flatten()
                .map(|version| (version.key.clone(), version.version_id.clone(), version.is_latest));
            let markers = page
                .delete_markers
                .iter()
                .flatten()
                .map(|marker| (marker.key.clone(), marker.version_id.clone(), marker.is_latest));
            let mut all: Vec<_> = entries.chain(markers).collect();
            all.sort_by(|a, b| (&a.0, &b.1).cmp(&(&b.0, &a.1)));
            seen.extend(all);
            if page.is_truncated != Some(true) {
                break;
            }
            (key_marker, version_id_marker) = (page.next_key_marker, page.next_version_id_marker);
        }
        assert_eq!(seen.len(), 10, "pages of {size}");
        let latest: Vec<_> = seen
            .iter()
            .filter(|(.., is_latest)| *is_latest == Some(true))
            .filter_map(|(key, ..)| key.as_deref())
            .collect();
        assert_eq!(latest, ["a", "b", "c"], "pages of {size}");
        seen.dedup_by(|one, other| one.1 == other.1);
        assert_eq!(seen.len(), 10, "pages of {size} repeat entries");
    }
}

#[tokio::test]
async fn versions_deleted_page_by_page_are_all_found() {
    let bucket = Bucket::versioned().await;
    for key in ["a", "b", "c"] {
        for content in ["1", "2", "3", "4", "5"] {
            bucket.put(key, content).await;
        }
    }
    let (mut deleted, mut at) = (0, (None, None));
    loop {
        let page = bucket
            .call::<ListObjectVersions>(ListObjectVersionsInput {
                bucket: name(),
                key_marker: at.0,
                version_id_marker: at.1,
                max_keys: Some(2),
                ..Default::default()
            })
            .await
            .unwrap();
        let first = page.versions.iter().flatten().next();
        assert!(
            first.is_some_and(|first| first.is_latest == Some(true)),
            "all younger ones are gone: {page:?}"
        );
        for version in page.versions.iter().flatten() {
            let (key, id) = (version.key.clone().unwrap(), version.version_id.clone());
            bucket.delete(&key, id.as_deref()).await.unwrap();
            deleted += 1;
        }
        if page.is_truncated != Some(true) {
            break;
        }
        at = (page.next_key_marker, page.next_version_id_marker);
    }
    assert_eq!(deleted, 15);
}

#[tokio::test]
async fn a_versions_answer_names_it() {
    let bucket = Bucket::versioned().await;
    let id = bucket.put("k", "1").await.version_id;
    let input =
        GetObjectInput { bucket: name(), key: "k".to_owned(), version_id: id.clone(), ..Default::default() };
    assert_eq!(bucket.call::<GetObject>(input).await.unwrap().version_id, id);
    bucket.delete("k", None).await.unwrap();
    let error = bucket.get("k").await.unwrap_err();
    let detail = error.detail().expect("headers tell of the delete marker");
    let index = detail.shape().member_named("Headers").unwrap().0;
    let shapes::View::Map(headers) = detail.member(index).view() else { panic!("no headers") };
    assert!(headers.entries().any(|(name, _)| name == "x-amz-delete-marker"));
    assert_eq!(code(bucket.delete("k", Some("not-an-id")).await), "InvalidArgument");
}
