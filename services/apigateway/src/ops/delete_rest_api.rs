//! DeleteRestApi.

use apigateway_api::op::DeleteRestApi;
use apigateway_api::{DeleteRestApiInput, DeleteRestApiOutput};
use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use store::{Range, Scope, Tx};

use super::guard;
use crate::tables::{APIS, DEPLOYMENTS, OWNERS};
use crate::{ApiGateway, errors};

impl Transact<DeleteRestApi> for ApiGateway {
    type Draft = String;

    fn guard(&self, ctx: &Ctx, input: &DeleteRestApiInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, "DELETE", &format!("/restapis/{}", input.rest_api_id)))
    }

    fn prepare(&self, _: &Ctx, input: DeleteRestApiInput) -> Result<String, ApiError> {
        Ok(input.rest_api_id)
    }

    fn apply(&self, _: &Ctx, tx: &mut Tx<'_>, id: &String) -> Result<DeleteRestApiOutput, ApiError> {
        APIS.find(tx, id)?.ok_or_else(errors::no_such_api)?;
        for (key, _) in DEPLOYMENTS.list(tx, &Range::prefix(id), usize::MAX)? {
            DEPLOYMENTS.delete(tx, &key);
        }
        APIS.delete(tx, id);
        tx.with_scope(&Scope::global(), |tx| OWNERS.delete(tx, id));
        Ok(DeleteRestApiOutput {})
    }
}
