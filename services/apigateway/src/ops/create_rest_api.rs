//! CreateRestApi.

use std::collections::BTreeMap;

use apigateway_api::op::CreateRestApi;
use apigateway_api::{CreateRestApiInput, CreateRestApiOutput};
use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use store::{Scope, Tx};

use super::{get_rest_apis, guard, new_id};
use crate::api::{Resource, RestApi};
use crate::tables::{APIS, OWNERS, Owner};
use crate::{ApiGateway, errors};

impl Transact<CreateRestApi> for ApiGateway {
    type Draft = RestApi;

    fn guard(&self, ctx: &Ctx, _: &CreateRestApiInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, "POST", "/restapis"))
    }

    fn prepare(&self, ctx: &Ctx, input: CreateRestApiInput) -> Result<RestApi, ApiError> {
        let unsupported = [
            ("policy", input.policy.is_some()),
            ("cloneFrom", input.clone_from.is_some()),
            ("binaryMediaTypes", input.binary_media_types.is_some()),
        ];
        if let Some((name, _)) = unsupported.iter().find(|(_, is_given)| *is_given) {
            return Err(errors::not_here_yet(&format!("The parameter {name} of CreateRestApi")));
        }
        let root = new_id(ctx, 10);
        let resource = Resource {
            id: root.clone(),
            parent: None,
            part: String::new(),
            path: "/".to_owned(),
            methods: BTreeMap::new(),
        };
        Ok(RestApi {
            id: new_id(ctx, 10),
            name: input.name,
            description: input.description,
            created: ctx.now(),
            resources: BTreeMap::from([(root.clone(), resource)]),
            root,
            stages: BTreeMap::new(),
        })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, api: &RestApi) -> Result<CreateRestApiOutput, ApiError> {
        APIS.put(tx, &api.id, api);
        let owner = Owner { account: ctx.account(), region: ctx.region().as_str().to_owned() };
        tx.with_scope(&Scope::global(), |tx| OWNERS.put(tx, &api.id, &owner));
        Ok(get_rest_apis::to_api(api))
    }
}
