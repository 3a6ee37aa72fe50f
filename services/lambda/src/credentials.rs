//! Temporary credentials of a function's role, as the program in an environment gets them.

use std::time::Duration;

use cloud::Ctx;
use shapes::{ApiError, Op, Timestamp};
use sts_api::AssumeRoleInput;
use sts_api::op::AssumeRole;

use crate::PRINCIPAL;

/// How long an environment's credentials are good for.
const DURATION: Duration = Duration::from_secs(3600);

/// Keys of a role's session.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: String,
    pub expires: Timestamp,
}

/// Assumes the role for the function. `None` in a region without STS, where no key could be verified either.
pub(crate) async fn assume(
    ctx: &Ctx,
    function_arn: &str,
    function: &str,
    role: &str,
) -> Result<Option<Credentials>, ApiError> {
    let registry = ctx.cloud().registry()?;
    if registry.find(AssumeRole::SERVICE, AssumeRole::SCHEMA).is_none() {
        return Ok(None);
    }
    let input = AssumeRoleInput {
        role_arn: role.to_owned(),
        role_session_name: function.to_owned(),
        duration_seconds: Some(DURATION.as_secs() as i32),
        ..Default::default()
    };
    let as_lambda = ctx.as_service(PRINCIPAL, function_arn);
    let refused = |why: &str| {
        let message =
            format!("The role defined for the function cannot be assumed by Lambda. ({role}: {why})");
        ApiError::with_status(403, "AccessDeniedException", message)
    };
    let assumed = as_lambda.call::<AssumeRole>(input).await.map_err(|error| refused(error.message()))?;
    let keys = assumed.credentials.ok_or_else(|| refused("STS gave no credentials"))?;
    Ok(Some(Credentials {
        access_key_id: keys.access_key_id,
        secret_access_key: keys.secret_access_key,
        session_token: keys.session_token,
        expires: keys.expiration,
    }))
}
