//! Access control lists: who owns a bucket or object and whom else it is granted to (S3 User Guide, "Access control
//! list (ACL) overview").
//!
//! Lists are decided by the policy engine: what they grant is told as a policy beside the bucket's own (see
//! [`Acl::statements`]).

use identity::AccountId;
use s3_api::{AccessControlPolicy, Grant as ApiGrant, Grantee as ApiGrantee, Owner};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shapes::{ApiError, Struct};

use crate::errors;
use crate::fields::Fields;

/// Beside the owner's full control.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Acl {
    pub grants: Vec<Grant>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub grantee: Grantee,
    pub permission: Permission,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Grantee {
    /// An account, by its canonical id.
    Canonical(String),
    Everybody,
    AnybodyWithAKey,
    LogDelivery,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Permission {
    FullControl,
    Write,
    WriteAcp,
    Read,
    ReadAcp,
}

const PERMISSIONS: [(Permission, &str, &str); 5] = [
    (Permission::FullControl, "FULL_CONTROL", "GrantFullControl"),
    (Permission::Write, "WRITE", "GrantWrite"),
    (Permission::WriteAcp, "WRITE_ACP", "GrantWriteACP"),
    (Permission::Read, "READ", "GrantRead"),
    (Permission::ReadAcp, "READ_ACP", "GrantReadACP"),
];

const GROUPS: &str = "http://acs.amazonaws.com/groups/";

impl Permission {
    fn name(self) -> &'static str {
        PERMISSIONS.iter().find(|(permission, ..)| *permission == self).map_or("READ", |(_, name, _)| name)
    }

    fn parse(name: &str) -> Result<Self, ApiError> {
        let found = PERMISSIONS.iter().find(|(_, known, _)| *known == name);
        found.map(|(permission, ..)| *permission).ok_or_else(errors::malformed_xml)
    }
}

impl Grantee {
    fn of_group(uri: &str) -> Result<Self, ApiError> {
        match uri.strip_prefix(GROUPS) {
            Some("global/AllUsers") => Ok(Self::Everybody),
            Some("global/AuthenticatedUsers") => Ok(Self::AnybodyWithAKey),
            Some("s3/LogDelivery") => Ok(Self::LogDelivery),
            _ => Err(errors::invalid_argument("uri", uri, "Invalid group uri")),
        }
    }

    fn of_id(id: &str) -> Result<Self, ApiError> {
        let is_id = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_id {
            return Err(errors::invalid_argument("CanonicalUser/ID", id, "Invalid id"));
        }
        Ok(Self::Canonical(id.to_owned()))
    }

    fn to_api(&self) -> ApiGrantee {
        let group = |name: &str| ApiGrantee {
            r#type: "Group".to_owned(),
            uri: Some(format!("{GROUPS}{name}")),
            ..Default::default()
        };
        match self {
            Self::Canonical(id) => {
                ApiGrantee { r#type: "CanonicalUser".to_owned(), id: Some(id.clone()), ..Default::default() }
            }
            Self::Everybody => group("global/AllUsers"),
            Self::AnybodyWithAKey => group("global/AuthenticatedUsers"),
            Self::LogDelivery => group("s3/LogDelivery"),
        }
    }
}

impl Acl {
    /// The list that a request asks for, in any of the three ways; `None` when it asks for none.
    pub(crate) fn read(
        input: &dyn Struct,
        policy: Option<&AccessControlPolicy>,
        (owner, bucket_owner): (AccountId, AccountId),
    ) -> Result<Option<Self>, ApiError> {
        let fields = Fields(input);
        let canned = fields.text("ACL").map(|name| Self::canned(name, owner, bucket_owner)).transpose()?;
        let headers = Self::of_headers(fields)?;
        let policy = policy.map(|policy| Self::of_policy(policy, owner)).transpose()?;
        if canned.is_some() && headers.is_some() {
            let message = "Specifying both Canned ACLs and Header Grants is not allowed";
            return Err(errors::invalid_request(message));
        }
        Ok(canned.or(headers).or(policy))
    }

    fn canned(name: &str, owner: AccountId, bucket_owner: AccountId) -> Result<Self, ApiError> {
        let grants: Vec<(Grantee, Permission)> = match name {
            "private" => vec![],
            "public-read" => vec![(Grantee::Everybody, Permission::Read)],
            "public-read-write" => {
                vec![(Grantee::Everybody, Permission::Read), (Grantee::Everybody, Permission::Write)]
            }
            "authenticated-read" => vec![(Grantee::AnybodyWithAKey, Permission::Read)],
            "log-delivery-write" => {
                vec![(Grantee::LogDelivery, Permission::Write), (Grantee::LogDelivery, Permission::ReadAcp)]
            }
            "bucket-owner-read" | "bucket-owner-full-control" | "aws-exec-read" => {
                let id = Grantee::Canonical(bucket_owner.canonical_user_id());
                match name {
                    _ if owner == bucket_owner => vec![],
                    "bucket-owner-full-control" => vec![(id, Permission::FullControl)],
                    "bucket-owner-read" => vec![(id, Permission::Read)],
                    _ => vec![],
                }
            }
            _ => return Err(errors::invalid_argument("x-amz-acl", name, "")),
        };
        let grants = grants.into_iter().map(|(grantee, permission)| Grant { grantee, permission }).collect();
        Ok(Self { grants })
    }

    /// `id="...", uri="..."` in headers.
    fn of_headers(fields: Fields<'_>) -> Result<Option<Self>, ApiError> {
        let mut acl = None;
        for (permission, _, member) in PERMISSIONS {
            let Some(text) = fields.text(member) else { continue };
            let acl: &mut Self = acl.get_or_insert_default();
            for part in text.split(',') {
                let (kind, value) = part.split_once('=').unwrap_or((part, ""));
                let value = value.trim().trim_matches('"');
                let grantee = match kind.trim().to_ascii_lowercase().as_str() {
                    "id" => Grantee::of_id(value)?,
                    "uri" => Grantee::of_group(value)?,
                    _ => {
                        let message = "Argument format not recognized";
                        return Err(errors::invalid_argument("x-amz-grant", text, message));
                    }
                };
                acl.grants.push(Grant { grantee, permission });
            }
        }
        Ok(acl)
    }

    fn of_policy(policy: &AccessControlPolicy, owner: AccountId) -> Result<Self, ApiError> {
        let owner_id = owner.canonical_user_id();
        let mut acl = Self::default();
        for grant in policy.grants.iter().flatten() {
            let grantee = grant.grantee.as_ref().ok_or_else(errors::malformed_xml)?;
            let permission = Permission::parse(grant.permission.as_deref().unwrap_or_default())?;
            let grantee = match (grantee.r#type.as_str(), &grantee.id, &grantee.uri) {
                ("CanonicalUser", Some(id), _) => Grantee::of_id(id)?,
                ("Group", _, Some(uri)) => Grantee::of_group(uri)?,
                _ => return Err(errors::malformed_xml()),
            };
            let is_owners = permission == Permission::FullControl
                && matches!(&grantee, Grantee::Canonical(id) if *id == owner_id);
            if !is_owners {
                acl.grants.push(Grant { grantee, permission });
            }
        }
        Ok(acl)
    }

    /// Everybody's, so that Block Public Access refuses or ignores it.
    pub(crate) fn is_public(&self) -> bool {
        self.grants.iter().any(|grant| matches!(grant.grantee, Grantee::Everybody | Grantee::AnybodyWithAKey))
    }

    /// The grants as the API tells them, the owner's first.
    pub(crate) fn to_api(&self, owner: AccountId) -> Vec<ApiGrant> {
        let own = Grant {
            grantee: Grantee::Canonical(owner.canonical_user_id()),
            permission: Permission::FullControl,
        };
        let grants = std::iter::once(&own).chain(&self.grants);
        grants
            .map(|grant| ApiGrant {
                grantee: Some(grant.grantee.to_api()),
                permission: Some(grant.permission.name().to_owned()),
            })
            .collect()
    }

    /// What the list of a bucket or an object grants, as statements of a policy on `arn`.
    pub(crate) fn statements(&self, arn: &str, is_bucket: bool) -> Vec<Value> {
        let allow = |grant: &Grant| {
            let actions: &[&str] = match (grant.permission, is_bucket) {
                (Permission::Read, true) => {
                    &["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"]
                }
                (Permission::Read, false) => &["s3:GetObject", "s3:GetObjectVersion"],
                (Permission::Write, true) => &["s3:PutObject", "s3:DeleteObject"],
                (Permission::Write, false) => return None,
                (Permission::ReadAcp, true) => &["s3:GetBucketAcl"],
                (Permission::ReadAcp, false) => &["s3:GetObjectAcl", "s3:GetObjectVersionAcl"],
                (Permission::WriteAcp, true) => &["s3:PutBucketAcl"],
                (Permission::WriteAcp, false) => &["s3:PutObjectAcl", "s3:PutObjectVersionAcl"],
                (Permission::FullControl, true) => &[
                    "s3:ListBucket",
                    "s3:ListBucketVersions",
                    "s3:ListBucketMultipartUploads",
                    "s3:PutObject",
                    "s3:DeleteObject",
                    "s3:GetBucketAcl",
                    "s3:PutBucketAcl",
                ],
                (Permission::FullControl, false) => &[
                    "s3:GetObject",
                    "s3:GetObjectVersion",
                    "s3:GetObjectAcl",
                    "s3:GetObjectVersionAcl",
                    "s3:PutObjectAcl",
                    "s3:PutObjectVersionAcl",
                ],
            };
            let principal = match &grant.grantee {
                Grantee::Canonical(id) => json!({ "CanonicalUser": id }),
                Grantee::Everybody => json!("*"),
                Grantee::AnybodyWithAKey => json!({ "AWS": "*" }),
                Grantee::LogDelivery => json!({ "Service": "logging.s3.amazonaws.com" }),
            };
            let resources =
                if is_bucket { vec![arn.to_owned(), format!("{arn}/*")] } else { vec![arn.to_owned()] };
            let mut statement = json!({ "Effect": "Allow", "Principal": principal, "Action": actions, "Resource": resources });
            if grant.grantee == Grantee::AnybodyWithAKey {
                statement["Condition"] = json!({ "StringNotEquals": { "aws:PrincipalType": "Anonymous" } });
            }
            Some(statement)
        };
        self.grants.iter().filter_map(allow).collect()
    }
}

pub(crate) fn owner(account: AccountId) -> Owner {
    Owner { id: Some(account.canonical_user_id()), ..Default::default() }
}
