//! Grants.

use cloud::Ctx;
use kms_api::op::{CreateGrant, ListGrants, ListRetirableGrants, RetireGrant, RevokeGrant};
use kms_api::{
    CreateGrantInput, CreateGrantOutput, GrantConstraints, ListGrantsInput, ListRetirableGrantsInput,
    RetireGrantInput, RevokeGrantInput,
};
use shapes::ApiError;

use crate::kit::{context, decrypt, encrypt, key, name, region, root, user, user_arn};

async fn grant(
    ctx: &Ctx,
    key: &str,
    grantee: &str,
    operations: &[&str],
    change: impl FnOnce(&mut CreateGrantInput),
) -> Result<CreateGrantOutput, ApiError> {
    let mut input = CreateGrantInput {
        key_id: key.to_owned(),
        grantee_principal: user_arn(grantee),
        operations: operations.iter().map(|name| (*name).to_owned()).collect(),
        ..CreateGrantInput::default()
    };
    change(&mut input);
    ctx.call::<CreateGrant>(input).await
}

#[tokio::test]
async fn a_grant_allows_its_operations_until_it_is_revoked() {
    let region = region();
    let ctx = root(&region);
    let key = key(&ctx).await;
    let ann = user(&region, "ann");
    let made = grant(&ctx, &key, "ann", &["Encrypt"], |_| {}).await.unwrap();
    let blob = encrypt(&ann, &key, "x", &[]).await.unwrap();
    assert_eq!(name(decrypt(&ann, &blob, &[]).await), "AccessDeniedException");
    assert_eq!(name(encrypt(&user(&region, "bob"), &key, "x", &[]).await), "AccessDeniedException");
    let input = ListGrantsInput { key_id: key.clone(), ..ListGrantsInput::default() };
    let listed = ctx.call::<ListGrants>(input).await.unwrap().grants.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].grantee_principal, Some(user_arn("ann")));
    let input = RevokeGrantInput { key_id: key.clone(), grant_id: made.grant_id.unwrap(), dry_run: None };
    ctx.call::<RevokeGrant>(input.clone()).await.unwrap();
    assert_eq!(name(encrypt(&ann, &key, "x", &[]).await), "AccessDeniedException");
    assert_eq!(name(ctx.call::<RevokeGrant>(input).await), "NotFoundException");
}

#[tokio::test]
async fn constraints_limit_a_grant_to_contexts() {
    let region = region();
    let ctx = root(&region);
    let key = key(&ctx).await;
    grant(&ctx, &key, "ann", &["Encrypt"], |input| {
        input.constraints = Some(GrantConstraints {
            encryption_context_subset: Some(context(&[("a", "1")])),
            encryption_context_equals: None,
        });
    })
    .await
    .unwrap();
    grant(&ctx, &key, "bob", &["Encrypt"], |input| {
        input.constraints = Some(GrantConstraints {
            encryption_context_subset: None,
            encryption_context_equals: Some(context(&[("a", "1")])),
        });
    })
    .await
    .unwrap();
    let attempt =
        async |who: &str, pairs: &[(&str, &str)]| name(encrypt(&user(&region, who), &key, "x", pairs).await);
    assert_eq!(attempt("ann", &[("a", "1"), ("b", "2")]).await, "fine");
    assert_eq!(attempt("ann", &[("b", "2")]).await, "AccessDeniedException");
    assert_eq!(attempt("bob", &[("a", "1")]).await, "fine");
    assert_eq!(attempt("bob", &[("a", "1"), ("b", "2")]).await, "AccessDeniedException");
}

#[tokio::test]
async fn grantees_pass_on_what_they_were_granted_and_no_more() {
    let region = region();
    let ctx = root(&region);
    let key = key(&ctx).await;
    grant(&ctx, &key, "ann", &["Encrypt", "CreateGrant"], |_| {}).await.unwrap();
    let ann = user(&region, "ann");
    assert_eq!(
        name(grant(&ann, &key, "bob", &["Encrypt", "Decrypt"], |_| {}).await),
        "AccessDeniedException"
    );
    grant(&ann, &key, "bob", &["Encrypt"], |_| {}).await.unwrap();
    encrypt(&user(&region, "bob"), &key, "x", &[]).await.unwrap();
}

#[tokio::test]
async fn the_retiring_principal_retires_a_grant_by_its_token() {
    let region = region();
    let ctx = root(&region);
    let key = key(&ctx).await;
    let made =
        grant(&ctx, &key, "ann", &["Encrypt"], |input| input.retiring_principal = Some(user_arn("bob")));
    let token = made.await.unwrap().grant_token;
    let input = ListRetirableGrantsInput { retiring_principal: user_arn("bob"), ..Default::default() };
    assert_eq!(ctx.call::<ListRetirableGrants>(input).await.unwrap().grants.unwrap().len(), 1);
    let retire = async |who: &str, token: Option<String>| {
        let input = RetireGrantInput { grant_token: token, ..RetireGrantInput::default() };
        name(user(&region, who).call::<RetireGrant>(input).await)
    };
    assert_eq!(retire("carl", token.clone()).await, "AccessDeniedException");
    assert_eq!(retire("bob", Some("bm9uZQ==".to_owned())).await, "InvalidGrantTokenException");
    assert_eq!(retire("bob", token).await, "fine");
    assert_eq!(name(encrypt(&user(&region, "ann"), &key, "x", &[]).await), "AccessDeniedException");
}

#[tokio::test]
async fn grants_fit_their_key_and_a_named_one_is_made_once() {
    let region = region();
    let ctx = root(&region);
    let key = key(&ctx).await;
    assert_eq!(name(grant(&ctx, &key, "ann", &["Sign"], |_| {}).await), "ValidationException");
    let named = |input: &mut CreateGrantInput| input.name = Some("once".to_owned());
    let first = grant(&ctx, &key, "ann", &["Encrypt"], named).await.unwrap();
    let second = grant(&ctx, &key, "ann", &["Encrypt"], named).await.unwrap();
    assert_eq!(first.grant_id, second.grant_id);
    let wrong = grant(&ctx, &key, "ann", &["Encrypt"], |input| input.grantee_principal = "ann".to_owned());
    assert_eq!(name(wrong.await), "InvalidArnException");
    let tried = grant(&ctx, &key, "bob", &["Encrypt"], |input| input.dry_run = Some(true));
    assert_eq!(name(tried.await), "DryRunOperationException");
    assert_eq!(name(encrypt(&user(&region, "bob"), &key, "x", &[]).await), "AccessDeniedException");
}
