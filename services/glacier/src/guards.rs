//! What callers must be allowed to do: what their own policies say, the vault's access policy, and its lock.

use std::sync::Arc;

use cloud::{Ctx, Guard};
use identity::policy::NamedPolicy;
use serde_json::{Value, json};
use shapes::{ApiError, Timestamp};

use crate::place::{self, Place};
use crate::vault::Vault;
use crate::{Glacier, errors, tables, vault};

const DAY_SECONDS: u64 = 24 * 3600;

impl Glacier {
    /// The guard of an operation on a vault, whether it is there or not.
    pub(crate) fn vault_guard(&self, ctx: &Ctx, account: &str, name: &str) -> Result<Guard, ApiError> {
        let place = Place::of(ctx, account, name)?;
        let found = tables::VAULTS.find(&mut ctx.store().read(&place.scope())?, &place.vault)?;
        self.guard_of(&place, found.as_ref(), ctx.now())
    }

    /// As [`Self::vault_guard`]; policies may ask for the archive's age.
    pub(crate) fn archive_guard(
        &self,
        ctx: &Ctx,
        (account, name): (&str, &str),
        archive: &str,
    ) -> Result<Guard, ApiError> {
        let place = Place::of(ctx, account, name)?;
        let mut reader = ctx.store().read(&place.scope())?;
        let found = tables::VAULTS.find(&mut reader, &place.vault)?;
        let guard = self.guard_of(&place, found.as_ref(), ctx.now())?;
        Ok(match vault::find_archive(&mut reader, &place, archive)? {
            Some(archive) => {
                let days = ctx.now().since(archive.created).as_secs() / DAY_SECONDS;
                guard.with("glacier:ArchiveAgeInDays", vec![days.to_string()])
            }
            None => guard,
        })
    }

    /// The guard of an operation on an account's vaults or policies.
    pub(crate) fn account_guard(&self, ctx: &Ctx, account: &str, resource: &str) -> Result<Guard, ApiError> {
        let account = place::account_of(ctx, account)?;
        let arn = format!("arn:aws:glacier:{}:{account}:{resource}", ctx.region());
        Ok(Guard::resource(arn).owned_by(account))
    }

    fn guard_of(&self, place: &Place, vault: Option<&Vault>, now: Timestamp) -> Result<Guard, ApiError> {
        let mut guard = Guard::resource(place.arn()).owned_by(place.account);
        let Some(vault) = vault else { return Ok(guard) };
        for (key, value) in &vault.tags {
            guard = guard.with(&format!("glacier:ResourceTag/{key}"), vec![value.clone()]);
            guard = guard.with(&format!("aws:ResourceTag/{key}"), vec![value.clone()]);
        }
        Ok(guard.policy(self.policy_of(vault, now)?))
    }

    /// The vault's access policy and its lock's as one: both are asked, and what either denies is denied.
    fn policy_of(&self, vault: &Vault, now: Timestamp) -> Result<Option<Arc<NamedPolicy>>, ApiError> {
        let lock = vault.lock_at(now).map(|lock| &lock.policy);
        let text = match (&vault.policy, lock) {
            (None, None) => return Ok(None),
            (Some(only), None) | (None, Some(only)) => only.clone(),
            (Some(access), Some(lock)) => {
                let statements: Vec<Value> =
                    [access, lock].into_iter().flat_map(|text| statements(text)).collect();
                json!({"Version": "2012-10-17", "Statement": statements}).to_string()
            }
        };
        self.policies.resource_policy(&text).map(Some)
    }
}

fn statements(text: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    }
}

/// A policy's text, if it is one. They have up to 20 KB.
pub(crate) fn policy(text: Option<String>) -> Result<String, ApiError> {
    let text = text.filter(|text| !text.is_empty()).ok_or_else(|| errors::missing("Policy"))?;
    if text.len() > 20 * 1024 {
        return Err(errors::invalid("The policy is larger than 20 KB"));
    }
    match NamedPolicy::parse("vault policy", &text, identity::policy::PolicyKind::Resource) {
        Ok(_) => Ok(text),
        Err(cause) => Err(errors::invalid(format!("Invalid policy: {cause}"))),
    }
}
