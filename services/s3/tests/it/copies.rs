//! Copies of objects.

use s3_api::op::CopyObject;
use s3_api::{CopyObjectInput, PutObjectInput};

use crate::kit::{Bucket, bytes, code, name, put, sample, text};

fn copy(from: &str, to: &str) -> CopyObjectInput {
    CopyObjectInput {
        bucket: name(),
        key: to.to_owned(),
        copy_source: format!("{}/{from}", name()),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_copy_has_the_bytes_and_what_was_said_of_them_unless_replaced() {
    let bucket = Bucket::create().await;
    for length in [5, 500_000] {
        let input = PutObjectInput {
            content_type: Some("text/plain".to_owned()),
            metadata: Some([("a".to_owned(), "1".to_owned())].into()),
            tagging: Some("t=1".to_owned()),
            ..put("source", sample(length))
        };
        let written = bucket.try_put(input).await.unwrap();
        let copied = bucket.call::<CopyObject>(copy("source", "target")).await.unwrap();
        assert_eq!(copied.copy_object_result.unwrap().e_tag, written.e_tag);
        let read = bucket.get("target").await.unwrap();
        assert_eq!((read.content_type.as_deref(), read.tag_count), (Some("text/plain"), Some(1)));
        assert!(read.metadata.as_ref().unwrap().contains_key("a"));
        bucket.delete("source", None).await.unwrap();
        assert_eq!(bytes(read).await.unwrap(), sample(length), "the copy went with its source");
        let replaced = CopyObjectInput {
            metadata_directive: Some("REPLACE".to_owned()),
            tagging_directive: Some("REPLACE".to_owned()),
            content_type: Some("text/html".to_owned()),
            ..copy("target", "target")
        };
        bucket.call::<CopyObject>(replaced).await.unwrap();
        let read = bucket.get("target").await.unwrap();
        assert_eq!(
            (read.content_type.as_deref(), read.tag_count, read.metadata.clone()),
            (Some("text/html"), None, None)
        );
        assert_eq!(bytes(read).await.unwrap(), sample(length));
    }
}

#[tokio::test]
async fn a_copy_onto_itself_must_change_something() {
    let bucket = Bucket::create().await;
    bucket.put("k", "x").await;
    assert_eq!(code(bucket.call::<CopyObject>(copy("k", "k")).await), "InvalidRequest");
    let class = CopyObjectInput { storage_class: Some("STANDARD_IA".to_owned()), ..copy("k", "k") };
    assert_eq!(code(bucket.call::<CopyObject>(class).await), "Ok");
    assert_eq!(bucket.get("k").await.unwrap().storage_class.as_deref(), Some("STANDARD_IA"));
}

#[tokio::test]
async fn the_source_is_held_to_its_conditions() {
    let bucket = Bucket::versioned().await;
    let old = bucket.put("k", "old").await.version_id.unwrap();
    let tag = bucket.put("k", "new").await.e_tag;
    let same = CopyObjectInput { copy_source_if_none_match: tag.clone(), ..copy("k", "t") };
    assert_eq!(code(bucket.call::<CopyObject>(same).await), "PreconditionFailed");
    let matched = CopyObjectInput { copy_source_if_match: tag, ..copy("k", "t") };
    bucket.call::<CopyObject>(matched).await.unwrap();
    assert_eq!(bucket.text("t").await, "new");
    let versioned =
        CopyObjectInput { copy_source: format!("{}/k?versionId={old}", name()), ..copy("k", "t") };
    let copied = bucket.call::<CopyObject>(versioned).await.unwrap();
    assert_eq!(copied.copy_source_version_id.as_deref(), Some(old.as_str()));
    assert_eq!(text(bucket.get("t").await.unwrap()).await, "old");
    assert_eq!(code(bucket.call::<CopyObject>(copy("missing", "t")).await), "NoSuchKey");
    assert_eq!(
        code(
            bucket
                .call::<CopyObject>(CopyObjectInput { copy_source: "k".to_owned(), ..copy("k", "t") })
                .await
        ),
        "InvalidArgument"
    );
}
