//! SecureStrings and the keys they are under.

use identity::{AccountId, Principal};
use kms_api::op::{CreateKey, DisableKey, PutKeyPolicy};
use kms_api::{CreateKeyInput, DisableKeyInput, PutKeyPolicyInput};

use crate::kit::{get, name, put_secure, put_with, read, region};

#[tokio::test]
async fn secure_strings_are_decrypted_when_asked_while_their_key_works() {
    let region = region();
    let ctx = region.ctx();
    let key = ctx.call::<CreateKey>(CreateKeyInput::default()).await.unwrap().key_metadata.unwrap().key_id;
    put_secure(&ctx, "/secret", "hunter2", Some(&key)).await.unwrap();
    let sealed = read(&ctx, "/secret", false).await.unwrap().value.unwrap();
    assert!(sealed.starts_with("AQICAH") && !sealed.contains("hunter2"), "{sealed}");
    assert_eq!(get(&ctx, "/secret").await.unwrap(), "hunter2");
    let long = "x".repeat(8000);
    put_with(&ctx, "/long", &long, |input| {
        input.r#type = Some("SecureString".to_owned());
        input.key_id = Some(key.clone());
        input.tier = Some("Advanced".to_owned());
    })
    .await
    .unwrap();
    assert_eq!(get(&ctx, "/long").await.unwrap(), long);
    ctx.call::<DisableKey>(DisableKeyInput { key_id: key.clone() }).await.unwrap();
    for parameter in ["/secret", "/long"] {
        let error = get(&ctx, parameter).await.unwrap_err();
        assert_eq!(error.name(), "InvalidKeyId");
        assert!(error.message().contains("is disabled."), "{error}");
    }
    assert_eq!(name(put_secure(&ctx, "/other", "x", Some("alias/none")).await), "InvalidKeyId");
}

#[tokio::test]
async fn who_may_not_use_the_key_does_not_read_the_parameter() {
    let region = region();
    let ctx = region.ctx();
    let key = ctx.call::<CreateKey>(CreateKeyInput::default()).await.unwrap().key_metadata.unwrap().key_id;
    put_secure(&ctx, "/secret", "hunter2", Some(&key)).await.unwrap();
    let account = AccountId::DEFAULT;
    let worker = region.context(Principal::assumed_role(account, "/", "worker", "AROATEST", "s"), account);
    assert_eq!(get(&worker, "/secret").await.unwrap(), "hunter2");
    let policy = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"kms:*","Resource":"*"},
        {"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::000000000000:role/worker"},"Action":"kms:Decrypt","Resource":"*",
         "Condition":{"StringEquals":{"kms:ViaService":"ssm.us-east-1.amazonaws.com",
         "kms:EncryptionContext:PARAMETER_ARN":"arn:aws:ssm:us-east-1:000000000000:parameter/secret"}}}]}"#;
    let input = PutKeyPolicyInput { key_id: key, policy: policy.to_owned(), ..Default::default() };
    ctx.call::<PutKeyPolicy>(input).await.unwrap();
    assert_eq!(name(get(&worker, "/secret").await), "AccessDeniedException");
    assert!(read(&worker, "/secret", false).await.is_ok());
    assert_eq!(get(&ctx, "/secret").await.unwrap(), "hunter2");
}

#[tokio::test]
async fn secrets_are_read_as_parameters() {
    let region = region();
    let ctx = region.ctx();
    for value in ["one", "two"] {
        let made = secretsmanager_api::CreateSecretInput {
            name: "db".to_owned(),
            secret_string: Some(value.to_owned()),
            ..Default::default()
        };
        if ctx.call::<secretsmanager_api::op::CreateSecret>(made).await.is_err() {
            let input = secretsmanager_api::PutSecretValueInput {
                secret_id: "db".to_owned(),
                secret_string: Some(value.to_owned()),
                ..Default::default()
            };
            ctx.call::<secretsmanager_api::op::PutSecretValue>(input).await.unwrap();
        }
    }
    let reference = "/aws/reference/secretsmanager/db";
    let found = read(&ctx, reference, true).await.unwrap();
    assert_eq!((found.value.as_deref(), found.r#type.as_deref()), (Some("two"), Some("SecureString")));
    assert!(found.source_result.unwrap().contains("AWSCURRENT"));
    assert_eq!(get(&ctx, &format!("{reference}:AWSPREVIOUS")).await.unwrap(), "one");
    assert_eq!(name(read(&ctx, reference, false).await), "ValidationException");
    assert_eq!(name(get(&ctx, "/aws/reference/secretsmanager/none").await), "ParameterNotFound");
}
