//! Environment variables under KMS keys.

use kms::KmsService;
use kms_api::op::{CreateKey, DisableKey, EnableKey, PutKeyPolicy};
use kms_api::{CreateKeyInput, DisableKeyInput, EnableKeyInput, PutKeyPolicyInput};
use lambda_api::op::{GetFunctionConfiguration, UpdateFunctionConfiguration};
use lambda_api::{GetFunctionConfigurationInput, UpdateFunctionConfigurationInput};
use serde_json::json;

use crate::kit::{Functions, host_isolates, installed, variables};

const CODE: &str = "import os\ndef handler(event, context):\n    return os.environ['SECRET']\n";

async fn start() -> (Functions, String) {
    let functions = Functions::beside(|_| {}, |cloud| vec![KmsService::new(cloud.clone()).service()]);
    let made = functions.region.call::<CreateKey>(CreateKeyInput::default()).await.expect("a key is made");
    let arn = made.key_metadata.and_then(|key| key.arn);
    (functions, arn.expect("keys have ARNs"))
}

fn asked() -> GetFunctionConfigurationInput {
    GetFunctionConfigurationInput { function_name: "f".to_owned(), qualifier: None }
}

#[tokio::test]
async fn variables_are_shown_to_those_who_may_use_the_key() {
    let (functions, key) = start().await;
    let with_key = |input: &mut lambda_api::CreateFunctionInput| {
        input.environment = Some(variables(&[("SECRET", "hidden")]));
        input.kms_key_arn = Some(key.clone());
    };
    functions.create("f", "python3.12", &[("index.py", CODE)], with_key).await.unwrap();
    let region = &functions.region;
    let shown = region.call::<GetFunctionConfiguration>(asked()).await.unwrap();
    assert_eq!(shown.kms_key_arn.as_ref(), Some(&key));
    let environment = shown.environment.unwrap().variables.unwrap();
    assert_eq!(environment.get("SECRET").map(String::as_str), Some("hidden"));
    region.call::<DisableKey>(DisableKeyInput { key_id: key.clone() }).await.unwrap();
    let environment = region.call::<GetFunctionConfiguration>(asked()).await.unwrap().environment.unwrap();
    assert_eq!(environment.variables, None);
    assert_eq!(environment.error.unwrap().error_code.as_deref(), Some("DisabledException"));
    let update = |change: fn(&mut UpdateFunctionConfigurationInput)| {
        let mut input =
            UpdateFunctionConfigurationInput { function_name: "f".to_owned(), ..Default::default() };
        change(&mut input);
        region.call::<UpdateFunctionConfiguration>(input)
    };
    let error = update(|input| input.environment = Some(variables(&[("SECRET", "x")]))).await.unwrap_err();
    assert_eq!(error.name(), "InvalidParameterValueException");
    assert!(error.message().contains("KMS Exception: DisabledException"), "{error}");
    update(|input| input.description = Some("still".to_owned())).await.unwrap();
    region.call::<EnableKey>(EnableKeyInput { key_id: key }).await.unwrap();
    // Without a key the variables are as any function's.
    let plain = update(|input| input.kms_key_arn = Some(String::new())).await.unwrap();
    assert_eq!(plain.kms_key_arn, None);
    let environment = plain.environment.unwrap().variables.unwrap();
    assert_eq!(environment.get("SECRET").map(String::as_str), Some("hidden"));
}

#[tokio::test]
async fn a_function_has_its_variables_if_its_role_may_use_the_key() {
    if !host_isolates() || !installed("python3") {
        return;
    }
    let (functions, key) = start().await;
    let with_key = |input: &mut lambda_api::CreateFunctionInput| {
        input.environment = Some(variables(&[("SECRET", "hidden")]));
        input.kms_key_arn = Some(key.clone());
    };
    functions.create("f", "python3.12", &[("index.py", CODE)], with_key).await.unwrap();
    assert_eq!(functions.invoke(&json!({})).await.payload, json!("hidden"));
    let policy = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"kms:*","Resource":"*"},
        {"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::000000000000:role/function"},"Action":"kms:Decrypt",
         "Resource":"*"}]}"#;
    let input = PutKeyPolicyInput { key_id: key, policy: policy.to_owned(), ..Default::default() };
    functions.region.call::<PutKeyPolicy>(input).await.unwrap();
    // A change makes a new environment, which cannot have its variables.
    let input = UpdateFunctionConfigurationInput {
        function_name: "f".to_owned(),
        description: Some("new".to_owned()),
        ..Default::default()
    };
    functions.region.call::<UpdateFunctionConfiguration>(input).await.unwrap();
    let input = lambda_api::InvokeInput { function_name: "f".to_owned(), ..Default::default() };
    let error = functions.region.call::<lambda_api::op::Invoke>(input).await.unwrap_err();
    assert_eq!((error.name(), error.status()), ("KMSAccessDeniedException", 502));
}
