//! Sessions: temporary keys and what they are bound by.

use std::time::Duration;

use cloud::Ctx;
use identity::credentials::{IdKind, new_id, new_secret};
use identity::policy::{Policy, PolicyKind};
use identity::{AccountId, Principal, Session};
use shapes::{ApiError, Timestamp};
use store::{Scope, Tx};
use sts_api::{Credentials, PolicyDescriptorType, Tag};

use crate::sts::expiry;
use crate::tables::{ACCESS_KEYS, AccessKey, KeyStatus, SessionKey, account_scope};
use crate::{Iam, errors, managed_policy};

const TOKEN_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const TOKEN_LENGTH: usize = 300;
/// Plain text of session policies together ("IAM and AWS STS quotas").
const MOST_POLICY_CHARACTERS: usize = 2048;
const MOST_POLICY_ARNS: usize = 10;
const MOST_TAGS: usize = 50;

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
    ) -> Result<Policies, ApiError> {
        let mut documents = Vec::new();
        if let Some(document) = inline {
            if document.chars().count() > MOST_POLICY_CHARACTERS {
                let message = format!("The policy is longer than {MOST_POLICY_CHARACTERS} characters.");
                return Err(errors::invalid(message));
            }
            Policy::parse(document, PolicyKind::Identity).map_err(errors::malformed_policy)?;
            documents.push(document.clone());
        }
        let arns = arns.map(Vec::as_slice).unwrap_or_default();
        if arns.len() > MOST_POLICY_ARNS {
            let message = format!("A session takes at most {MOST_POLICY_ARNS} managed policies.");
            return Err(ApiError::sender("PackedPolicyTooLarge", message));
        }
        let mut rows = self.cloud.store().read(&account_scope(account))?;
        for arn in arns.iter().filter_map(|descriptor| descriptor.arn.as_ref()) {
            let document = managed_policy::document(&mut rows, account, arn)?;
            documents.push(document.ok_or_else(|| errors::invalid(format!("Policy {arn} does not exist.")))?);
        }
        let characters = inline.map_or(0, |document| document.chars().count());
        let packed = (characters * 100).div_ceil(MOST_POLICY_CHARACTERS);
        let packed_size = (!documents.is_empty()).then(|| i32::try_from(packed).unwrap_or(100).max(1));
        Ok(Policies { documents, packed_size })
    }
}

/// Tags of a session. A key may come once.
pub(crate) fn session_tags(tags: Option<Vec<Tag>>) -> Result<Vec<(String, String)>, ApiError> {
    let tags: Vec<_> = tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
    if tags.len() > MOST_TAGS {
        return Err(errors::invalid(format!("A session takes at most {MOST_TAGS} tags.")));
    }
    for (index, (key, _)) in tags.iter().enumerate() {
        if tags[..index].iter().any(|(other, _)| other.eq_ignore_ascii_case(key)) {
            let message = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(ApiError::sender("InvalidParameterValue", message));
        }
    }
    Ok(tags)
}

impl SessionDraft {
    pub(crate) fn new(
        ctx: &Ctx,
        principal: Principal,
        seconds: i32,
        policies: Vec<String>,
        facts: Session,
    ) -> Self {
        let session = SessionKey {
            token: ctx.ids().text(TOKEN_LETTERS, TOKEN_LENGTH),
            expires: ctx.now() + Duration::from_secs(seconds.unsigned_abs().into()),
            policies,
            facts: Session { token_issued_at: Some(ctx.now().seconds()), ..facts },
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
