//! Values, versions and stages.

use kms_api::op::{CreateKey, DisableKey};
use kms_api::{CreateKeyInput, DisableKeyInput};
use secretsmanager_api::op::{
    BatchGetSecretValue, CreateSecret, GetSecretValue, ListSecretVersionIds, ListSecrets, UpdateSecret,
    UpdateSecretVersionStage,
};
use secretsmanager_api::{
    BatchGetSecretValueInput, CreateSecretInput, Filter, GetSecretValueInput, ListSecretVersionIdsInput,
    ListSecretsInput, UpdateSecretInput, UpdateSecretVersionStageInput,
};
use shapes::Blob;

use crate::kit::{Secrets, name};

#[tokio::test]
async fn a_secret_is_read_by_name_and_by_arn_with_or_without_its_end() {
    let secrets = Secrets::start();
    let made = secrets.create("db/password", "hunter2").await;
    let arn = made.arn.unwrap();
    assert!(arn.starts_with("arn:aws:secretsmanager:us-east-1:000000000000:secret:db/password-"), "{arn}");
    let partial = arn.rsplit_once('-').unwrap().0;
    for id in ["db/password", &arn, partial] {
        assert_eq!(secrets.get(id).await.unwrap(), "hunter2");
    }
    let error = secrets.get("other").await.unwrap_err();
    assert_eq!(error.message(), "Secrets Manager can't find the specified secret.");
    let input = CreateSecretInput { name: "db/password".to_owned(), ..Default::default() };
    assert_eq!(name(secrets.ctx().call::<CreateSecret>(input).await), "ResourceExistsException");
}

#[tokio::test]
async fn a_new_value_is_current_and_the_one_before_is_previous() {
    let secrets = Secrets::start();
    secrets.create("s", "one").await;
    secrets.put("s", "two", None).await.unwrap();
    let third = secrets.put("s", "three", None).await.unwrap();
    let ctx = secrets.ctx();
    assert_eq!(secrets.get("s").await.unwrap(), "three");
    assert_eq!(secrets.get_at(&ctx, "s", Some("AWSPREVIOUS")).await.unwrap(), "two");
    let error = secrets.get_at(&ctx, "s", Some("OTHER")).await.unwrap_err();
    assert_eq!(
        error.message(),
        "Secrets Manager can't find the specified secret value for staging label: OTHER"
    );
    let stages = secrets.describe("s").await.version_ids_to_stages.unwrap();
    assert_eq!(stages.len(), 2);
    let list = |include_deprecated| {
        let input =
            ListSecretVersionIdsInput { secret_id: "s".to_owned(), include_deprecated, ..Default::default() };
        ctx.call::<ListSecretVersionIds>(input)
    };
    assert_eq!(list(None).await.unwrap().versions.unwrap().len(), 2);
    assert_eq!(list(Some(true)).await.unwrap().versions.unwrap().len(), 3);
    let input = GetSecretValueInput {
        secret_id: "s".to_owned(),
        version_id: third.version_id,
        version_stage: Some("AWSPREVIOUS".to_owned()),
    };
    assert_eq!(name(ctx.call::<GetSecretValue>(input).await), "InvalidRequestException");
}

#[tokio::test]
async fn a_token_makes_one_version_of_one_value() {
    let secrets = Secrets::start();
    secrets.create("s", "one").await;
    let token = "12345678-1234-1234-1234-123456789012";
    let first = secrets.put("s", "two", Some(token)).await.unwrap();
    let again = secrets.put("s", "two", Some(token)).await.unwrap();
    assert_eq!((first.version_id.as_deref(), &again.version_id), (Some(token), &first.version_id));
    assert_eq!(name(secrets.put("s", "three", Some(token)).await), "ResourceExistsException");
    assert_eq!(secrets.get("s").await.unwrap(), "two");
}

#[tokio::test]
async fn stages_are_moved_with_the_version_they_leave_named() {
    let secrets = Secrets::start();
    let one = secrets.create("s", "one").await.version_id.unwrap();
    let two = secrets.put("s", "two", None).await.unwrap().version_id.unwrap();
    let move_stage = async |stage: &str, from: Option<&String>, to: Option<&String>| {
        let input = UpdateSecretVersionStageInput {
            secret_id: "s".to_owned(),
            version_stage: stage.to_owned(),
            remove_from_version_id: from.cloned(),
            move_to_version_id: to.cloned(),
        };
        name(secrets.ctx().call::<UpdateSecretVersionStage>(input).await)
    };
    assert_eq!(move_stage("AWSCURRENT", None, Some(&one)).await, "InvalidParameterException");
    assert_eq!(move_stage("AWSCURRENT", Some(&two), None).await, "InvalidParameterException");
    assert_eq!(move_stage("AWSCURRENT", Some(&two), Some(&one)).await, "fine");
    assert_eq!(secrets.get("s").await.unwrap(), "one");
    assert_eq!(secrets.get_at(&secrets.ctx(), "s", Some("AWSPREVIOUS")).await.unwrap(), "two");
    assert_eq!(move_stage("mine", None, Some(&two)).await, "fine");
    assert_eq!(secrets.get_at(&secrets.ctx(), "s", Some("mine")).await.unwrap(), "two");
    assert_eq!(move_stage("mine", Some(&two), None).await, "fine");
    assert_eq!(name(secrets.get_at(&secrets.ctx(), "s", Some("mine")).await), "ResourceNotFoundException");
}

#[tokio::test]
async fn values_are_sealed_under_the_secrets_key() {
    let secrets = Secrets::start();
    let ctx = secrets.ctx();
    let key = ctx.call::<CreateKey>(CreateKeyInput::default()).await.unwrap().key_metadata.unwrap().key_id;
    let input = CreateSecretInput {
        name: "s".to_owned(),
        kms_key_id: Some(key.clone()),
        secret_binary: Some(Blob::from_static(&[0, 159, 146, 150])),
        ..Default::default()
    };
    ctx.call::<CreateSecret>(input).await.unwrap();
    let input = GetSecretValueInput { secret_id: "s".to_owned(), ..Default::default() };
    let value = ctx.call::<GetSecretValue>(input.clone()).await.unwrap();
    assert_eq!((value.secret_binary.as_deref(), value.secret_string), (Some(&[0, 159, 146, 150][..]), None));
    ctx.call::<DisableKey>(DisableKeyInput { key_id: key }).await.unwrap();
    assert_eq!(name(ctx.call::<GetSecretValue>(input).await), "DecryptionFailure");
    assert_eq!(name(secrets.put("s", "x", None).await), "EncryptionFailure");
    let input = UpdateSecretInput {
        secret_id: "s".to_owned(),
        kms_key_id: Some(String::new()),
        secret_string: Some("text".to_owned()),
        ..Default::default()
    };
    ctx.call::<UpdateSecret>(input).await.unwrap();
    assert_eq!(secrets.get("s").await.unwrap(), "text");
}

#[tokio::test]
async fn secrets_are_listed_by_filters_and_pages_and_read_together() {
    let secrets = Secrets::start();
    for name in ["app/a", "app/b", "web/c"] {
        secrets.create(name, name).await;
    }
    let ctx = secrets.ctx();
    let filter =
        |key: &str, value: &str| Filter { key: Some(key.to_owned()), values: Some(vec![value.to_owned()]) };
    let list = async |filters: Vec<Filter>, max: i32| {
        let input = ListSecretsInput { filters: Some(filters), max_results: Some(max), ..Default::default() };
        let output = ctx.call::<ListSecrets>(input).await.unwrap();
        let names: Vec<String> =
            output.secret_list.unwrap().into_iter().filter_map(|entry| entry.name).collect();
        (names, output.next_token.is_some())
    };
    assert_eq!(list(vec![filter("name", "app/")], 100).await, (vec!["app/a".into(), "app/b".into()], false));
    assert_eq!(list(vec![filter("name", "!app/")], 100).await, (vec!["web/c".into()], false));
    assert_eq!(list(vec![], 2).await, (vec!["app/a".into(), "app/b".into()], true));
    let input = BatchGetSecretValueInput {
        secret_id_list: Some(vec!["app/a".to_owned(), "none".to_owned()]),
        ..Default::default()
    };
    let output = ctx.call::<BatchGetSecretValue>(input).await.unwrap();
    assert_eq!(output.secret_values.unwrap()[0].secret_string.as_deref(), Some("app/a"));
    assert_eq!(output.errors.unwrap()[0].error_code.as_deref(), Some("ResourceNotFoundException"));
}
