//! A region with nothing but KMS, and short words for what tests do with it.

use std::time::Duration;

use ::kit::TestRegion;
use cloud::Ctx;
use identity::{AccountId, Principal};
use kms::KmsService;
use kms_api::op::{CreateKey, Decrypt, DescribeKey, Encrypt};
use kms_api::{CreateKeyInput, DecryptInput, DecryptOutput, DescribeKeyInput, EncryptInput, KeyMetadata};
use shapes::{ApiError, Blob, Map};

pub(crate) const ACCOUNT: &str = "123456789012";
const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn region() -> TestRegion {
    TestRegion::with_jobs(|cloud| {
        let kms = KmsService::new(cloud.clone());
        (vec![kms.service()], kms.jobs())
    })
}

/// The root of the tests' account.
pub(crate) fn root(region: &TestRegion) -> Ctx {
    region.as_account(ACCOUNT)
}

pub(crate) fn account() -> AccountId {
    AccountId::parse(ACCOUNT).unwrap()
}

/// A user of the account to whom no policy of its own allows anything.
pub(crate) fn user(region: &TestRegion, name: &str) -> Ctx {
    region.context(Principal::user(account(), "/", name, "AIDATEST"), account())
}

pub(crate) fn user_arn(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{name}")
}

/// A role's session, which may do anything as far as its own policies go.
pub(crate) fn role(region: &TestRegion, name: &str) -> Ctx {
    region.context(Principal::assumed_role(account(), "/", name, "AROATEST", "s"), account())
}

pub(crate) async fn create(
    ctx: &Ctx,
    change: impl FnOnce(&mut CreateKeyInput),
) -> Result<KeyMetadata, ApiError> {
    let mut input = CreateKeyInput::default();
    change(&mut input);
    Ok(ctx.call::<CreateKey>(input).await?.key_metadata.unwrap())
}

/// The id of a fresh symmetric key.
pub(crate) async fn key(ctx: &Ctx) -> String {
    create(ctx, |_| {}).await.unwrap().key_id
}

pub(crate) async fn describe(ctx: &Ctx, key: &str) -> Result<KeyMetadata, ApiError> {
    let input = DescribeKeyInput { key_id: key.to_owned(), grant_tokens: None };
    Ok(ctx.call::<DescribeKey>(input).await?.key_metadata.unwrap())
}

pub(crate) async fn state(ctx: &Ctx, key: &str) -> String {
    describe(ctx, key).await.unwrap().key_state.unwrap()
}

pub(crate) fn context(pairs: &[(&str, &str)]) -> Map<String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) async fn encrypt(
    ctx: &Ctx,
    key: &str,
    text: &str,
    pairs: &[(&str, &str)],
) -> Result<Blob, ApiError> {
    let input = EncryptInput {
        key_id: key.to_owned(),
        plaintext: Blob::copy_from_slice(text.as_bytes()),
        encryption_context: Some(context(pairs)),
        ..EncryptInput::default()
    };
    Ok(ctx.call::<Encrypt>(input).await?.ciphertext_blob.unwrap())
}

pub(crate) async fn decrypt_with(
    ctx: &Ctx,
    blob: &Blob,
    change: impl FnOnce(&mut DecryptInput),
) -> Result<DecryptOutput, ApiError> {
    let mut input = DecryptInput { ciphertext_blob: Some(blob.clone()), ..DecryptInput::default() };
    change(&mut input);
    ctx.call::<Decrypt>(input).await
}

pub(crate) async fn decrypt(ctx: &Ctx, blob: &Blob, pairs: &[(&str, &str)]) -> Result<String, ApiError> {
    let output = decrypt_with(ctx, blob, |input| input.encryption_context = Some(context(pairs))).await?;
    Ok(String::from_utf8(output.plaintext.unwrap().to_vec()).unwrap())
}

/// The error's name, or what went well.
pub(crate) fn name<T>(outcome: Result<T, ApiError>) -> String {
    outcome.map_or_else(|error| error.name().to_owned(), |_| "fine".to_owned())
}

pub(crate) async fn advance_days(region: &TestRegion, days: u32) {
    region.settle().await;
    region.advance(DAY * days).await;
    region.settle().await;
}
