//! DeleteParameter and DeleteParameters.

use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use ssm_api::op::{DeleteParameter, DeleteParameters};
use ssm_api::{DeleteParameterInput, DeleteParameterOutput, DeleteParametersInput, DeleteParametersOutput};
use store::Tx;

use crate::name::{self, Named};
use crate::{Ssm, errors, jobs, tables};

impl Transact<DeleteParameter> for Ssm {
    type Draft = String;

    fn guard(&self, ctx: &Ctx, input: &DeleteParameterInput) -> Result<Guard, ApiError> {
        self.tagged_guard(ctx, &input.name)
    }

    fn prepare(&self, ctx: &Ctx, input: DeleteParameterInput) -> Result<String, ApiError> {
        Ok(Named::parse(ctx, &input.name)?.name)
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, name: &String) -> Result<DeleteParameterOutput, ApiError> {
        let parameter = tables::PARAMETERS.find(tx, name)?.ok_or_else(|| errors::not_found(name))?;
        jobs::remove(ctx, tx, &parameter)?;
        Ok(DeleteParameterOutput {})
    }
}

impl Transact<DeleteParameters> for Ssm {
    type Draft = Vec<String>;

    fn guard(&self, ctx: &Ctx, input: &DeleteParametersInput) -> Result<Guard, ApiError> {
        name::guard(ctx, input.names.iter())
    }

    fn prepare(&self, _: &Ctx, input: DeleteParametersInput) -> Result<Vec<String>, ApiError> {
        Ok(input.names)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        names: &Vec<String>,
    ) -> Result<DeleteParametersOutput, ApiError> {
        let (mut deleted, mut invalid) = (Vec::new(), Vec::new());
        for text in names {
            let found = match Named::parse(ctx, text) {
                Ok(named) => tables::PARAMETERS.find(tx, &named.name)?,
                Err(_) => None,
            };
            match found {
                Some(parameter) => {
                    jobs::remove(ctx, tx, &parameter)?;
                    deleted.push(text.clone());
                }
                None => invalid.push(text.clone()),
            }
        }
        Ok(DeleteParametersOutput { deleted_parameters: Some(deleted), invalid_parameters: Some(invalid) })
    }
}
