//! CreateApiKey, GetApiKey, GetApiKeys, UpdateApiKey, DeleteApiKey, ImportApiKeys.

use apigateway_api as api;
use cloud::Ctx;
use shapes::ApiError;
use store::{Range, Tx};

use super::{KEYS_TOPIC, announce, change, new_id, page, tell};
use crate::rows::ApiKey;
use crate::tables::{KEY_PLANS, KEY_VALUES, KEYS, KeyId, PLAN_KEYS};
use crate::{document, errors, patch};

change!(CreateApiKey, |ctx, tx, input| {
    let mut asked = document::of_input(input);
    if let Some(members) = asked.as_object_mut() {
        // Written as pairs, told as texts.
        members.remove("stageKeys");
    }
    let mut key: ApiKey = document::row(asked)?;
    key.stage_keys = input
        .stage_keys
        .iter()
        .flatten()
        .map(|stage| {
            format!(
                "{}/{}",
                stage.rest_api_id.as_deref().unwrap_or_default(),
                stage.stage_name.as_deref().unwrap_or_default()
            )
        })
        .collect();
    create(ctx, tx, &mut key)?;
    document::told(&key)
});

tell!(GetApiKey, |ctx, input| {
    let key = KEYS.find(&mut ctx.read()?, &input.api_key)?.ok_or_else(errors::no_such_key)?;
    described(key, input.include_value == Some(true))
});

tell!(GetApiKeys, |ctx, input| {
    let rows = KEYS.list(&mut ctx.read()?, &Range::all(), usize::MAX)?;
    let is_wanted = |key: &ApiKey| {
        let has_name =
            |wanted: &String| key.name.as_ref().is_some_and(|name| name.starts_with(wanted.as_str()));
        input.name_query.as_ref().is_none_or(has_name)
            && input.customer_id.as_ref().is_none_or(|wanted| key.customer_id.as_ref() == Some(wanted))
    };
    let all = rows.iter().filter(|(_, key)| is_wanted(key)).map(|(id, key)| (id, key));
    let (items, position) = page(all, input.position.as_deref(), input.limit);
    let with_values = input.include_values == Some(true);
    let items = items.into_iter().map(|key| described(key.clone(), with_values)).collect::<Result<_, _>>()?;
    Ok(api::GetApiKeysOutput { warnings: None, items: Some(items), position })
});

change!(UpdateApiKey, |ctx, tx, input| {
    let known = KEYS.find(tx, &input.api_key)?.ok_or_else(errors::no_such_key)?;
    let mut key: ApiKey = patch::patched(&known, input.patch_operations.as_deref(), patch::fields::API_KEY)?;
    key.last_updated_date = ctx.now();
    KEYS.put(tx, &key.id, &key);
    announce(tx, KEYS_TOPIC);
    described(key, false)
});

change!(DeleteApiKey, |_, tx, input| {
    let id = &input.api_key;
    let key = KEYS.find(tx, id)?.ok_or_else(errors::no_such_key)?;
    KEYS.delete(tx, id);
    KEY_VALUES.delete(tx, &key.value);
    for ((key, plan), ()) in KEY_PLANS.list(tx, &Range::prefix(id), usize::MAX)? {
        PLAN_KEYS.delete(tx, &(plan.clone(), key.clone()));
        KEY_PLANS.delete(tx, &(key, plan));
    }
    announce(tx, KEYS_TOPIC);
    Ok(api::DeleteApiKeyOutput::default())
});

// Developer Guide, "API Gateway API key file format": a header line, then a key per line.
change!(ImportApiKeys, |ctx, tx, input| {
    let text = String::from_utf8_lossy(&input.body);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let header: Vec<String> =
        lines.next().unwrap_or_default().split(',').map(|name| name.trim().to_ascii_lowercase()).collect();
    let mut ids = Vec::new();
    for line in lines {
        let cells: Vec<&str> = line.split(',').map(|cell| cell.trim().trim_matches('"')).collect();
        let cell = |name: &str| {
            let place = header.iter().position(|known| known == name)?;
            cells.get(place).filter(|cell| !cell.is_empty()).map(|cell| (*cell).to_owned())
        };
        let value = cell("key").ok_or_else(|| errors::bad_request("Key is missing in the API key file"))?;
        let mut key = ApiKey {
            value,
            name: cell("name"),
            description: cell("description"),
            enabled: cell("enabled").is_none_or(|text| text.eq_ignore_ascii_case("true")),
            ..ApiKey::default()
        };
        create(ctx, tx, &mut key)?;
        for plan in cell("usageplanids").iter().flat_map(|plans| plans.split('|')) {
            super::usage_plan::add_key(tx, plan, &key.id)?;
        }
        ids.push(key.id);
    }
    Ok(api::ImportApiKeysOutput { ids: Some(ids), warnings: None })
});

fn create(ctx: &Ctx, tx: &mut Tx<'_>, key: &mut ApiKey) -> Result<(), ApiError> {
    key.id = new_id(ctx, 10);
    key.created_date = ctx.now();
    key.last_updated_date = ctx.now();
    if key.value.is_empty() {
        key.value = ctx.ids().text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 40);
    }
    if !(20..=128).contains(&key.value.len()) {
        return Err(errors::bad_request("API Key value should be at least 20 characters"));
    }
    if KEY_VALUES.contains(tx, &key.value)? {
        return Err(errors::key_exists());
    }
    KEYS.put(tx, &key.id, key);
    KEY_VALUES.put(tx, &key.value, &KeyId(key.id.clone()));
    announce(tx, KEYS_TOPIC);
    Ok(())
}

fn described(mut key: ApiKey, with_value: bool) -> Result<api::ApiKey, ApiError> {
    let value = std::mem::take(&mut key.value);
    let mut told: api::ApiKey = document::told(&key)?;
    told.value = with_value.then_some(value);
    Ok(told)
}
