//! API keys and usage plans.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shapes::Timestamp;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ApiKey {
    pub id: String,
    pub value: String,
    pub name: Option<String>,
    pub customer_id: Option<String>,
    pub description: Option<String>,
    pub enabled: bool,
    pub created_date: Timestamp,
    pub last_updated_date: Timestamp,
    /// `api/stage`, as clients wrote them before there were usage plans.
    pub stage_keys: Vec<String>,
    pub tags: BTreeMap<String, String>,
}

store::row!(ApiKey, 1);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct UsagePlan {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub api_stages: Vec<ApiStage>,
    pub throttle: Option<Throttle>,
    pub quota: Option<Quota>,
    pub product_code: Option<String>,
    pub tags: BTreeMap<String, String>,
}

store::row!(UsagePlan, 1);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ApiStage {
    pub api_id: String,
    pub stage: String,
    /// By `/path/METHOD`.
    pub throttle: BTreeMap<String, Throttle>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Throttle {
    pub burst_limit: i32,
    pub rate_limit: f64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Quota {
    pub limit: i32,
    pub offset: i32,
    /// `DAY`, `WEEK` or `MONTH`.
    pub period: String,
}

/// What a key used of a plan on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct UsageDay {
    pub used: i64,
    /// What was granted beyond the quota on this day.
    pub granted: i64,
}

store::row!(UsageDay, 1);
