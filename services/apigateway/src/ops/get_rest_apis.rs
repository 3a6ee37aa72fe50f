//! GetRestApi and GetRestApis.

use std::sync::Arc;

use apigateway_api::op::{GetRestApi, GetRestApis};
use apigateway_api::{GetRestApiInput, GetRestApiOutput, GetRestApisInput, GetRestApisOutput};
use cloud::{Ctx, Guard, Handle};
use shapes::ApiError;
use store::Range;

use super::guard;
use crate::api::RestApi;
use crate::tables::APIS;
use crate::{ApiGateway, errors};

impl Handle<GetRestApi> for ApiGateway {
    fn guard(&self, ctx: &Ctx, input: &GetRestApiInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, "GET", &format!("/restapis/{}", input.rest_api_id)))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetRestApiInput,
    ) -> Result<GetRestApiOutput, ApiError> {
        let api = APIS.find(&mut ctx.read()?, &input.rest_api_id)?.ok_or_else(errors::no_such_api)?;
        Ok(to_api(&api))
    }
}

impl Handle<GetRestApis> for ApiGateway {
    fn guard(&self, ctx: &Ctx, _: &GetRestApisInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, "GET", "/restapis"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetRestApisInput,
    ) -> Result<GetRestApisOutput, ApiError> {
        let limit = input.limit.unwrap_or(25).clamp(1, 500).unsigned_abs() as usize;
        let range = input.position.as_ref().map_or(Range::all(), |last| Range::all().after(last));
        let mut rows = APIS.list(&mut ctx.read()?, &range, limit + 1)?;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let position = if has_more { rows.last().map(|(id, _)| id.clone()) } else { None };
        let items = rows.iter().map(|(_, api)| to_api(api)).collect();
        Ok(GetRestApisOutput { items: Some(items), position })
    }
}

pub(crate) fn to_api(api: &RestApi) -> apigateway_api::RestApi {
    apigateway_api::RestApi {
        id: Some(api.id.clone()),
        name: Some(api.name.clone()),
        description: api.description.clone(),
        created_date: Some(api.created),
        root_resource_id: Some(api.root.clone()),
        api_key_source: Some("HEADER".to_owned()),
        disable_execute_api_endpoint: Some(false),
        ..Default::default()
    }
}
