//! The operation table, and what most operations begin with.

mod create_deployment;
mod create_resource;
mod create_rest_api;
mod delete_parts;
mod delete_rest_api;
mod describe;
mod get_resources;
mod get_rest_apis;
mod put_integration;
mod put_method;
mod test_invoke_method;

use apigateway_api::op;
use cloud::{Ctx, Guard, Operation};
use shapes::ApiError;
use store::Tx;

use crate::api::RestApi;
use crate::tables::APIS;
use crate::{ApiGateway, errors};

pub(crate) static OPERATIONS: &[Operation<ApiGateway>] = &[
    Operation::transaction::<op::CreateDeployment>(),
    Operation::transaction::<op::CreateResource>(),
    Operation::transaction::<op::CreateRestApi>(),
    Operation::transaction::<op::CreateStage>(),
    Operation::transaction::<op::DeleteDeployment>(),
    Operation::transaction::<op::DeleteIntegration>(),
    Operation::transaction::<op::DeleteIntegrationResponse>(),
    Operation::transaction::<op::DeleteMethod>(),
    Operation::transaction::<op::DeleteMethodResponse>(),
    Operation::transaction::<op::DeleteResource>(),
    Operation::transaction::<op::DeleteRestApi>(),
    Operation::transaction::<op::DeleteStage>(),
    Operation::of::<op::GetDeployment>(),
    Operation::of::<op::GetDeployments>(),
    Operation::of::<op::GetIntegration>(),
    Operation::of::<op::GetIntegrationResponse>(),
    Operation::of::<op::GetMethod>(),
    Operation::of::<op::GetMethodResponse>(),
    Operation::of::<op::GetResource>(),
    Operation::of::<op::GetResources>(),
    Operation::of::<op::GetRestApi>(),
    Operation::of::<op::GetRestApis>(),
    Operation::of::<op::GetStage>(),
    Operation::of::<op::GetStages>(),
    Operation::transaction::<op::PutIntegration>(),
    Operation::transaction::<op::PutIntegrationResponse>(),
    Operation::transaction::<op::PutMethod>(),
    Operation::transaction::<op::PutMethodResponse>(),
    Operation::of::<op::TestInvokeMethod>(),
];

/// The guard of an operation: API Gateway's actions are HTTP methods on paths (Developer Guide, "Actions and resources
/// for managing APIs").
pub(crate) fn guard(ctx: &Ctx, method: &'static str, path: &str) -> Guard {
    let action = match method {
        "GET" => "apigateway:GET",
        "PUT" => "apigateway:PUT",
        "DELETE" => "apigateway:DELETE",
        _ => "apigateway:POST",
    };
    Guard::resource(format!("arn:aws:apigateway:{}::{path}", ctx.region().as_str())).action(action)
}

/// Changes an API, which must be there.
pub(crate) fn change<T>(
    tx: &mut Tx<'_>,
    id: &str,
    change: impl FnOnce(&mut RestApi) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let mut api = APIS.find(tx, &id.to_owned())?.ok_or_else(errors::no_such_api)?;
    let result = change(&mut api)?;
    APIS.put(tx, &api.id.clone(), &api);
    Ok(result)
}

/// Ids as AWS makes them: small letters and digits.
pub(crate) fn new_id(ctx: &Ctx, length: usize) -> String {
    ctx.ids().text(b"abcdefghijklmnopqrstuvwxyz0123456789", length)
}
