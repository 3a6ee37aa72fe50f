use glacier_api::op::{
    AbortMultipartUpload, CompleteMultipartUpload, InitiateMultipartUpload, ListMultipartUploads, ListParts,
    UploadMultipartPart,
};
use glacier_api::{
    AbortMultipartUploadInput, CompleteMultipartUploadInput, InitiateMultipartUploadInput,
    ListMultipartUploadsInput, ListPartsInput, UploadMultipartPartInput,
};
use shapes::ApiError;

use crate::kit::{HOUR, MEGABYTE, Vault, bytes, code, name, own, sample, tree_hash};

async fn begin(vault: &Vault, part_size: usize) -> Result<String, ApiError> {
    let input = InitiateMultipartUploadInput {
        account_id: own(),
        vault_name: name(),
        archive_description: Some("in parts".to_owned()),
        part_size: Some(part_size.to_string()),
    };
    Ok(vault.call::<InitiateMultipartUpload>(input).await?.upload_id.unwrap())
}

async fn part(vault: &Vault, upload: &str, from: usize, data: &[u8]) -> String {
    let input = UploadMultipartPartInput {
        account_id: own(),
        vault_name: name(),
        upload_id: upload.to_owned(),
        checksum: Some(tree_hash(data)),
        range: Some(format!("bytes {from}-{}/*", from + data.len() - 1)),
        body: Some(data.to_vec().into()),
    };
    code(vault.call::<UploadMultipartPart>(input).await)
}

async fn complete(vault: &Vault, upload: &str, size: usize, checksum: String) -> Result<String, ApiError> {
    let input = CompleteMultipartUploadInput {
        account_id: own(),
        vault_name: name(),
        upload_id: upload.to_owned(),
        archive_size: Some(size.to_string()),
        checksum: Some(checksum),
    };
    Ok(vault.call::<CompleteMultipartUpload>(input).await?.archive_id.unwrap())
}

async fn abort(vault: &Vault, upload: &str) -> String {
    let input =
        AbortMultipartUploadInput { account_id: own(), vault_name: name(), upload_id: upload.to_owned() };
    code(vault.call::<AbortMultipartUpload>(input).await)
}

#[tokio::test]
async fn parts_make_one_archive_in_whatever_order_they_come() {
    let vault = Vault::create().await;
    let data = sample(5 * MEGABYTE + 100);
    let upload = begin(&vault, 2 * MEGABYTE).await.unwrap();
    for index in [2, 0, 1] {
        let from = index * 2 * MEGABYTE;
        let to = data.len().min(from + 2 * MEGABYTE);
        assert_eq!(part(&vault, &upload, from, &data[from..to]).await, "Ok");
    }
    // Sent again, a part replaces the earlier one and its file.
    assert_eq!(part(&vault, &upload, 0, &data[..2 * MEGABYTE]).await, "Ok");
    assert!(vault.files_are(3).await, "a replaced part stays on disk");
    let wrong = complete(&vault, &upload, data.len(), tree_hash(b"other")).await;
    assert_eq!(code(wrong), "InvalidParameterValueException");
    let wrong = complete(&vault, &upload, data.len() + 1, tree_hash(&data)).await;
    assert_eq!(code(wrong), "InvalidParameterValueException");
    let archive = complete(&vault, &upload, data.len(), tree_hash(&data)).await.unwrap();
    assert_eq!(abort(&vault, &upload).await, "ResourceNotFoundException");
    let job = vault.retrieve(&archive).await;
    vault.region.advance(5 * HOUR).await;
    assert_eq!(vault.end(&job).await.sha256_tree_hash, Some(tree_hash(&data)));
    let range = format!("bytes={}-{}", MEGABYTE, 3 * MEGABYTE - 1);
    let middle = vault.output(&job, Some(&range)).await.unwrap();
    assert_eq!(bytes(middle).await.unwrap(), &data[MEGABYTE..3 * MEGABYTE]);
    assert_eq!(bytes(vault.output(&job, None).await.unwrap()).await.unwrap(), data);
}

#[tokio::test]
async fn part_sizes_are_powers_of_two_and_parts_lie_on_them() {
    let vault = Vault::create().await;
    for size in [0, MEGABYTE - 1, 3 * MEGABYTE, 8 << 30] {
        assert_eq!(code(begin(&vault, size).await), "InvalidParameterValueException", "{size}");
    }
    assert_eq!(code(begin(&vault, 4 << 30).await), "Ok");
    let upload = begin(&vault, MEGABYTE).await.unwrap();
    assert_eq!(part(&vault, &upload, 5, &sample(10)).await, "InvalidParameterValueException");
    assert_eq!(part(&vault, &upload, 0, &sample(MEGABYTE + 1)).await, "InvalidParameterValueException");
    assert_eq!(part(&vault, "nothing", 0, &sample(10)).await, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_gap_between_parts_is_found_at_the_end() {
    let vault = Vault::create().await;
    let data = sample(3 * MEGABYTE);
    let upload = begin(&vault, MEGABYTE).await.unwrap();
    part(&vault, &upload, 0, &data[..MEGABYTE]).await;
    part(&vault, &upload, 2 * MEGABYTE, &data[2 * MEGABYTE..]).await;
    let outcome = complete(&vault, &upload, data.len(), tree_hash(&data)).await;
    assert_eq!(code(outcome), "InvalidParameterValueException");
    assert_eq!(abort(&vault, &upload).await, "Ok");
    assert!(vault.files_are(0).await, "an aborted upload leaves files");
}

#[tokio::test]
async fn uploads_and_parts_are_listed_in_pages() {
    let vault = Vault::create().await;
    let upload = begin(&vault, MEGABYTE).await.unwrap();
    begin(&vault, 2 * MEGABYTE).await.unwrap();
    for index in 0..3 {
        part(&vault, &upload, index * MEGABYTE, &sample(MEGABYTE)).await;
    }
    let input = ListMultipartUploadsInput { account_id: own(), vault_name: name(), ..Default::default() };
    let uploads = vault.call::<ListMultipartUploads>(input).await.unwrap().uploads_list.unwrap();
    assert_eq!(uploads.len(), 2);
    let input = ListPartsInput {
        account_id: own(),
        vault_name: name(),
        upload_id: upload,
        limit: Some("2".to_owned()),
        marker: None,
    };
    let first = vault.call::<ListParts>(input.clone()).await.unwrap();
    assert_eq!(first.part_size_in_bytes, Some(MEGABYTE as i64));
    assert_eq!(first.archive_description.as_deref(), Some("in parts"));
    let rest = vault.call::<ListParts>(ListPartsInput { marker: first.marker, ..input }).await.unwrap();
    let ranges = first.parts.into_iter().chain(rest.parts).flatten().filter_map(|part| part.range_in_bytes);
    assert_eq!(ranges.collect::<Vec<_>>(), ["0-1048575", "1048576-2097151", "2097152-3145727"]);
    assert_eq!(rest.marker, None);
}

#[tokio::test]
async fn an_upload_that_nobody_goes_on_with_goes_away_after_a_day() {
    let vault = Vault::create().await;
    let data = sample(MEGABYTE);
    let upload = begin(&vault, MEGABYTE).await.unwrap();
    part(&vault, &upload, 0, &data).await;
    vault.region.advance(20 * HOUR).await;
    assert_eq!(part(&vault, &upload, MEGABYTE, &data).await, "Ok");
    vault.region.advance(20 * HOUR).await;
    assert_eq!(part(&vault, &upload, 2 * MEGABYTE, &data).await, "Ok", "a new part keeps it");
    vault.region.advance(25 * HOUR).await;
    assert!(vault.files_are(0).await, "its parts stay on disk");
    assert_eq!(abort(&vault, &upload).await, "ResourceNotFoundException");
}
