//! Lists of keys: order, pages, prefixes and delimiters.

use s3_api::op::{ListObjects, ListObjectsV2};
use s3_api::{ListObjectsInput, ListObjectsV2Input};

use crate::kit::{Bucket, code, name};

async fn filled(keys: &[&str]) -> Bucket {
    let bucket = Bucket::create().await;
    for key in keys {
        bucket.put(key, "").await;
    }
    bucket
}

const KEYS: &[&str] = &[
    "a",
    "a/",
    "a/1",
    "a/2/x",
    "a/2/y",
    "a/3",
    "ab",
    "b/1",
    "b/2",
    "b/3",
    "b/4",
    "b/5",
    "b/6",
    "b0",
    "c",
    "é",
    "\u{1f600}",
];

/// Keys and groups (in angle brackets) of all pages.
async fn list(bucket: &Bucket, prefix: &str, delimiter: &str, size: i32) -> String {
    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let input = ListObjectsV2Input {
            bucket: name(),
            prefix: Some(prefix.to_owned()),
            delimiter: Some(delimiter.to_owned()),
            max_keys: Some(size),
            continuation_token: token,
            ..Default::default()
        };
        let page = bucket.call::<ListObjectsV2>(input).await.unwrap();
        let keys = page.contents.iter().flatten().map(|object| object.key.clone().unwrap_or_default());
        let groups = page
            .common_prefixes
            .iter()
            .flatten()
            .map(|group| format!("<{}>", group.prefix.clone().unwrap_or_default()));
        let mut all: Vec<String> = keys.chain(groups).collect();
        assert_eq!(page.key_count, i32::try_from(all.len()).ok());
        all.sort_by_key(|entry| entry.trim_matches(['<', '>']).to_owned());
        seen.extend(all);
        token = page.next_continuation_token;
        if page.is_truncated != Some(true) {
            return seen.join(" ");
        }
        assert!(token.is_some());
    }
}

#[tokio::test]
async fn keys_come_in_the_order_of_their_bytes_whatever_the_page() {
    let bucket = filled(KEYS).await;
    for size in [1, 2, 3, 5, 1000] {
        assert_eq!(list(&bucket, "", "", size).await, KEYS.join(" "), "pages of {size}");
        assert_eq!(list(&bucket, "a/", "", size).await, "a/ a/1 a/2/x a/2/y a/3");
        assert_eq!(list(&bucket, "", "/", size).await, "a <a/> ab <b/> b0 c é \u{1f600}", "pages of {size}");
        assert_eq!(list(&bucket, "a/", "/", size).await, "a/ a/1 <a/2/> a/3", "pages of {size}");
        assert_eq!(list(&bucket, "b", "b", size).await, "b/1 b/2 b/3 b/4 b/5 b/6 b0");
        assert_eq!(list(&bucket, "nothing", "/", size).await, "");
    }
}

#[tokio::test]
async fn a_list_begins_behind_a_key_that_need_not_be_there() {
    let bucket = filled(KEYS).await;
    let after = |start: &str, delimiter: &str| ListObjectsV2Input {
        bucket: name(),
        start_after: Some(start.to_owned()),
        delimiter: Some(delimiter.to_owned()),
        max_keys: Some(2),
        ..Default::default()
    };
    let page = bucket.call::<ListObjectsV2>(after("a/2/w", "")).await.unwrap();
    let keys: Vec<_> =
        page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key).collect();
    assert_eq!(keys, ["a/2/x", "a/2/y"]);
    let page = bucket.call::<ListObjectsV2>(after("a/", "/")).await.unwrap();
    assert_eq!(page.common_prefixes.unwrap_or_default()[0].prefix.as_deref(), Some("b/"));
    assert_eq!(page.contents.unwrap_or_default()[0].key.as_deref(), Some("ab"));
}

#[tokio::test]
async fn the_first_version_of_the_list_has_markers() {
    let bucket = filled(KEYS).await;
    let (mut groups, mut marker, mut pages) = (Vec::new(), None, 0);
    loop {
        let input = ListObjectsInput {
            bucket: name(),
            delimiter: Some("/".to_owned()),
            marker,
            max_keys: Some(2),
            ..Default::default()
        };
        let page = bucket.call::<ListObjects>(input).await.unwrap();
        pages += 1;
        groups.extend(page.common_prefixes.unwrap_or_default().into_iter().filter_map(|group| group.prefix));
        assert!(page.contents.iter().flatten().all(|object| object.owner.is_some()));
        marker = page.next_marker;
        if page.is_truncated != Some(true) {
            break;
        }
    }
    assert_eq!((groups, pages), (vec!["a/".to_owned(), "b/".to_owned()], 4));
}

#[tokio::test]
async fn keys_are_encoded_on_demand_and_nonsense_is_refused() {
    let bucket = filled(&["a b/ü", "x+y"]).await;
    let input =
        ListObjectsV2Input { bucket: name(), encoding_type: Some("url".to_owned()), ..Default::default() };
    let page = bucket.call::<ListObjectsV2>(input.clone()).await.unwrap();
    let keys: Vec<_> =
        page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key).collect();
    assert_eq!(keys, ["a+b/%C3%BC", "x%2By"]);
    let none = ListObjectsV2Input { max_keys: Some(0), ..input.clone() };
    let page = bucket.call::<ListObjectsV2>(none).await.unwrap();
    assert_eq!((page.is_truncated, page.key_count), (Some(false), Some(0)));
    for wrong in [
        ListObjectsV2Input { max_keys: Some(-1), ..input.clone() },
        ListObjectsV2Input { continuation_token: Some("?".to_owned()), ..input.clone() },
        ListObjectsV2Input { encoding_type: Some("xml".to_owned()), ..input },
    ] {
        assert_eq!(code(bucket.call::<ListObjectsV2>(wrong).await), "InvalidArgument");
    }
}
