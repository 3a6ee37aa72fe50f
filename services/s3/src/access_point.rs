//! Access points: further names of a bucket, each with a policy of its own (S3 User Guide, "Managing access to shared
//! datasets with access points").

use identity::AccountId;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Range, Reader};

use crate::{errors, tables};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccessPoint {
    pub name: String,
    pub account: AccountId,
    pub region: String,
    pub bucket: String,
    /// A bucket of the same name made later does not have it.
    pub bucket_id: u64,
    pub alias: String,
    pub created: Timestamp,
    pub block: Block,
    pub policy: Option<String>,
}

store::row!(AccessPoint, 1);

/// Block Public Access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Block {
    pub public_acls: bool,
    pub ignores_acls: bool,
    pub public_policy: bool,
    pub restricts: bool,
}

store::row!(Block, 1);

/// The key of an access point's row: account, name, region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place(pub u64, pub String, pub String);

store::row!(Place, 1);

impl AccessPoint {
    pub(crate) fn arn(&self) -> String {
        arn(&self.region, self.account, &self.name)
    }

    pub(crate) fn place(&self) -> (u64, String, String) {
        (self.account.number(), self.name.clone(), self.region.clone())
    }
}

pub(crate) fn arn(region: &str, account: AccountId, name: &str) -> String {
    format!("arn:aws:s3:{region}:{account}:accesspoint/{name}")
}

/// S3 User Guide, "Access points naming rules, restrictions, and limitations".
pub(crate) fn check_name(name: &str) -> Result<(), ApiError> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_name = (3..=50).contains(&name.len())
        && name.bytes().all(|byte| is_plain(byte) || byte == b'-')
        && name.bytes().next().is_some_and(is_plain)
        && !name.ends_with('-')
        && !name.ends_with("-s3alias");
    match is_name {
        true => Ok(()),
        false => Err(errors::invalid_request("Your Amazon S3 AccessPoint name is invalid")),
    }
}

/// The access point that stands where a request has its bucket: by ARN, by alias, or as `name-account` of a host name.
pub(crate) fn find(reader: &mut dyn Reader, named: &str) -> Result<Option<AccessPoint>, ApiError> {
    if named.starts_with("arn:") {
        let Some(parts) = identity::arn::split(named) else { return Ok(None) };
        let name =
            parts.resource.strip_prefix("accesspoint/").or(parts.resource.strip_prefix("accesspoint:"));
        let (Some(account), Some(name)) = (parts.account_id(), name) else { return Ok(None) };
        let place = (account.number(), name.to_owned(), parts.region.to_owned());
        return Ok(tables::ACCESS_POINTS.find(reader, &place)?);
    }
    if named.ends_with("-s3alias") {
        let Some(Place(account, name, region)) = tables::ALIASES.find(reader, &named.to_owned())? else {
            return Ok(None);
        };
        return Ok(tables::ACCESS_POINTS.find(reader, &(account, name, region))?);
    }
    let Some((name, account)) = named.rsplit_once('-') else { return Ok(None) };
    let Ok(account) = account.parse::<AccountId>() else { return Ok(None) };
    let range = Range::prefix(&(account.number(), name.to_owned()));
    Ok(tables::ACCESS_POINTS.list(reader, &range, 1)?.pop().map(|(_, found)| found))
}

/// What of a bucket goes through an access point (S3 User Guide, "Access point compatibility with S3 operations").
pub(crate) fn is_for(action: &str) -> bool {
    matches!(
        action,
        "s3:ListBucket"
            | "s3:ListBucketVersions"
            | "s3:ListBucketMultipartUploads"
            | "s3:GetBucketLocation"
            | "s3:GetBucketAcl"
            | "s3:GetBucketCORS"
            | "s3:GetBucketNotification"
            | "s3:GetBucketPolicy"
    )
}
