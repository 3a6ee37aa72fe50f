//! API Gateway's settings of an account.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Account {
    pub cloudwatch_role_arn: Option<String>,
}

store::row!(Account, 1);
