//! Everything API Gateway stores.

use serde::{Deserialize, Serialize};
use store::Table;

use crate::rows::{Account, ApiKey, Deployment, RestApi, UsageDay, UsagePlan};

/// APIs of an account and region by id.
pub(crate) const APIS: Table<String, RestApi> = Table::new("apigateway/api");
/// Deployments by API and id.
pub(crate) const DEPLOYMENTS: Table<(String, String), Deployment> = Table::new("apigateway/deployment");
/// Whose an API is: its URL names neither account nor region.
pub(crate) const OWNERS: Table<String, Owner> = Table::new("apigateway/owner");

/// API keys by id.
pub(crate) const KEYS: Table<String, ApiKey> = Table::new("apigateway/key");
/// Ids of API keys by their values.
pub(crate) const KEY_VALUES: Table<String, KeyId> = Table::new("apigateway/key-value");
/// Usage plans by id.
pub(crate) const PLANS: Table<String, UsagePlan> = Table::new("apigateway/plan");
/// The keys of plans: by plan and key.
pub(crate) const PLAN_KEYS: Table<(String, String), ()> = Table::new("apigateway/plan-key");
/// The plans of keys: by key and plan.
pub(crate) const KEY_PLANS: Table<(String, String), ()> = Table::new("apigateway/key-plan");
/// What keys used of plans: by plan, key and day since the epoch.
pub(crate) const USAGE: Table<(String, String, u64), UsageDay> = Table::new("apigateway/usage");

/// Settings of an account and region.
pub(crate) const ACCOUNTS: Table<(), Account> = Table::new("apigateway/account");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub account: identity::AccountId,
    pub region: String,
}

store::row!(Owner, 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeyId(pub String);

store::row!(KeyId, 1);
