//! DeleteResource, DeleteMethod, DeleteMethodResponse, DeleteIntegration, DeleteIntegrationResponse, DeleteDeployment,
//! CreateStage, DeleteStage.

use apigateway_api as api;
use apigateway_api::op::{
    CreateStage, DeleteDeployment, DeleteIntegration, DeleteIntegrationResponse, DeleteMethod,
    DeleteMethodResponse, DeleteResource, DeleteStage,
};
use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use store::Tx;

use super::{change, guard};
use crate::api::Stage;
use crate::tables::DEPLOYMENTS;
use crate::{ApiGateway, errors};

macro_rules! part {
    ($op:ident, $verb:literal, $place:expr, $apply:expr) => {
        impl Transact<$op> for ApiGateway {
            type Draft = <$op as shapes::Op>::Input;

            fn guard(&self, ctx: &Ctx, input: &Self::Draft) -> Result<Guard, ApiError> {
                let place: fn(&Self::Draft) -> String = $place;
                Ok(guard(ctx, $verb, &format!("/restapis/{}{}", input.rest_api_id, place(input))))
            }

            fn prepare(&self, _: &Ctx, input: Self::Draft) -> Result<Self::Draft, ApiError> {
                Ok(input)
            }

            fn apply(
                &self,
                _: &Ctx,
                tx: &mut Tx<'_>,
                input: &Self::Draft,
            ) -> Result<<$op as shapes::Op>::Output, ApiError> {
                let apply: fn(&mut Tx<'_>, &Self::Draft) -> Result<<$op as shapes::Op>::Output, ApiError> =
                    $apply;
                apply(tx, input)
            }
        }
    };
}

part!(DeleteResource, "DELETE", |input| format!("/resources/{}", input.resource_id), |tx, input| {
    change(tx, &input.rest_api_id, |found| {
        if found.resource_mut(&input.resource_id)?.parent.is_none() {
            return Err(errors::bad_request("Root resource cannot be deleted"));
        }
        // With everything below it.
        let mut gone = vec![input.resource_id.clone()];
        while let Some(id) = gone.pop() {
            found.resources.remove(&id);
            let below = found.resources.values().filter(|other| other.parent.as_ref() == Some(&id));
            gone.extend(below.map(|other| other.id.clone()).collect::<Vec<_>>());
        }
        Ok(api::DeleteResourceOutput::default())
    })
});

part!(
    DeleteMethod,
    "DELETE",
    |input| format!("/resources/{}/methods/{}", input.resource_id, input.http_method),
    |tx, input| {
        change(tx, &input.rest_api_id, |found| {
            let resource = found.resource_mut(&input.resource_id)?;
            resource.methods.remove(&input.http_method).ok_or_else(errors::no_such_method)?;
            Ok(api::DeleteMethodOutput::default())
        })
    }
);

part!(
    DeleteMethodResponse,
    "DELETE",
    |input| format!("/resources/{}/methods/{}", input.resource_id, input.http_method),
    |tx, input| {
        change(tx, &input.rest_api_id, |found| {
            let method = found.method_mut(&input.resource_id, &input.http_method)?;
            method.responses.remove(&input.status_code).ok_or_else(errors::no_such_response)?;
            Ok(api::DeleteMethodResponseOutput::default())
        })
    }
);

part!(
    DeleteIntegration,
    "DELETE",
    |input| format!("/resources/{}/methods/{}", input.resource_id, input.http_method),
    |tx, input| {
        change(tx, &input.rest_api_id, |found| {
            let method = found.method_mut(&input.resource_id, &input.http_method)?;
            method.integration.take().ok_or_else(errors::no_such_integration)?;
            Ok(api::DeleteIntegrationOutput::default())
        })
    }
);

part!(
    DeleteIntegrationResponse,
    "DELETE",
    |input| format!("/resources/{}/methods/{}", input.resource_id, input.http_method),
    |tx, input| {
        change(tx, &input.rest_api_id, |found| {
            let method = found.method_mut(&input.resource_id, &input.http_method)?;
            let integration = method.integration.as_mut().ok_or_else(errors::no_such_integration)?;
            integration.responses.remove(&input.status_code).ok_or_else(errors::no_such_response)?;
            Ok(api::DeleteIntegrationResponseOutput::default())
        })
    }
);

part!(DeleteDeployment, "DELETE", |input| format!("/deployments/{}", input.deployment_id), |tx, input| {
    change(tx, &input.rest_api_id, |found| {
        if found.stages.values().any(|stage| stage.deployment == input.deployment_id) {
            return Err(errors::bad_request(
                "Active stages pointing to this deployment must be moved or deleted",
            ));
        }
        Ok(())
    })?;
    let key = (input.rest_api_id.clone(), input.deployment_id.clone());
    DEPLOYMENTS.find(tx, &key)?.ok_or_else(errors::no_such_deployment)?;
    DEPLOYMENTS.delete(tx, &key);
    Ok(api::DeleteDeploymentOutput::default())
});

part!(CreateStage, "POST", |_| "/stages".to_owned(), |tx, input| {
    let key = (input.rest_api_id.clone(), input.deployment_id.clone());
    DEPLOYMENTS.find(tx, &key)?.ok_or_else(errors::no_such_deployment)?;
    change(tx, &input.rest_api_id, |found| {
        if found.stages.contains_key(&input.stage_name) {
            return Err(errors::stage_exists());
        }
        let variables = input.variables.clone().unwrap_or_default();
        let stage = Stage { deployment: input.deployment_id.clone(), variables };
        found.stages.insert(input.stage_name.clone(), stage);
        Ok(api::Stage {
            stage_name: Some(input.stage_name.clone()),
            deployment_id: Some(input.deployment_id.clone()),
            description: input.description.clone(),
            variables: input.variables.clone(),
            ..Default::default()
        })
    })
});

part!(DeleteStage, "DELETE", |input| format!("/stages/{}", input.stage_name), |tx, input| {
    change(tx, &input.rest_api_id, |found| {
        found.stages.remove(&input.stage_name).ok_or_else(errors::no_such_stage)?;
        Ok(api::DeleteStageOutput::default())
    })
});
