//! CreateDeployment: fixes an API as it is, and puts it on a stage.

use apigateway_api::op::CreateDeployment;
use apigateway_api::{CreateDeploymentInput, CreateDeploymentOutput};
use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use store::Tx;

use super::{change, guard, new_id};
use crate::api::{Deployment, Stage};
use crate::tables::DEPLOYMENTS;
use crate::{ApiGateway, errors};

impl Transact<CreateDeployment> for ApiGateway {
    type Draft = (CreateDeploymentInput, String);

    fn guard(&self, ctx: &Ctx, input: &CreateDeploymentInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, "POST", &format!("/restapis/{}/deployments", input.rest_api_id)))
    }

    fn prepare(&self, ctx: &Ctx, input: CreateDeploymentInput) -> Result<Self::Draft, ApiError> {
        let id = new_id(ctx, 6);
        Ok((input, id))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (input, id): &Self::Draft,
    ) -> Result<CreateDeploymentOutput, ApiError> {
        let resources = change(tx, &input.rest_api_id, |api| {
            let mut methods =
                api.resources.values().flat_map(|resource| resource.methods.values()).peekable();
            if methods.peek().is_none() {
                return Err(errors::no_methods());
            }
            if methods.any(|method| method.integration.is_none()) {
                return Err(errors::no_integration());
            }
            if let Some(name) = &input.stage_name {
                let variables = input.variables.clone().unwrap_or_default();
                api.stages.insert(name.clone(), Stage { deployment: id.clone(), variables });
            }
            Ok(api.resources.clone())
        })?;
        let deployment = Deployment { created: ctx.now(), resources };
        DEPLOYMENTS.put(tx, &(input.rest_api_id.clone(), id.clone()), &deployment);
        Ok(CreateDeploymentOutput {
            id: Some(id.clone()),
            description: input.description.clone(),
            created_date: Some(ctx.now()),
            ..Default::default()
        })
    }
}
