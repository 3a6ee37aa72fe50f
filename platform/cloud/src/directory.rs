//! Who is who and what they may do, as the IAM service knows it.

use std::sync::Arc;

use identity::policy::{ContextKeys, Decision, NamedPolicy};
use identity::{AccountId, Principal, Session};
use shapes::{ApiError, ServiceSchema, Timestamp};

use crate::Ctx;

/// An access key with what it stands for.
#[derive(Clone, Debug)]
pub struct Credential {
    pub access_key_id: String,
    pub secret_access_key: String,
    /// Temporary credentials must come with their token.
    pub session_token: Option<String>,
    pub expires: Option<Timestamp>,
    /// Whether it may be used: long-term keys can be switched off, and stay refused once deleted.
    pub is_active: bool,
    pub actor: Actor,
}

/// A principal with what its session adds. Long-term keys have a session without additions.
#[derive(Clone, Debug)]
pub struct Actor {
    pub principal: Principal,
    pub session: Session,
    /// One of the session's policies must allow what it does as well; empty when there are none.
    pub session_policies: Vec<Arc<NamedPolicy>>,
}

impl Actor {
    pub fn of(principal: Principal) -> Self {
        Self { principal, session: Session::default(), session_policies: Vec::new() }
    }
}

/// The policies that bind a principal, with their names.
#[derive(Clone, Debug, Default)]
pub struct PrincipalPolicies {
    /// Managed and inline policies, of the principal and of its groups.
    pub identity: Vec<Arc<NamedPolicy>>,
    pub boundary: Option<Arc<NamedPolicy>>,
    pub tags: Vec<(String, String)>,
}

/// A call that was denied, with what decided it.
#[derive(Clone, Copy, Debug)]
pub struct Denial<'a> {
    pub principal: &'a Principal,
    pub action: &'a str,
    pub context: &'a ContextKeys,
    pub decision: &'a Decision<'a>,
}

/// Implemented by the IAM service.
pub trait Directory: Send + Sync {
    /// The credential of an access key; `None` when nobody was given it.
    fn credential(&self, access_key_id: &str) -> Result<Option<Arc<Credential>>, ApiError>;

    /// The policies that bind a principal; none when there are none.
    fn policies_of(&self, principal: &Principal) -> Result<Arc<PrincipalPolicies>, ApiError>;

    /// A session of a role for the service principal that `ctx` acts as. The role's trust policy must allow it.
    fn assume_role(&self, ctx: &Ctx, role_arn: &str, session_name: &str) -> Result<Actor, ApiError>;

    /// Takes note that the caller of a request from outside used `service`.
    fn note_use(&self, _ctx: &Ctx, _service: &'static ServiceSchema) {}

    /// A denial that only DecodeAuthorizationMessage can read, for callers of `account`; nothing where there is none.
    fn sealed_denial(&self, _account: AccountId, _denial: &Denial<'_>) -> Result<Option<String>, ApiError> {
        Ok(None)
    }
}
