//! CreateAccountAlias, ListAccountAliases, DeleteAccountAlias, GetAccountSummary.

use std::collections::BTreeMap;

use cloud::Guard;
use iam_api::{GetAccountSummaryOutput, ListAccountAliasesOutput};
use store::{Range, Scope};

use super::form::{change, look};
use crate::errors;
use crate::names::{GROUP_NAMES, POLICY_NAMES, PROFILE_NAMES, ROLE_NAMES, USER_NAMES};
use crate::tables::{ALIASES, Document, MFA_DEVICES, OIDC_PROVIDERS, POLICY_VERSIONS, SAML_PROVIDERS};

/// An account has one alias, under this key.
const OWN: String = String::new();

change! { CreateAccountAlias(ctx, rows, input)
    guard Ok(Guard::any());
    {
        let alias = &input.account_alias;
        let account = ctx.account().to_string();
        let taken = rows.with_scope(&Scope::global(), |rows| ALIASES.find(rows, alias))?;
        if taken.is_some_and(|owner| owner.0 != account) {
            return Err(errors::already_there(format!("The account alias {alias} already exists.")));
        }
        let before = ALIASES.find(rows, &OWN)?;
        rows.with_scope(&Scope::global(), |rows| {
            if let Some(before) = before {
                ALIASES.delete(rows, &before.0);
            }
            ALIASES.put(rows, alias, &Document(account));
        });
        ALIASES.put(rows, &OWN, &Document(alias.clone()));
        Ok(Default::default())
    }
}

look! { ListAccountAliases(ctx, rows, _input)
    guard Ok(Guard::any());
    {
        let account_aliases = ALIASES.find(rows, &OWN)?.into_iter().map(|alias| alias.0).collect();
        Ok(ListAccountAliasesOutput { account_aliases, is_truncated: Some(false), marker: None })
    }
}

change! { DeleteAccountAlias(ctx, rows, input)
    guard Ok(Guard::any());
    {
        let alias = &input.account_alias;
        if ALIASES.find(rows, &OWN)?.is_none_or(|own| own.0 != *alias) {
            return Err(errors::no_such_entity(format!("The account alias {alias} does not exist.")));
        }
        ALIASES.delete(rows, &OWN);
        rows.with_scope(&Scope::global(), |rows| ALIASES.delete(rows, alias));
        Ok(Default::default())
    }
}

look! { GetAccountSummary(ctx, rows, _input)
    guard Ok(Guard::any());
    {
        let all = Range::all();
        let devices = MFA_DEVICES.list(rows, &all, usize::MAX)?;
        let in_use = devices.iter().filter(|(_, device)| device.owner.is_some()).count();
        let root = ctx.account().root_arn();
        let has_root_device = devices.iter().any(|(_, device)| device.owner.as_deref() == Some(root.as_str()));
        let providers = OIDC_PROVIDERS.list(rows, &all, usize::MAX)?.len()
            + SAML_PROVIDERS.list(rows, &all, usize::MAX)?.len();
        let counts = [
            ("Users", USER_NAMES.count(rows)?),
            ("UsersQuota", USER_NAMES.most()),
            ("Groups", GROUP_NAMES.count(rows)?),
            ("GroupsQuota", GROUP_NAMES.most()),
            ("Roles", ROLE_NAMES.count(rows)?),
            ("RolesQuota", ROLE_NAMES.most()),
            ("Policies", POLICY_NAMES.count(rows)?),
            ("PoliciesQuota", POLICY_NAMES.most()),
            ("PolicySizeQuota", 6144),
            ("PolicyVersionsInUse", POLICY_VERSIONS.list(rows, &all, usize::MAX)?.len() as u64),
            ("PolicyVersionsInUseQuota", 10_000),
            ("InstanceProfiles", PROFILE_NAMES.count(rows)?),
            ("InstanceProfilesQuota", PROFILE_NAMES.most()),
            ("Providers", providers as u64),
            ("ServerCertificates", 0),
            ("ServerCertificatesQuota", 20),
            ("AccessKeysPerUserQuota", 2),
            ("SigningCertificatesPerUserQuota", 2),
            ("AssumeRolePolicySizeQuota", 2048),
            ("UserPolicySizeQuota", 2048),
            ("GroupPolicySizeQuota", 5120),
            ("RolePolicySizeQuota", 10_240),
            ("GroupsPerUserQuota", 10),
            ("VersionsPerPolicyQuota", 5),
            ("AttachedPoliciesPerUserQuota", 10),
            ("AttachedPoliciesPerGroupQuota", 10),
            ("AttachedPoliciesPerRoleQuota", 10),
            ("GlobalEndpointTokenVersion", 1),
            ("AccountAccessKeysPresent", 0),
            ("AccountPasswordPresent", 0),
            ("AccountSigningCertificatesPresent", 0),
            ("AccountMFAEnabled", u64::from(has_root_device)),
            ("MFADevices", devices.len() as u64),
            ("MFADevicesInUse", in_use as u64),
        ];
        let count = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
        let summary: BTreeMap<_, _> = counts.into_iter().map(|(name, of)| (name.to_owned(), count(of))).collect();
        Ok(GetAccountSummaryOutput { summary_map: Some(summary.into_iter().collect()) })
    }
}
