//! Documentation parts and versions: Create, Get, list, Update and Delete of both.

use apigateway_api as api;
use serde_json::{Value, json};
use shapes::ApiError;

use super::{change, change_api, find_api, new_id, page, part_mut, tell};
use crate::rows::{DocumentationPart, DocumentationVersion};
use crate::{document, errors, patch};

/// Developer Guide, "Amazon API Gateway quotas".
const MOST_PARTS: usize = 2000;

change!(CreateDocumentationPart, |ctx, tx, input| {
    let id = new_id(ctx, 6);
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let mut part: DocumentationPart = document::row(document::of_input(input))?;
        part.id.clone_from(&id);
        check_properties(&part.properties)?;
        if row.documentation_parts.values().any(|other| other.location == part.location) {
            return Err(api::error::conflict_exception(
                "Documentation part already exists for the specified location",
            ));
        }
        if row.documentation_parts.len() >= MOST_PARTS {
            return Err(errors::too_many("Documentation parts", "API"));
        }
        let told = document::told(&part)?;
        row.documentation_parts.insert(id, part);
        Ok(told)
    })
});

tell!(GetDocumentationPart, |ctx, input| {
    let row = find_api(ctx, &input.rest_api_id)?;
    let found = row.documentation_parts.get(&input.documentation_part_id);
    document::told(found.ok_or_else(errors::no_such_documentation_part)?)
});

tell!(GetDocumentationParts, |ctx, input| {
    let row = find_api(ctx, &input.rest_api_id)?;
    let is_wanted = |part: &DocumentationPart| {
        let location = &part.location;
        input.r#type.as_ref().is_none_or(|wanted| location.r#type == *wanted)
            && input.path.as_ref().is_none_or(|wanted| location.path.as_ref() == Some(wanted))
            && input.name_query.as_ref().is_none_or(|wanted| location.name.as_ref() == Some(wanted))
    };
    let all = row.documentation_parts.iter().filter(|(_, part)| is_wanted(part));
    let (items, position) = page(all, input.position.as_deref(), input.limit);
    let items = items.into_iter().map(document::told).collect::<Result<_, ApiError>>()?;
    Ok(api::GetDocumentationPartsOutput { items: Some(items), position })
});

change!(UpdateDocumentationPart, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let id = &input.documentation_part_id;
        let known = part_mut(&mut row.documentation_parts, id, errors::no_such_documentation_part)?;
        *known = patch::patched(known, input.patch_operations.as_deref(), patch::fields::DOCUMENTATION_PART)?;
        check_properties(&known.properties)?;
        document::told(known)
    })
});

change!(DeleteDocumentationPart, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let found = row.documentation_parts.remove(&input.documentation_part_id);
        found.ok_or_else(errors::no_such_documentation_part)
    })?;
    Ok(api::DeleteDocumentationPartOutput::default())
});

change!(CreateDocumentationVersion, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let name = &input.documentation_version;
        if row.documentation_versions.contains_key(name) {
            return Err(errors::documentation_version_exists());
        }
        let version = DocumentationVersion {
            version: name.clone(),
            created_date: ctx.now(),
            description: input.description.clone(),
        };
        if let Some(stage) = &input.stage_name {
            row.stage_mut(stage)?.documentation_version = Some(name.clone());
        }
        let told = document::told(&version)?;
        row.documentation_versions.insert(name.clone(), version);
        Ok(told)
    })
});

tell!(GetDocumentationVersion, |ctx, input| {
    let row = find_api(ctx, &input.rest_api_id)?;
    let found = row.documentation_versions.get(&input.documentation_version);
    document::told(found.ok_or_else(errors::no_such_documentation_version)?)
});

tell!(GetDocumentationVersions, |ctx, input| {
    let row = find_api(ctx, &input.rest_api_id)?;
    let (items, position) = page(row.documentation_versions.iter(), input.position.as_deref(), input.limit);
    let items = items.into_iter().map(document::told).collect::<Result<_, ApiError>>()?;
    Ok(api::GetDocumentationVersionsOutput { items: Some(items), position })
});

change!(UpdateDocumentationVersion, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let name = &input.documentation_version;
        let known = part_mut(&mut row.documentation_versions, name, errors::no_such_documentation_version)?;
        *known =
            patch::patched(known, input.patch_operations.as_deref(), patch::fields::DOCUMENTATION_VERSION)?;
        document::told(known)
    })
});

change!(DeleteDocumentationVersion, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let found = row.documentation_versions.remove(&input.documentation_version);
        found.ok_or_else(errors::no_such_documentation_version)
    })?;
    Ok(api::DeleteDocumentationVersionOutput::default())
});

fn check_properties(properties: &str) -> Result<(), ApiError> {
    let is_map = serde_json::from_str::<Value>(properties).is_ok_and(|value| value.is_object());
    let example = json!({"description": "..."});
    let message = format!("Documentation part properties must be a JSON object, as {example}");
    if is_map { Ok(()) } else { Err(errors::bad_request(message)) }
}
