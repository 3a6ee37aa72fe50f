//! CreateModel, GetModel, GetModels, GetModelTemplate, UpdateModel, DeleteModel.

use apigateway_api as api;
use serde_json::Value;
use shapes::ApiError;

use super::{change, change_api, find_api, new_id, page, part_mut, tell};
use crate::rows::{Model, RestApi};
use crate::{document, errors, patch, rules};

change!(CreateModel, |ctx, tx, input| {
    let id = new_id(ctx, 6);
    change_api(ctx, tx, &input.rest_api_id, |row| {
        if row.definition.models.contains_key(&input.name) {
            return Err(errors::model_exists(&input.name));
        }
        let mut model: Model = document::row(document::of_input(input))?;
        model.id = id;
        rules::check_model(&model)?;
        let told = document::told(&model)?;
        row.definition.models.insert(input.name.clone(), model);
        Ok(told)
    })
});

tell!(GetModel, |ctx, input| {
    let row = find_api(ctx, &input.rest_api_id)?;
    let mut model = find(&row, &input.model_name)?.clone();
    if input.flatten == Some(true) {
        model.schema = model.schema.map(|schema| flattened(&schema, &row));
    }
    document::told(&model)
});

tell!(GetModels, |ctx, input| {
    let row = find_api(ctx, &input.rest_api_id)?;
    let (items, position) = page(row.definition.models.iter(), input.position.as_deref(), input.limit);
    let items = items.into_iter().map(document::told).collect::<Result<_, ApiError>>()?;
    Ok(api::GetModelsOutput { items: Some(items), position })
});

tell!(GetModelTemplate, |ctx, input| {
    let row = find_api(ctx, &input.rest_api_id)?;
    let schema = find(&row, &input.model_name)?.schema.clone().unwrap_or_default();
    let schema: Value = serde_json::from_str(&schema).unwrap_or_default();
    let mut value = String::from("#set($inputRoot = $input.path('$'))\n");
    sample(&schema, "$inputRoot", 0, &mut value);
    Ok(api::GetModelTemplateOutput { value: Some(value) })
});

change!(UpdateModel, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let missing = || errors::no_such_model(&input.model_name);
        let known = part_mut(&mut row.definition.models, &input.model_name, missing)?;
        *known = patch::patched(known, input.patch_operations.as_deref(), patch::fields::MODEL)?;
        rules::check_model(known)?;
        document::told(known)
    })
});

change!(DeleteModel, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let name = &input.model_name;
        find(row, name)?;
        let mut methods =
            row.definition.resources.values().flat_map(|resource| resource.resource_methods.values());
        if methods.any(|method| method.request_models.values().any(|model| model == name)) {
            return Err(errors::model_in_use(name));
        }
        row.definition.models.remove(name);
        Ok(api::DeleteModelOutput::default())
    })
});

fn find<'a>(row: &'a RestApi, name: &str) -> Result<&'a Model, ApiError> {
    row.definition.models.get(name).ok_or_else(|| errors::no_such_model(name))
}

/// A schema with the models that it refers to among its definitions.
fn flattened(schema: &str, row: &RestApi) -> String {
    let Ok(mut root) = serde_json::from_str::<Value>(schema) else { return schema.to_owned() };
    let mut wanted = Vec::new();
    rewrite_references(&mut root, &mut wanted);
    let mut index = 0;
    while index < wanted.len() && root.is_object() {
        let name = wanted[index].clone();
        index += 1;
        let referred = row.definition.models.get(&name).and_then(|model| model.schema.as_deref());
        let mut referred: Value =
            referred.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        rewrite_references(&mut referred, &mut wanted);
        root["definitions"][&name] = referred;
    }
    root.to_string()
}

/// Makes references to models ones into the same document, and collects the models' names.
fn rewrite_references(value: &mut Value, wanted: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("$ref")
                && let Some((_, name)) = reference.split_once("/models/")
            {
                let name = name.to_owned();
                *reference = format!("#/definitions/{name}");
                if !wanted.contains(&name) {
                    wanted.push(name);
                }
            }
            members.values_mut().for_each(|member| rewrite_references(member, wanted));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite_references(item, wanted)),
        _ => {}
    }
}

/// Deepest level of a sample: schemas may nest for ever in what is not refused elsewhere.
const SAMPLE_DEPTH: usize = 20;

/// A template that makes a document of the schema's form from one of the same form.
fn sample(schema: &Value, place: &str, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth + 1);
    match schema.get("type").and_then(Value::as_str) {
        Some("object") if depth < SAMPLE_DEPTH => {
            out.push_str("{\n");
            let properties = schema.get("properties").and_then(Value::as_object);
            let count = properties.map_or(0, serde_json::Map::len);
            for (index, (name, property)) in properties.into_iter().flatten().enumerate() {
                out.push_str(&format!("{indent}\"{name}\" : "));
                sample(property, &format!("{place}.{name}"), depth + 1, out);
                out.push_str(if index + 1 < count { ",\n" } else { "\n" });
            }
            out.push_str(&"  ".repeat(depth));
            out.push('}');
        }
        Some("array") if depth < SAMPLE_DEPTH => {
            out.push_str(&format!("[\n#foreach($elem in {place})\n{indent}"));
            sample(schema.get("items").unwrap_or(&Value::Null), "$elem", depth + 1, out);
            out.push_str("#if($foreach.hasNext),#end\n#end\n]");
        }
        Some("integer" | "number" | "boolean") => out.push_str(place),
        _ => out.push_str(&format!("\"{place}\"")),
    }
}
