//! AssumeRole: temporary credentials of a role.

use cloud::{Ctx, Guard, Transact};
use identity::{Principal, Session};
use shapes::ApiError;
use store::Tx;
use sts_api::op::AssumeRole;
use sts_api::{AssumeRoleInput, AssumeRoleOutput, AssumedRoleUser};

use crate::role::Role;
use crate::sts::mfa::{self, Proof};
use crate::sts::session::SessionDraft;
use crate::sts::session_tags::SessionTags;
use crate::trust::TrustedRole;
use crate::{Iam, errors, trust};

/// Sessions of roles that a session of a role assumes ("Role chaining").
const LONGEST_CHAINED_SECONDS: i32 = 3600;

pub(crate) struct Draft {
    session: SessionDraft,
    user: AssumedRoleUser,
    packed_size: Option<i32>,
    source_identity: Option<String>,
    mfa: Option<Proof>,
}

/// How long a session of a role lasts when it is asked for so.
pub(super) fn seconds(role: &Role, asked: Option<i32>) -> Result<i32, ApiError> {
    let seconds = asked.unwrap_or(3600);
    if seconds > role.max_session_seconds {
        return Err(errors::invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    Ok(seconds)
}

/// What a request for a role says beside who makes it.
pub(super) struct Asked<'a> {
    pub arn: &'a str,
    pub keys: Vec<(String, Vec<String>)>,
    pub tags: &'a SessionTags,
    pub source_identity: Option<&'a str>,
}

impl Asked<'_> {
    /// Asks for the role, and for what a session of it brings along: tags and a source identity each want their own
    /// permission of both sides.
    pub(super) fn check(
        &self,
        ctx: &Ctx,
        role: &TrustedRole,
        principal: &Principal,
        action: &str,
    ) -> Result<(), ApiError> {
        let keys: Vec<_> = self.keys.iter().map(|(key, values)| (key.as_str(), values.clone())).collect();
        role.check_as(ctx, principal, action, self.arn, &keys)?;
        if !self.tags.tags.is_empty() {
            role.check_as(ctx, principal, "sts:TagSession", self.arn, &keys)?;
        }
        if self.source_identity.is_some() {
            role.check_as(ctx, principal, "sts:SetSourceIdentity", self.arn, &keys)?;
        }
        Ok(())
    }
}

impl Transact<AssumeRole> for Iam {
    type Draft = Draft;

    /// The role's trust policy decides, together with the caller's own: see [`TrustedRole::check_as`].
    fn guard(&self, _: &Ctx, _: &AssumeRoleInput) -> Result<Guard, ApiError> {
        Ok(Guard::open())
    }

    fn prepare(&self, ctx: &Ctx, input: AssumeRoleInput) -> Result<Draft, ApiError> {
        if let Principal::FederatedUser { .. } = ctx.principal() {
            let message = "Cannot call AssumeRole with credentials of GetFederationToken";
            return Err(ApiError::with_status(403, "AccessDenied", message));
        }
        let mfa = mfa::proof(ctx, input.serial_number, input.token_code)?;
        let brought = SessionTags::of_request(input.tags, input.transitive_tag_keys)?;
        let mut keys = brought.condition_keys();
        let tags = brought.with_inherited(self.inherited_tags(ctx)?)?;
        // A source identity stays through a chain of roles.
        let inherited = ctx.caller().actor.session.source_identity.as_deref();
        let is_other = |asked: &String| inherited.is_some_and(|inherited| inherited != asked);
        if input.source_identity.as_ref().is_some_and(is_other) {
            return Err(errors::may_not(&ctx.principal().arn(), "sts:SetSourceIdentity", &input.role_arn));
        }
        let source_identity = input.source_identity.or(inherited.map(str::to_owned));
        let role = self.find_role(&input.role_arn)?.ok_or_else(|| trust::refused(ctx, &input.role_arn))?;
        let name = input.role_session_name;
        keys.push(("sts:rolesessionname".to_owned(), vec![name.clone()]));
        keys.extend(input.external_id.map(|id| ("sts:externalid".to_owned(), vec![id])));
        keys.extend(source_identity.clone().map(|id| ("sts:sourceidentity".to_owned(), vec![id])));
        if mfa.is_some() {
            keys.push(("aws:multifactorauthpresent".to_owned(), vec!["true".to_owned()]));
            keys.push(("aws:multifactorauthage".to_owned(), vec!["0".to_owned()]));
        }
        let source = source_identity.as_deref();
        let asked = Asked { arn: &input.role_arn, keys, tags: &tags, source_identity: source };
        asked.check(ctx, &role, ctx.principal(), "sts:AssumeRole")?;
        let seconds = seconds(&role.role, input.duration_seconds)?;
        let is_chained = matches!(ctx.principal(), Principal::AssumedRole { .. });
        if is_chained && seconds > LONGEST_CHAINED_SECONDS {
            return Err(errors::invalid(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            ));
        }
        let policies =
            self.session_policies(role.account, input.policy.as_ref(), input.policy_arns.as_ref(), &tags)?;
        let (principal, user) = role.session(&name);
        // What AssumeRole gives out says nothing of a second factor, though the trust policy may have asked for one
        // ("Secure API access with MFA").
        let facts =
            Session { source_identity: source_identity.clone().map(Into::into), ..Session::default() };
        let session = SessionDraft::new(ctx, principal, seconds, policies.documents, tags, facts);
        Ok(Draft { session, user, packed_size: policies.packed_size, source_identity, mfa })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Draft) -> Result<AssumeRoleOutput, ApiError> {
        if let Some(mfa) = &draft.mfa {
            mfa.take(tx)?;
        }
        Ok(AssumeRoleOutput {
            credentials: Some(draft.session.begin(ctx, tx)),
            assumed_role_user: Some(draft.user.clone()),
            packed_policy_size: draft.packed_size,
            source_identity: draft.source_identity.clone(),
        })
    }
}

impl TrustedRole {
    /// A session of the role, as a principal and as answers tell it.
    pub(super) fn session(&self, name: &str) -> (Principal, AssumedRoleUser) {
        let role = &self.role;
        let principal = Principal::assumed_role(self.account, &role.path, &role.name, &role.id, name);
        let user = AssumedRoleUser { assumed_role_id: format!("{}:{name}", role.id), arn: principal.arn() };
        (principal, user)
    }
}
