//! Provisioned concurrency.

use std::time::Duration;

use lambda_api::op::{
    CreateAlias, DeleteProvisionedConcurrencyConfig, GetProvisionedConcurrencyConfig,
    ListProvisionedConcurrencyConfigs, PublishVersion, PutProvisionedConcurrencyConfig,
};
use lambda_api::{
    CreateAliasInput, DeleteProvisionedConcurrencyConfigInput, GetProvisionedConcurrencyConfigInput,
    GetProvisionedConcurrencyConfigOutput, ListProvisionedConcurrencyConfigsInput, PublishVersionInput,
    PutProvisionedConcurrencyConfigInput,
};
use serde_json::json;
use shapes::ApiError;

use crate::kit::{Functions, host_isolates, installed};

async fn put(functions: &Functions, qualifier: &str, count: i32) -> Result<(), ApiError> {
    let input = PutProvisionedConcurrencyConfigInput {
        function_name: "f".to_owned(),
        qualifier: qualifier.to_owned(),
        provisioned_concurrent_executions: count,
    };
    let put = functions.region.call::<PutProvisionedConcurrencyConfig>(input).await?;
    assert_eq!(put.status.as_deref(), Some("IN_PROGRESS"));
    Ok(())
}

async fn get(functions: &Functions) -> Result<GetProvisionedConcurrencyConfigOutput, ApiError> {
    let input =
        GetProvisionedConcurrencyConfigInput { function_name: "f".to_owned(), qualifier: "live".to_owned() };
    functions.region.call::<GetProvisionedConcurrencyConfig>(input).await
}

async fn publish(functions: &Functions) {
    let input = PublishVersionInput { function_name: "f".to_owned(), ..Default::default() };
    functions.region.call::<PublishVersion>(input).await.expect("a version");
    let input = CreateAliasInput {
        function_name: "f".to_owned(),
        name: "live".to_owned(),
        function_version: "1".to_owned(),
        ..Default::default()
    };
    functions.region.call::<CreateAlias>(input).await.expect("an alias");
}

#[tokio::test]
async fn environments_wait_before_the_first_event() {
    if !host_isolates() || !installed("python3") {
        return;
    }
    let functions = Functions::start();
    let code =
        "import os\ndef handler(event, context):\n    return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']\n";
    functions.python(code).await;
    publish(&functions).await;
    put(&functions, "live", 2).await.unwrap();
    let ready = async {
        loop {
            let shown = get(&functions).await.expect("it is configured");
            if shown.status.as_deref() == Some("READY") {
                return shown;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let shown = tokio::time::timeout(Duration::from_secs(120), ready).await.expect("they start in time");
    assert_eq!(shown.allocated_provisioned_concurrent_executions, Some(2));
    let answer = functions.try_invoke("f:live", &json!({})).await.unwrap();
    assert_eq!(answer.payload, json!("provisioned-concurrency"), "{answer:?}");
    assert!(!answer.log.contains("Init Duration"), "it was started before: {}", answer.log);
    // What is worked on has no part in it.
    assert_eq!(functions.invoke(&json!({})).await.payload, json!("on-demand"));
}

#[tokio::test]
async fn configurations_are_of_published_versions() {
    let functions = Functions::start();
    functions.create("f", "python3.12", &[("index.py", "")], |_| {}).await.unwrap();
    publish(&functions).await;
    let error = put(&functions, "$LATEST", 1).await.unwrap_err();
    assert_eq!(
        error.message(),
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    );
    assert_eq!(get(&functions).await.unwrap_err().code(), "ProvisionedConcurrencyConfigNotFoundException");
    assert_eq!(put(&functions, "live", 100_000).await.unwrap_err().code(), "InvalidParameterValueException");
    put(&functions, "live", 1).await.unwrap();
    let list = async || {
        let input =
            ListProvisionedConcurrencyConfigsInput { function_name: "f".to_owned(), ..Default::default() };
        let listed = functions.region.call::<ListProvisionedConcurrencyConfigs>(input).await.unwrap();
        listed.provisioned_concurrency_configs.unwrap()
    };
    let listed = list().await;
    assert_eq!(
        listed[0].function_arn.as_deref(),
        Some("arn:aws:lambda:us-east-1:000000000000:function:f:live")
    );
    let input = DeleteProvisionedConcurrencyConfigInput {
        function_name: "f".to_owned(),
        qualifier: "live".to_owned(),
    };
    functions.region.call::<DeleteProvisionedConcurrencyConfig>(input).await.unwrap();
    assert!(list().await.is_empty());
}
