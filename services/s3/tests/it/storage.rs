//! What lies on the disk: sealed, checked, and swept.

use s3_api::GetObjectInput;
use s3_api::PutObjectInput;
use s3_api::op::GetObject;

use crate::kit::{Bucket, bytes, code, name, put, sample};

#[tokio::test]
async fn a_flipped_bit_is_found_and_never_served() {
    let bucket = Bucket::create().await;
    let body = sample(2_000_000);
    bucket.put("k", body.clone()).await;
    let path = bucket.files().remove(0);
    let whole = std::fs::read(&path).unwrap();
    assert!(!whole.windows(64).any(|window| window == &body[..64]), "the bytes lie in the clear");
    for at in [40, 700_000, whole.len() - 20] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        std::fs::write(&path, flipped).unwrap();
        let read = match bucket.get("k").await {
            Ok(output) => bytes(output).await,
            Err(error) => Err(error),
        };
        assert_eq!(code(read), "InternalError", "bit {at} was served");
    }
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert_eq!(code(bucket.get("k").await), "InternalError");
    std::fs::write(&path, whole).unwrap();
    assert_eq!(bytes(bucket.get("k").await.unwrap()).await.unwrap(), body);
}

#[tokio::test]
async fn blobs_that_nothing_names_are_swept_and_others_stay() {
    let bucket = Bucket::create().await;
    bucket.put("k", sample(100_000)).await;
    let own = bucket.files().remove(0);
    let stray = own.with_file_name(format!(
        "{}{}",
        "0".repeat(30),
        &own.file_name().unwrap().to_string_lossy()[30..]
    ));
    std::fs::write(&stray, "left by a crash").unwrap();
    bucket.store.start().await.unwrap();
    bucket.region.settle().await;
    assert!(bucket.files_are(1).await, "the stray blob stays");
    assert_eq!(bytes(bucket.get("k").await.unwrap()).await.unwrap(), sample(100_000));
}

#[tokio::test]
async fn a_body_that_fails_leaves_nothing_behind() {
    let bucket = Bucket::create().await;
    let pieces = shapes::unfold(0, |n| async move {
        if n < 10 {
            Ok(Some((bytes::Bytes::from(sample(100_000)), n + 1)))
        } else {
            Err(shapes::ApiError::sender("IncompleteBody", "cut off"))
        }
    });
    let body = shapes::Body::stream(Some(2_000_000), pieces);
    assert_eq!(code(bucket.try_put(put("k", body)).await), "IncompleteBody");
    assert!(bucket.files_are(0).await);
    assert_eq!(bucket.text("k").await, "NoSuchKey");
}

#[tokio::test]
async fn a_customers_key_is_needed_to_read_what_it_sealed() {
    let bucket = Bucket::create().await;
    let (key, md5) = ("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "KYvwGXoFFJ42a2u2GDWhwQ==");
    for length in [10, 200_000] {
        let input = PutObjectInput {
            sse_customer_algorithm: Some("AES256".to_owned()),
            sse_customer_key: Some(key.to_owned()),
            sse_customer_key_md5: Some(md5.to_owned()),
            ..put("k", sample(length))
        };
        let written = bucket.try_put(input).await.unwrap();
        assert_eq!(
            (written.sse_customer_key_md5.as_deref(), written.server_side_encryption),
            (Some(md5), None)
        );
        assert_eq!(code(bucket.get("k").await), "InvalidRequest");
        let input = GetObjectInput {
            bucket: name(),
            key: "k".to_owned(),
            sse_customer_algorithm: Some("AES256".to_owned()),
            sse_customer_key: Some(key.to_owned()),
            sse_customer_key_md5: Some(md5.to_owned()),
            ..Default::default()
        };
        let other = GetObjectInput {
            sse_customer_key: Some("YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=".to_owned()),
            sse_customer_key_md5: Some("Xsqb0+sHwAbNQ65I395/0w==".to_owned()),
            ..input.clone()
        };
        assert_ne!(code(bucket.call::<GetObject>(other).await), "Ok");
        assert_eq!(bytes(bucket.call::<GetObject>(input).await.unwrap()).await.unwrap(), sample(length));
    }
}
