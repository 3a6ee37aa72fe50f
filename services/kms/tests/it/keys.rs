//! Keys: making, describing, enabling, deleting, tagging.

use kms_api::op::{
    CancelKeyDeletion, DisableKey, EnableKey, ListKeys, ListResourceTags, ScheduleKeyDeletion, TagResource,
    UntagResource, UpdateKeyDescription,
};
use kms_api::{
    CancelKeyDeletionInput, DisableKeyInput, EnableKeyInput, ListKeysInput, ListResourceTagsInput,
    ScheduleKeyDeletionInput, Tag, TagResourceInput, UntagResourceInput, UpdateKeyDescriptionInput,
};

use crate::kit::{ACCOUNT, advance_days, create, decrypt, describe, encrypt, key, name, region, root, state};

#[tokio::test]
async fn a_key_is_described_as_it_was_made() {
    let region = region();
    let ctx = root(&region);
    let made = create(&ctx, |input| input.description = Some("orders".to_owned())).await.unwrap();
    assert_eq!(made.arn, Some(format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/{}", made.key_id)));
    assert_eq!(made.key_state.as_deref(), Some("Enabled"));
    assert_eq!(made.key_manager.as_deref(), Some("CUSTOMER"));
    assert_eq!(made.encryption_algorithms, Some(vec!["SYMMETRIC_DEFAULT".to_owned()]));
    assert_eq!(made.current_key_material_id.as_ref().map(String::len), Some(64));
    assert_eq!(describe(&ctx, &made.key_id).await.unwrap(), made);
    assert_eq!(describe(&ctx, made.arn.as_deref().unwrap()).await.unwrap(), made);
    let input = UpdateKeyDescriptionInput { key_id: made.key_id.clone(), description: "new".to_owned() };
    ctx.call::<UpdateKeyDescription>(input).await.unwrap();
    assert_eq!(describe(&ctx, &made.key_id).await.unwrap().description.as_deref(), Some("new"));
}

#[tokio::test]
async fn specs_go_with_their_usages_alone() {
    let region = region();
    let ctx = root(&region);
    let attempt = async |spec: &str, usage: Option<&str>| {
        name(
            create(&ctx, |input| {
                input.key_spec = Some(spec.to_owned());
                input.key_usage = usage.map(str::to_owned);
            })
            .await,
        )
    };
    assert_eq!(attempt("HMAC_256", Some("GENERATE_VERIFY_MAC")).await, "fine");
    assert_eq!(attempt("ECC_NIST_P256", Some("SIGN_VERIFY")).await, "fine");
    assert_eq!(attempt("ECC_NIST_P256", None).await, "ValidationException");
    assert_eq!(attempt("SYMMETRIC_DEFAULT", Some("SIGN_VERIFY")).await, "ValidationException");
    assert_eq!(attempt("ECC_SECG_P256K1", Some("KEY_AGREEMENT")).await, "ValidationException");
    assert_eq!(attempt("SM2", Some("SIGN_VERIFY")).await, "NotImplemented");
}

#[tokio::test]
async fn keys_that_are_not_there_are_missed_in_aws_words() {
    let region = region();
    let ctx = root(&region);
    let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let error = describe(&ctx, id).await.unwrap_err();
    let arn = format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/{id}");
    assert_eq!(
        (error.name(), error.message()),
        ("NotFoundException", format!("Key '{arn}' does not exist").as_str())
    );
    let error = describe(&ctx, "alias/none").await.unwrap_err();
    assert_eq!(error.message(), format!("Alias arn:aws:kms:us-east-1:{ACCOUNT}:alias/none is not found."));
    assert_eq!(describe(&ctx, "none").await.unwrap_err().message(), "Invalid keyId 'none'");
    assert_eq!(name(describe(&ctx, "arn:aws:sqs:us-east-1:1:x").await), "InvalidArnException");
    let stranger = region.as_account("210987654321");
    assert_eq!(name(describe(&stranger, &arn).await), "AccessDeniedException");
}

#[tokio::test]
async fn a_disabled_key_does_nothing_until_it_is_enabled() {
    let region = region();
    let ctx = root(&region);
    let key = key(&ctx).await;
    let blob = encrypt(&ctx, &key, "text", &[]).await.unwrap();
    ctx.call::<DisableKey>(DisableKeyInput { key_id: key.clone() }).await.unwrap();
    let error = encrypt(&ctx, &key, "text", &[]).await.unwrap_err();
    let arn = format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/{key}");
    assert_eq!(
        (error.name(), error.message()),
        ("DisabledException", format!("{arn} is disabled.").as_str())
    );
    assert_eq!(name(decrypt(&ctx, &blob, &[]).await), "DisabledException");
    ctx.call::<EnableKey>(EnableKeyInput { key_id: key.clone() }).await.unwrap();
    assert_eq!(decrypt(&ctx, &blob, &[]).await.unwrap(), "text");
}

#[tokio::test]
async fn a_key_is_deleted_when_its_days_are_over_and_not_if_that_is_cancelled() {
    let region = region();
    let ctx = root(&region);
    let (kept, gone) = (key(&ctx).await, key(&ctx).await);
    let blob = encrypt(&ctx, &gone, "text", &[]).await.unwrap();
    for key in [&kept, &gone] {
        let input = ScheduleKeyDeletionInput { key_id: key.clone(), pending_window_in_days: Some(7) };
        let output = ctx.call::<ScheduleKeyDeletion>(input.clone()).await.unwrap();
        assert_eq!(output.key_state.as_deref(), Some("PendingDeletion"));
        assert_eq!(name(ctx.call::<ScheduleKeyDeletion>(input).await), "KMSInvalidStateException");
    }
    let error = decrypt(&ctx, &blob, &[]).await.unwrap_err();
    assert_eq!(error.name(), "KMSInvalidStateException");
    assert!(error.message().ends_with("is pending deletion."), "{error}");
    assert_eq!(
        name(ctx.call::<EnableKey>(EnableKeyInput { key_id: kept.clone() }).await),
        "KMSInvalidStateException"
    );
    advance_days(&region, 6).await;
    ctx.call::<CancelKeyDeletion>(CancelKeyDeletionInput { key_id: kept.clone() }).await.unwrap();
    assert_eq!(state(&ctx, &gone).await, "PendingDeletion");
    advance_days(&region, 2).await;
    assert_eq!(name(describe(&ctx, &gone).await), "NotFoundException");
    assert_eq!(name(decrypt(&ctx, &blob, &[]).await), "NotFoundException");
    assert_eq!(state(&ctx, &kept).await, "Disabled");
    ctx.call::<EnableKey>(EnableKeyInput { key_id: kept.clone() }).await.unwrap();
    encrypt(&ctx, &kept, "text", &[]).await.unwrap();
    let input = ScheduleKeyDeletionInput { key_id: kept, pending_window_in_days: Some(31) };
    assert_eq!(name(ctx.call::<ScheduleKeyDeletion>(input).await), "ValidationException");
}

#[tokio::test]
async fn keys_are_listed_by_pages() {
    let region = region();
    let ctx = root(&region);
    let mut made = vec![key(&ctx).await, key(&ctx).await, key(&ctx).await];
    made.sort();
    let page = |marker| ctx.call::<ListKeys>(ListKeysInput { limit: Some(2), marker });
    let first = page(None).await.unwrap();
    assert_eq!(first.truncated, Some(true));
    let second = page(first.next_marker).await.unwrap();
    assert_eq!((second.truncated, &second.next_marker), (Some(false), &None));
    let all = first.keys.unwrap().into_iter().chain(second.keys.unwrap());
    assert_eq!(all.filter_map(|entry| entry.key_id).collect::<Vec<_>>(), made);
}

#[tokio::test]
async fn tags_come_and_go() {
    let region = region();
    let ctx = root(&region);
    let tag = |name: &str, value: &str| Tag { tag_key: name.to_owned(), tag_value: value.to_owned() };
    let made = create(&ctx, |input| input.tags = Some(vec![tag("a", "1"), tag("b", "2")])).await.unwrap();
    let key_id = made.key_id;
    let input = TagResourceInput { key_id: key_id.clone(), tags: vec![tag("a", "3"), tag("c", "4")] };
    ctx.call::<TagResource>(input).await.unwrap();
    let input = UntagResourceInput { key_id: key_id.clone(), tag_keys: vec!["b".to_owned()] };
    ctx.call::<UntagResource>(input).await.unwrap();
    let input = ListResourceTagsInput { key_id: key_id.clone(), ..Default::default() };
    let listed = ctx.call::<ListResourceTags>(input).await.unwrap().tags.unwrap();
    assert_eq!(listed, [tag("a", "3"), tag("c", "4")]);
    let input = TagResourceInput { key_id, tags: vec![tag("aws:x", "1")] };
    assert_eq!(name(ctx.call::<TagResource>(input).await), "TagException");
}
