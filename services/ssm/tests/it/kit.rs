//! A region with parameters and keys, and short words for what tests do with it.

use ::kit::TestRegion;
use cloud::Ctx;
use kms::KmsService;
use shapes::ApiError;
use ssm::SsmService;
use ssm_api::op::{GetParameter, PutParameter};
use ssm_api::{GetParameterInput, Parameter, PutParameterInput};

pub(crate) fn region() -> TestRegion {
    TestRegion::with_jobs(|cloud| {
        let ssm = SsmService::new(cloud.clone());
        let kms = KmsService::new(cloud.clone());
        let secrets = secretsmanager::SecretsService::new(cloud.clone());
        let mut jobs = ssm.jobs();
        jobs.extend(kms.jobs());
        (vec![ssm.service(), kms.service(), secrets.service()], jobs)
    })
}

/// Puts a parameter, in place of one that may be there; its version.
pub(crate) async fn put_with(
    ctx: &Ctx,
    name: &str,
    value: &str,
    change: impl FnOnce(&mut PutParameterInput),
) -> Result<i64, ApiError> {
    let mut input = PutParameterInput {
        name: name.to_owned(),
        value: value.to_owned(),
        r#type: Some("String".to_owned()),
        overwrite: Some(true),
        ..PutParameterInput::default()
    };
    change(&mut input);
    Ok(ctx.call::<PutParameter>(input).await?.version.unwrap())
}

pub(crate) async fn put(ctx: &Ctx, name: &str, value: &str) -> i64 {
    put_with(ctx, name, value, |_| {}).await.unwrap()
}

pub(crate) async fn put_secure(
    ctx: &Ctx,
    name: &str,
    value: &str,
    key: Option<&str>,
) -> Result<i64, ApiError> {
    put_with(ctx, name, value, |input| {
        input.r#type = Some("SecureString".to_owned());
        input.key_id = key.map(str::to_owned);
    })
    .await
}

pub(crate) async fn read(ctx: &Ctx, name: &str, decrypts: bool) -> Result<Parameter, ApiError> {
    let input = GetParameterInput { name: name.to_owned(), with_decryption: Some(decrypts) };
    Ok(ctx.call::<GetParameter>(input).await?.parameter.unwrap())
}

pub(crate) async fn get(ctx: &Ctx, name: &str) -> Result<String, ApiError> {
    Ok(read(ctx, name, true).await?.value.unwrap())
}

/// The error's name, or what went well.
pub(crate) fn name<T>(outcome: Result<T, ApiError>) -> String {
    outcome.map_or_else(|error| error.name().to_owned(), |_| "fine".to_owned())
}
