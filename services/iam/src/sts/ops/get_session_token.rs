//! GetSessionToken and GetFederationToken: temporary credentials of a user's own.

use cloud::{Ctx, Guard, Transact};
use identity::{Principal, Session};
use shapes::ApiError;
use store::Tx;
use sts_api::op::{GetFederationToken, GetSessionToken};
use sts_api::{
    FederatedUser, GetFederationTokenInput, GetFederationTokenOutput, GetSessionTokenInput,
    GetSessionTokenOutput,
};

use crate::Iam;
use crate::sts::session::{SessionDraft, session_tags};

/// Half a day; a root's sessions last an hour at most ("Request temporary security credentials").
const USUAL_SECONDS: i32 = 43_200;
const LONGEST_ROOT_SECONDS: i32 = 3600;

/// Only long-term credentials may ask.
fn check_long_term(ctx: &Ctx, operation: &str) -> Result<(), ApiError> {
    let is_session = ctx.caller().actor.session.token_issued_at.is_some();
    match ctx.principal() {
        Principal::Root { .. } | Principal::User { .. } if !is_session => Ok(()),
        _ => {
            let message = format!("Cannot call {operation} with session credentials");
            Err(ApiError::with_status(403, "AccessDenied", message))
        }
    }
}

fn seconds(ctx: &Ctx, asked: Option<i32>) -> i32 {
    let seconds = asked.unwrap_or(USUAL_SECONDS);
    if matches!(ctx.principal(), Principal::Root { .. }) {
        seconds.min(LONGEST_ROOT_SECONDS)
    } else {
        seconds
    }
}

impl Transact<GetSessionToken> for Iam {
    type Draft = SessionDraft;

    /// "No permissions are required for users to perform this operation" (STS API Reference).
    fn guard(&self, _: &Ctx, _: &GetSessionTokenInput) -> Result<Guard, ApiError> {
        Ok(Guard::open())
    }

    fn prepare(&self, ctx: &Ctx, input: GetSessionTokenInput) -> Result<SessionDraft, ApiError> {
        check_long_term(ctx, "GetSessionToken")?;
        if input.serial_number.is_some() || input.token_code.is_some() {
            let message = "MultiFactorAuthentication failed with invalid MFA one time pass code: no MFA device is known.";
            return Err(ApiError::with_status(403, "AccessDenied", message));
        }
        let seconds = seconds(ctx, input.duration_seconds);
        Ok(SessionDraft::new(ctx, ctx.principal().clone(), seconds, Vec::new(), Session::default()))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &SessionDraft,
    ) -> Result<GetSessionTokenOutput, ApiError> {
        Ok(GetSessionTokenOutput { credentials: Some(draft.begin(ctx, tx)) })
    }
}

pub(crate) struct Federation {
    session: SessionDraft,
    packed_size: Option<i32>,
}

impl Transact<GetFederationToken> for Iam {
    type Draft = Federation;

    fn guard(&self, ctx: &Ctx, input: &GetFederationTokenInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(format!("arn:aws:sts::{}:federated-user/{}", ctx.account(), input.name)))
    }

    fn prepare(&self, ctx: &Ctx, input: GetFederationTokenInput) -> Result<Federation, ApiError> {
        check_long_term(ctx, "GetFederationToken")?;
        let policies =
            self.session_policies(ctx.account(), input.policy.as_ref(), input.policy_arns.as_ref())?;
        let principal = Principal::FederatedUser {
            account: ctx.account(),
            name: input.name.into(),
            user: ctx.principal().arn().into(),
        };
        let tags = session_tags(input.tags)?;
        let facts = Session {
            tags: tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
            ..Session::default()
        };
        let seconds = seconds(ctx, input.duration_seconds);
        let session = SessionDraft::new(ctx, principal, seconds, policies.documents, facts);
        Ok(Federation { session, packed_size: policies.packed_size })
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &Federation,
    ) -> Result<GetFederationTokenOutput, ApiError> {
        let principal = draft.session.principal();
        Ok(GetFederationTokenOutput {
            federated_user: Some(FederatedUser {
                federated_user_id: principal.userid(),
                arn: principal.arn(),
            }),
            credentials: Some(draft.session.begin(ctx, tx)),
            packed_policy_size: draft.packed_size,
        })
    }
}
