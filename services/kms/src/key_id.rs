//! How requests name keys: by id, by the key's ARN, by an alias or by the alias's ARN.

use cloud::{Ctx, tenant};
use identity::{AccountId, arn};
use shapes::ApiError;
use store::Scope;

use crate::errors;

/// A key as a request names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyId {
    pub account: AccountId,
    pub name: Name,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Id(String),
    /// With its `alias/`.
    Alias(String),
}

impl KeyId {
    pub(crate) fn parse(ctx: &Ctx, text: &str) -> Result<Self, ApiError> {
        if !text.starts_with("arn:") {
            return Ok(Self { account: ctx.account(), name: Name::parse(text)? });
        }
        let parts = arn::split(text).filter(|parts| parts.service == "kms");
        let parts = parts.ok_or_else(|| errors::invalid_arn(text))?;
        if parts.region != ctx.region().as_str() {
            return Err(errors::other_region(parts.region));
        }
        let account = parts.account_id().ok_or_else(|| errors::invalid_arn(text))?;
        let name = match parts.resource.strip_prefix("key/") {
            Some(id) => Name::parse(id)?,
            None if parts.resource.starts_with("alias/") => Name::parse(parts.resource)?,
            None => return Err(errors::invalid_arn(text)),
        };
        Ok(Self { account, name })
    }

    /// For operations that take no aliases.
    pub(crate) fn parse_id(ctx: &Ctx, text: &str) -> Result<Self, ApiError> {
        let id = Self::parse(ctx, text)?;
        match id.name {
            Name::Id(_) => Ok(id),
            Name::Alias(_) => Err(errors::invalid_key_id(text)),
        }
    }

    pub(crate) fn scope(&self, ctx: &Ctx) -> Scope {
        tenant(self.account, ctx.region())
    }

    /// The alias by which it is named, for `kms:RequestAlias`.
    pub(crate) fn alias(&self) -> Option<&str> {
        match &self.name {
            Name::Alias(name) => Some(name),
            Name::Id(_) => None,
        }
    }
}

impl Name {
    fn parse(text: &str) -> Result<Self, ApiError> {
        if text.starts_with("alias/") {
            return Ok(Self::Alias(text.to_owned()));
        }
        if is_key_id(text) { Ok(Self::Id(text.to_owned())) } else { Err(errors::invalid_key_id(text)) }
    }
}

/// A UUID, or `mrk-` and 32 hexadecimal digits.
fn is_key_id(text: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match text.strip_prefix("mrk-") {
        Some(digits) => digits.len() == 32 && is_hex(digits),
        None => text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.split('-').all(is_hex),
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn ids_are_uuids_or_those_of_multi_region_keys() {
        let good = ["1234abcd-12ab-34cd-56ef-1234567890ab", "mrk-1234abcd12ab34cd56ef1234567890ab"];
        for id in good {
            assert_eq!(Name::parse(id).unwrap(), Name::Id(id.to_owned()));
        }
        assert_eq!(Name::parse("alias/aws/s3").unwrap(), Name::Alias("alias/aws/s3".to_owned()));
        for wrong in ["", "orders", "1234abcd-12ab-34cd-56ef-1234567890a", "mrk-12", "alias", "é-1-2-3-4"] {
            assert!(Name::parse(wrong).is_err(), "{wrong}");
        }
    }
}
