//! Objects: put, read whole and in ranges, with conditions, and deleted.

use s3_api::op::{DeleteObjects, GetObject, HeadObject};
use s3_api::{Delete, DeleteObjectsInput, GetObjectInput, HeadObjectInput, ObjectIdentifier, PutObjectInput};

use crate::kit::{Bucket, bytes, code, name, put, sample, text};

fn get(key: &str) -> GetObjectInput {
    GetObjectInput { bucket: name(), key: key.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn small_and_large_objects_read_back_with_what_was_said_of_them() {
    let bucket = Bucket::create().await;
    for length in [0, 1, 65_536, 65_537, 3_000_000] {
        let body = sample(length);
        let input = PutObjectInput {
            content_type: Some("image/png".to_owned()),
            cache_control: Some("no-store".to_owned()),
            metadata: Some([("album".to_owned(), "summer".to_owned())].into()),
            tagging: Some("a=1&b=2".to_owned()),
            ..put("p/q r.png", body.clone())
        };
        let written = bucket.try_put(input).await.unwrap();
        let read = bucket.call::<GetObject>(get("p/q r.png")).await.unwrap();
        assert_eq!(read.e_tag, written.e_tag);
        assert_eq!(read.content_length, i64::try_from(length).ok());
        assert_eq!(
            (read.content_type.as_deref(), read.cache_control.as_deref()),
            (Some("image/png"), Some("no-store"))
        );
        assert_eq!(
            read.metadata.as_ref().and_then(|metadata| metadata.get("album")).map(String::as_str),
            Some("summer")
        );
        assert_eq!((read.tag_count, read.server_side_encryption.as_deref()), (Some(2), Some("AES256")));
        assert_eq!(bytes(read).await.unwrap(), body, "{length} bytes");
        let input = HeadObjectInput { bucket: name(), key: "p/q r.png".to_owned(), ..Default::default() };
        let head = bucket.call::<HeadObject>(input).await.unwrap();
        assert_eq!((head.e_tag, head.content_length), (written.e_tag, i64::try_from(length).ok()));
    }
    assert!(bucket.files_are(1).await, "replaced contents stay on the disk");
}

#[tokio::test]
async fn an_etag_is_the_md5_of_the_bytes() {
    let bucket = Bucket::create().await;
    let written = bucket.put("hello", "hello").await;
    assert_eq!(written.e_tag.as_deref(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    assert_eq!(written.version_id, None);
}

#[tokio::test]
async fn ranges_give_their_bytes_and_say_which() {
    let bucket = Bucket::create().await;
    let body = sample(200_000);
    bucket.put("large", body.clone()).await;
    for (range, from, to) in
        [("bytes=0-9", 0, 10), ("bytes=65530-131080", 65_530, 131_081), ("bytes=-5", 199_995, 200_000)]
    {
        let read = bucket
            .call::<GetObject>(GetObjectInput { range: Some(range.to_owned()), ..get("large") })
            .await
            .unwrap();
        let expected = format!("bytes {from}-{}/200000", to - 1);
        assert_eq!(read.content_range.as_deref(), Some(expected.as_str()));
        assert_eq!(bytes(read).await.unwrap(), &body[from..to]);
    }
    let beyond = GetObjectInput { range: Some("bytes=200000-".to_owned()), ..get("large") };
    let error = bucket.call::<GetObject>(beyond).await.unwrap_err();
    assert_eq!((error.code(), error.status()), ("InvalidRange", 416));
    let part =
        bucket.call::<GetObject>(GetObjectInput { part_number: Some(1), ..get("large") }).await.unwrap();
    assert_eq!(part.content_length, Some(200_000));
    let second = GetObjectInput { part_number: Some(2), ..get("large") };
    assert_eq!(code(bucket.call::<GetObject>(second).await), "InvalidPartNumber");
}

#[tokio::test]
async fn conditions_decide_reads_and_writes() {
    let bucket = Bucket::create().await;
    let tag = bucket.put("k", "one").await.e_tag.unwrap();
    let same = GetObjectInput { if_none_match: Some(tag.clone()), ..get("k") };
    assert_eq!(bucket.call::<GetObject>(same).await.unwrap_err().status(), 304);
    let other = GetObjectInput { if_match: Some("\"x\"".to_owned()), ..get("k") };
    assert_eq!(code(bucket.call::<GetObject>(other).await), "PreconditionFailed");

    let create = |key: &str| PutObjectInput { if_none_match: Some("*".to_owned()), ..put(key, "new") };
    assert_eq!(code(bucket.try_put(create("k")).await), "PreconditionFailed");
    assert_eq!(code(bucket.try_put(create("fresh")).await), "Ok");
    let replace = |tag: &str| PutObjectInput { if_match: Some(tag.to_owned()), ..put("k", "two") };
    assert_eq!(code(bucket.try_put(replace("\"x\"")).await), "PreconditionFailed");
    assert_eq!(bucket.text("k").await, "one");
    assert_eq!(code(bucket.try_put(replace(&tag)).await), "Ok");
    assert_eq!(bucket.text("k").await, "two");
}

#[tokio::test]
async fn of_many_who_create_a_key_one_succeeds() {
    let bucket = Bucket::create().await;
    let attempts = (0..20).map(|n| {
        let input = PutObjectInput { if_none_match: Some("*".to_owned()), ..put("lease", format!("{n}")) };
        let ctx = bucket.region.ctx();
        tokio::spawn(async move { ctx.call::<s3_api::op::PutObject>(input).await.is_ok() })
    });
    let mut winners = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        winners += usize::from(attempt.await.unwrap());
    }
    assert_eq!(winners, 1);
}

#[tokio::test]
async fn an_answer_may_have_other_headers() {
    let bucket = Bucket::create().await;
    bucket.put("k", "x").await;
    let input = GetObjectInput {
        response_content_type: Some("text/csv".to_owned()),
        response_content_disposition: Some("attachment".to_owned()),
        ..get("k")
    };
    let read = bucket.call::<GetObject>(input).await.unwrap();
    assert_eq!(
        (read.content_type.as_deref(), read.content_disposition.as_deref()),
        (Some("text/csv"), Some("attachment"))
    );
    assert_eq!(text(read).await, "x");
}

#[tokio::test]
async fn deleting_what_is_not_there_is_fine_and_many_go_at_once() {
    let bucket = Bucket::create().await;
    assert!(bucket.delete("nothing", None).await.is_ok());
    for n in 0..5 {
        bucket.put(&format!("k{n}"), sample(70_000)).await;
    }
    let objects = ["k0", "k1", "missing"]
        .map(|key| ObjectIdentifier { key: key.to_owned(), ..Default::default() })
        .into();
    let input = DeleteObjectsInput {
        bucket: name(),
        delete: Delete { objects, ..Default::default() },
        ..Default::default()
    };
    let output = bucket.call::<DeleteObjects>(input).await.unwrap();
    assert_eq!(output.deleted.unwrap_or_default().len(), 3);
    assert_eq!(output.errors, None);
    assert_eq!((bucket.text("k0").await.as_str(), bucket.files_are(3).await), ("NoSuchKey", true));
}

#[tokio::test]
async fn keys_and_metadata_have_their_limits() {
    let bucket = Bucket::create().await;
    assert_eq!(code(bucket.try_put(put(&"k".repeat(1025), "")).await), "KeyTooLongError");
    assert_eq!(code(bucket.try_put(put(&"k".repeat(1024), "")).await), "Ok");
    let metadata = Some([("long".to_owned(), "v".repeat(2048))].into());
    assert_eq!(code(bucket.try_put(PutObjectInput { metadata, ..put("k", "") }).await), "MetadataTooLarge");
    let odd = "../../etc/passwd\0\u{7f}/ü//";
    bucket.put(odd, sample(100_000)).await;
    assert_eq!(bytes(bucket.get(odd).await.unwrap()).await.unwrap(), sample(100_000));
    let names: Vec<String> =
        bucket.files().iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert!(
        names.iter().all(|name| name.len() == 32 && name.bytes().all(|b| b.is_ascii_hexdigit())),
        "{names:?}"
    );
}

#[tokio::test]
async fn a_missing_bucket_or_key_is_told_apart() {
    let bucket = Bucket::create().await;
    let elsewhere = GetObjectInput { bucket: "nowhere".to_owned(), ..get("k") };
    assert_eq!(code(bucket.call::<GetObject>(elsewhere).await), "NoSuchBucket");
    assert_eq!(bucket.text("k").await, "NoSuchKey");
    assert_eq!(
        code(bucket.call::<GetObject>(GetObjectInput { version_id: Some("x".to_owned()), ..get("k") }).await),
        "InvalidArgument"
    );
}
