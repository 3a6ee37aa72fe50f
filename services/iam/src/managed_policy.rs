//! Managed policies: the account's own, and those that AWS keeps for everybody.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

use cloud::PrincipalPolicies;
use identity::AccountId;
use identity::credentials::{IdKind, new_id};
use identity::policy::NamedPolicy;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shapes::{ApiError, Timestamp};
use store::{Range, Reader};

use crate::directory::stored_policy;
use crate::tables::{ATTACHED_TO, BOUNDED, POLICIES, POLICY_VERSIONS, Tags};
use crate::tags::tags_to_api;

/// A policy's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ManagedPolicy {
    pub name: String,
    pub id: String,
    pub path: String,
    pub description: Option<String>,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub default_version: u64,
    /// The number of the latest version, which is never given out again.
    pub last_version: u64,
    pub tags: Tags,
}

store::row!(ManagedPolicy, 1);

/// One version's document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PolicyVersion {
    pub document: String,
    pub created: Timestamp,
}

store::row!(PolicyVersion, 1);

impl ManagedPolicy {
    pub(crate) fn arn(&self, account: AccountId) -> String {
        format!("arn:aws:iam::{account}:policy{}{}", self.path, self.name)
    }

    pub(crate) fn to_api(
        &self,
        account: AccountId,
        rows: &mut dyn Reader,
    ) -> Result<iam_api::Policy, ApiError> {
        let arn = self.arn(account);
        let (attachments, boundaries) = usage(rows, &arn)?;
        Ok(iam_api::Policy {
            policy_name: Some(self.name.clone()),
            policy_id: Some(self.id.clone()),
            arn: Some(arn),
            path: Some(self.path.clone()),
            default_version_id: Some(version_id(self.default_version)),
            attachment_count: Some(attachments),
            permissions_boundary_usage_count: Some(boundaries),
            is_attachable: Some(true),
            description: self.description.clone(),
            create_date: Some(self.created),
            update_date: Some(self.updated),
            tags: tags_to_api(&self.tags),
        })
    }
}

/// How many have a policy attached, and how many are bounded by it.
pub(crate) fn usage(rows: &mut dyn Reader, arn: &str) -> Result<(i32, i32), ApiError> {
    let of_policy = Range::prefix(&arn.to_owned());
    let attached = ATTACHED_TO.list(rows, &of_policy, usize::MAX)?.len();
    let bounded = BOUNDED.list(rows, &of_policy, usize::MAX)?.len();
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    Ok((count(attached), count(bounded)))
}

pub(crate) fn version_id(number: u64) -> String {
    format!("v{number}")
}

/// The number of `v3`.
pub(crate) fn parse_version(id: &str) -> Option<u64> {
    id.strip_prefix('v')?.parse().ok()
}

/// The name of one of the account's own policies, from its ARN.
pub(crate) fn own_name(arn: &str, account: AccountId) -> Option<String> {
    let parts = identity::arn::split(arn)?;
    let name = parts.resource.strip_prefix("policy/")?.rsplit('/').next()?;
    (parts.account_id() == Some(account)).then(|| name.to_owned())
}

/// A policy of AWS's own.
#[derive(Debug, Deserialize)]
pub(crate) struct AwsPolicy {
    #[serde(default = "root_path")]
    pub path: String,
    pub document: Value,
    #[serde(skip)]
    parsed: OnceLock<Arc<NamedPolicy>>,
}

fn root_path() -> String {
    "/".to_owned()
}

/// Those that people use most, by name.
static AWS_POLICIES: LazyLock<BTreeMap<String, AwsPolicy>> = LazyLock::new(|| {
    // Part of the binary; a test reads each.
    serde_json::from_str(include_str!("aws_managed_policies.json")).unwrap_or_default()
});

impl AwsPolicy {
    pub(crate) fn all() -> &'static BTreeMap<String, Self> {
        &AWS_POLICIES
    }

    /// The policy of an ARN such as `arn:aws:iam::aws:policy/job-function/ViewOnlyAccess`.
    pub(crate) fn find(arn: &str) -> Option<(&'static str, &'static Self)> {
        let place = arn.strip_prefix("arn:aws:iam::aws:policy")?;
        let (name, policy) = AWS_POLICIES.get_key_value(place.rsplit('/').next()?)?;
        (place.strip_suffix(name.as_str()) == Some(&policy.path)).then_some((name.as_str(), policy))
    }

    pub(crate) fn arn(&self, name: &str) -> String {
        format!("arn:aws:iam::aws:policy{}{name}", self.path)
    }

    fn named(&self, name: &str) -> Result<Arc<NamedPolicy>, ApiError> {
        if let Some(parsed) = self.parsed.get() {
            return Ok(Arc::clone(parsed));
        }
        let parsed = stored_policy(&self.arn(name), &self.document.to_string())?;
        Ok(Arc::clone(self.parsed.get_or_init(|| parsed)))
    }

    pub(crate) fn to_api(&self, name: &str, rows: &mut dyn Reader) -> Result<iam_api::Policy, ApiError> {
        let (attachments, boundaries) = usage(rows, &self.arn(name))?;
        Ok(iam_api::Policy {
            policy_name: Some(name.to_owned()),
            policy_id: Some(self.id(name)),
            arn: Some(self.arn(name)),
            path: Some(self.path.clone()),
            default_version_id: Some("v1".to_owned()),
            attachment_count: Some(attachments),
            permissions_boundary_usage_count: Some(boundaries),
            is_attachable: Some(true),
            create_date: Some(Timestamp::from_seconds(FIRST_POLICIES)),
            update_date: Some(Timestamp::from_seconds(FIRST_POLICIES)),
            ..Default::default()
        })
    }

    /// An id of its own, which follows from the name.
    pub(crate) fn id(&self, name: &str) -> String {
        let (mut first, mut second) = (0xCBF2_9CE4_8422_2325_u64, 0x9E37_79B9_7F4A_7C15_u64);
        // Fowler, Noll and Vo's hash, twice.
        for byte in name.bytes() {
            first = (first ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
            second = (second ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        let mut random = [0; 10];
        random[..8].copy_from_slice(&first.to_le_bytes());
        random[8..].copy_from_slice(&second.to_le_bytes()[..2]);
        new_id(IdKind::ManagedPolicy, random)
    }
}

/// What a root may do, who has no policies: everything.
pub(crate) fn everything() -> Arc<PrincipalPolicies> {
    static EVERYTHING: LazyLock<Arc<PrincipalPolicies>> = LazyLock::new(|| {
        let administrator = AWS_POLICIES.get("AdministratorAccess");
        let policy = administrator.and_then(|policy| policy.named("AdministratorAccess").ok());
        Arc::new(PrincipalPolicies { identity: policy.into_iter().collect(), ..PrincipalPolicies::default() })
    });
    Arc::clone(&EVERYTHING)
}

/// 2015-02-06, when AWS brought the first of its managed policies out.
pub(crate) const FIRST_POLICIES: i64 = 1_423_180_800;

/// The policy `arn`, which is the account's or AWS's, ready to decide.
pub(crate) fn named(
    rows: &mut dyn Reader,
    account: AccountId,
    arn: &str,
) -> Result<Option<Arc<NamedPolicy>>, ApiError> {
    if let Some((name, policy)) = AwsPolicy::find(arn) {
        return policy.named(name).map(Some);
    }
    document(rows, account, arn)?.map(|document| stored_policy(arn, &document)).transpose()
}

/// The document in force of the policy `arn`, which is the account's or AWS's.
pub(crate) fn document(
    rows: &mut dyn Reader,
    account: AccountId,
    arn: &str,
) -> Result<Option<String>, ApiError> {
    if let Some((_, policy)) = AwsPolicy::find(arn) {
        return Ok(Some(policy.document.to_string()));
    }
    let Some(name) = own_name(arn, account) else { return Ok(None) };
    let Some(policy) = POLICIES.find(rows, &name)?.filter(|policy| policy.arn(account) == arn) else {
        return Ok(None);
    };
    let version = POLICY_VERSIONS.find(rows, &(name, policy.default_version))?;
    Ok(version.map(|version| version.document))
}

#[cfg(test)]
mod tests {
    use identity::policy::{Policy, PolicyKind};

    use super::AwsPolicy;

    #[test]
    fn the_policies_of_aws_are_policies() {
        assert!(AwsPolicy::all().len() >= 40, "{}", AwsPolicy::all().len());
        for (name, policy) in AwsPolicy::all() {
            let parsed = Policy::parse(&policy.document.to_string(), PolicyKind::Identity);
            assert!(parsed.is_ok(), "{name}: {:?}", parsed.err());
            assert_eq!(AwsPolicy::find(&policy.arn(name)).map(|(name, _)| name), Some(name.as_str()));
        }
        assert!(AwsPolicy::find("arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole").is_none());
    }
}
