//! Grants: permission to use one key for some operations, beside its policy (Developer Guide, "Grants in AWS KMS").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use identity::{AccountId, Principal};
use kms_api::{GrantConstraints, GrantListEntry};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shapes::{Map, Timestamp};

/// A grant, as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub id: String,
    pub name: Option<String>,
    pub created: Timestamp,
    pub grantee: String,
    pub retiring: Option<String>,
    /// The account that made it.
    pub issuer: AccountId,
    pub operations: Vec<String>,
    pub constraint: Constraint,
    /// What the grant's token proves itself with.
    pub proof: String,
}

store::row!(Grant, 1);

/// The encryption contexts that a grant is limited to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Constraint {
    pub equals: Option<Map<String>>,
    pub subset: Option<Map<String>>,
}

/// Operations that have an encryption context, which constraints limit.
const WITH_CONTEXT: &[&str] = &[
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
];

impl Constraint {
    pub(crate) fn is_empty(&self) -> bool {
        self.equals.is_none() && self.subset.is_none()
    }

    fn admits(&self, operation: &str, context: Option<&Map<String>>) -> bool {
        if !WITH_CONTEXT.contains(&operation) {
            return true;
        }
        let none = Map::new();
        let context = context.unwrap_or(&none);
        let contains = |all: &Map<String>| all.iter().all(|(name, value)| context.get(name) == Some(value));
        self.equals.as_ref().is_none_or(|equals| equals == context)
            && self.subset.as_ref().is_none_or(contains)
    }
}

impl Grant {
    /// Whether it lets `principal` do `operation`, as grants name it.
    pub(crate) fn allows(
        &self,
        principal: &Principal,
        operation: &str,
        context: Option<&Map<String>>,
    ) -> bool {
        self.operations.iter().any(|name| name == operation)
            && is_named(&self.grantee, principal)
            && self.constraint.admits(operation, context)
    }

    /// Whether `principal` may retire it: the retiring principal, the account that made it, and the grantee if the
    /// grant says so.
    pub(crate) fn may_be_retired_by(&self, principal: &Principal) -> bool {
        let is_issuer = matches!(principal, Principal::Root { account } if *account == self.issuer);
        let is_retiring = self.retiring.as_deref().is_some_and(|retiring| is_named(retiring, principal));
        is_issuer || is_retiring || self.allows(principal, "RetireGrant", None)
    }

    /// The statement of a resource policy that says the same of `action`.
    pub(crate) fn statement(&self, action: &str) -> Value {
        let kind = if self.grantee.ends_with(".amazonaws.com") { "Service" } else { "AWS" };
        let name = without_region(&self.grantee);
        json!({ "Effect": "Allow", "Principal": { kind: name }, "Action": action, "Resource": "*" })
    }

    pub(crate) fn entry(&self, key_arn: &str) -> GrantListEntry {
        let constraints = GrantConstraints {
            encryption_context_equals: self.constraint.equals.clone(),
            encryption_context_subset: self.constraint.subset.clone(),
        };
        GrantListEntry {
            key_id: Some(key_arn.to_owned()),
            grant_id: Some(self.id.clone()),
            name: Some(self.name.clone().unwrap_or_default()),
            creation_date: Some(self.created),
            grantee_principal: Some(self.grantee.clone()),
            retiring_principal: self.retiring.clone(),
            issuing_account: Some(self.issuer.root_arn()),
            operations: Some(self.operations.clone()),
            constraints: (!self.constraint.is_empty()).then_some(constraints),
        }
    }

    pub(crate) fn token(&self, account: AccountId, key_id: &str) -> String {
        STANDARD.encode(format!("{account}/{key_id}/{}/{}", self.id, self.proof))
    }
}

/// A grant token, read.
pub(crate) struct Token {
    pub account: AccountId,
    pub key_id: String,
    pub grant_id: String,
    pub proof: String,
}

impl Token {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
        let mut parts = text.split('/').map(str::to_owned);
        let account = AccountId::parse(&parts.next()?)?;
        Some(Self { account, key_id: parts.next()?, grant_id: parts.next()?, proof: parts.next()? })
    }
}

/// Whether an entry of a grant, an ARN or a service, stands for `principal`.
fn is_named(entry: &str, principal: &Principal) -> bool {
    match principal {
        Principal::Service { name } => without_region(entry) == **name,
        _ => principal.arn() == entry || principal.identity_arn() == entry,
    }
}

/// `dynamodb.us-east-1.amazonaws.com` is `dynamodb.amazonaws.com` in its region.
fn without_region(service: &str) -> String {
    match service.strip_suffix(".amazonaws.com").and_then(|name| name.split_once('.')) {
        Some((name, _)) => format!("{name}.amazonaws.com"),
        None => service.to_owned(),
    }
}
