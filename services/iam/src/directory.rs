//! What the region asks of IAM on every call: whose key it is, and which policies bind them.
//!
//! Answers are remembered until what they were found from changes, which every change announces; see
//! [`announce_change`].

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloud::{Actor, Cloud, Credential, Ctx, Denial, Directory, PrincipalPolicies};
use identity::credentials::{IdKind, new_id, new_secret};
use identity::policy::{NamedPolicy, PolicyKind};
use identity::{AccountId, Principal};
use shapes::{ApiError, ServiceSchema};
use store::{Range, Reader, Scope, Tx, Watch};

use crate::last_use::LastUses;
use crate::owner::Kind;
use crate::tables::{self, ACCESS_KEYS, AccessKey, IDS, KeyStatus, MEMBERSHIPS, account_scope};
use crate::trust::{TrustedRole, parse_role_arn};
use crate::{Iam, authorization_message, managed_policy};

/// Announced in the account whose identities changed, and for all accounts together.
const CHANGED: &str = "iam/changed";
/// Announced when an access key means something else from now on.
const KEYS_CHANGED: &str = "iam/keys-changed";
/// Answers of a kind kept at most; past it all are found anew.
const KEPT: usize = 10_000;
const KEPT_ACCOUNTS: usize = 1000;

/// Tells that the transaction changes who may do what in an account.
pub(crate) fn announce_change(tx: &mut Tx<'_>, account: AccountId) {
    tx.with_scope(&account_scope(account), |tx| tx.announce(CHANGED));
    tx.with_scope(&Scope::global(), |tx| tx.announce(CHANGED));
}

/// Tells that the transaction changes what access keys stand for.
pub(crate) fn announce_keys(tx: &mut Tx<'_>) {
    tx.with_scope(&Scope::global(), |tx| tx.announce(KEYS_CHANGED));
}

/// The directory of a region.
pub fn directory(cloud: Cloud) -> Arc<dyn Directory> {
    authorization_message::ensure_key(&cloud);
    let store = cloud.store();
    Arc::new(StoredDirectory {
        credentials: Mutex::new(Known::until(store.watch(&Scope::global(), KEYS_CHANGED))),
        roles: Mutex::new(Known::until(store.watch(&Scope::global(), CHANGED))),
        policies: Mutex::default(),
        last_uses: LastUses::new(cloud.clone()),
        iam: Iam::new(cloud),
    })
}

/// A user's or role's name and id: a name that was given to somebody else is not theirs.
type Owner = (Kind, Arc<str>, Arc<str>);

struct StoredDirectory {
    iam: Iam,
    credentials: Mutex<Known<String, Credential>>,
    policies: Mutex<HashMap<AccountId, Known<Owner, PrincipalPolicies>>>,
    roles: Mutex<Known<String, TrustedRole>>,
    last_uses: LastUses,
}

/// Answers that hold until the next change.
struct Known<K, V> {
    watch: Watch,
    /// Counts changes, so that an answer found before one is not remembered after it.
    changes: u64,
    answers: HashMap<K, Arc<V>>,
}

impl<K: Hash + Eq, V> Known<K, V> {
    fn until(watch: Watch) -> Self {
        Self { watch, changes: 0, answers: HashMap::new() }
    }

    fn heed_changes(&mut self) {
        if self.watch.take_change() {
            self.changes += 1;
            self.answers.clear();
        }
    }

    fn answer(&mut self, key: &K) -> Option<Arc<V>> {
        self.heed_changes();
        self.answers.get(key).cloned()
    }

    /// Remembers what was found when there had been as many changes as `found_at`.
    fn remember(&mut self, key: K, answer: &Arc<V>, found_at: u64) {
        self.heed_changes();
        if self.changes != found_at {
            return;
        }
        if self.answers.len() >= KEPT {
            self.answers.clear();
        }
        self.answers.insert(key, Arc::clone(answer));
    }
}

fn locked<T>(known: &Mutex<T>) -> MutexGuard<'_, T> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is remembered under `key`, or found and remembered then.
fn recall<K: Hash + Eq, V>(
    known: &Mutex<Known<K, V>>,
    key: K,
    find: impl FnOnce(&K) -> Result<Option<V>, ApiError>,
) -> Result<Option<Arc<V>>, ApiError> {
    let found_at = {
        let mut known = locked(known);
        if let Some(answer) = known.answer(&key) {
            return Ok(Some(answer));
        }
        known.changes
    };
    let Some(found) = find(&key)?.map(Arc::new) else { return Ok(None) };
    locked(known).remember(key, &found, found_at);
    Ok(Some(found))
}

impl StoredDirectory {
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

    fn known_policies(&self, account: AccountId, owner: &Owner) -> Result<Arc<PrincipalPolicies>, ApiError> {
        let found_at = {
            let mut accounts = locked(&self.policies);
            if accounts.len() >= KEPT_ACCOUNTS && !accounts.contains_key(&account) {
                accounts.clear();
            }
            let watch = || self.iam.cloud.store().watch(&account_scope(account), CHANGED);
            let known = accounts.entry(account).or_insert_with(|| Known::until(watch()));
            if let Some(answer) = known.answer(owner) {
                return Ok(answer);
            }
            known.changes
        };
        let found = Arc::new(self.stored_policies(account, owner)?);
        if let Some(known) = locked(&self.policies).get_mut(&account) {
            known.remember(owner.clone(), &found, found_at);
        }
        Ok(found)
    }

    fn stored_policies(&self, account: AccountId, owner: &Owner) -> Result<PrincipalPolicies, ApiError> {
        let (kind, name, id) = owner;
        let mut rows = self.iam.cloud.store().read(&account_scope(account))?;
        let is_theirs = kind.facts(&mut rows, name)?.is_some_and(|facts| facts.id == **id);
        if is_theirs || id.is_empty() {
            return policies_of_owner(&mut rows, account, *kind, name);
        }
        // A session that began under another name of its user.
        let place = IDS.find(&mut rows, &id.to_string())?;
        match place.as_ref().and_then(|place| Kind::of_place(&place.0)) {
            Some((kind, name)) => policies_of_owner(&mut rows, account, kind, name),
            None => Ok(PrincipalPolicies::default()),
        }
    }
}

impl Directory for StoredDirectory {
    fn credential(&self, access_key_id: &str) -> Result<Option<Arc<Credential>>, ApiError> {
        // Nobody is given a key of another form, so developers' keys such as `test` cost no look-up.
        if access_key_id.len() < 16 {
            return Ok(None);
        }
        recall(&self.credentials, access_key_id.to_owned(), |id| self.stored_credential(id))
    }

    fn policies_of(&self, principal: &Principal) -> Result<Arc<PrincipalPolicies>, ApiError> {
        let (account, owner) = match principal {
            Principal::User { account, name, id, .. } => {
                (account, (Kind::User, Arc::clone(name), Arc::clone(id)))
            }
            Principal::AssumedRole { account, role, role_id, .. } => {
                (account, (Kind::Role, Arc::clone(role), Arc::clone(role_id)))
            }
            // A root may let others do whatever it may itself, which is everything.
            Principal::FederatedUser { account, user, .. } if **user == *account.root_arn() => {
                return Ok(managed_policy::everything());
            }
            Principal::FederatedUser { account, user, .. } => {
                let name = user.rsplit('/').next().unwrap_or_default();
                (account, (Kind::User, name.into(), "".into()))
            }
            _ => return Ok(Arc::default()),
        };
        self.known_policies(*account, &owner)
    }

    fn assume_role(&self, ctx: &Ctx, role_arn: &str, session_name: &str) -> Result<Actor, ApiError> {
        let find = |arn: &String| match parse_role_arn(arn) {
            Some(_) => self.iam.find_role(arn),
            None => Ok(None),
        };
        let role = recall(&self.roles, role_arn.to_owned(), find)?;
        let role = role.ok_or_else(|| crate::trust::refused(ctx, role_arn))?;
        role.check(ctx, role_arn, &[])?;
        let (account, role) = (role.account, &role.role);
        Ok(Actor::of(Principal::assumed_role(account, &role.path, &role.name, &role.id, session_name)))
    }

    fn note_use(&self, ctx: &Ctx, service: &'static ServiceSchema) {
        self.last_uses.note(ctx, service);
    }

    fn sealed_denial(&self, account: AccountId, denial: &Denial<'_>) -> Result<Option<String>, ApiError> {
        authorization_message::seal(&self.iam.cloud, account, denial)
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
    if kind == Kind::User {
        for ((_, group), _) in MEMBERSHIPS.list(rows, &Range::prefix(&name.to_owned()), usize::MAX)? {
            add_policies(&mut policies, rows, account, Kind::Group, &group)?;
        }
    }
    let Some(facts) = kind.facts(rows, name)? else { return Ok(policies) };
    policies.tags = facts.tags.into_iter().collect();
    if let Some(arn) = facts.boundary {
        // A boundary whose policy is gone allows nothing.
        let named = managed_policy::named(rows, account, &arn)?;
        policies.boundary = Some(named.map_or_else(|| nothing(&arn), Ok)?);
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
        policies.identity.extend(managed_policy::named(rows, account, &arn)?);
    }
    Ok(())
}

/// A policy that allows nothing.
fn nothing(name: &str) -> Result<Arc<NamedPolicy>, ApiError> {
    let document = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;
    stored_policy(name, document)
}

/// A document that was checked when it was stored.
pub(crate) fn stored_policy(name: &str, document: &str) -> Result<Arc<NamedPolicy>, ApiError> {
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
