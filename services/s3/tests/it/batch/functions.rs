//! Jobs that invoke functions.

use s3control_api::op::CreateJob;
use s3control_api::{JobOperation, LambdaInvokeOperation};
use serde_json::json;

use super::{asks, manifest, report, run, with_reports};
use crate::kit::{Bucket, code};

fn invoke(function: &str) -> LambdaInvokeOperation {
    LambdaInvokeOperation {
        function_arn: Some(format!("arn:aws:lambda:us-east-1:000000000000:function:{function}")),
        ..Default::default()
    }
}

fn operation(invoke: LambdaInvokeOperation) -> JobOperation {
    JobOperation { lambda_invoke: Some(invoke), ..Default::default() }
}

#[tokio::test]
async fn a_function_is_told_of_each_object_and_its_word_is_reported() {
    let bucket = with_reports(Bucket::create().await).await;
    let manifest = manifest(&bucket, "photos,a%20b\n", &["Bucket", "Key"]).await;
    let (told, id) = run(&bucket, asks(manifest, operation(invoke("good")))).await;
    assert_eq!(told, "Complete 1+0");
    let calls = bucket.functions.calls();
    assert_eq!(calls[0]["job"], json!({ "id": id }));
    assert_eq!(calls[0]["tasks"][0]["s3BucketArn"], "arn:aws:s3:::photos");
    assert_eq!(calls[0]["tasks"][0]["s3Key"], "a+b");
    assert_eq!(report(&bucket, &id).await, ["photos,a+b,,succeeded,200,,a+b"]);
}

#[tokio::test]
async fn the_second_schema_has_names_of_buckets_and_arguments() {
    let bucket = with_reports(Bucket::create().await).await;
    let manifest = manifest(&bucket, "photos,a%20b\n", &["Bucket", "Key"]).await;
    let arguments = || Some([("k".to_owned(), "v".to_owned())].into_iter().collect());
    let first = LambdaInvokeOperation { user_arguments: arguments(), ..invoke("good") };
    let refused = bucket.call::<CreateJob>(asks(manifest.clone(), operation(first))).await;
    assert_eq!(code(refused), "BadRequestException");
    let second = LambdaInvokeOperation {
        user_arguments: arguments(),
        invocation_schema_version: Some("2.0".to_owned()),
        ..invoke("good")
    };
    assert_eq!(run(&bucket, asks(manifest, operation(second))).await.0, "Complete 1+0");
    let call = bucket.functions.calls().remove(0);
    assert_eq!(call["job"]["userArguments"], json!({"k": "v"}));
    assert_eq!(call["tasks"][0]["s3Bucket"], "photos");
    assert_eq!(call["tasks"][0]["s3Key"], "a b");
}

#[tokio::test]
async fn a_temporary_failure_is_tried_again_and_an_error_is_none() {
    let bucket = with_reports(Bucket::create().await).await;
    let of_k = manifest(&bucket, "photos,k\n", &["Bucket", "Key"]).await;
    assert_eq!(run(&bucket, asks(of_k.clone(), operation(invoke("shy")))).await.0, "Complete 1+0");
    assert_eq!(bucket.functions.calls().len(), 2);
    let input = s3control_api::CreateJobInput {
        client_request_token: "two".to_owned(),
        ..asks(of_k, operation(invoke("broken")))
    };
    let (told, id) = run(&bucket, input).await;
    assert_eq!(told, "Complete 0+1");
    assert_eq!(
        report(&bucket, &id).await,
        [
            r#"photos,k,,failed,200,PermanentFailure,"Lambda returned function error: {""errorMessage"":""oh""}""#
        ]
    );
}
