//! CreateAuthorizer, GetAuthorizer, GetAuthorizers, UpdateAuthorizer, DeleteAuthorizer.

use apigateway_api as api;
use shapes::ApiError;

use super::{change, change_api, find_api, new_id, page, part_mut, tell};
use crate::rows::Authorizer;
use crate::{document, errors, patch, rules};

change!(CreateAuthorizer, |ctx, tx, input| {
    let id = new_id(ctx, 6);
    change_api(ctx, tx, &input.rest_api_id, |row| {
        if row.definition.authorizers.values().any(|other| other.name == input.name) {
            return Err(errors::authorizer_exists(&input.name));
        }
        let mut authorizer: Authorizer = document::row(document::of_input(input))?;
        authorizer.id.clone_from(&id);
        authorizer.auth_type.get_or_insert_with(|| "custom".to_owned());
        authorizer.authorizer_result_ttl_in_seconds.get_or_insert(300);
        rules::check_authorizer(&authorizer)?;
        let told = document::told(&authorizer)?;
        row.definition.authorizers.insert(id, authorizer);
        Ok(told)
    })
});

tell!(GetAuthorizer, |ctx, input| {
    let row = find_api(ctx, &input.rest_api_id)?;
    let found = row.definition.authorizers.get(&input.authorizer_id);
    document::told(found.ok_or_else(errors::no_such_authorizer)?)
});

tell!(GetAuthorizers, |ctx, input| {
    let row = find_api(ctx, &input.rest_api_id)?;
    let (items, position) = page(row.definition.authorizers.iter(), input.position.as_deref(), input.limit);
    let items = items.into_iter().map(document::told).collect::<Result<_, ApiError>>()?;
    Ok(api::GetAuthorizersOutput { items: Some(items), position })
});

change!(UpdateAuthorizer, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let known =
            part_mut(&mut row.definition.authorizers, &input.authorizer_id, errors::no_such_authorizer)?;
        *known = patch::patched(known, input.patch_operations.as_deref(), patch::fields::AUTHORIZER)?;
        rules::check_authorizer(known)?;
        document::told(known)
    })
});

change!(DeleteAuthorizer, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let id = &input.authorizer_id;
        if !row.definition.authorizers.contains_key(id) {
            return Err(errors::no_such_authorizer());
        }
        let mut methods =
            row.definition.resources.values().flat_map(|resource| resource.resource_methods.values());
        if methods.any(|method| method.authorizer_id.as_ref() == Some(id)) {
            return Err(errors::authorizer_in_use());
        }
        row.definition.authorizers.remove(id);
        Ok(api::DeleteAuthorizerOutput::default())
    })
});
