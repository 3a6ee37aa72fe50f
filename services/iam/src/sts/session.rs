//! Sessions: temporary keys and what they are bound by.

use std::time::Duration;

use cloud::Ctx;
use identity::credentials::{IdKind, new_id, new_secret};
use identity::policy::{Policy, PolicyKind};
use identity::{AccountId, Principal, Session};
use shapes::{ApiError, Timestamp};
use store::{Scope, Tx};
use sts_api::{Credentials, PolicyDescriptorType};

use crate::sts::expiry;
use crate::sts::session_tags::SessionTags;
use crate::tables::{ACCESS_KEYS, AccessKey, KeyStatus, SessionKey, account_scope};
use crate::{Iam, errors, managed_policy};

const TOKEN_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const TOKEN_LENGTH: usize = 300;
/// Plain text of session policies together ("IAM and AWS STS quotas").
const MOST_POLICY_CHARACTERS: usize = 2048;
const MOST_POLICY_ARNS: usize = 10;
/// Policies, their ARNs and tags, as packed here.
const MOST_PACKED_CHARACTERS: usize = 5120;

/// A session that is about to begin.
pub(crate) struct SessionDraft {
    id: String,
    key: AccessKey,
}

/// How much of what a session may carry it does carry.
pub(crate) struct Policies {
    pub documents: Vec<String>,
    /// Percent.
    pub packed_size: Option<i32>,
}

impl Iam {
    /// The documents of a session's policies: the inline one, and those of ARNs as they are now.
    pub(crate) fn session_policies(
        &self,
        account: AccountId,
        inline: Option<&String>,
        arns: Option<&Vec<PolicyDescriptorType>>,
        tags: &SessionTags,
    ) -> Result<Policies, ApiError> {
        let mut documents = Vec::new();
        let mut characters = 0;
        if let Some(document) = inline {
            characters += document.chars().count();
            if characters > MOST_POLICY_CHARACTERS {
                let message = format!("The policy is longer than {MOST_POLICY_CHARACTERS} characters.");
                return Err(errors::invalid(message));
            }
            Policy::parse(document, PolicyKind::Identity).map_err(errors::malformed_policy)?;
            documents.push(document.clone());
        }
        let arns = arns.map(Vec::as_slice).unwrap_or_default();
        if arns.len() > MOST_POLICY_ARNS {
            let message = format!("The number of policy ARNs exceeds {MOST_POLICY_ARNS}.");
            return Err(errors::invalid(message));
        }
        let mut rows = self.cloud.store().read(&account_scope(account))?;
        for arn in arns.iter().filter_map(|descriptor| descriptor.arn.as_ref()) {
            characters += arn.chars().count();
            let document = managed_policy::document(&mut rows, account, arn)?;
            documents.push(document.ok_or_else(|| errors::invalid(format!("Policy {arn} does not exist.")))?);
        }
        let packed_size = packed_percent(characters, tags)?;
        Ok(Policies { documents, packed_size })
    }
}

/// How much of the packed form's room is taken, in percent; nothing when there is nothing to pack. How AWS packs is not
/// known: here it is the plain characters, those of tags at a quarter.
fn packed_percent(policy_characters: usize, tags: &SessionTags) -> Result<Option<i32>, ApiError> {
    let characters = policy_characters + tags.characters() / 4;
    if characters == 0 {
        return Ok(None);
    }
    let percent = (characters * 100).div_ceil(MOST_PACKED_CHARACTERS);
    if percent > 100 {
        let what = if policy_characters == 0 { "session tags" } else { "policy" };
        let message = format!("Packed size of {what} consumes {percent}% of allotted space.");
        return Err(ApiError::sender("PackedPolicyTooLarge", message));
    }
    Ok(i32::try_from(percent).ok())
}

impl SessionDraft {
    pub(crate) fn new(
        ctx: &Ctx,
        principal: Principal,
        seconds: i32,
        policies: Vec<String>,
        tags: SessionTags,
        facts: Session,
    ) -> Self {
        let session = SessionKey {
            token: ctx.ids().text(TOKEN_LETTERS, TOKEN_LENGTH),
            expires: ctx.now() + Duration::from_secs(seconds.unsigned_abs().into()),
            policies,
            transitive: tags.transitive,
            facts: Session {
                token_issued_at: Some(ctx.now().seconds()),
                tags: tags.tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
                ..facts
            },
        };
        let key = AccessKey {
            secret: new_secret(ctx.ids().bytes()),
            principal,
            created: ctx.now(),
            status: KeyStatus::Active,
            session: Some(session),
        };
        Self { id: new_id(IdKind::TemporaryAccessKey, ctx.ids().bytes()), key }
    }

    pub(crate) fn principal(&self) -> &Principal {
        &self.key.principal
    }

    /// Stores the session. It goes a while after its end, so that its end is told for what it is.
    pub(crate) fn begin(&self, ctx: &Ctx, tx: &mut Tx<'_>) -> Credentials {
        let (token, expires) = match &self.key.session {
            Some(session) => (session.token.clone(), session.expires),
            None => (String::new(), Timestamp::MAX),
        };
        tx.with_scope(&Scope::global(), |tx| ACCESS_KEYS.put(tx, &self.id, &self.key));
        expiry::schedule(ctx, tx, &self.id, expires + expiry::REMEMBERED);
        Credentials {
            access_key_id: self.id.clone(),
            secret_access_key: self.key.secret.clone(),
            session_token: token,
            expiration: expires,
        }
    }
}
