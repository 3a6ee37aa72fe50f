//! Environment variables under a KMS key (Developer Guide, "Securing Lambda environment variables").
//!
//! With a key of the customer's the variables are sealed for who configures the function, opened for who asks for the
//! configuration, and opened with the function's role when an environment starts.

use std::collections::BTreeMap;

use cloud::Ctx;
use kms_envelope::Sealed;
use lambda_api::{EnvironmentError, EnvironmentResponse, FunctionConfiguration, error};
use shapes::{ApiError, Map};

use crate::PRINCIPAL;
use crate::errors;
use crate::function::Version;

/// What a function's variables are to be from now on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Protected {
    pub kms_key_arn: Option<String>,
    /// Empty when they are sealed.
    pub environment: BTreeMap<String, String>,
    pub sealed: Option<Sealed>,
}

fn context(function_arn: &str) -> Map<String> {
    Map::from([("aws:lambda:FunctionArn".to_owned(), function_arn.to_owned())])
}

/// The variables and key that a request asks for, where it speaks of one of them. `before` is the function as it is.
pub(crate) async fn protect(
    ctx: &Ctx,
    function_arn: &str,
    before: Option<&Version>,
    (key, environment): (Option<&str>, Option<&BTreeMap<String, String>>),
) -> Result<Option<Protected>, ApiError> {
    let own_key = before.and_then(|version| version.kms_key_arn.clone());
    let kms_key_arn = match key {
        None => own_key,
        Some(key) => Some(key.to_owned()).filter(|key| !key.is_empty()),
    };
    if key.is_none() && (environment.is_none() || kms_key_arn.is_none()) {
        return Ok(None);
    }
    let environment = match (environment, before) {
        (Some(environment), _) => environment.clone(),
        (None, Some(version)) => {
            opened(ctx, function_arn, version).await.map_err(|cause| unusable(&cause))?
        }
        (None, None) => BTreeMap::new(),
    };
    let Some(key) = &kms_key_arn else {
        return Ok(Some(Protected { kms_key_arn, environment, sealed: None }));
    };
    let text = serde_json::to_vec(&environment).map_err(ApiError::internal)?;
    let sealed = kms_envelope::seal(ctx, PRINCIPAL, key, &context(function_arn), &text).await;
    let sealed = Some(sealed.map_err(|cause| unusable(&cause))?);
    Ok(Some(Protected { kms_key_arn, environment: BTreeMap::new(), sealed }))
}

/// The variables of a version, opened for the caller of `ctx`. Errors are those of KMS.
async fn opened(
    ctx: &Ctx,
    function_arn: &str,
    version: &Version,
) -> Result<BTreeMap<String, String>, ApiError> {
    let Some(sealed) = &version.sealed_environment else { return Ok(version.environment.clone()) };
    let text = kms_envelope::open(ctx, PRINCIPAL, &context(function_arn), sealed).await?;
    serde_json::from_slice(&text).map_err(ApiError::internal)
}

/// The variables for an environment that starts. `ctx` acts with the function's role.
pub(crate) async fn for_start(
    ctx: &Ctx,
    function_arn: &str,
    version: &Version,
) -> Result<BTreeMap<String, String>, ApiError> {
    opened(ctx, function_arn, version).await.map_err(|cause| {
        let because = |what: &str| {
            format!(
                "Lambda was unable to decrypt the environment variables because {what}. Please check the function's KMS \
                 key settings. KMS Exception: {} KMS Message: {}",
                cause.name(),
                cause.message()
            )
        };
        match cause.name() {
            "AccessDeniedException" => error::kms_access_denied_exception(because("KMS access was denied")),
            "DisabledException" => error::kms_disabled_exception(because("the KMS key used is disabled")),
            "KMSInvalidStateException" => {
                error::kms_invalid_state_exception(because("the state of the KMS key used is not valid for Decrypt"))
            }
            "NotFoundException" => error::kms_not_found_exception(because("the KMS key was not found")),
            _ => cause,
        }
    })
}

/// A configuration as its reader sees it: with the variables if the reader may open them.
pub(crate) async fn shown(
    ctx: &Ctx,
    function_arn: &str,
    version: &Version,
    mut configuration: FunctionConfiguration,
) -> FunctionConfiguration {
    if version.sealed_environment.is_none() {
        return configuration;
    }
    configuration.environment = match opened(ctx, function_arn, version).await {
        Ok(variables) if variables.is_empty() => None,
        Ok(variables) => Some(EnvironmentResponse { variables: Some(variables), error: None }),
        Err(cause) => {
            let error = EnvironmentError {
                error_code: Some(cause.name().to_owned()),
                message: Some(format!(
                    "Lambda was unable to decrypt your environment variables. {}",
                    cause.message()
                )),
            };
            Some(EnvironmentResponse { variables: None, error: Some(error) })
        }
    };
    configuration
}

/// What KMS has against a function's key, when that is chosen.
fn unusable(cause: &ApiError) -> ApiError {
    if cause.status() >= 500 {
        return cause.clone();
    }
    errors::invalid(format!(
        "Lambda was unable to configure access to your environment variables because the KMS key is invalid for \
         CreateGrant. Please check your KMS key settings. KMS Exception: {} KMS Message: {}",
        cause.name(),
        cause.message()
    ))
}
