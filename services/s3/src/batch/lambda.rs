//! Tasks that a function does (S3 User Guide, "Invoke AWS Lambda function").

use bytes::Bytes;
use cloud::Ctx;
use lambda_api::InvokeInput;
use lambda_api::op::Invoke;
use s3control_api::LambdaInvokeOperation;
use serde_json::{Value, json};
use shapes::ApiError;

use super::job::{Outcome, Task};
use crate::key;

/// Invokes the function for one task. Failures that may pass are errors of 500 and above.
pub(super) async fn invoke(
    ctx: &Ctx,
    job: &str,
    operation: &LambdaInvokeOperation,
    task: &Task,
    index: u64,
) -> Result<Outcome, ApiError> {
    let task_id = format!("{index:016x}");
    let payload = event(&ctx.ids().uuid(), job, operation, task, &task_id);
    let input = InvokeInput {
        function_name: operation.function_arn.clone().unwrap_or_default(),
        payload: Some(Bytes::from(payload.to_string())),
        ..Default::default()
    };
    let output = ctx.call::<Invoke>(input).await?;
    let answer = output.payload.unwrap_or_default();
    if output.function_error.is_some() {
        let message = format!("Lambda returned function error: {}", String::from_utf8_lossy(&answer));
        return Ok(failed("PermanentFailure", &message));
    }
    let Ok(answer) = serde_json::from_slice::<Value>(&answer) else {
        return Ok(failed("PermanentFailure", "Lambda returned a response that is not JSON"));
    };
    outcome(&answer, &task_id)
}

fn event(
    invocation: &str,
    job: &str,
    operation: &LambdaInvokeOperation,
    task: &Task,
    task_id: &str,
) -> Value {
    let version = operation.invocation_schema_version.as_deref().unwrap_or("1.0");
    let is_second = version == "2.0";
    let mut about = json!({ "id": job });
    let mut told = json!({ "taskId": task_id, "s3VersionId": task.version_id });
    if is_second {
        let arguments: Option<Value> = operation.user_arguments.as_ref().map(|arguments| {
            arguments.iter().map(|(name, value)| (name.clone(), Value::from(value.clone()))).collect()
        });
        about["userArguments"] = arguments.unwrap_or_else(|| json!({}));
        told["s3Key"] = Value::from(task.key.clone());
        told["s3Bucket"] = Value::from(task.bucket.clone());
    } else {
        // As manifests have keys.
        told["s3Key"] = Value::from(key::url_encode(&task.key, true));
        told["s3BucketArn"] = Value::from(key::arn(&task.bucket, None));
    }
    json!({ "invocationSchemaVersion": version, "invocationId": invocation, "job": about, "tasks": [told] })
}

/// What a function says of its task.
fn outcome(answer: &Value, task_id: &str) -> Result<Outcome, ApiError> {
    let results = answer.get("results").and_then(Value::as_array);
    let own = results.into_iter().flatten().find(|result| result["taskId"] == task_id);
    let code = match own {
        Some(result) => result.get("resultCode").and_then(Value::as_str),
        None => answer.get("treatMissingKeysAs").and_then(Value::as_str),
    };
    let message = own
        .and_then(|result| result.get("resultString"))
        .map_or_else(String::new, |text| text.as_str().map_or_else(|| text.to_string(), str::to_owned));
    match code {
        Some("Succeeded") => Ok(Outcome { is_success: true, http_status: 200, code: String::new(), message }),
        Some("TemporaryFailure") => Err(ApiError::with_status(503, "TemporaryFailure", message)),
        _ => Ok(failed("PermanentFailure", &message)),
    }
}

fn failed(code: &str, message: &str) -> Outcome {
    Outcome { is_success: false, http_status: 200, code: code.to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use s3control_api::LambdaInvokeOperation;
    use serde_json::json;

    use super::{Task, event, outcome};

    fn task() -> Task {
        Task { bucket: "b".to_owned(), key: "a b".to_owned(), version_id: None, outcome: None }
    }

    #[test]
    fn both_schemas_tell_a_task_their_way() {
        let first = event("i", "j", &LambdaInvokeOperation::default(), &task(), "t");
        assert_eq!(
            first,
            json!({"invocationSchemaVersion": "1.0", "invocationId": "i", "job": {"id": "j"}, "tasks": [
                {"taskId": "t", "s3Key": "a+b", "s3VersionId": null, "s3BucketArn": "arn:aws:s3:::b"}]})
        );
        let operation = LambdaInvokeOperation {
            invocation_schema_version: Some("2.0".to_owned()),
            user_arguments: Some([("k".to_owned(), "v".to_owned())].into_iter().collect()),
            ..Default::default()
        };
        let second = event("i", "j", &operation, &task(), "t");
        assert_eq!(second["job"], json!({"id": "j", "userArguments": {"k": "v"}}));
        assert_eq!(
            second["tasks"][0],
            json!({"taskId": "t", "s3Key": "a b", "s3VersionId": null, "s3Bucket": "b"})
        );
    }

    #[test]
    fn a_task_without_a_result_is_treated_as_the_answer_says() {
        let result =
            |code: &str| json!({"results": [{"taskId": "t", "resultCode": code, "resultString": "x"}]});
        assert!(outcome(&result("Succeeded"), "t").unwrap().is_success);
        assert_eq!(outcome(&result("PermanentFailure"), "t").unwrap().code, "PermanentFailure");
        assert_eq!(outcome(&result("TemporaryFailure"), "t").unwrap_err().status(), 503);
        let missing = json!({"treatMissingKeysAs": "Succeeded", "results": []});
        assert!(outcome(&missing, "t").unwrap().is_success);
        assert!(!outcome(&json!({}), "t").unwrap().is_success);
    }
}
