//! Aliases, and the keys that AWS manages behind some of them.

use cloud::Ctx;
use kms_api::op::{CreateAlias, DeleteAlias, GenerateDataKey, ListAliases, UpdateAlias};
use kms_api::{CreateAliasInput, DeleteAliasInput, GenerateDataKeyInput, ListAliasesInput, UpdateAliasInput};
use shapes::ApiError;

use crate::kit::{ACCOUNT, decrypt_with, describe, encrypt, key, name, region, root, user};

async fn alias(ctx: &Ctx, name: &str, key: &str) -> Result<(), ApiError> {
    let input = CreateAliasInput { alias_name: name.to_owned(), target_key_id: key.to_owned() };
    ctx.call::<CreateAlias>(input).await.map(|_| ())
}

async fn names(ctx: &Ctx, key: Option<&str>) -> Vec<String> {
    let input = ListAliasesInput { key_id: key.map(str::to_owned), ..ListAliasesInput::default() };
    let listed = ctx.call::<ListAliases>(input).await.unwrap().aliases.unwrap();
    listed.into_iter().filter_map(|entry| entry.alias_name).collect()
}

#[tokio::test]
async fn an_alias_stands_for_its_key_until_it_is_moved_or_deleted() {
    let region = region();
    let ctx = root(&region);
    let (one, other) = (key(&ctx).await, key(&ctx).await);
    alias(&ctx, "alias/orders", &one).await.unwrap();
    assert_eq!(describe(&ctx, "alias/orders").await.unwrap().key_id, one);
    let arn = format!("arn:aws:kms:us-east-1:{ACCOUNT}:alias/orders");
    assert_eq!(describe(&ctx, &arn).await.unwrap().key_id, one);
    let error = alias(&ctx, "alias/orders", &other).await.unwrap_err();
    assert_eq!(error.message(), format!("An alias with the name {arn} already exists"));
    let input = UpdateAliasInput { alias_name: "alias/orders".to_owned(), target_key_id: other.clone() };
    ctx.call::<UpdateAlias>(input).await.unwrap();
    assert_eq!(describe(&ctx, "alias/orders").await.unwrap().key_id, other);
    assert_eq!(names(&ctx, Some(&one)).await, Vec::<String>::new());
    assert_eq!(names(&ctx, Some(&other)).await, ["alias/orders"]);
    let input = DeleteAliasInput { alias_name: "alias/orders".to_owned() };
    ctx.call::<DeleteAlias>(input).await.unwrap();
    assert_eq!(name(describe(&ctx, "alias/orders").await), "NotFoundException");
    assert_eq!(name(alias(&ctx, "orders", &one).await), "ValidationException");
    assert_eq!(name(alias(&ctx, "alias/aws/orders", &one).await), "NotAuthorizedException");
}

#[tokio::test]
async fn a_services_own_key_is_made_on_first_use_and_works_through_that_service_alone() {
    let region = region();
    let ctx = root(&region);
    assert_eq!(names(&ctx, None).await, Vec::<String>::new());
    let data_key = async |ctx: &Ctx| {
        let input = GenerateDataKeyInput {
            key_id: "alias/aws/s3".to_owned(),
            key_spec: Some("AES_256".to_owned()),
            ..GenerateDataKeyInput::default()
        };
        ctx.call::<GenerateDataKey>(input).await
    };
    let ann = user(&region, "ann");
    assert_eq!(name(data_key(&ann).await), "AccessDeniedException");
    assert_eq!(name(data_key(&ann.via_service("sqs.amazonaws.com")).await), "AccessDeniedException");
    let made = data_key(&ann.via_service("s3.amazonaws.com")).await.unwrap();
    assert_eq!(names(&ctx, None).await, ["alias/aws/s3"]);
    let described = describe(&ctx, "alias/aws/s3").await.unwrap();
    assert_eq!((described.key_manager.as_deref(), &described.arn), (Some("AWS"), &made.key_id));
    let blob = made.ciphertext_blob.unwrap();
    assert_eq!(name(decrypt_with(&ctx, &blob, |_| {}).await), "AccessDeniedException");
    let opened = decrypt_with(&ann.via_service("s3.amazonaws.com"), &blob, |_| {}).await.unwrap();
    assert_eq!(opened.plaintext, made.plaintext);
    assert_eq!(name(encrypt(&ctx, "alias/aws/s3", "x", &[]).await), "AccessDeniedException");
    let stranger = region.as_account("210987654321").via_service("s3.amazonaws.com");
    assert_eq!(name(decrypt_with(&stranger, &blob, |_| {}).await), "AccessDeniedException");
}

#[tokio::test]
async fn describing_a_services_own_key_makes_it() {
    let region = region();
    let ctx = root(&region);
    let described = describe(&ctx, "alias/aws/sqs").await.unwrap();
    assert_eq!(
        described.description.as_deref(),
        Some("Default key that protects my SQS messages when no other key is defined")
    );
    assert_eq!(described.key_state.as_deref(), Some("Enabled"));
    assert_eq!(describe(&ctx, &described.key_id).await.unwrap(), described);
    assert_eq!(name(describe(&ctx, "alias/aws/nothing").await), "NotFoundException");
}
