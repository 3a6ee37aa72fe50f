//! Everything API Gateway stores.

use serde::{Deserialize, Serialize};
use store::Table;

use crate::api::{Deployment, RestApi};

/// APIs of an account and region by id.
pub(crate) const APIS: Table<String, RestApi> = Table::new("apigateway/api");
/// Deployments by API and id.
pub(crate) const DEPLOYMENTS: Table<(String, String), Deployment> = Table::new("apigateway/deployment");
/// Whose an API is: its URL names neither account nor region.
pub(crate) const OWNERS: Table<String, Owner> = Table::new("apigateway/owner");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub account: identity::AccountId,
    pub region: String,
}

store::row!(Owner, 1);
