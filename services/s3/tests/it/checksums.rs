//! Checksums that clients send and ask for.

use s3_api::op::{GetObject, HeadObject};
use s3_api::{GetObjectInput, HeadObjectInput, PutObjectInput};
use shapes::{Body, ByteSource};

use crate::kit::{Bucket, code, name, put, sample};

#[tokio::test]
async fn a_right_checksum_is_kept_and_a_wrong_one_refused() {
    let bucket = Bucket::create().await;
    let right = PutObjectInput { checksum_crc32: Some("NhCmhg==".to_owned()), ..put("k", "hello") };
    let written = bucket.try_put(right).await.unwrap();
    assert_eq!(written.checksum_crc32.as_deref(), Some("NhCmhg=="));
    assert_eq!(written.checksum_type.as_deref(), Some("FULL_OBJECT"));
    let head = |mode: Option<&str>| HeadObjectInput {
        bucket: name(),
        key: "k".to_owned(),
        checksum_mode: mode.map(str::to_owned),
        ..Default::default()
    };
    let plain = bucket.call::<HeadObject>(head(None)).await.unwrap();
    assert_eq!(plain.checksum_crc32, None);
    let asked = bucket.call::<HeadObject>(head(Some("ENABLED"))).await.unwrap();
    assert_eq!(asked.checksum_crc32.as_deref(), Some("NhCmhg=="));
    for (input, expected) in [
        (PutObjectInput { checksum_crc32: Some("AAAAAA==".to_owned()), ..put("k", "x") }, "BadDigest"),
        (PutObjectInput { checksum_sha256: Some("AAAA".to_owned()), ..put("k", "x") }, "InvalidRequest"),
        (
            PutObjectInput { content_md5: Some("XUFAKrxLKna5cZ2REBfFkg==".to_owned()), ..put("k", "x") },
            "BadDigest",
        ),
        (PutObjectInput { content_md5: Some("no".to_owned()), ..put("k", "x") }, "InvalidDigest"),
        (PutObjectInput { checksum_algorithm: Some("CRC16".to_owned()), ..put("k", "x") }, "InvalidRequest"),
    ] {
        assert_eq!(code(bucket.try_put(input).await), expected);
    }
    let read = GetObjectInput { bucket: name(), key: "k".to_owned(), ..Default::default() };
    assert_eq!(
        bucket.call::<GetObject>(read).await.unwrap().content_length,
        Some(5),
        "a refused body was stored"
    );
}

#[tokio::test]
async fn without_a_choice_an_object_has_the_usual_checksum() {
    let bucket = Bucket::create().await;
    let written = bucket.put("k", "123456789").await;
    assert_eq!(written.checksum_crc64_nvme.as_deref(), Some("rosUhgp5mIg="));
}

/// A body with a trailer behind it.
struct Trailing(Option<Vec<u8>>, &'static str, &'static str);

impl ByteSource for Trailing {
    fn poll_piece(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<bytes::Bytes, shapes::ApiError>>> {
        std::task::Poll::Ready(self.0.take().map(|bytes| Ok(bytes.into())))
    }

    fn trailers(&mut self) -> Vec<(String, String)> {
        vec![(self.1.to_owned(), self.2.to_owned())]
    }
}

#[tokio::test]
async fn a_checksum_may_come_behind_the_body() {
    let bucket = Bucket::create().await;
    let with = |body: Vec<u8>, name: &'static str, value: &'static str| PutObjectInput {
        announced_trailer: Some("x-amz-checksum-crc32".to_owned()),
        ..put("k", Body::stream(Some(body.len() as u64), Trailing(Some(body), name, value)))
    };
    let hello = || b"hello".to_vec();
    assert_eq!(code(bucket.try_put(with(hello(), "x-amz-checksum-crc32", "NhCmhg==")).await), "Ok");
    assert_eq!(code(bucket.try_put(with(hello(), "x-amz-checksum-crc32", "AAAAAA==")).await), "BadDigest");
    assert_eq!(
        code(bucket.try_put(with(hello(), "x-amz-checksum-sha1", "AAAAAA==")).await),
        "InvalidRequest"
    );
    assert_eq!(
        code(bucket.try_put(with(sample(300_000), "x-amz-checksum-crc32", "AAAAAA==")).await),
        "BadDigest"
    );
    assert!(bucket.files_are(0).await);
}
