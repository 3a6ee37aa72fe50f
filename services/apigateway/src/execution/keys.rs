//! API keys of clients, and what their usage plans let them do (Developer Guide, "Usage plans and API keys for REST
//! APIs").

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use cloud::{Cloud, tenant};
use shapes::{ApiError, Timestamp};
use store::{Range, Snapshot, Tx};

use super::deployed::{Deployed, Found};
use super::failures::Refusal;
use super::throttle::Buckets;
use crate::gateway_response::Cause;
use crate::quota::{day_of, period_of, remaining};
use crate::rows::{ApiKey, Quota, Throttle, UsageDay, UsagePlan};
use crate::tables::{KEY_PLANS, KEY_VALUES, KEYS, PLANS, USAGE};

/// A plan, a key and a day: what uses are counted by.
type Count = (String, String, u64);

/// Counts that are kept in memory.
const KEPT: usize = 100_000;

/// The uses of keys: their buckets, and how many there were on each day.
#[derive(Default)]
pub(crate) struct Uses {
    buckets: Buckets,
    counted: Mutex<HashMap<Count, i64>>,
}

impl Uses {
    /// Lets a request with a key pass, or says why not.
    pub(crate) fn admit(
        &self,
        cloud: &Cloud,
        value: Option<&str>,
        deployed: &Deployed,
        found: &Found,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let forbidden = || Refusal::new(Cause::InvalidApiKey, "Forbidden");
        let value = value.ok_or_else(forbidden)?;
        let scope = tenant(deployed.account, deployed.region);
        let mut snapshot = cloud.store().read(&scope).map_err(|_| Refusal::internal())?;
        let known = find(&mut snapshot, value, deployed).map_err(|_| Refusal::internal())?;
        let (key, plan) = known.ok_or_else(forbidden)?;
        self.throttle(&key, &plan, deployed, found, now)?;
        let Some(quota) = &plan.quota else { return Ok(()) };
        let day = day_of(now);
        let count = (plan.id, key.id, day);
        let used = self.use_once(&mut snapshot, &count, quota).map_err(|_| Refusal::internal())?;
        let used = used.ok_or_else(|| Refusal::new(Cause::QuotaExceeded, "Limit Exceeded"))?;
        self.save(cloud, deployed, count, used);
        Ok(())
    }

    /// Counts a use; how many there are on its day by now. Nothing when the quota is used up.
    fn use_once(
        &self,
        snapshot: &mut Snapshot,
        count: &Count,
        quota: &Quota,
    ) -> Result<Option<i64>, ApiError> {
        let (plan, key, day) = count;
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = USAGE.find(snapshot, count)?.unwrap_or_default();
        if counted.len() >= KEPT {
            // Days that are over, first of all.
            counted.retain(|(_, _, other), _| other >= day);
        }
        // What is stored lags behind what was counted here.
        let used = counted.get(count).copied().unwrap_or(0).max(stored.used);
        let left = remaining(snapshot, plan, key, quota, period_of(quota, *day))? + stored.used - used;
        if left <= 0 {
            return Ok(None);
        }
        counted.insert(count.clone(), used + 1);
        Ok(Some(used + 1))
    }

    fn throttle(
        &self,
        key: &ApiKey,
        plan: &UsagePlan,
        deployed: &Deployed,
        found: &Found,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let throttled = || Refusal::new(Cause::Throttled, "Too Many Requests");
        let take = |name: String, throttle: &Throttle| {
            let is_limited = throttle.rate_limit > 0.0 || throttle.burst_limit > 0;
            let passes = !is_limited
                || self.buckets.take(&name, throttle.rate_limit, throttle.burst_limit.max(1), now);
            if passes { Ok(()) } else { Err(throttled()) }
        };
        let method = format!("{}/{}", found.resource_path, found.verb);
        let stage = plan.api_stages.iter().find(|of| of.api_id == deployed.api && of.stage == deployed.stage);
        if let Some(throttle) = stage.and_then(|stage| stage.throttle.get(&method)) {
            take(format!("{}/{}/{}/{method}", plan.id, key.id, deployed.api), throttle)?;
        }
        plan.throttle.as_ref().map_or(Ok(()), |throttle| take(format!("{}/{}", plan.id, key.id), throttle))
    }

    /// Stores a count in the background: a request does not wait for what is only counted.
    fn save(&self, cloud: &Cloud, deployed: &Deployed, count: Count, used: i64) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let store = cloud.store().clone();
        let scope = tenant(deployed.account, deployed.region);
        runtime.spawn(async move {
            let written = store
                .write(&scope, move |tx: &mut Tx<'_>| {
                    let day = USAGE.find(tx, &count)?.unwrap_or_default();
                    USAGE.put(tx, &count, &UsageDay { used: day.used.max(used), ..day });
                    Ok::<_, ApiError>(())
                })
                .await;
            if let Err(error) = written {
                tracing::warn!(%error, "the use of an API key could not be stored");
            }
        });
    }
}

/// The key with a value, and its plan for the stage.
fn find(
    snapshot: &mut Snapshot,
    value: &str,
    deployed: &Deployed,
) -> Result<Option<(ApiKey, UsagePlan)>, ApiError> {
    let Some(id) = KEY_VALUES.find(snapshot, &value.to_owned())? else { return Ok(None) };
    let Some(key) = KEYS.find(snapshot, &id.0)?.filter(|key| key.enabled) else { return Ok(None) };
    for ((_, plan), ()) in KEY_PLANS.list(snapshot, &Range::prefix(&id.0), usize::MAX)? {
        let Some(plan) = PLANS.find(snapshot, &plan)? else { continue };
        let is_for =
            |stage: &crate::rows::ApiStage| stage.api_id == deployed.api && stage.stage == deployed.stage;
        if plan.api_stages.iter().any(is_for) {
            return Ok(Some((key, plan)));
        }
    }
    Ok(None)
}
