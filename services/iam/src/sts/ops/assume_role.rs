//! AssumeRole: temporary credentials of a role.

use cloud::{Ctx, Guard, Transact};
use identity::{Principal, Session};
use shapes::ApiError;
use store::Tx;
use sts_api::op::AssumeRole;
use sts_api::{AssumeRoleInput, AssumeRoleOutput, AssumedRoleUser};

use crate::sts::session::{SessionDraft, session_tags};
use crate::{Iam, errors, trust};

/// Sessions of roles that a session of a role assumes ("Role chaining").
const LONGEST_CHAINED_SECONDS: i32 = 3600;

pub(crate) struct Draft {
    session: SessionDraft,
    user: AssumedRoleUser,
    packed_size: Option<i32>,
    source_identity: Option<String>,
}

impl Transact<AssumeRole> for Iam {
    type Draft = Draft;

    /// The role's trust policy decides, together with the caller's own: see [`trust::TrustedRole::check`].
    fn guard(&self, _: &Ctx, _: &AssumeRoleInput) -> Result<Guard, ApiError> {
        Ok(Guard::open())
    }

    fn prepare(&self, ctx: &Ctx, input: AssumeRoleInput) -> Result<Draft, ApiError> {
        if input.serial_number.is_some() || input.token_code.is_some() {
            let message = "MultiFactorAuthentication failed with invalid MFA one time pass code: no MFA device is known.";
            return Err(ApiError::with_status(403, "AccessDenied", message));
        }
        let tags = session_tags(input.tags)?;
        let role = self.find_role(&input.role_arn)?.ok_or_else(|| trust::refused(ctx, &input.role_arn))?;
        let name = input.role_session_name;
        let mut keys = vec![("sts:rolesessionname", vec![name.clone()])];
        keys.extend(input.external_id.map(|id| ("sts:externalid", vec![id])));
        keys.extend(input.source_identity.clone().map(|id| ("sts:sourceidentity", vec![id])));
        let tag_keys = tags.iter().map(|(key, _)| key.clone()).collect();
        let request_tags: Vec<_> =
            tags.iter().map(|(key, value)| (format!("aws:requesttag/{key}"), vec![value.clone()])).collect();
        keys.extend(request_tags.iter().map(|(key, values)| (key.as_str(), values.clone())));
        keys.push(("aws:tagkeys", tag_keys));
        role.check(ctx, &input.role_arn, &keys)?;
        let seconds = input.duration_seconds.unwrap_or(3600);
        if seconds > role.role.max_session_seconds {
            return Err(errors::invalid(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        let is_chained = matches!(ctx.principal(), Principal::AssumedRole { .. });
        if is_chained && seconds > LONGEST_CHAINED_SECONDS {
            return Err(errors::invalid(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            ));
        }
        let policies =
            self.session_policies(role.account, input.policy.as_ref(), input.policy_arns.as_ref())?;
        let (account, role) = (role.account, role.role);
        let principal = Principal::assumed_role(account, &role.path, &role.name, &role.id, &name);
        let user = AssumedRoleUser { assumed_role_id: format!("{}:{name}", role.id), arn: principal.arn() };
        // A source identity stays through a chain of roles.
        let inherited = ctx.caller().actor.session.source_identity.as_deref().map(str::to_owned);
        let source_identity = input.source_identity.or(inherited);
        let facts = Session {
            source_identity: source_identity.clone().map(Into::into),
            tags: tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
            ..Session::default()
        };
        let session = SessionDraft::new(ctx, principal, seconds, policies.documents, facts);
        Ok(Draft { session, user, packed_size: policies.packed_size, source_identity })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Draft) -> Result<AssumeRoleOutput, ApiError> {
        Ok(AssumeRoleOutput {
            credentials: Some(draft.session.begin(ctx, tx)),
            assumed_role_user: Some(draft.user.clone()),
            packed_policy_size: draft.packed_size,
            source_identity: draft.source_identity.clone(),
        })
    }
}
