//! A caller in rows: for jobs that go on in the name of whoever asked for them, after the request was answered.

use std::net::IpAddr;
use std::sync::Arc;

use identity::policy::{NamedPolicy, PolicyKind};
use identity::{AccountId, Principal, Session};
use serde::{Deserialize, Serialize};
use shapes::ApiError;

use crate::{Actor, Caller, Ctx};

/// Whoever made a request, with all that policies may ask about it. What the caller may do is not kept: that is asked anew
/// with each call, so a permission that is taken away is missed by the job as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptCaller {
    principal: Principal,
    session: Session,
    /// Names and documents.
    session_policies: Vec<(String, String)>,
    access_key_id: Option<String>,
    source_ip: Option<IpAddr>,
    user_agent: Option<String>,
    is_tls: bool,
    source: Option<(String, AccountId)>,
}

impl KeptCaller {
    /// The caller of `ctx`.
    pub fn of(ctx: &Ctx) -> Self {
        let caller = ctx.caller();
        let policies = caller.actor.session_policies.iter();
        Self {
            principal: caller.actor.principal.clone(),
            session: caller.actor.session.clone(),
            session_policies: policies
                .map(|policy| (policy.name.clone(), policy.document.to_string()))
                .collect(),
            access_key_id: caller.access_key_id.clone(),
            source_ip: caller.source_ip,
            user_agent: caller.user_agent.clone(),
            is_tls: caller.is_tls,
            source: caller.source.clone(),
        }
    }

    pub(crate) fn caller(&self) -> Result<Caller, ApiError> {
        let policies = self.session_policies.iter().map(|(name, document)| {
            let policy = NamedPolicy::parse(name.as_str(), document, PolicyKind::Identity);
            policy.map(Arc::new).map_err(ApiError::internal)
        });
        let session_policies = policies.collect::<Result<_, _>>()?;
        Ok(Caller {
            actor: Actor {
                principal: self.principal.clone(),
                session: self.session.clone(),
                session_policies,
            },
            access_key_id: self.access_key_id.clone(),
            source_ip: self.source_ip,
            user_agent: self.user_agent.clone(),
            is_tls: self.is_tls,
            source: self.source.clone(),
        })
    }
}
