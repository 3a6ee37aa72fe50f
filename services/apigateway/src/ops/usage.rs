//! GetUsage and UpdateUsage: what keys used of a plan's quota, by day.

use std::collections::BTreeMap;

use apigateway_api as api;
use shapes::{ApiError, Timestamp};
use store::{Range, Reader};

use super::{KEYS_TOPIC, announce, change, tell};
use crate::rows::{Quota, UsageDay};
use crate::tables::{PLAN_KEYS, PLANS, USAGE};
use crate::{errors, quota};

tell!(GetUsage, |ctx, input| {
    let mut snapshot = ctx.read()?;
    let plan = PLANS.find(&mut snapshot, &input.usage_plan_id)?.ok_or_else(errors::no_such_plan)?;
    let days = (day(&input.start_date)?, day(&input.end_date)?);
    if days.0 > days.1 || days.1 - days.0 > 90 {
        return Err(errors::bad_request(
            "Usage startDate and endDate must be at most 90 days apart, in that order",
        ));
    }
    let keys = PLAN_KEYS.list(&mut snapshot, &Range::prefix(&input.usage_plan_id), usize::MAX)?;
    let wanted = keys.into_iter().map(|((_, key), ())| key);
    let wanted = wanted.filter(|key| input.key_id.as_ref().is_none_or(|only| only == key));
    let mut items = BTreeMap::new();
    for key in wanted {
        items.insert(key.clone(), daily(&mut snapshot, &plan.id, &key, plan.quota.as_ref(), days)?);
    }
    Ok(api::GetUsageOutput {
        usage_plan_id: Some(plan.id),
        start_date: Some(input.start_date),
        end_date: Some(input.end_date),
        position: None,
        items: Some(items),
    })
});

change!(UpdateUsage, |ctx, tx, input| {
    let plan = PLANS.find(tx, &input.usage_plan_id)?.ok_or_else(errors::no_such_plan)?;
    if !PLAN_KEYS.contains(tx, &(plan.id.clone(), input.key_id.clone()))? {
        return Err(errors::no_such_plan_key());
    }
    let Some(quota) = &plan.quota else {
        return Err(errors::bad_request("Usage Plan does not have a quota"));
    };
    let today = quota::day_of(ctx.now());
    for operation in input.patch_operations.iter().flatten() {
        let (op, path) = (operation.op.as_deref(), operation.path.as_deref().unwrap_or_default());
        if (op, path) != (Some("replace"), "/remaining") {
            return Err(errors::invalid_patch_path(path, op.unwrap_or_default(), ["/remaining"].into_iter()));
        }
        let value = operation.value.as_deref().unwrap_or_default();
        let remaining: i64 = value
            .parse()
            .map_err(|_| errors::bad_request(format!("Invalid value '{value}' specified for /remaining")))?;
        let period = quota::period_of(quota, today);
        let left = quota::remaining(tx, &plan.id, &input.key_id, quota, period)?;
        let key = (plan.id.clone(), input.key_id.clone(), today);
        let mut row = USAGE.find(tx, &key)?.unwrap_or_default();
        row.granted += remaining - left;
        USAGE.put(tx, &key, &row);
    }
    announce(tx, KEYS_TOPIC);
    let days = daily(tx, &plan.id, &input.key_id, Some(quota), (today, today))?;
    let date = ctx.now().iso8601()[..10].to_owned();
    Ok(api::UpdateUsageOutput {
        usage_plan_id: Some(plan.id.clone()),
        start_date: Some(date.clone()),
        end_date: Some(date),
        position: None,
        items: Some(BTreeMap::from([(input.key_id.clone(), days)])),
    })
});

/// For each day what was used, and what remained of the quota at its end.
fn daily(
    reader: &mut dyn Reader,
    plan: &str,
    key: &str,
    quota: Option<&Quota>,
    (first, last): (u64, u64),
) -> Result<Vec<Vec<i64>>, ApiError> {
    // From the beginning of the first day's period, since what remains depends on all of it.
    let begin = quota.map_or(first, |quota| quota::period_of(quota, first).0);
    let range = Range::between(
        &(plan.to_owned(), key.to_owned(), begin),
        &(plan.to_owned(), key.to_owned(), last + 1),
    );
    let rows: BTreeMap<u64, UsageDay> =
        USAGE.list(reader, &range, usize::MAX)?.into_iter().map(|((_, _, day), row)| (day, row)).collect();
    let days = (first..=last).map(|day| {
        let used = rows.get(&day).map_or(0, |row| row.used);
        let remaining = quota.map_or(0, |quota| {
            let begin = quota::period_of(quota, day).0;
            let spent: i64 = rows.range(begin..=day).map(|(_, row)| row.used - row.granted).sum();
            (i64::from(quota.limit) - spent).max(0)
        });
        vec![used, remaining]
    });
    Ok(days.collect())
}

/// The days since the epoch of `2026-01-31`.
fn day(date: &str) -> Result<u64, ApiError> {
    let invalid =
        || errors::bad_request(format!("Invalid date '{date}' specified. Must be of the form YYYY-MM-DD"));
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return Err(invalid()) };
    let (year, month, day) = (year.parse().ok(), month.parse().ok(), day.parse().ok());
    let (Some(year), Some(month), Some(day)) = (year, month, day) else { return Err(invalid()) };
    let time = Timestamp::from_utc((year, month, day), (0, 0, 0), 0).ok_or_else(invalid)?;
    Ok(quota::day_of(time))
}
