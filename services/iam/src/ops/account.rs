//! CreateAccountAlias, ListAccountAliases, DeleteAccountAlias, GetAccountSummary.

use std::collections::BTreeMap;

use cloud::Guard;
use iam_api::{GetAccountSummaryOutput, ListAccountAliasesOutput};
use shapes::ApiError;
use store::{Range, Scope};

use super::form::{change, look};
use crate::errors;
use crate::tables::{
    ALIASES, Document, GROUPS, INSTANCE_PROFILES, OIDC_PROVIDERS, POLICIES, POLICY_VERSIONS, ROLES, USERS,
};

/// An account has one alias, under this key.
const OWN: String = String::new();

change! { CreateAccountAlias(ctx, rows, input)
    guard Ok(Guard::any());
    {
        let alias = &input.account_alias;
        let account = ctx.account().to_string();
        let taken = rows.with_scope(&Scope::global(), |rows| ALIASES.find(rows, alias))?;
        if taken.is_some_and(|owner| owner.0 != account) {
            let message = format!("The account alias {alias} already exists.");
            return Err(ApiError::with_status(409, "EntityAlreadyExists", message));
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
        let counts = [
            ("Users", USERS.list(rows, &all, usize::MAX)?.len()),
            ("UsersQuota", 5000),
            ("Groups", GROUPS.list(rows, &all, usize::MAX)?.len()),
            ("GroupsQuota", 300),
            ("Roles", ROLES.list(rows, &all, usize::MAX)?.len()),
            ("RolesQuota", 1000),
            ("Policies", POLICIES.list(rows, &all, usize::MAX)?.len()),
            ("PoliciesQuota", 1500),
            ("PolicyVersionsInUse", POLICY_VERSIONS.list(rows, &all, usize::MAX)?.len()),
            ("PolicyVersionsInUseQuota", 10_000),
            ("InstanceProfiles", INSTANCE_PROFILES.list(rows, &all, usize::MAX)?.len()),
            ("InstanceProfilesQuota", 1000),
            ("Providers", OIDC_PROVIDERS.list(rows, &all, usize::MAX)?.len()),
            ("AccessKeysPerUserQuota", 2),
            ("VersionsPerPolicyQuota", 5),
            ("AttachedPoliciesPerUserQuota", 10),
            ("AttachedPoliciesPerGroupQuota", 10),
            ("AttachedPoliciesPerRoleQuota", 10),
            ("AccountAccessKeysPresent", 0),
            ("AccountMFAEnabled", 0),
            ("MFADevices", 0),
            ("MFADevicesInUse", 0),
        ];
        let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        let summary: BTreeMap<_, _> = counts.into_iter().map(|(name, of)| (name.to_owned(), count(of))).collect();
        Ok(GetAccountSummaryOutput { summary_map: Some(summary.into_iter().collect()) })
    }
}
