//! The operation table, and what operations have in common: what their caller must be allowed, how they change an API,
//! and how they page through lists.

mod account;
mod api_key;
mod authorizer;
mod deployment;
mod documentation;
mod gateway_response;
mod integration;
mod method;
mod model;
mod request_validator;
mod resource;
mod rest_api;
mod stage;
mod tags;
mod test_invoke;
mod usage;
mod usage_plan;

use std::collections::BTreeMap;

use apigateway_api::op;
use cloud::{Ctx, Guard, Operation};
use shapes::{ApiError, Location, Op, Struct, View};
use store::{Scope, Tx};

use crate::rows::RestApi;
use crate::tables::APIS;
use crate::{ApiGateway, errors};

pub(crate) static OPERATIONS: &[Operation<ApiGateway>] = &[
    Operation::transaction::<op::CreateApiKey>(),
    Operation::transaction::<op::CreateAuthorizer>(),
    Operation::transaction::<op::CreateDeployment>(),
    Operation::transaction::<op::CreateDocumentationPart>(),
    Operation::transaction::<op::CreateDocumentationVersion>(),
    Operation::transaction::<op::CreateModel>(),
    Operation::transaction::<op::CreateRequestValidator>(),
    Operation::transaction::<op::CreateResource>(),
    Operation::transaction::<op::CreateRestApi>(),
    Operation::transaction::<op::CreateStage>(),
    Operation::transaction::<op::CreateUsagePlan>(),
    Operation::transaction::<op::CreateUsagePlanKey>(),
    Operation::transaction::<op::DeleteApiKey>(),
    Operation::transaction::<op::DeleteAuthorizer>(),
    Operation::transaction::<op::DeleteDeployment>(),
    Operation::transaction::<op::DeleteDocumentationPart>(),
    Operation::transaction::<op::DeleteDocumentationVersion>(),
    Operation::transaction::<op::DeleteGatewayResponse>(),
    Operation::transaction::<op::DeleteIntegration>(),
    Operation::transaction::<op::DeleteIntegrationResponse>(),
    Operation::transaction::<op::DeleteMethod>(),
    Operation::transaction::<op::DeleteMethodResponse>(),
    Operation::transaction::<op::DeleteModel>(),
    Operation::transaction::<op::DeleteRequestValidator>(),
    Operation::transaction::<op::DeleteResource>(),
    Operation::transaction::<op::DeleteRestApi>(),
    Operation::transaction::<op::DeleteStage>(),
    Operation::transaction::<op::DeleteUsagePlan>(),
    Operation::transaction::<op::DeleteUsagePlanKey>(),
    Operation::transaction::<op::FlushStageAuthorizersCache>(),
    Operation::transaction::<op::FlushStageCache>(),
    Operation::of::<op::GetAccount>(),
    Operation::of::<op::GetApiKey>(),
    Operation::of::<op::GetApiKeys>(),
    Operation::of::<op::GetAuthorizer>(),
    Operation::of::<op::GetAuthorizers>(),
    Operation::of::<op::GetDeployment>(),
    Operation::of::<op::GetDeployments>(),
    Operation::of::<op::GetDocumentationPart>(),
    Operation::of::<op::GetDocumentationParts>(),
    Operation::of::<op::GetDocumentationVersion>(),
    Operation::of::<op::GetDocumentationVersions>(),
    Operation::of::<op::GetGatewayResponse>(),
    Operation::of::<op::GetGatewayResponses>(),
    Operation::of::<op::GetIntegration>(),
    Operation::of::<op::GetIntegrationResponse>(),
    Operation::of::<op::GetMethod>(),
    Operation::of::<op::GetMethodResponse>(),
    Operation::of::<op::GetModel>(),
    Operation::of::<op::GetModelTemplate>(),
    Operation::of::<op::GetModels>(),
    Operation::of::<op::GetRequestValidator>(),
    Operation::of::<op::GetRequestValidators>(),
    Operation::of::<op::GetResource>(),
    Operation::of::<op::GetResources>(),
    Operation::of::<op::GetRestApi>(),
    Operation::of::<op::GetRestApis>(),
    Operation::of::<op::GetStage>(),
    Operation::of::<op::GetStages>(),
    Operation::of::<op::GetTags>(),
    Operation::of::<op::GetUsage>(),
    Operation::of::<op::GetUsagePlan>(),
    Operation::of::<op::GetUsagePlanKey>(),
    Operation::of::<op::GetUsagePlanKeys>(),
    Operation::of::<op::GetUsagePlans>(),
    Operation::transaction::<op::ImportApiKeys>(),
    Operation::transaction::<op::PutGatewayResponse>(),
    Operation::transaction::<op::PutIntegration>(),
    Operation::transaction::<op::PutIntegrationResponse>(),
    Operation::transaction::<op::PutMethod>(),
    Operation::transaction::<op::PutMethodResponse>(),
    Operation::transaction::<op::TagResource>(),
    Operation::of::<op::TestInvokeMethod>(),
    Operation::transaction::<op::UntagResource>(),
    Operation::transaction::<op::UpdateAccount>(),
    Operation::transaction::<op::UpdateApiKey>(),
    Operation::transaction::<op::UpdateAuthorizer>(),
    Operation::transaction::<op::UpdateDeployment>(),
    Operation::transaction::<op::UpdateDocumentationPart>(),
    Operation::transaction::<op::UpdateDocumentationVersion>(),
    Operation::transaction::<op::UpdateGatewayResponse>(),
    Operation::transaction::<op::UpdateIntegration>(),
    Operation::transaction::<op::UpdateIntegrationResponse>(),
    Operation::transaction::<op::UpdateMethod>(),
    Operation::transaction::<op::UpdateMethodResponse>(),
    Operation::transaction::<op::UpdateModel>(),
    Operation::transaction::<op::UpdateRequestValidator>(),
    Operation::transaction::<op::UpdateResource>(),
    Operation::transaction::<op::UpdateRestApi>(),
    Operation::transaction::<op::UpdateStage>(),
    Operation::transaction::<op::UpdateUsage>(),
    Operation::transaction::<op::UpdateUsagePlan>(),
];

/// An operation that is one transaction.
macro_rules! change {
    ($op:ident, |$ctx:pat_param, $tx:pat_param, $input:pat_param| $body:expr) => {
        impl cloud::Transact<apigateway_api::op::$op> for crate::ApiGateway {
            type Draft = <apigateway_api::op::$op as shapes::Op>::Input;

            fn guard(&self, ctx: &cloud::Ctx, input: &Self::Draft) -> Result<cloud::Guard, shapes::ApiError> {
                Ok(crate::ops::guard::<apigateway_api::op::$op>(ctx, input))
            }

            fn prepare(&self, _: &cloud::Ctx, input: Self::Draft) -> Result<Self::Draft, shapes::ApiError> {
                Ok(input)
            }

            fn apply(
                &self,
                $ctx: &cloud::Ctx,
                $tx: &mut store::Tx<'_>,
                $input: &Self::Draft,
            ) -> Result<<apigateway_api::op::$op as shapes::Op>::Output, shapes::ApiError> {
                $body
            }
        }
    };
}

/// An operation that tells what is there.
macro_rules! tell {
    ($op:ident, |$ctx:pat_param, $input:pat_param| $body:expr) => {
        impl cloud::Handle<apigateway_api::op::$op> for crate::ApiGateway {
            fn guard(
                &self,
                ctx: &cloud::Ctx,
                input: &<apigateway_api::op::$op as shapes::Op>::Input,
            ) -> Result<cloud::Guard, shapes::ApiError> {
                Ok(crate::ops::guard::<apigateway_api::op::$op>(ctx, input))
            }

            async fn handle(
                self: &std::sync::Arc<Self>,
                $ctx: &cloud::Ctx,
                $input: <apigateway_api::op::$op as shapes::Op>::Input,
            ) -> Result<<apigateway_api::op::$op as shapes::Op>::Output, shapes::ApiError> {
                $body
            }
        }
    };
}

pub(crate) use {change, tell};

/// The guard of an operation: API Gateway's actions are HTTP methods on paths (Developer Guide, "Actions and resources
/// for managing APIs").
pub(crate) fn guard<O: Op>(ctx: &Ctx, input: &O::Input) -> Guard {
    let action = match O::SCHEMA.method {
        "GET" => "apigateway:GET",
        "PUT" => "apigateway:PUT",
        "PATCH" => "apigateway:PATCH",
        "DELETE" => "apigateway:DELETE",
        _ => "apigateway:POST",
    };
    let mut path = O::SCHEMA.uri.to_owned();
    for (index, member) in input.shape().members.iter().enumerate() {
        if let (Location::Uri, View::String(value)) = (member.location, input.member(index).view()) {
            path = path.replace(&format!("{{{}}}", member.wire_name()), value);
        }
    }
    Guard::resource(format!("arn:aws:apigateway:{}::{path}", ctx.region().as_str())).action(action)
}

/// The API that an operation is about.
pub(crate) fn find_api(ctx: &Ctx, id: &str) -> Result<RestApi, ApiError> {
    APIS.find(&mut ctx.read()?, &id.to_owned())?.ok_or_else(|| errors::no_such_api_of(ctx.account(), id))
}

/// Changes an API, which must be there, and has its deployed stages read anew.
pub(crate) fn change_api<T>(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    id: &str,
    change: impl FnOnce(&mut RestApi) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let found = APIS.find(tx, &id.to_owned())?;
    let mut api = found.ok_or_else(|| errors::no_such_api_of(ctx.account(), id))?;
    let result = change(&mut api)?;
    APIS.put(tx, &api.id, &api);
    announce(tx, &api_topic(id));
    Ok(result)
}

/// What is announced when an API changed, one of its stages among them.
pub(crate) fn api_topic(id: &str) -> String {
    format!("apigateway/api/{id}")
}

/// What is announced when keys or usage plans of any account changed.
pub(crate) const KEYS_TOPIC: &str = "apigateway/keys";

/// Announces to all of the region: whoever serves a URL does not know its owner before it has read it.
pub(crate) fn announce(tx: &mut Tx<'_>, topic: &str) {
    tx.with_scope(&Scope::global(), |tx| tx.announce(topic));
}

/// Ids as AWS makes them: small letters and digits.
pub(crate) fn new_id(ctx: &Ctx, length: usize) -> String {
    ctx.ids().text(b"abcdefghijklmnopqrstuvwxyz0123456789", length)
}

/// How many items a page has: 25, or up to 500 when asked.
pub(crate) fn page_size(limit: Option<i32>) -> usize {
    limit.filter(|limit| *limit > 0).unwrap_or(25).min(500).unsigned_abs() as usize
}

/// A page of what is known by name, and the position of the next one.
pub(crate) fn page<'a, T>(
    all: impl Iterator<Item = (&'a String, T)>,
    position: Option<&str>,
    limit: Option<i32>,
) -> (Vec<T>, Option<String>) {
    let size = page_size(limit);
    let mut rest = all.skip_while(|(name, _)| position.is_some_and(|position| name.as_str() <= position));
    let mut items = Vec::new();
    let mut last = None;
    for (name, item) in rest.by_ref().take(size) {
        last = Some(name.clone());
        items.push(item);
    }
    let position = last.filter(|_| rest.next().is_some());
    (items, position)
}

/// What an API has under a name.
pub(crate) fn part_mut<'a, T>(
    parts: &'a mut BTreeMap<String, T>,
    name: &str,
    missing: impl FnOnce() -> ApiError,
) -> Result<&'a mut T, ApiError> {
    parts.get_mut(name).ok_or_else(missing)
}
