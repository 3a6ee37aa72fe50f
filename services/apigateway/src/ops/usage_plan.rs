//! CreateUsagePlan, GetUsagePlan, GetUsagePlans, UpdateUsagePlan, DeleteUsagePlan, and the keys of plans.

use apigateway_api as api;
use apigateway_api::PatchOperation;
use shapes::ApiError;
use store::{Range, Tx};

use super::{KEYS_TOPIC, announce, change, new_id, page, tell};
use crate::rows::{ApiKey, ApiStage, UsagePlan};
use crate::tables::{APIS, KEY_PLANS, KEYS, PLAN_KEYS, PLANS, USAGE};
use crate::{document, errors, patch};

change!(CreateUsagePlan, |ctx, tx, input| {
    let mut plan: UsagePlan = document::row(document::of_input(input))?;
    plan.id = new_id(ctx, 6);
    check(tx, &plan)?;
    put(tx, &plan);
    document::told(&plan)
});

tell!(GetUsagePlan, |ctx, input| {
    document::told(&PLANS.find(&mut ctx.read()?, &input.usage_plan_id)?.ok_or_else(errors::no_such_plan)?)
});

tell!(GetUsagePlans, |ctx, input| {
    let mut snapshot = ctx.read()?;
    let mut rows = PLANS.list(&mut snapshot, &Range::all(), usize::MAX)?;
    if let Some(key) = &input.key_id {
        let of_key = KEY_PLANS.list(&mut snapshot, &Range::prefix(key), usize::MAX)?;
        rows.retain(|(id, _)| of_key.iter().any(|((_, plan), ())| plan == id));
    }
    let all = rows.iter().map(|(id, plan)| (id, plan));
    let (items, position) = page(all, input.position.as_deref(), input.limit);
    let items = items.into_iter().map(document::told).collect::<Result<_, ApiError>>()?;
    Ok(api::GetUsagePlansOutput { items: Some(items), position })
});

change!(UpdateUsagePlan, |_, tx, input| {
    let mut plan = PLANS.find(tx, &input.usage_plan_id)?.ok_or_else(errors::no_such_plan)?;
    for operation in input.patch_operations.iter().flatten() {
        if operation.path.as_deref().is_some_and(|path| path.starts_with("/apiStages")) {
            change_stages(&mut plan.api_stages, operation)?;
        } else {
            plan = patch::patched(&plan, Some(std::slice::from_ref(operation)), patch::fields::USAGE_PLAN)?;
        }
    }
    check(tx, &plan)?;
    put(tx, &plan);
    document::told(&plan)
});

change!(DeleteUsagePlan, |_, tx, input| {
    let id = &input.usage_plan_id;
    let plan = PLANS.find(tx, id)?.ok_or_else(errors::no_such_plan)?;
    if !plan.api_stages.is_empty() {
        return Err(errors::plan_in_use());
    }
    for ((plan, key), ()) in PLAN_KEYS.list(tx, &Range::prefix(id), usize::MAX)? {
        remove_key(tx, plan, key)?;
    }
    PLANS.delete(tx, id);
    announce(tx, KEYS_TOPIC);
    Ok(api::DeleteUsagePlanOutput::default())
});

change!(CreateUsagePlanKey, |_, tx, input| {
    if input.key_type != "API_KEY" {
        return Err(errors::invalid_enum("keyType", &input.key_type, &["API_KEY"]));
    }
    let key = add_key(tx, &input.usage_plan_id, &input.key_id)?;
    Ok(described_key(key))
});

tell!(GetUsagePlanKey, |ctx, input| {
    let mut snapshot = ctx.read()?;
    if !PLANS.contains(&mut snapshot, &input.usage_plan_id)? {
        return Err(errors::no_such_plan());
    }
    if !PLAN_KEYS.contains(&mut snapshot, &(input.usage_plan_id, input.key_id.clone()))? {
        return Err(errors::no_such_plan_key());
    }
    Ok(described_key(KEYS.find(&mut snapshot, &input.key_id)?.ok_or_else(errors::no_such_key)?))
});

tell!(GetUsagePlanKeys, |ctx, input| {
    let mut snapshot = ctx.read()?;
    if !PLANS.contains(&mut snapshot, &input.usage_plan_id)? {
        return Err(errors::no_such_plan());
    }
    let mut keys = Vec::new();
    for ((_, id), ()) in PLAN_KEYS.list(&mut snapshot, &Range::prefix(&input.usage_plan_id), usize::MAX)? {
        keys.extend(KEYS.find(&mut snapshot, &id)?.map(|key| (id, key)));
    }
    if let Some(wanted) = &input.name_query {
        keys.retain(|(_, key)| key.name.as_ref().is_some_and(|name| name.starts_with(wanted.as_str())));
    }
    let all = keys.iter().map(|(id, key)| (id, key));
    let (items, position) = page(all, input.position.as_deref(), input.limit);
    let items = items.into_iter().map(|key| described_key(key.clone())).collect();
    Ok(api::GetUsagePlanKeysOutput { items: Some(items), position })
});

change!(DeleteUsagePlanKey, |_, tx, input| {
    let (plan, key) = (input.usage_plan_id.clone(), input.key_id.clone());
    if !PLAN_KEYS.contains(tx, &(plan.clone(), key.clone()))? {
        return Err(errors::no_such_plan_key());
    }
    remove_key(tx, plan, key)?;
    announce(tx, KEYS_TOPIC);
    Ok(api::DeleteUsagePlanKeyOutput::default())
});

pub(super) fn add_key(tx: &mut Tx<'_>, plan_id: &str, key_id: &str) -> Result<ApiKey, ApiError> {
    let plan = PLANS.find(tx, &plan_id.to_owned())?.ok_or_else(errors::no_such_plan)?;
    let key = KEYS.find(tx, &key_id.to_owned())?.ok_or_else(errors::no_such_key)?;
    if PLAN_KEYS.contains(tx, &(plan.id.clone(), key.id.clone()))? {
        return Err(errors::key_is_in_plan());
    }
    // A request with the key must lead to one plan.
    for ((_, other), ()) in KEY_PLANS.list(tx, &Range::prefix(&key.id), usize::MAX)? {
        let stages = PLANS.find(tx, &other)?.map(|other| other.api_stages).unwrap_or_default();
        let is_same = |stage: &ApiStage| {
            plan.api_stages.iter().any(|own| own.api_id == stage.api_id && own.stage == stage.stage)
        };
        if stages.iter().any(is_same) {
            return Err(errors::key_is_in_other_plan(&other));
        }
    }
    PLAN_KEYS.put(tx, &(plan.id.clone(), key.id.clone()), &());
    KEY_PLANS.put(tx, &(key.id.clone(), plan.id), &());
    announce(tx, KEYS_TOPIC);
    Ok(key)
}

fn remove_key(tx: &mut Tx<'_>, plan: String, key: String) -> Result<(), ApiError> {
    for (day, _) in USAGE.list(tx, &Range::prefix(&(plan.clone(), key.clone())), usize::MAX)? {
        USAGE.delete(tx, &day);
    }
    PLAN_KEYS.delete(tx, &(plan.clone(), key.clone()));
    KEY_PLANS.delete(tx, &(key, plan));
    Ok(())
}

fn put(tx: &mut Tx<'_>, plan: &UsagePlan) {
    PLANS.put(tx, &plan.id, plan);
    announce(tx, KEYS_TOPIC);
}

fn check(tx: &mut Tx<'_>, plan: &UsagePlan) -> Result<(), ApiError> {
    for stage in &plan.api_stages {
        let api = APIS.find(tx, &stage.api_id)?;
        if api.is_none_or(|api| !api.stages.contains_key(&stage.stage)) {
            let message = format!(
                "Invalid API Stage {{api: {}, stage: {}}} specified for usageplan {}",
                stage.api_id, stage.stage, plan.id
            );
            return Err(apigateway_api::error::not_found_exception(message));
        }
    }
    if let Some(quota) = &plan.quota {
        let days = match quota.period.as_str() {
            "DAY" => 1,
            "WEEK" => 7,
            "MONTH" => 28,
            other => return Err(errors::invalid_enum("quota period", other, &["DAY", "WEEK", "MONTH"])),
        };
        if quota.limit <= 0 {
            return Err(errors::bad_request("Usage Plan quota limit must be greater than 0"));
        }
        if !(0..days).contains(&quota.offset) {
            let message = format!(
                "Usage Plan quota offset must be zero or more and less than {days} in the {} period",
                quota.period
            );
            return Err(errors::bad_request(message));
        }
    }
    let throttles =
        plan.throttle.iter().chain(plan.api_stages.iter().flat_map(|stage| stage.throttle.values()));
    if throttles.into_iter().any(|throttle| throttle.rate_limit < 0.0 || throttle.burst_limit < 0) {
        return Err(errors::bad_request("Usage Plan throttle limits must not be negative"));
    }
    Ok(())
}

/// `add /apiStages abc:prod`, and `replace /apiStages/abc:prod/throttle//pets/GET/rateLimit 5`.
fn change_stages(stages: &mut Vec<ApiStage>, operation: &PatchOperation) -> Result<(), ApiError> {
    let path = operation.path.as_deref().unwrap_or_default();
    let op = operation.op.as_deref().unwrap_or_default();
    let segments = patch::segments(path);
    let value = operation.value.as_deref().unwrap_or_default();
    let invalid =
        || errors::invalid_patch_path(path, op, ["/apiStages", "/apiStages/{}/throttle"].into_iter());
    let named = segments.get(1).map_or(value, String::as_str);
    let (api_id, stage) = named.split_once(':').ok_or_else(invalid)?;
    let place = stages.iter().position(|known| known.api_id == api_id && known.stage == stage);
    match (op, segments.len(), place) {
        ("add", 1, None) => {
            let (api_id, stage) = (api_id.to_owned(), stage.to_owned());
            stages.push(ApiStage { api_id, stage, ..ApiStage::default() });
        }
        ("add", 1, Some(_)) => {}
        ("remove", 1 | 2, Some(place)) => {
            stages.remove(place);
        }
        (_, 3.., Some(place)) if segments[2] == "throttle" => {
            change_throttle(&mut stages[place], op, &segments[3..], value, path)?;
        }
        _ => return Err(invalid()),
    }
    Ok(())
}

fn change_throttle(
    stage: &mut ApiStage,
    op: &str,
    rest: &[String],
    value: &str,
    path: &str,
) -> Result<(), ApiError> {
    let invalid = || errors::bad_request(format!("Invalid value '{value}' specified for {path}"));
    match (op, rest) {
        ("remove", []) => stage.throttle.clear(),
        ("replace" | "add", []) => {
            stage.throttle = serde_json::from_str(value).map_err(|_| invalid())?;
        }
        ("remove", [resource, verb, ..]) => {
            stage.throttle.remove(&throttle_key(resource, verb));
        }
        (_, [resource, verb, what]) => {
            let throttle = stage.throttle.entry(throttle_key(resource, verb)).or_default();
            match what.as_str() {
                "rateLimit" => throttle.rate_limit = value.parse().map_err(|_| invalid())?,
                "burstLimit" => throttle.burst_limit = value.parse().map_err(|_| invalid())?,
                _ => return Err(invalid()),
            }
        }
        _ => return Err(invalid()),
    }
    Ok(())
}

fn throttle_key(resource: &str, verb: &str) -> String {
    format!("/{}/{verb}", resource.trim_start_matches('/'))
}

fn described_key(key: ApiKey) -> api::UsagePlanKey {
    api::UsagePlanKey {
        id: Some(key.id),
        r#type: Some("API_KEY".to_owned()),
        value: Some(key.value),
        name: key.name,
    }
}
