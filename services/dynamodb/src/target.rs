//! Which table a request means: a name in the caller's own account and region, or an ARN.

use cloud::{Ctx, tenant};
use identity::{AccountId, Region, arn};
use shapes::ApiError;
use store::Scope;

use crate::errors::validation;
use crate::table::check_name;

/// A table as a request names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    pub name: String,
    pub account: AccountId,
    pub region: Region,
    pub scope: Scope,
}

impl Target {
    /// Reads a name or an ARN of a table; one of an index or a stream means its table.
    pub(crate) fn parse(ctx: &Ctx, given: &str) -> Result<Self, ApiError> {
        if !given.starts_with("arn:") {
            check_name(given, "TableName", "tableName").map_err(validation)?;
            return Ok(Self::own(ctx, given.to_owned()));
        }
        let read = || {
            let parts = arn::split(given)?;
            let name = parts.resource.strip_prefix("table/")?.split('/').next()?;
            let (account, region) = (parts.account_id()?, Region::parse(parts.region)?);
            Some(Self { name: name.to_owned(), account, region, scope: tenant(account, region) })
        };
        let target = read().ok_or_else(|| validation(format!("Invalid TableArn: {given}")))?;
        // Sharing the scope is cheaper than making another of the same bytes.
        if target.account == ctx.account() && target.region == ctx.region() {
            return Ok(Self::own(ctx, target.name));
        }
        Ok(target)
    }

    /// A table of the caller's own tenant.
    pub(crate) fn own(ctx: &Ctx, name: String) -> Self {
        Self { name, account: ctx.account(), region: ctx.region(), scope: ctx.scope().clone() }
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:dynamodb:{}:{}:table/{}", self.region.as_str(), self.account, self.name)
    }
}
