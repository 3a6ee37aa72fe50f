//! CreateRequestValidator, GetRequestValidator, GetRequestValidators, UpdateRequestValidator, DeleteRequestValidator.

use apigateway_api as api;
use shapes::ApiError;

use super::{change, change_api, find_api, new_id, page, part_mut, tell};
use crate::rows::RequestValidator;
use crate::{document, errors, patch};

change!(CreateRequestValidator, |ctx, tx, input| {
    let id = new_id(ctx, 6);
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let mut validator: RequestValidator = document::row(document::of_input(input))?;
        validator.id.clone_from(&id);
        let told = document::told(&validator)?;
        row.definition.request_validators.insert(id, validator);
        Ok(told)
    })
});

tell!(GetRequestValidator, |ctx, input| {
    let row = find_api(ctx, &input.rest_api_id)?;
    let found = row.definition.request_validators.get(&input.request_validator_id);
    document::told(found.ok_or_else(errors::no_such_validator)?)
});

tell!(GetRequestValidators, |ctx, input| {
    let row = find_api(ctx, &input.rest_api_id)?;
    let all = row.definition.request_validators.iter();
    let (items, position) = page(all, input.position.as_deref(), input.limit);
    let items = items.into_iter().map(document::told).collect::<Result<_, ApiError>>()?;
    Ok(api::GetRequestValidatorsOutput { items: Some(items), position })
});

change!(UpdateRequestValidator, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let id = &input.request_validator_id;
        let known = part_mut(&mut row.definition.request_validators, id, errors::no_such_validator)?;
        *known = patch::patched(known, input.patch_operations.as_deref(), patch::fields::REQUEST_VALIDATOR)?;
        document::told(known)
    })
});

change!(DeleteRequestValidator, |ctx, tx, input| {
    change_api(ctx, tx, &input.rest_api_id, |row| {
        let id = &input.request_validator_id;
        row.definition.request_validators.remove(id).ok_or_else(errors::no_such_validator)
    })?;
    Ok(api::DeleteRequestValidatorOutput::default())
});
