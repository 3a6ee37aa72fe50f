//! CreateRestApi, GetRestApi, GetRestApis, UpdateRestApi, DeleteRestApi.

use std::collections::BTreeMap;

use apigateway_api as api;
use cloud::Ctx;
use serde_json::{Value, json};
use shapes::ApiError;
use store::{Range, Scope, Tx};

use super::{announce, api_topic, change, change_api, find_api, new_id, page_size, tell};
use crate::rows::{Model, Resource, RestApi};
use crate::tables::{APIS, DEPLOYMENTS, OWNERS, Owner};
use crate::{document, errors, patch, rules};

change!(CreateRestApi, |ctx, tx, input| {
    let mut asked = document::of_input(input);
    if let Some(other) = &input.clone_from {
        return cloned(ctx, tx, other, asked);
    }
    let definition = take_definition(&mut asked);
    let mut row: RestApi = document::row(asked)?;
    row.definition = document::row(definition)?;
    begin(ctx, &mut row);
    create(ctx, tx, row)
});

tell!(GetRestApi, |ctx, input| described(&find_api(ctx, &input.rest_api_id)?));

tell!(GetRestApis, |ctx, input| {
    let limit = page_size(input.limit);
    let range = input.position.as_ref().map_or(Range::all(), |last| Range::all().after(last));
    let mut rows = APIS.list(&mut ctx.read()?, &range, limit + 1)?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let position = rows.last().filter(|_| has_more).map(|(id, _)| id.clone());
    let items = rows.iter().map(|(_, row)| described(row)).collect::<Result<_, _>>()?;
    Ok(api::GetRestApisOutput { items: Some(items), position })
});

change!(UpdateRestApi, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        *row = patch::patched(row, input.patch_operations.as_deref(), patch::fields::REST_API)?;
        rules::check_api(row)?;
        described(row)
    })
});

change!(DeleteRestApi, |ctx, tx, input| {
    let id = &input.rest_api_id;
    APIS.find(tx, id)?.ok_or_else(|| errors::no_such_api_of(ctx.account(), id))?;
    for (key, _) in DEPLOYMENTS.list(tx, &Range::prefix(id), usize::MAX)? {
        DEPLOYMENTS.delete(tx, &key);
    }
    APIS.delete(tx, id);
    tx.with_scope(&Scope::global(), |tx| OWNERS.delete(tx, id));
    announce(tx, &api_topic(id));
    Ok(api::DeleteRestApiOutput::default())
});

/// A new API with the settings of another one, and all that it consists of.
fn cloned(ctx: &Ctx, tx: &mut Tx<'_>, other: &str, asked: Value) -> Result<api::RestApi, ApiError> {
    let other = APIS.find(tx, &other.to_owned())?.ok_or_else(errors::no_such_api)?;
    let row = RestApi {
        id: new_id(ctx, 10),
        name: asked.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
        description: asked.get("description").and_then(Value::as_str).map(str::to_owned),
        version: asked.get("version").and_then(Value::as_str).map(str::to_owned),
        created_date: ctx.now(),
        stages: BTreeMap::new(),
        tags: BTreeMap::new(),
        ..other
    };
    create(ctx, tx, row)
}

/// Gives a new API its id, its root and the models that every API has.
pub(super) fn begin(ctx: &Ctx, row: &mut RestApi) {
    row.id = new_id(ctx, 10);
    row.created_date = ctx.now();
    row.root_resource_id = new_id(ctx, 10);
    let root = Resource { id: row.root_resource_id.clone(), path: "/".to_owned(), ..Resource::default() };
    row.definition.resources.insert(root.id.clone(), root);
    for (name, description, schema) in [
        ("Empty", "This is a default empty schema model", EMPTY_MODEL),
        ("Error", "This is a default error schema model", ERROR_MODEL),
    ] {
        let model = Model {
            id: new_id(ctx, 6),
            name: name.to_owned(),
            description: Some(description.to_owned()),
            schema: Some(schema.to_owned()),
            content_type: "application/json".to_owned(),
        };
        row.definition.models.insert(name.to_owned(), model);
    }
}

pub(super) fn create(ctx: &Ctx, tx: &mut Tx<'_>, row: RestApi) -> Result<api::RestApi, ApiError> {
    rules::check_api(&row)?;
    APIS.put(tx, &row.id, &row);
    let owner = Owner { account: ctx.account(), region: ctx.region().as_str().to_owned() };
    tx.with_scope(&Scope::global(), |tx| OWNERS.put(tx, &row.id, &owner));
    announce(tx, &api_topic(&row.id));
    described(&row)
}

const DEFINITION_MEMBERS: [&str; 4] =
    ["binaryMediaTypes", "minimumCompressionSize", "apiKeySource", "policy"];

fn take_definition(asked: &mut Value) -> Value {
    let members = asked.as_object_mut();
    let taken = members.into_iter().flat_map(|members| {
        DEFINITION_MEMBERS
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), members.remove(*name)?)))
            .collect::<Vec<_>>()
    });
    Value::Object(taken.collect())
}

/// An API as clients are told of it.
pub(super) fn described(row: &RestApi) -> Result<api::RestApi, ApiError> {
    let mut document = json!({
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "version": row.version,
        "createdDate": row.created_date.millis(),
        "rootResourceId": row.root_resource_id,
        "endpointConfiguration": document::of_row(&row.endpoint_configuration)?,
        "disableExecuteApiEndpoint": row.disable_execute_api_endpoint,
        "tags": row.tags,
        "apiKeySource": row.definition.api_key_source.as_deref().unwrap_or("HEADER"),
        "binaryMediaTypes": row.definition.binary_media_types,
        "minimumCompressionSize": row.definition.minimum_compression_size,
        "apiStatus": "AVAILABLE",
    });
    if let Some(policy) = &row.definition.policy {
        // AWS tells a policy as the inside of a JSON text, and clients unwrap it.
        let quoted = Value::from(policy.as_str()).to_string();
        document["policy"] = quoted[1..quoted.len() - 1].into();
    }
    Ok(document::answer(&document))
}

const EMPTY_MODEL: &str = "{\n  \"$schema\": \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"Empty Schema\",\n  \"type\" : \"object\"\n}";
const ERROR_MODEL: &str = "{\n  \"$schema\" : \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"Error Schema\",\n  \"type\" : \"object\",\n  \"properties\" : {\n    \"message\" : { \"type\" : \"string\" }\n  }\n}";
