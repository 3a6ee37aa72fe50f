//! CreateResource, GetResource, GetResources, UpdateResource, DeleteResource.

use apigateway_api as api;
use shapes::ApiError;

use super::{change, change_api, find_api, method, new_id, page, tell};
use crate::rows::Resource;
use crate::{document, patch};

change!(CreateResource, |ctx, tx, input| {
    let id = new_id(ctx, 6);
    change_api(ctx, tx, &input.rest_api_id, |row| {
        described(row.add_resource(id, &input.parent_id, &input.path_part)?, false)
    })
});

tell!(GetResource, |ctx, input| {
    let embeds = embeds_methods(input.embed.as_deref());
    described(find_api(ctx, &input.rest_api_id)?.resource(&input.resource_id)?, embeds)
});

tell!(GetResources, |ctx, input| {
    let row = find_api(ctx, &input.rest_api_id)?;
    let (items, position) = page(row.definition.resources.iter(), input.position.as_deref(), input.limit);
    let embeds = embeds_methods(input.embed.as_deref());
    let items = items.into_iter().map(|resource| described(resource, embeds)).collect::<Result<_, _>>()?;
    Ok(api::GetResourcesOutput { items: Some(items), position })
});

change!(UpdateResource, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let id = &input.resource_id;
        let known = row.resource(id)?;
        let wanted = patch::patched(known, input.patch_operations.as_deref(), patch::fields::RESOURCE)?;
        if wanted.parent_id != known.parent_id || wanted.path_part != known.path_part {
            let (parent, part) = (wanted.parent_id.unwrap_or_default(), wanted.path_part.unwrap_or_default());
            row.move_resource(id, &parent, &part)?;
        }
        described(row.resource(id)?, false)
    })
});

change!(DeleteResource, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| row.remove_resource(&input.resource_id))?;
    Ok(api::DeleteResourceOutput::default())
});

fn embeds_methods(embed: Option<&[String]>) -> bool {
    embed.unwrap_or_default().iter().any(|what| what == "methods")
}

/// A resource with the names of its methods, or with the whole of them.
fn described(resource: &Resource, embeds_methods: bool) -> Result<api::Resource, ApiError> {
    let bare = Resource { resource_methods: Default::default(), ..resource.clone() };
    let mut told: api::Resource = document::told(&bare)?;
    if !resource.resource_methods.is_empty() {
        let methods = resource.resource_methods.iter().map(|(verb, row)| {
            let method = if embeds_methods { method::described(verb, row)? } else { api::Method::default() };
            Ok((verb.clone(), method))
        });
        told.resource_methods = Some(methods.collect::<Result<_, ApiError>>()?);
    }
    Ok(told)
}
