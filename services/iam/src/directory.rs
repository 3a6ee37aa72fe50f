//! What the region asks of IAM on every call: whose key it is, and which policies bind them.
//!
//! Answers are remembered until any identity changes, which every change announces; see [`announce_change`].

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloud::{Actor, Cloud, Credential, Ctx, Directory, PrincipalPolicies};
use identity::credentials::{IdKind, new_id, new_secret};
use identity::policy::{NamedPolicy, PolicyKind};
use identity::{AccountId, Principal};
use shapes::ApiError;
use store::{Range, Reader, Scope, Tx, Watch};

use crate::Iam;
use crate::managed_policy;
use crate::owner::Kind;
use crate::tables::{self, ACCESS_KEYS, AccessKey, KeyStatus, MEMBERSHIPS, ROLES, USERS, account_scope};
use crate::trust::{TrustedRole, parse_role_arn};

/// Announced when an identity changed, in any account.
const CHANGED: &str = "iam/changed";
/// Answers of a kind kept at most; past it all are found anew.
const KEPT: usize = 10_000;

/// Tells that the transaction changes who may do what.
pub(crate) fn announce_change(tx: &mut Tx<'_>) {
    tx.with_scope(&Scope::global(), |tx| tx.announce(CHANGED));
}

/// The directory of a region.
pub fn directory(cloud: Cloud) -> Arc<dyn Directory> {
    let watch = cloud.store().watch(&Scope::global(), CHANGED);
    let known = Known {
        watch,
        changes: 0,
        credentials: HashMap::new(),
        policies: HashMap::new(),
        roles: HashMap::new(),
    };
    Arc::new(StoredDirectory { iam: Iam { cloud }, known: Mutex::new(known) })
}

struct StoredDirectory {
    iam: Iam,
    known: Mutex<Known>,
}

/// Answers that hold until the next change.
struct Known {
    watch: Watch,
    /// Counts changes, so that an answer found before one is not remembered after it.
    changes: u64,
    credentials: HashMap<String, Arc<Credential>>,
    policies: HashMap<(AccountId, Kind, Arc<str>), Arc<PrincipalPolicies>>,
    roles: HashMap<String, Arc<TrustedRole>>,
}

impl StoredDirectory {
    fn known(&self) -> MutexGuard<'_, Known> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.watch.take_change() {
            known.changes += 1;
            known.credentials.clear();
            known.policies.clear();
            known.roles.clear();
        }
        known
    }

    /// What is remembered under `key`, or found and remembered then.
    fn recall<K: Hash + Eq, V>(
        &self,
        kind: impl Fn(&mut Known) -> &mut HashMap<K, Arc<V>>,
        key: K,
        find: impl FnOnce(&K) -> Result<Option<V>, ApiError>,
    ) -> Result<Option<Arc<V>>, ApiError> {
        let changes = {
            let mut known = self.known();
            if let Some(found) = kind(&mut known).get(&key) {
                return Ok(Some(Arc::clone(found)));
            }
            known.changes
        };
        let Some(found) = find(&key)?.map(Arc::new) else { return Ok(None) };
        let mut known = self.known();
        if known.changes == changes {
            let kept = kind(&mut known);
            if kept.len() >= KEPT {
                kept.clear();
            }
            kept.insert(key, Arc::clone(&found));
        }
        Ok(Some(found))
    }

    fn stored_credential(&self, access_key_id: &String) -> Result<Option<Credential>, ApiError> {
        let mut rows = self.iam.cloud.store().read(&Scope::global())?;
        let Some(key) = ACCESS_KEYS.find(&mut rows, access_key_id)? else { return Ok(None) };
        let mut actor = Actor::of(key.principal);
        let (mut token, mut expires) = (None, None);
        if let Some(session) = key.session {
            for document in &session.policies {
                actor.session_policies.push(stored_policy("session policy", document)?);
            }
            actor.session = session.facts;
            token = Some(session.token);
            expires = Some(session.expires);
        }
        Ok(Some(Credential {
            access_key_id: access_key_id.clone(),
            secret_access_key: key.secret,
            session_token: token,
            expires,
            is_active: key.status == KeyStatus::Active,
            actor,
        }))
    }
}

impl Directory for StoredDirectory {
    fn credential(&self, access_key_id: &str) -> Result<Option<Arc<Credential>>, ApiError> {
        // Nobody is given a key of another form, so developers' keys such as `test` cost no look-up.
        if access_key_id.len() < 16 {
            return Ok(None);
        }
        self.recall(|known| &mut known.credentials, access_key_id.to_owned(), |id| self.stored_credential(id))
    }

    fn policies_of(&self, principal: &Principal) -> Result<Arc<PrincipalPolicies>, ApiError> {
        let key = match principal {
            Principal::User { account, name, .. } => (*account, Kind::User, Arc::clone(name)),
            Principal::AssumedRole { account, role, .. } => (*account, Kind::Role, Arc::clone(role)),
            Principal::FederatedUser { account, user, .. } => {
                let name = user.rsplit('/').next().unwrap_or_default();
                (*account, Kind::User, name.into())
            }
            _ => return Ok(Arc::default()),
        };
        let find = |(account, kind, name): &(AccountId, Kind, Arc<str>)| {
            let mut rows = self.iam.cloud.store().read(&account_scope(*account))?;
            policies_of_owner(&mut rows, *account, *kind, name).map(Some)
        };
        Ok(self.recall(|known| &mut known.policies, key, find)?.unwrap_or_default())
    }

    fn assume_role(&self, ctx: &Ctx, role_arn: &str, session_name: &str) -> Result<Actor, ApiError> {
        let find = |arn: &String| match parse_role_arn(arn) {
            Some(_) => self.iam.find_role(arn),
            None => Ok(None),
        };
        let role = self.recall(|known| &mut known.roles, role_arn.to_owned(), find)?;
        let role = role.ok_or_else(|| crate::trust::refused(ctx, role_arn))?;
        role.check(ctx, role_arn, &[])?;
        let (account, role) = (role.account, &role.role);
        Ok(Actor::of(Principal::assumed_role(account, &role.path, &role.name, &role.id, session_name)))
    }
}

/// Everything that binds a user, group or role, in its account's rows.
pub(crate) fn policies_of_owner(
    rows: &mut dyn Reader,
    account: AccountId,
    kind: Kind,
    name: &str,
) -> Result<PrincipalPolicies, ApiError> {
    let mut policies = PrincipalPolicies::default();
    add_policies(&mut policies, rows, account, kind, name)?;
    let boundary = match kind {
        Kind::User => {
            for ((_, group), _) in MEMBERSHIPS.list(rows, &Range::prefix(&name.to_owned()), usize::MAX)? {
                add_policies(&mut policies, rows, account, Kind::Group, &group)?;
            }
            let user = USERS.find(rows, &name.to_owned())?;
            user.and_then(|user| {
                policies.tags = user.tags.into_iter().collect();
                user.boundary
            })
        }
        Kind::Role => ROLES.find(rows, &name.to_owned())?.and_then(|role| {
            policies.tags = role.tags.into_iter().collect();
            role.boundary
        }),
        Kind::Group => None,
    };
    if let Some(arn) = boundary {
        // A boundary whose policy is gone allows nothing.
        let document = managed_policy::document(rows, account, &arn)?;
        let document = document.unwrap_or_else(|| r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned());
        policies.boundary = Some(stored_policy(&arn, &document)?);
    }
    Ok(policies)
}

fn add_policies(
    policies: &mut PrincipalPolicies,
    rows: &mut dyn Reader,
    account: AccountId,
    kind: Kind,
    name: &str,
) -> Result<(), ApiError> {
    for (policy, document) in kind.inline_policies(rows, name)? {
        policies.identity.push(stored_policy(&policy, &document)?);
    }
    for arn in kind.attached_policies(rows, name)? {
        if let Some(document) = managed_policy::document(rows, account, &arn)? {
            policies.identity.push(stored_policy(&arn, &document)?);
        }
    }
    Ok(())
}

/// A document that was checked when it was stored.
fn stored_policy(name: &str, document: &str) -> Result<Arc<NamedPolicy>, ApiError> {
    NamedPolicy::parse(name, document, PolicyKind::Identity).map(Arc::new).map_err(ApiError::internal)
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
        status: KeyStatus::Active,
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
