//! Multipart uploads.

use s3_api::op::{
    AbortMultipartUpload, CompleteMultipartUpload, CreateMultipartUpload, GetObject, GetObjectAttributes,
    ListMultipartUploads, ListParts, UploadPart, UploadPartCopy,
};
use s3_api::{
    AbortMultipartUploadInput, CompleteMultipartUploadInput, CompleteMultipartUploadOutput,
    CompletedMultipartUpload, CompletedPart, CreateMultipartUploadInput, GetObjectAttributesInput,
    GetObjectInput, ListMultipartUploadsInput, ListPartsInput, UploadPartCopyInput, UploadPartInput,
};
use shapes::ApiError;

use crate::kit::{Bucket, bytes, code, name, sample};

const PART: usize = 5 * 1024 * 1024;

async fn begin(bucket: &Bucket, key: &str, algorithm: Option<&str>, kind: Option<&str>) -> String {
    let input = CreateMultipartUploadInput {
        bucket: name(),
        key: key.to_owned(),
        content_type: Some("video/mp4".to_owned()),
        checksum_algorithm: algorithm.map(str::to_owned),
        checksum_type: kind.map(str::to_owned),
        ..Default::default()
    };
    bucket.call::<CreateMultipartUpload>(input).await.unwrap().upload_id.unwrap()
}

async fn upload(bucket: &Bucket, key: &str, id: &str, number: i32, body: Vec<u8>) -> CompletedPart {
    let input = UploadPartInput {
        bucket: name(),
        key: key.to_owned(),
        upload_id: id.to_owned(),
        part_number: number,
        body: Some(body.into()),
        ..Default::default()
    };
    let output = bucket.call::<UploadPart>(input).await.unwrap();
    CompletedPart { e_tag: output.e_tag, part_number: Some(number), ..Default::default() }
}

async fn complete(
    bucket: &Bucket,
    key: &str,
    id: &str,
    parts: &[CompletedPart],
) -> Result<CompleteMultipartUploadOutput, ApiError> {
    let input = CompleteMultipartUploadInput {
        bucket: name(),
        key: key.to_owned(),
        upload_id: id.to_owned(),
        multipart_upload: Some(CompletedMultipartUpload { parts: Some(parts.to_vec()) }),
        ..Default::default()
    };
    bucket.call::<CompleteMultipartUpload>(input).await
}

#[tokio::test]
async fn parts_become_one_object_in_the_order_of_their_numbers() {
    let bucket = Bucket::create().await;
    let id = begin(&bucket, "film", None, None).await;
    let (first, second) = (sample(PART), sample(PART + 17));
    let late = upload(&bucket, "film", &id, 7, b"end".to_vec()).await;
    let one = upload(&bucket, "film", &id, 1, vec![0; 10]).await;
    let one = CompletedPart { e_tag: upload(&bucket, "film", &id, 1, first.clone()).await.e_tag, ..one };
    let two = upload(&bucket, "film", &id, 3, second.clone()).await;
    let unused = upload(&bucket, "film", &id, 5, sample(PART)).await;
    assert_eq!(unused.part_number, Some(5));
    assert_eq!(bucket.text("film").await, "NoSuchKey");
    let done = complete(&bucket, "film", &id, &[one.clone(), two.clone(), late.clone()]).await.unwrap();
    assert!(done.e_tag.as_deref().unwrap().ends_with("-3\""));
    assert_eq!(done.checksum_type.as_deref(), Some("FULL_OBJECT"));

    let whole = [first, second, b"end".to_vec()].concat();
    let read = bucket.get("film").await.unwrap();
    assert_eq!((read.content_type.as_deref(), read.e_tag.clone()), (Some("video/mp4"), done.e_tag.clone()));
    assert_eq!(bytes(read).await.unwrap(), whole);
    assert!(bucket.files_are(2).await, "the part that was left out stays");
    let range = |range: &str| GetObjectInput {
        bucket: name(),
        key: "film".to_owned(),
        range: Some(range.to_owned()),
        ..Default::default()
    };
    let across = bucket.call::<GetObject>(range(&format!("bytes={}-{}", PART - 3, PART + 2))).await.unwrap();
    assert_eq!(bytes(across).await.unwrap(), &whole[PART - 3..PART + 3]);
    let part =
        GetObjectInput { bucket: name(), key: "film".to_owned(), part_number: Some(7), ..Default::default() };
    let part = bucket.call::<GetObject>(part).await.unwrap();
    assert_eq!(part.parts_count, Some(3));
    assert_eq!(bytes(part).await.unwrap(), b"end");
    // Who asks again is told the same.
    assert_eq!(complete(&bucket, "film", &id, &[one, two, late]).await.unwrap().e_tag, done.e_tag);
    bucket.delete("film", None).await.unwrap();
    assert!(bucket.files_are(0).await);
}

#[tokio::test]
async fn a_completion_is_held_to_what_was_uploaded() {
    let bucket = Bucket::create().await;
    let id = begin(&bucket, "k", None, None).await;
    let small = upload(&bucket, "k", &id, 1, sample(100)).await;
    let last = upload(&bucket, "k", &id, 2, sample(100)).await;
    let wrong = CompletedPart { e_tag: Some("\"00\"".to_owned()), ..last.clone() };
    let absent = CompletedPart { part_number: Some(9), ..last.clone() };
    for (parts, expected) in [
        (vec![small.clone(), last.clone()], "EntityTooSmall"),
        (vec![last.clone(), small.clone()], "InvalidPartOrder"),
        (vec![small.clone(), small.clone()], "InvalidPartOrder"),
        (vec![wrong], "InvalidPart"),
        (vec![absent], "InvalidPart"),
        (vec![], "MalformedXML"),
    ] {
        assert_eq!(code(complete(&bucket, "k", &id, &parts).await), expected, "{parts:?}");
    }
    assert_eq!(
        code(complete(&bucket, "k", &"0".repeat(32), std::slice::from_ref(&last)).await),
        "NoSuchUpload"
    );
    assert_eq!(code(complete(&bucket, "k", &id, &[last]).await), "Ok");
    let number = UploadPartInput {
        bucket: name(),
        key: "k".to_owned(),
        upload_id: id,
        part_number: 10_001,
        ..Default::default()
    };
    assert_eq!(code(bucket.call::<UploadPart>(number).await), "InvalidArgument");
}

#[tokio::test]
async fn uploads_and_parts_are_listed_and_aborted() {
    let bucket = Bucket::create().await;
    let first = begin(&bucket, "a/1", None, None).await;
    bucket.region.advance(std::time::Duration::from_secs(1)).await;
    let second = begin(&bucket, "a/1", None, None).await;
    begin(&bucket, "a/2", None, None).await;
    begin(&bucket, "b", None, None).await;
    for number in [3, 1, 2] {
        upload(&bucket, "a/1", &first, number, sample(100_000)).await;
    }
    let uploads =
        |delimiter: Option<&str>, key: Option<&str>, id: Option<&str>, most| ListMultipartUploadsInput {
            bucket: name(),
            delimiter: delimiter.map(str::to_owned),
            key_marker: key.map(str::to_owned),
            upload_id_marker: id.map(str::to_owned),
            max_uploads: most,
            ..Default::default()
        };
    let all = bucket.call::<ListMultipartUploads>(uploads(None, None, None, None)).await.unwrap();
    let keys: Vec<_> = all.uploads.iter().flatten().filter_map(|upload| upload.key.as_deref()).collect();
    assert_eq!(keys, ["a/1", "a/1", "a/2", "b"]);
    let page = bucket.call::<ListMultipartUploads>(uploads(None, None, None, Some(1))).await.unwrap();
    assert_eq!(
        (page.is_truncated, page.next_upload_id_marker.as_deref()),
        (Some(true), Some(first.as_str()))
    );
    let rest =
        bucket.call::<ListMultipartUploads>(uploads(None, Some("a/1"), Some(&first), None)).await.unwrap();
    assert_eq!(rest.uploads.unwrap_or_default()[0].upload_id.as_deref(), Some(second.as_str()));
    let grouped = bucket.call::<ListMultipartUploads>(uploads(Some("/"), None, None, None)).await.unwrap();
    assert_eq!(
        (grouped.common_prefixes.unwrap_or_default().len(), grouped.uploads.unwrap_or_default().len()),
        (1, 1)
    );

    let parts = |marker, most| ListPartsInput {
        bucket: name(),
        key: "a/1".to_owned(),
        upload_id: first.clone(),
        part_number_marker: marker,
        max_parts: most,
        ..Default::default()
    };
    let page = bucket.call::<ListParts>(parts(None, Some(2))).await.unwrap();
    assert_eq!((page.is_truncated, page.next_part_number_marker), (Some(true), Some(2)));
    let rest = bucket.call::<ListParts>(parts(Some(2), None)).await.unwrap();
    assert_eq!(rest.parts.unwrap_or_default()[0].part_number, Some(3));

    let abort = AbortMultipartUploadInput {
        bucket: name(),
        key: "a/1".to_owned(),
        upload_id: first.clone(),
        ..Default::default()
    };
    bucket.call::<AbortMultipartUpload>(abort.clone()).await.unwrap();
    assert!(bucket.files_are(0).await, "aborted parts stay on the disk");
    assert_eq!(code(bucket.call::<AbortMultipartUpload>(abort).await), "NoSuchUpload");
    assert_eq!(code(bucket.call::<ListParts>(parts(None, None)).await), "NoSuchUpload");
}

#[tokio::test]
async fn parts_are_copied_from_objects() {
    let bucket = Bucket::create().await;
    let source = sample(PART + 1000);
    bucket.put("source", source.clone()).await;
    let id = begin(&bucket, "k", None, None).await;
    let copy = |number, range: Option<&str>| UploadPartCopyInput {
        bucket: name(),
        key: "k".to_owned(),
        upload_id: id.clone(),
        part_number: number,
        copy_source: format!("{}/source", name()),
        copy_source_range: range.map(str::to_owned),
        ..Default::default()
    };
    let mut parts = Vec::new();
    for (number, range) in [(1, None), (2, Some("bytes=10-29"))] {
        let copied =
            bucket.call::<UploadPartCopy>(copy(number, range)).await.unwrap().copy_part_result.unwrap();
        parts.push(CompletedPart { e_tag: copied.e_tag, part_number: Some(number), ..Default::default() });
    }
    assert_eq!(
        code(bucket.call::<UploadPartCopy>(copy(3, Some("bytes=0-99999999"))).await),
        "InvalidArgument"
    );
    complete(&bucket, "k", &id, &parts).await.unwrap();
    let expected = [source.as_slice(), &source[10..30]].concat();
    assert_eq!(bytes(bucket.get("k").await.unwrap()).await.unwrap(), expected);
}

#[tokio::test]
async fn the_whole_has_a_checksum_of_either_kind() {
    let bucket = Bucket::create().await;
    let (first, second) = (sample(PART), b"end".to_vec());
    let whole = [first.clone(), second.clone()].concat();
    bucket.put("one-piece", whole).await;
    for (algorithm, kind, is_composite) in
        [("CRC32", Some("FULL_OBJECT"), false), ("SHA256", None, true), ("CRC32C", Some("COMPOSITE"), true)]
    {
        let id = begin(&bucket, "k", Some(algorithm), kind).await;
        let parts = [
            upload(&bucket, "k", &id, 1, first.clone()).await,
            upload(&bucket, "k", &id, 2, second.clone()).await,
        ];
        let done = complete(&bucket, "k", &id, &parts).await.unwrap();
        let text = done.checksum_crc32.or(done.checksum_sha256).or(done.checksum_crc32_c).unwrap();
        assert_eq!(text.ends_with("-2"), is_composite, "{algorithm}: {text}");
        let input = GetObjectAttributesInput {
            bucket: name(),
            key: "k".to_owned(),
            object_attributes: ["Checksum", "ObjectParts", "ObjectSize"].map(str::to_owned).into(),
            ..Default::default()
        };
        let attributes = bucket.call::<GetObjectAttributes>(input).await.unwrap();
        let parts = attributes.object_parts.unwrap();
        assert_eq!(parts.total_parts_count, Some(2));
        assert_eq!(parts.parts.is_some(), is_composite);
    }
    for (algorithm, kind) in [("SHA1", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE")] {
        let input = CreateMultipartUploadInput {
            bucket: name(),
            key: "k".to_owned(),
            checksum_algorithm: Some(algorithm.to_owned()),
            checksum_type: Some(kind.to_owned()),
            ..Default::default()
        };
        assert_eq!(code(bucket.call::<CreateMultipartUpload>(input).await), "InvalidRequest");
    }
}
