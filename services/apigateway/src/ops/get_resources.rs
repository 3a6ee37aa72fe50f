//! GetResources.

use std::sync::Arc;

use apigateway_api::op::GetResources;
use apigateway_api::{GetResourcesInput, GetResourcesOutput};
use cloud::{Ctx, Guard, Handle};
use shapes::ApiError;

use super::guard;
use crate::tables::APIS;
use crate::{ApiGateway, errors};

impl Handle<GetResources> for ApiGateway {
    fn guard(&self, ctx: &Ctx, input: &GetResourcesInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, "GET", &format!("/restapis/{}/resources", input.rest_api_id)))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetResourcesInput,
    ) -> Result<GetResourcesOutput, ApiError> {
        let api = APIS.find(&mut ctx.read()?, &input.rest_api_id)?.ok_or_else(errors::no_such_api)?;
        let mut items: Vec<_> = api.resources.values().map(crate::api::Resource::to_api).collect();
        items.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(GetResourcesOutput { items: Some(items), position: None })
    }
}
