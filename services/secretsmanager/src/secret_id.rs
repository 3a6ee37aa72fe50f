//! How requests name secrets: by name, by ARN, or by an ARN without the six characters at its end.

use std::sync::Arc;

use cloud::{Ctx, Guard, tenant};
use identity::{AccountId, Region, arn};
use shapes::ApiError;
use store::{Reader, Scope, Tx};

use crate::secret::Secret;
use crate::{SecretsManager, errors, tables};

/// Characters of an ARN's end, and the hyphen before them.
const END: usize = 7;

/// A secret as a request names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretId {
    pub account: AccountId,
    pub region: Region,
    /// The name, with or without an ARN's end.
    name: String,
    is_arn: bool,
}

impl SecretId {
    pub(crate) fn parse(ctx: &Ctx, text: &str) -> Result<Self, ApiError> {
        if !text.starts_with("arn:") {
            let (account, region) = (ctx.account(), ctx.region());
            return Ok(Self { account, region, name: text.to_owned(), is_arn: false });
        }
        let invalid = || errors::invalid_parameter("Invalid ARN.");
        let parts = arn::split(text).filter(|parts| parts.service == "secretsmanager").ok_or_else(invalid)?;
        let name = parts.resource.strip_prefix("secret:").ok_or_else(invalid)?;
        let (account, region) = (parts.account_id().ok_or_else(invalid)?, Region::parse(parts.region));
        let region = region.ok_or_else(invalid)?;
        if region != ctx.region() {
            return Err(errors::not_found());
        }
        Ok(Self { account, region, name: name.to_owned(), is_arn: true })
    }

    pub(crate) fn scope(&self) -> Scope {
        tenant(self.account, self.region)
    }

    pub(crate) fn find(&self, reader: &mut dyn Reader) -> Result<Option<Secret>, ApiError> {
        if self.is_arn
            && let Some((name, end)) =
                self.name.len().checked_sub(END).and_then(|at| self.name.split_at_checked(at))
            && end.starts_with('-')
            && let Some(secret) = tables::SECRETS.find(reader, &name.to_owned())?
            && secret.arn.ends_with(end)
        {
            return Ok(Some(secret));
        }
        Ok(tables::SECRETS.find(reader, &self.name)?)
    }

    pub(crate) fn found(&self, reader: &mut dyn Reader) -> Result<Secret, ApiError> {
        self.find(reader)?.ok_or_else(errors::not_found)
    }

    /// Changes the stored secret in a transaction.
    pub(crate) fn change<T>(
        &self,
        tx: &mut Tx<'_>,
        change: impl FnOnce(&mut Tx<'_>, &mut Secret) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        tx.with_scope(&self.scope(), |tx| {
            let before = self.found(tx)?;
            let mut secret = before.clone();
            let outcome = change(tx, &mut secret)?;
            if secret != before {
                tables::SECRETS.put(tx, &secret.name, &secret);
            }
            Ok(outcome)
        })
    }
}

/// The ARN of a new secret.
pub(crate) fn new_arn(ctx: &Ctx, name: &str) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let (region, account) = (ctx.region(), ctx.account());
    format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-{}", ctx.ids().text(letters, END - 1))
}

impl SecretsManager {
    pub(crate) fn secret(&self, id: &SecretId) -> Result<Secret, ApiError> {
        id.found(&mut self.cloud.store().read(&id.scope())?)
    }

    /// The guard of an operation on a secret: its ARN, its policy and its tags. One that is not there has the ARN that
    /// policies for it would name.
    pub(crate) fn guard_of(&self, ctx: &Ctx, text: &str) -> Result<Guard, ApiError> {
        let id = SecretId::parse(ctx, text)?;
        let Some(secret) = id.find(&mut self.cloud.store().read(&id.scope())?)? else {
            let (region, account, name) = (id.region, id.account, &id.name);
            return Ok(Guard::resource(format!(
                "arn:aws:secretsmanager:{region}:{account}:secret:{name}-??????"
            )));
        };
        let policy = secret.policy.as_deref().map(|text| self.policies.resource_policy(text)).transpose()?;
        let mut guard = Guard::resource(secret.arn.clone())
            .policy(policy)
            .with("secretsmanager:secretid", vec![secret.arn.clone()]);
        for (name, value) in &secret.tags {
            guard = guard
                .with(&format!("secretsmanager:resourcetag/{name}"), vec![value.clone()])
                .with(&format!("aws:resourcetag/{name}"), vec![value.clone()]);
        }
        Ok(guard)
    }

    /// Changes a secret in a transaction of its own.
    pub(crate) async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        id: &SecretId,
        mut change: impl FnMut(&mut Tx<'_>, &mut Secret) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (own, scope) = (id.clone(), id.scope());
        self.cloud.store().write(&scope, move |tx| own.change(tx, &mut change)).await
    }
}
