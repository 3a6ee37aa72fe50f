use std::time::Duration;

use glacier_api::op::{
    ListJobs, ListProvisionedCapacity, PurchaseProvisionedCapacity, SetDataRetrievalPolicy,
};
use glacier_api::{
    DataRetrievalPolicy, DataRetrievalRule, JobParameters, ListJobsInput, ListProvisionedCapacityInput,
    PurchaseProvisionedCapacityInput, SetDataRetrievalPolicyInput,
};

use crate::kit::{DAY, HOUR, MEGABYTE, Vault, bytes, code, name, own, retrieval, sample, tree_hash};

async fn statuses(vault: &Vault, tier: &str, waits: &[Duration]) -> Vec<String> {
    let id = vault.upload(b"data", "").await;
    let tier = Some(tier.to_owned());
    let job = vault.initiate(JobParameters { tier, ..retrieval(&id) }).await.unwrap();
    let mut statuses = Vec::new();
    for wait in waits {
        vault.region.advance(*wait).await;
        statuses.push(vault.job(&job).await.unwrap().status_code.unwrap());
    }
    statuses
}

#[tokio::test]
async fn each_tier_takes_its_time() {
    let vault = Vault::create().await;
    let second = Duration::from_secs(1);
    for (tier, takes) in [("Expedited", HOUR / 12), ("Standard", 5 * HOUR), ("Bulk", 12 * HOUR)] {
        let statuses = statuses(&vault, tier, &[takes - second, second]).await;
        assert_eq!(statuses, ["InProgress", "Succeeded"], "{tier}");
    }
    let id = vault.upload(b"data", "").await;
    let parameters = JobParameters { tier: Some("Slow".to_owned()), ..retrieval(&id) };
    assert_eq!(code(vault.initiate(parameters).await), "InvalidParameterValueException");
}

#[tokio::test]
async fn a_retrieved_archive_is_what_was_uploaded() {
    let vault = Vault::create().await;
    let data = sample(2 * MEGABYTE + 17);
    let id = vault.upload(&data, "two and a bit").await;
    let job = vault.retrieve(&id).await;
    assert_eq!(code(vault.output(&job, None).await), "InvalidParameterValueException", "it is not ready");
    vault.region.advance(5 * HOUR).await;
    let described = vault.end(&job).await;
    assert_eq!(described.sha256_tree_hash, Some(tree_hash(&data)));
    assert_eq!(described.archive_size_in_bytes, Some(data.len() as i64));
    assert_eq!(described.retrieval_byte_range, Some(format!("0-{}", data.len() - 1)));
    let output = vault.output(&job, None).await.unwrap();
    assert_eq!((output.status, output.checksum.clone()), (Some(200), Some(tree_hash(&data))));
    assert_eq!(output.archive_description.as_deref(), Some("two and a bit"));
    assert_eq!(bytes(output).await.unwrap(), data);
}

#[tokio::test]
async fn ranges_of_an_output_have_a_hash_where_the_tree_has_one() {
    let vault = Vault::create().await;
    let data = sample(5 * MEGABYTE);
    let id = vault.upload(&data, "").await;
    let job = vault.retrieve(&id).await;
    vault.region.advance(5 * HOUR).await;
    vault.end(&job).await;
    for (from, to, has_hash) in [(0, 4, true), (2, 4, true), (1, 3, false), (4, 5, true)] {
        let (from, to) = (from * MEGABYTE, to * MEGABYTE);
        let output = vault.output(&job, Some(&format!("bytes={from}-{}", to - 1))).await.unwrap();
        assert_eq!(output.checksum, has_hash.then(|| tree_hash(&data[from..to])), "{from}-{to}");
        assert_eq!(output.status, Some(206));
        assert_eq!(output.content_range, Some(format!("bytes {from}-{}/{}", to - 1, data.len())));
        assert_eq!(bytes(output).await.unwrap(), &data[from..to]);
    }
    let odd = vault.output(&job, Some("bytes=10-19")).await.unwrap();
    assert_eq!(odd.checksum, None);
    assert_eq!(bytes(odd).await.unwrap(), &data[10..20]);
    assert_eq!(
        code(vault.output(&job, Some("bytes=5242880-5242881")).await),
        "InvalidParameterValueException"
    );
    assert_eq!(code(vault.output(&job, Some("lines=1-2")).await), "InvalidParameterValueException");
}

#[tokio::test]
async fn a_range_of_an_archive_is_of_whole_megabytes() {
    let vault = Vault::create().await;
    let data = sample(4 * MEGABYTE + 9);
    let id = vault.upload(&data, "").await;
    let ranged =
        |range: &str| JobParameters { retrieval_byte_range: Some(range.to_owned()), ..retrieval(&id) };
    for range in ["1-1048575", "0-1048576", "0-99999999", "x", "5-1"] {
        assert_eq!(code(vault.initiate(ranged(range)).await), "InvalidParameterValueException", "{range}");
    }
    let aligned = vault.initiate(ranged("2097152-4194303")).await.unwrap();
    let odd = vault.initiate(ranged("1048576-3145727")).await.unwrap();
    let end = vault.initiate(ranged("4194304-4194312")).await.unwrap();
    vault.region.advance(5 * HOUR).await;
    let described = vault.end(&aligned).await;
    assert_eq!(described.sha256_tree_hash, Some(tree_hash(&data[2 * MEGABYTE..4 * MEGABYTE])));
    assert_eq!(vault.end(&odd).await.sha256_tree_hash, None);
    vault.end(&end).await;
    let read = async |job: &str| bytes(vault.output(job, None).await.unwrap()).await.unwrap();
    assert_eq!(read(&aligned).await, &data[2 * MEGABYTE..4 * MEGABYTE]);
    assert_eq!(read(&odd).await, &data[MEGABYTE..3 * MEGABYTE]);
    assert_eq!(read(&end).await, &data[4 * MEGABYTE..]);
}

#[tokio::test]
async fn an_output_outlives_its_archive_and_goes_after_a_day() {
    let vault = Vault::create().await;
    let id = vault.upload(b"data", "").await;
    let (job, late) =
        (vault.retrieve(&id).await, JobParameters { tier: Some("Bulk".to_owned()), ..retrieval(&id) });
    let late = vault.initiate(late).await.unwrap();
    vault.region.advance(5 * HOUR).await;
    vault.end(&job).await;
    vault.delete(&id).await.unwrap();
    assert_eq!(bytes(vault.output(&job, None).await.unwrap()).await.unwrap(), b"data");
    vault.region.advance(7 * HOUR).await;
    let failed = vault.end(&late).await;
    assert_eq!(failed.status_code.as_deref(), Some("Failed"));
    assert_eq!(code(vault.output(&late, None).await), "InvalidParameterValueException");
    vault.region.advance(17 * HOUR).await;
    vault.region.settle().await;
    assert_eq!(code(vault.job(&job).await), "ResourceNotFoundException");
    assert!(vault.files_are(0).await, "the file of an expired output stays");
}

#[tokio::test]
async fn jobs_are_listed_by_what_became_of_them() {
    let vault = Vault::create().await;
    let id = vault.upload(b"data", "").await;
    let done = vault.retrieve(&id).await;
    vault.region.advance(5 * HOUR).await;
    vault.end(&done).await;
    let running = vault.retrieve(&id).await;
    let list = async |completed: Option<&str>, status: Option<&str>| -> Vec<String> {
        let input = ListJobsInput {
            account_id: own(),
            vault_name: name(),
            completed: completed.map(str::to_owned),
            statuscode: status.map(str::to_owned),
            ..Default::default()
        };
        let jobs = vault.call::<ListJobs>(input).await.unwrap().job_list.unwrap();
        jobs.into_iter().filter_map(|job| job.job_id).collect()
    };
    assert_eq!(list(Some("true"), None).await, std::slice::from_ref(&done));
    assert_eq!(list(None, Some("InProgress")).await, [running]);
    assert_eq!(list(None, None).await.len(), 2);
    let input = ListJobsInput {
        account_id: own(),
        vault_name: name(),
        limit: Some("1".to_owned()),
        ..Default::default()
    };
    let first = vault.call::<ListJobs>(input.clone()).await.unwrap();
    let rest = vault.call::<ListJobs>(ListJobsInput { marker: first.marker, ..input }).await.unwrap();
    assert_eq!((first.job_list.unwrap().len(), rest.job_list.unwrap().len(), rest.marker), (1, 1, None));
}

#[tokio::test]
async fn select_and_unknown_types_are_refused() {
    let vault = Vault::create().await;
    let id = vault.upload(b"data", "").await;
    let typed = |name: &str| JobParameters { r#type: Some(name.to_owned()), ..retrieval(&id) };
    let select = vault.initiate(typed("select")).await.unwrap_err();
    assert!(select.message().contains("select"), "{select}");
    assert_eq!(code(vault.initiate(typed("other")).await), "InvalidParameterValueException");
    let untyped = JobParameters { r#type: None, ..retrieval(&id) };
    assert_eq!(code(vault.initiate(untyped).await), "MissingParameterValueException");
    assert_eq!(code(vault.initiate(retrieval("nothing")).await), "ResourceNotFoundException");
}

#[tokio::test]
async fn the_data_retrieval_policy_bounds_standard_retrievals() {
    let vault = Vault::create().await;
    let set = |strategy: &str, bytes_per_hour: Option<i64>| {
        let rule = DataRetrievalRule { strategy: Some(strategy.to_owned()), bytes_per_hour };
        let policy = Some(DataRetrievalPolicy { rules: Some(vec![rule]) });
        vault.call::<SetDataRetrievalPolicy>(SetDataRetrievalPolicyInput { account_id: own(), policy })
    };
    assert_eq!(code(set("BytesPerHour", None).await), "MissingParameterValueException");
    assert_eq!(code(set("FreeTier", Some(1)).await), "InvalidParameterValueException");
    // Two megabytes spread over four hours are half a megabyte an hour.
    let id = vault.upload(&sample(2 * MEGABYTE), "").await;
    set("BytesPerHour", Some(MEGABYTE as i64 / 2)).await.unwrap();
    vault.initiate(retrieval(&id)).await.unwrap();
    assert_eq!(code(vault.initiate(retrieval(&id)).await), "PolicyEnforcedException");
    let bulk = JobParameters { tier: Some("Bulk".to_owned()), ..retrieval(&id) };
    assert_eq!(code(vault.initiate(bulk).await), "Ok", "only Standard retrievals are bounded");
    vault.region.advance(4 * HOUR).await;
    assert_eq!(code(vault.initiate(retrieval(&id)).await), "Ok");
    set("FreeTier", None).await.unwrap();
    assert_eq!(code(vault.initiate(retrieval(&id)).await), "Ok");
}

#[tokio::test]
async fn capacity_is_bought_for_a_month() {
    let vault = Vault::create().await;
    let buy =
        || vault.call::<PurchaseProvisionedCapacity>(PurchaseProvisionedCapacityInput { account_id: own() });
    let units = async || {
        let input = ListProvisionedCapacityInput { account_id: own() };
        vault.call::<ListProvisionedCapacity>(input).await.unwrap().provisioned_capacity_list.unwrap().len()
    };
    buy().await.unwrap();
    buy().await.unwrap();
    assert_eq!(code(buy().await), "LimitExceededException");
    assert_eq!(units().await, 2);
    vault.region.advance(30 * DAY).await;
    assert_eq!(units().await, 0);
    assert_eq!(code(buy().await), "Ok");
}
