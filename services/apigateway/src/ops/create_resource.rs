//! CreateResource.

use apigateway_api::op::CreateResource;
use apigateway_api::{CreateResourceInput, CreateResourceOutput};
use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use store::Tx;

use super::{change, guard, new_id};
use crate::{ApiGateway, errors};

impl Transact<CreateResource> for ApiGateway {
    type Draft = (CreateResourceInput, String);

    fn guard(&self, ctx: &Ctx, input: &CreateResourceInput) -> Result<Guard, ApiError> {
        let path = format!("/restapis/{}/resources/{}", input.rest_api_id, input.parent_id);
        Ok(guard(ctx, "POST", &path))
    }

    fn prepare(&self, ctx: &Ctx, input: CreateResourceInput) -> Result<Self::Draft, ApiError> {
        let is_variable = input.path_part.starts_with('{') && input.path_part.ends_with('}');
        let name = input.path_part.trim_start_matches('{').trim_end_matches('}').trim_end_matches('+');
        let is_valid = !name.is_empty()
            && name.chars().all(|c| {
                c.is_ascii_alphanumeric() || "._-:".contains(c) || (!is_variable && "$,@!".contains(c))
            });
        if !is_valid {
            return Err(errors::bad_request(
                "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the \
                 beginning and the end.",
            ));
        }
        let id = new_id(ctx, 6);
        Ok((input, id))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (input, id): &Self::Draft,
    ) -> Result<CreateResourceOutput, ApiError> {
        change(tx, &input.rest_api_id, |api| {
            let resource = api.add_resource(id.clone(), &input.parent_id, input.path_part.clone())?;
            Ok(resource.to_api())
        })
    }
}
