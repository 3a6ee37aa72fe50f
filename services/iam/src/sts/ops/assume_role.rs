//! AssumeRole: temporary credentials of a role.

use std::time::Duration;

use cloud::{Ctx, Guard, Transact};
use identity::credentials::{IdKind, new_id, new_secret};
use identity::policy::{Policy, PolicyKind};
use identity::{Principal, Session};
use shapes::ApiError;
use store::{Scope, Tx};
use sts_api::op::AssumeRole;
use sts_api::{AssumeRoleInput, AssumeRoleOutput, AssumedRoleUser, Credentials};

use crate::sts::expiry;
use crate::tables::{ACCESS_KEYS, AccessKey, SessionKey};
use crate::{Iam, errors};

pub(crate) struct Draft {
    id: String,
    key: AccessKey,
    token: String,
    user: AssumedRoleUser,
}

impl Transact<AssumeRole> for Iam {
    type Draft = Draft;

    /// The role's trust policy decides, together with the caller's own: see [`Iam::trusted_role`].
    fn guard(&self, _: &Ctx, _: &AssumeRoleInput) -> Result<Guard, ApiError> {
        Ok(Guard::open())
    }

    fn prepare(&self, ctx: &Ctx, input: AssumeRoleInput) -> Result<Draft, ApiError> {
        let unsupported = [
            ("PolicyArns", input.policy_arns.is_some()),
            ("ExternalId", input.external_id.is_some()),
            ("SerialNumber", input.serial_number.is_some()),
        ];
        if let Some((name, _)) = unsupported.iter().find(|(_, is_given)| *is_given) {
            let message = format!("The parameter {name} of AssumeRole is not implemented in Brume yet.");
            return Err(ApiError::with_status(501, "NotImplemented", message));
        }
        let (account, role) = self.trusted_role(ctx, &input.role_arn)?;
        let seconds = input.duration_seconds.unwrap_or(3600);
        if seconds > role.max_session_seconds {
            return Err(errors::invalid(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        if let Some(document) = &input.policy {
            Policy::parse(document, PolicyKind::Identity).map_err(errors::malformed_policy)?;
        }
        let name = input.role_session_name;
        let principal = Principal::assumed_role(account, &role.path, &role.name, &role.id, &name);
        let user = AssumedRoleUser { assumed_role_id: format!("{}:{name}", role.id), arn: principal.arn() };
        let token = ctx.ids().text(TOKEN_LETTERS, 300);
        let tags = input.tags.unwrap_or_default().into_iter().map(|tag| (tag.key.into(), tag.value.into()));
        let facts = Session {
            source_identity: input.source_identity.map(Into::into),
            tags: tags.collect(),
            token_issued_at: Some(ctx.now().seconds()),
            ..Session::default()
        };
        let session = SessionKey {
            token: token.clone(),
            expires: ctx.now() + Duration::from_secs(seconds.unsigned_abs().into()),
            policies: input.policy.into_iter().collect(),
            facts,
        };
        let key = AccessKey {
            secret: new_secret(ctx.ids().bytes()),
            principal,
            created: ctx.now(),
            session: Some(session),
        };
        Ok(Draft { id: new_id(IdKind::TemporaryAccessKey, ctx.ids().bytes()), key, token, user })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Draft) -> Result<AssumeRoleOutput, ApiError> {
        let expires = draft.key.session.as_ref().map(|session| session.expires).unwrap_or_default();
        tx.with_scope(&Scope::global(), |tx| ACCESS_KEYS.put(tx, &draft.id, &draft.key));
        expiry::schedule(ctx, tx, &draft.id, expires);
        Ok(AssumeRoleOutput {
            credentials: Some(Credentials {
                access_key_id: draft.id.clone(),
                secret_access_key: draft.key.secret.clone(),
                session_token: draft.token.clone(),
                expiration: expires,
            }),
            assumed_role_user: Some(draft.user.clone()),
            packed_policy_size: None,
            source_identity: None,
        })
    }
}

const TOKEN_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
