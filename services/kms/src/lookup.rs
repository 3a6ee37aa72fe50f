//! Finding keys and their materials, and the guard of what is done with them.

use std::sync::Arc;

use cloud::{Ctx, Guard, RootKey, tenant};
use identity::{AccountId, Region};
use shapes::{ApiError, Map};
use store::{Range, Reader, Scope, Tx};

use crate::key::{Key, Located, Manager};
use crate::key_id::{KeyId, Name};
use crate::material::{Cause, Material, Secret};
use crate::{Kms, aws_managed, errors, key, rotation, tables};

/// What is asked of a key, for grants and condition keys.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Use<'a> {
    /// The operation as grants name it; empty when no grant can allow it.
    pub operation: &'static str,
    pub context: Option<&'a Map<String>>,
    /// The alias by which the request names the key.
    pub alias: Option<&'a str>,
}

impl<'a> Use<'a> {
    pub(crate) fn of(operation: &'static str) -> Self {
        Self { operation, ..Self::default() }
    }

    pub(crate) fn with_context(operation: &'static str, context: Option<&'a Map<String>>) -> Self {
        Self { operation, context, alias: None }
    }
}

impl Kms {
    /// The key that a request names. An AWS managed key that nobody has used yet is answered as it will be, without
    /// material; see [`Self::made`].
    pub(crate) fn locate(&self, ctx: &Ctx, id: &KeyId) -> Result<Located, ApiError> {
        let mut reader = ctx.store().read(&id.scope(ctx))?;
        find(ctx, &mut reader, id)
    }

    /// As [`Self::locate`], by id or ARN alone.
    pub(crate) fn locate_by_id(&self, ctx: &Ctx, text: &str) -> Result<Located, ApiError> {
        self.locate(ctx, &KeyId::parse_id(ctx, text)?)
    }

    /// The key that a request names; an AWS managed key that is not there yet is made.
    pub(crate) async fn made(&self, ctx: &Ctx, text: &str) -> Result<Located, ApiError> {
        let id = KeyId::parse(ctx, text)?;
        let found = self.locate(ctx, &id)?;
        if found.key.material.is_some() || found.key.manager == Manager::Customer {
            return Ok(found);
        }
        let root = self.cloud.root_key().await?;
        let key = (*found.key).clone();
        let secret = Secret::generate(ctx.ids(), key.spec)?;
        let (material_id, material) =
            Material::seal(&root, ctx, &key.id, &secret, (key.created, Cause::Creation))?;
        let (owned, account, region) = (ctx.clone(), found.account, found.region);
        ctx.store()
            .write(&id.scope(ctx), move |tx| {
                if let Some(key) = tables::KEYS.find(tx, &key.id)? {
                    return Ok(Located { account, region, key: Arc::new(key) });
                }
                let mut key = key.clone();
                key.material = Some(material_id.clone());
                tables::MATERIALS.put(tx, &(key.id.clone(), material_id.clone()), &material);
                rotation::schedule(&owned, tx, (account, region), &mut key, rotation::YEAR_DAYS);
                let now = owned.now();
                let alias = tables::Alias { key_id: key.id.clone(), created: now, updated: now };
                for name in &key.aliases {
                    tables::ALIASES.put(tx, name, &alias);
                }
                tables::KEYS.put(tx, &key.id, &key);
                Ok::<_, ApiError>(Located { account, region, key: Arc::new(key) })
            })
            .await
    }

    /// The guard of an operation on a key: its ARN, its policy with the grants that apply, and the condition keys.
    pub(crate) fn guard_of(&self, ctx: &Ctx, located: &Located, what: Use<'_>) -> Result<Guard, ApiError> {
        let policy = match self.grant_for(ctx, located, what)? {
            None => self.policies.resource_policy(&located.key.policy)?,
            Some(statement) => {
                let mut policy: serde_json::Value =
                    serde_json::from_str(&located.key.policy).map_err(ApiError::internal)?;
                let statements = &mut policy["Statement"];
                if let serde_json::Value::Object(_) = statements {
                    *statements = serde_json::Value::Array(vec![statements.take()]);
                }
                if let Some(statements) = statements.as_array_mut() {
                    statements.push(statement);
                }
                self.policies.resource_policy(&policy.to_string())?
            }
        };
        let mut guard = Guard::resource(located.arn()).policy(Some(policy));
        guard.resource_must_allow = true;
        guard.context = located.key.condition_keys(located.region);
        guard.context.extend(caller_keys(ctx));
        if let Some(alias) = what.alias {
            guard = guard.with("kms:requestalias", vec![alias.to_owned()]);
        }
        if let Some(context) = what.context.filter(|context| !context.is_empty()) {
            guard = guard.with("kms:encryptioncontextkeys", context.keys().cloned().collect());
            for (name, value) in context {
                guard = guard.with(&format!("kms:encryptioncontext:{name}"), vec![value.clone()]);
            }
        }
        Ok(guard)
    }

    /// The guard of an operation on a key that is named in any way.
    pub(crate) fn named_guard(&self, ctx: &Ctx, text: &str, what: Use<'_>) -> Result<Guard, ApiError> {
        let id = KeyId::parse(ctx, text)?;
        self.guard_of(ctx, &self.locate(ctx, &id)?, Use { alias: id.alias(), ..what })
    }

    /// The guard of an operation on a key that is named by its id or ARN.
    pub(crate) fn id_guard(&self, ctx: &Ctx, text: &str) -> Result<Guard, ApiError> {
        self.guard_of(ctx, &self.locate_by_id(ctx, text)?, Use::default())
    }

    /// A policy statement of the grant that lets the caller do this, if there is one.
    fn grant_for(
        &self,
        ctx: &Ctx,
        located: &Located,
        what: Use<'_>,
    ) -> Result<Option<serde_json::Value>, ApiError> {
        if what.operation.is_empty() {
            return Ok(None);
        }
        let mut reader = ctx.store().read(&tenant(located.account, located.region))?;
        let mut found = None;
        let range = Range::prefix(&located.key.id);
        tables::GRANTS.visit(&mut reader, &range, store::Order::Ascending, |_, grant| {
            if grant.allows(ctx.principal(), what.operation, what.context) {
                found = Some(grant.statement(&format!("kms:{}", what.operation)));
                return std::ops::ControlFlow::Break(());
            }
            std::ops::ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    /// The material that encrypts now, with its id.
    pub(crate) fn current_material(
        &self,
        ctx: &Ctx,
        located: &Located,
    ) -> Result<(String, Secret), ApiError> {
        let id = located.key.material.clone();
        let id = id.ok_or_else(|| errors::invalid_state(&located.arn(), located.key.state()))?;
        let mut reader = ctx.store().read(&tenant(located.account, located.region))?;
        let material = tables::MATERIALS.find(&mut reader, &(located.key.id.clone(), id.clone()))?;
        let opened =
            material.map(|material| material.open(&self.root()?, &located.key.id, &id)).transpose()?;
        let missing = || ApiError::internal(format!("key {} has no material {id}", located.key.id));
        let secret = opened.flatten().ok_or_else(missing)?;
        Ok((id, secret))
    }

    /// The material whose id begins so, current or not, with its id; `None` when it is not there.
    pub(crate) fn material(
        &self,
        ctx: &Ctx,
        located: &Located,
        prefix: &str,
    ) -> Result<Option<(String, Secret)>, ApiError> {
        let mut reader = ctx.store().read(&tenant(located.account, located.region))?;
        let mut found = None;
        let range = Range::prefix(&located.key.id);
        tables::MATERIALS.visit(&mut reader, &range, store::Order::Ascending, |(_, id), material| {
            if id.starts_with(prefix) {
                found = Some((id, material));
                return std::ops::ControlFlow::Break(());
            }
            std::ops::ControlFlow::Continue(())
        })?;
        let Some((id, material)) = found else { return Ok(None) };
        let secret = material.open(&self.root()?, &located.key.id, &id)?;
        Ok(secret.map(|secret| (id, secret)))
    }

    /// The region's root key, which is there once a key is.
    fn root(&self) -> Result<RootKey, ApiError> {
        if let Some(root) = self.root.get() {
            return Ok(root.clone());
        }
        let found = RootKey::find(&mut self.cloud.store().read(&Scope::global())?)?;
        let root = found.ok_or_else(|| ApiError::internal("the region has no root key"))?;
        Ok(self.root.get_or_init(|| root).clone())
    }
}

/// The key that a request names, in the scope of its account.
pub(crate) fn find(ctx: &Ctx, reader: &mut dyn Reader, id: &KeyId) -> Result<Located, ApiError> {
    let (account, region) = (id.account, ctx.region());
    let missing = |error: ApiError| {
        let is_stranger = ctx.principal().account().is_some_and(|own| own != account);
        if is_stranger { errors::not_for_strangers() } else { error }
    };
    let key = match &id.name {
        Name::Id(key) => tables::KEYS.find(reader, key)?,
        Name::Alias(name) => match tables::ALIASES.find(reader, name)? {
            Some(alias) => tables::KEYS.find(reader, &alias.key_id)?,
            None => aws_managed::key(account, region, name, ctx.now()),
        },
    };
    let key = key.ok_or_else(|| {
        missing(match &id.name {
            Name::Id(key) => errors::no_such_key(&key::arn(account, region, key)),
            Name::Alias(name) => errors::no_such_alias(&key::alias_arn(account, region, name)),
        })
    })?;
    Ok(Located { account, region, key: Arc::new(key) })
}

/// Changes a stored key in a transaction on its account's state.
pub(crate) fn change<T>(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    id: &KeyId,
    change: impl FnOnce(&mut Tx<'_>, &Located, &mut Key) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    tx.with_scope(&id.scope(ctx), |tx| {
        let located = find(ctx, tx, id)?;
        let mut key = (*located.key).clone();
        let outcome = change(tx, &located, &mut key)?;
        if key != *located.key {
            tables::KEYS.put(tx, &key.id, &key);
        }
        Ok(outcome)
    })
}

/// What policies may ask about the caller of KMS.
fn caller_keys(ctx: &Ctx) -> Vec<(String, Vec<String>)> {
    let mut keys = Vec::new();
    if let Some(account) = ctx.principal().account() {
        keys.push(("kms:calleraccount".to_owned(), vec![account.to_string()]));
    }
    if let Some(service) = ctx.called_via().last() {
        keys.push(("kms:viaservice".to_owned(), vec![regional(service, ctx.region())]));
    }
    keys
}

/// `s3.amazonaws.com` as `kms:ViaService` names it.
fn regional(service: &str, region: Region) -> String {
    match service.strip_suffix(".amazonaws.com") {
        Some(name) => format!("{name}.{region}.amazonaws.com"),
        None => service.to_owned(),
    }
}

/// Where a job finds its key again.
pub(crate) fn stored(
    reader: &mut dyn Reader,
    (account, region): (AccountId, Region),
    id: &str,
) -> Result<Option<Located>, ApiError> {
    let key = tables::KEYS.find(reader, &id.to_owned())?;
    Ok(key.map(|key| Located { account, region, key: Arc::new(key) }))
}
