//! What the region asks of IAM on every call: whose key it is, and which policies bind them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cloud::{Actor, Cloud, Credential, Ctx, Directory, PrincipalPolicies};
use identity::credentials::{IdKind, new_id, new_secret};
use identity::policy::{NamedPolicy, Policies, PolicyKind, Request, RequestFacts, evaluate, global_keys};
use identity::{AccountId, Principal};
use shapes::ApiError;
use store::{Range, Scope};

use crate::role::{Role, parse_arn};
use crate::tables::{self, AccessKey, account_scope};
use crate::{Iam, errors};

/// The directory of a region.
pub fn directory(cloud: Cloud) -> Arc<dyn Directory> {
    Arc::new(StoredDirectory { iam: Iam { cloud }, parsed: Parsed::default() })
}

struct StoredDirectory {
    iam: Iam,
    parsed: Parsed,
}

/// Policy documents, parsed once.
#[derive(Default)]
struct Parsed(Mutex<HashMap<(String, String), Arc<NamedPolicy>>>);

/// Documents kept parsed; past it everything is parsed anew.
const KEPT: usize = 4096;

impl Parsed {
    fn get(&self, name: &str, document: &str) -> Result<Arc<NamedPolicy>, ApiError> {
        let key = (name.to_owned(), document.to_owned());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(policy) = kept.get(&key) {
            return Ok(Arc::clone(policy));
        }
        // It was checked when it was stored.
        let policy = NamedPolicy::parse(name, document, PolicyKind::Identity).map_err(ApiError::internal)?;
        let policy = Arc::new(policy);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, Arc::clone(&policy));
        Ok(policy)
    }
}

impl Directory for StoredDirectory {
    fn credential(&self, access_key_id: &str) -> Result<Option<Arc<Credential>>, ApiError> {
        // Nobody is given a key of another form, so developers' keys such as `test` cost no look-up.
        if access_key_id.len() < 16 {
            return Ok(None);
        }
        let mut snapshot = self.iam.cloud.store().read(&Scope::global())?;
        let Some(key) = tables::ACCESS_KEYS.find(&mut snapshot, &access_key_id.to_owned())? else {
            return Ok(None);
        };
        let mut actor = Actor::of(key.principal);
        let (mut token, mut expires) = (None, None);
        if let Some(session) = key.session {
            for document in &session.policies {
                actor.session_policies.push(self.parsed.get("session policy", document)?);
            }
            actor.session = session.facts;
            token = Some(session.token);
            expires = Some(session.expires);
        }
        Ok(Some(Arc::new(Credential {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: key.secret,
            session_token: token,
            expires,
            actor,
        })))
    }

    fn policies_of(&self, principal: &Principal) -> Result<Arc<PrincipalPolicies>, ApiError> {
        let mut policies = PrincipalPolicies::default();
        if let Principal::AssumedRole { account, role, .. } = principal {
            let mut snapshot = self.iam.cloud.store().read(&account_scope(*account))?;
            let range = Range::prefix(&role.to_string());
            for ((_, name), document) in tables::ROLE_POLICIES.list(&mut snapshot, &range, 100)? {
                policies.identity.push(self.parsed.get(&name, &document.0)?);
            }
            if let Some(role) = tables::ROLES.find(&mut snapshot, &role.to_string())? {
                policies.tags = role.tags.into_iter().collect();
            }
        }
        Ok(Arc::new(policies))
    }

    fn assume_role(&self, ctx: &Ctx, role_arn: &str, session_name: &str) -> Result<Actor, ApiError> {
        let (account, role) = self.iam.trusted_role(ctx, role_arn)?;
        Ok(Actor::of(Principal::assumed_role(account, &role.path, &role.name, &role.id, session_name)))
    }
}

impl Iam {
    /// The role of an ARN, if its trust policy lets the caller assume it.
    pub(crate) fn trusted_role(&self, ctx: &Ctx, role_arn: &str) -> Result<(AccountId, Role), ApiError> {
        let refused = || errors::may_not_assume(&ctx.principal().arn(), role_arn);
        let (account, name) =
            parse_arn(role_arn).ok_or_else(|| errors::invalid(format!("{role_arn} is invalid")))?;
        let mut snapshot = self.cloud.store().read(&account_scope(account))?;
        let role = tables::ROLES.find(&mut snapshot, &name)?.ok_or_else(refused)?;
        let trust =
            NamedPolicy::parse("trust policy", &role.trust, PolicyKind::Trust).map_err(ApiError::internal)?;
        let caller = ctx.caller();
        let region = ctx.region();
        let source_account = caller.source.as_ref().map(|(_, account)| account.to_string());
        let facts = RequestFacts {
            now: ctx.now().seconds(),
            source_ip: caller.source_ip,
            region: region.as_str(),
            source_arn: caller.source.as_ref().map(|(arn, _)| arn.as_str()),
            source_account: source_account.as_deref(),
            ..RequestFacts::default()
        };
        let context = global_keys(ctx.principal(), &caller.actor.session, &facts);
        let own = self.cloud.directory()?.policies_of(ctx.principal())?;
        let request = Request {
            principal: ctx.principal(),
            action: "sts:AssumeRole",
            resources: &[role_arn],
            resource_account: Some(account),
            context: &context,
        };
        let policies = Policies {
            identity: &own.identity,
            session: &caller.actor.session_policies,
            resource: Some(&trust),
            resource_must_allow: true,
            is_trust: true,
            ..Policies::default()
        };
        if evaluate(&request, &policies).allowed { Ok((account, role)) } else { Err(refused()) }
    }
}

/// The key of a declared account's root.
pub struct Declared {
    pub access_key_id: String,
    pub secret_access_key: String,
}

/// Declares an account: gives its root an access key.
pub async fn declare_account(cloud: &Cloud, account: AccountId) -> Result<Declared, ApiError> {
    let declared = Declared {
        access_key_id: new_id(IdKind::AccessKey, cloud.ids().bytes()),
        secret_access_key: new_secret(cloud.ids().bytes()),
    };
    let row = AccessKey {
        secret: declared.secret_access_key.clone(),
        principal: Principal::root(account),
        created: cloud.clock().now(),
        session: None,
    };
    let id = declared.access_key_id.clone();
    cloud
        .store()
        .write(&Scope::global(), move |tx| {
            tables::ACCESS_KEYS.put(tx, &id, &row);
            Ok::<_, ApiError>(())
        })
        .await?;
    Ok(declared)
}
