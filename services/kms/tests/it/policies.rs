//! Key policies and the condition keys in them.

use cloud::Ctx;
use kms_api::op::{GetKeyPolicy, ListKeyPolicies, PutKeyPolicy};
use kms_api::{GetKeyPolicyInput, ListKeyPoliciesInput, PutKeyPolicyInput};
use serde_json::{Value, json};
use shapes::ApiError;

use crate::kit::{
    ACCOUNT, create, decrypt, describe, encrypt, key, name, region, role, root, user, user_arn,
};

/// A policy under which the account's root may do anything and `statement` holds.
fn policy(mut statement: Value) -> String {
    let root = json!({
        "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{ACCOUNT}:root") },
        "Action": "kms:*", "Resource": "*",
    });
    statement["Resource"] = json!("*");
    json!({ "Version": "2012-10-17", "Statement": [root, statement] }).to_string()
}

async fn put(ctx: &Ctx, key: &str, policy: &str) -> Result<(), ApiError> {
    let input = PutKeyPolicyInput { key_id: key.to_owned(), policy: policy.to_owned(), ..Default::default() };
    ctx.call::<PutKeyPolicy>(input).await.map(|_| ())
}

#[tokio::test]
async fn the_default_policy_leaves_it_to_iam() {
    let region = region();
    let ctx = root(&region);
    let key = key(&ctx).await;
    let input = GetKeyPolicyInput { key_id: key.clone(), policy_name: None };
    let text = ctx.call::<GetKeyPolicy>(input).await.unwrap().policy.unwrap();
    assert!(text.contains("Enable IAM User Permissions"), "{text}");
    let input = ListKeyPoliciesInput { key_id: key.clone(), ..Default::default() };
    assert_eq!(
        ctx.call::<ListKeyPolicies>(input).await.unwrap().policy_names,
        Some(vec!["default".to_owned()])
    );
    assert_eq!(name(encrypt(&user(&region, "ann"), &key, "x", &[]).await), "AccessDeniedException");
    encrypt(&role(&region, "worker"), &key, "x", &[]).await.unwrap();
}

#[tokio::test]
async fn without_the_policys_consent_iam_alone_is_not_enough() {
    let region = region();
    let ctx = root(&region);
    let key = key(&ctx).await;
    let only_ann = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": user_arn("ann") }, "Action": "kms:*", "Resource": "*" },
    ] });
    let error = put(&ctx, &key, &only_ann.to_string()).await.unwrap_err();
    assert_eq!(error.name(), "MalformedPolicyDocumentException");
    assert!(error.message().contains("will not allow you to update the key policy"), "{error}");
    let input = PutKeyPolicyInput {
        key_id: key.clone(),
        policy: only_ann.to_string(),
        bypass_policy_lockout_safety_check: Some(true),
        ..Default::default()
    };
    ctx.call::<PutKeyPolicy>(input).await.unwrap();
    assert_eq!(name(encrypt(&role(&region, "worker"), &key, "x", &[]).await), "AccessDeniedException");
    assert_eq!(name(describe(&ctx, &key).await), "AccessDeniedException");
    encrypt(&user(&region, "ann"), &key, "x", &[]).await.unwrap();
}

#[tokio::test]
async fn policies_ask_for_the_service_a_call_came_by() {
    let region = region();
    let ctx = root(&region);
    let key = key(&ctx).await;
    put(
        &ctx,
        &key,
        &policy(json!({
            "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": ["kms:Encrypt", "kms:Decrypt"],
            "Condition": { "StringEquals": {
                "kms:ViaService": "sqs.us-east-1.amazonaws.com", "kms:CallerAccount": ACCOUNT,
            } },
        })),
    )
    .await
    .unwrap();
    let ann = user(&region, "ann");
    assert_eq!(name(encrypt(&ann, &key, "x", &[]).await), "AccessDeniedException");
    assert_eq!(
        name(encrypt(&ann.via_service("s3.amazonaws.com"), &key, "x", &[]).await),
        "AccessDeniedException"
    );
    let blob = encrypt(&ann.via_service("sqs.amazonaws.com"), &key, "x", &[]).await.unwrap();
    assert_eq!(decrypt(&ann.via_service("sqs.amazonaws.com"), &blob, &[]).await.unwrap(), "x");
}

#[tokio::test]
async fn policies_ask_for_the_encryption_context_and_the_alias() {
    let region = region();
    let ctx = root(&region);
    let key = key(&ctx).await;
    put(
        &ctx,
        &key,
        &policy(json!({
            "Effect": "Allow", "Principal": { "AWS": user_arn("ann") }, "Action": "kms:Encrypt",
            "Condition": {
                "StringEquals": { "kms:EncryptionContext:Tenant": "a" },
                "ForAllValues:StringEquals": { "kms:EncryptionContextKeys": ["Tenant", "Order"] },
            },
        })),
    )
    .await
    .unwrap();
    let ann = user(&region, "ann");
    let attempt = async |pairs: &[(&str, &str)]| name(encrypt(&ann, &key, "x", pairs).await);
    assert_eq!(attempt(&[("Tenant", "a")]).await, "fine");
    assert_eq!(attempt(&[("Tenant", "a"), ("Order", "1")]).await, "fine");
    assert_eq!(attempt(&[("Tenant", "b")]).await, "AccessDeniedException");
    assert_eq!(attempt(&[]).await, "AccessDeniedException");
    assert_eq!(attempt(&[("Tenant", "a"), ("Other", "1")]).await, "AccessDeniedException");
}

#[tokio::test]
async fn policies_that_are_none_are_refused() {
    let region = region();
    let ctx = root(&region);
    let key = key(&ctx).await;
    assert_eq!(name(put(&ctx, &key, "{").await), "MalformedPolicyDocumentException");
    let made = create(&ctx, |input| input.policy = Some("{}".to_owned())).await;
    assert_eq!(name(made), "MalformedPolicyDocumentException");
    let input = PutKeyPolicyInput {
        key_id: key,
        policy: policy(json!({ "Effect": "Allow", "Principal": "*", "Action": "kms:Encrypt" })),
        policy_name: Some("other".to_owned()),
        ..Default::default()
    };
    assert_eq!(name(ctx.call::<PutKeyPolicy>(input).await), "NotFoundException");
}
