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
use crate::sts::mfa::{self, Proof};
use crate::sts::session::SessionDraft;
use crate::sts::session_tags::SessionTags;

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

pub(crate) struct OwnSession {
    session: SessionDraft,
    mfa: Option<Proof>,
}

impl Transact<GetSessionToken> for Iam {
    type Draft = OwnSession;

    /// "No permissions are required for users to perform this operation" (STS API Reference).
    fn guard(&self, _: &Ctx, _: &GetSessionTokenInput) -> Result<Guard, ApiError> {
        Ok(Guard::open())
    }

    fn prepare(&self, ctx: &Ctx, input: GetSessionTokenInput) -> Result<OwnSession, ApiError> {
        check_long_term(ctx, "GetSessionToken")?;
        let mfa = mfa::proof(ctx, input.serial_number, input.token_code)?;
        let seconds = seconds(ctx, input.duration_seconds);
        let facts =
            Session { mfa_authenticated_at: mfa.as_ref().map(|_| ctx.now().seconds()), ..Session::default() };
        let principal = ctx.principal().clone();
        let session = SessionDraft::new(ctx, principal, seconds, Vec::new(), SessionTags::default(), facts);
        Ok(OwnSession { session, mfa })
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &OwnSession,
    ) -> Result<GetSessionTokenOutput, ApiError> {
        if let Some(mfa) = &draft.mfa {
            mfa.take(tx)?;
        }
        Ok(GetSessionTokenOutput { credentials: Some(draft.session.begin(ctx, tx)) })
    }
}

pub(crate) struct Federation {
    session: SessionDraft,
    packed_size: Option<i32>,
}

impl Transact<GetFederationToken> for Iam {
    type Draft = Federation;

    fn guard(&self, ctx: &Ctx, input: &GetFederationTokenInput) -> Result<Guard, ApiError> {
        let guest = Guard::resource(format!("arn:aws:sts::{}:federated-user/{}", ctx.account(), input.name));
        let tags = SessionTags::of_request(input.tags.clone(), None)?;
        if tags.tags.is_empty() {
            return Ok(guest);
        }
        let keys = tags.condition_keys();
        let tagged =
            |guard: Guard| keys.iter().fold(guard, |guard, (key, values)| guard.with(key, values.clone()));
        Ok(tagged(guest.clone()).and(tagged(guest.action("sts:TagSession"))))
    }

    fn prepare(&self, ctx: &Ctx, input: GetFederationTokenInput) -> Result<Federation, ApiError> {
        check_long_term(ctx, "GetFederationToken")?;
        let tags = SessionTags::of_request(input.tags, None)?;
        let policies =
            self.session_policies(ctx.account(), input.policy.as_ref(), input.policy_arns.as_ref(), &tags)?;
        let principal = Principal::FederatedUser {
            account: ctx.account(),
            name: input.name.into(),
            user: ctx.principal().arn().into(),
        };
        let seconds = seconds(ctx, input.duration_seconds);
        let session =
            SessionDraft::new(ctx, principal, seconds, policies.documents, tags, Session::default());
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
