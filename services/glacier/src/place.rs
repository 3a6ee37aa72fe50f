//! Where a vault is: account, region, name.

use cloud::Ctx;
use identity::{AccountId, Region};
use shapes::ApiError;
use store::Scope;

use crate::errors;

/// Names a vault. Its name is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub account: AccountId,
    pub region: Region,
    pub vault: String,
}

impl Place {
    /// The vault that a request's path names. `-` is the caller's own account.
    pub(crate) fn of(ctx: &Ctx, account: &str, vault: &str) -> Result<Self, ApiError> {
        let is_name = (1..=255).contains(&vault.len())
            && vault.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if !is_name {
            return Err(errors::invalid(format!("Invalid vaultName: {vault}")));
        }
        let account = account_of(ctx, account)?;
        Ok(Self { account, region: ctx.region(), vault: vault.to_owned() })
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:glacier:{}:{}:vaults/{}", self.region, self.account, self.vault)
    }

    /// The path of something in the vault, for `Location`.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/{}/vaults/{}{rest}", self.account, self.vault)
    }

    pub(crate) fn scope(&self) -> Scope {
        cloud::tenant(self.account, self.region)
    }
}

/// The account that a request's path names.
pub(crate) fn account_of(ctx: &Ctx, named: &str) -> Result<AccountId, ApiError> {
    if named == "-" {
        return Ok(ctx.account());
    }
    AccountId::parse(named).ok_or_else(|| errors::invalid(format!("Invalid accountId: {named}")))
}
