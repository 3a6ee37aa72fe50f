//! GetParametersByPath.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use shapes::ApiError;
use ssm_api::op::GetParametersByPath;
use ssm_api::{GetParametersByPathInput, GetParametersByPathOutput};
use store::{Order, Range};

use super::get_parameter::read;
use super::limit;
use crate::filters::{Filters, is_below};
use crate::name::{self, Named};
use crate::{Ssm, errors, tables};

impl Handle<GetParametersByPath> for Ssm {
    fn guard(&self, ctx: &Ctx, input: &GetParametersByPathInput) -> Result<Guard, ApiError> {
        let path = input.path.strip_suffix('/').unwrap_or(&input.path).to_owned();
        let guard = name::guard(ctx, std::iter::once(&path))?;
        Ok(guard.with("ssm:recursive", vec![(input.recursive == Some(true)).to_string()]))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetParametersByPathInput,
    ) -> Result<GetParametersByPathOutput, ApiError> {
        if !input.path.starts_with('/') {
            return Err(errors::validation(
                "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a \
                 forward slash \"/\".",
            ));
        }
        let keys = ["Type", "KeyId", "Label", "tag"];
        let filters = Filters::parse(input.parameter_filters.unwrap_or_default(), &keys)?;
        let (limit, recursive) = (limit(input.max_results, 10, 10), input.recursive == Some(true));
        let range = input.next_token.map_or(Range::all(), |last| Range::all().after(&last));
        let mut names = Vec::new();
        tables::PARAMETERS.visit(&mut ctx.read()?, &range, Order::Ascending, |name, parameter| {
            if is_below(&name, &input.path, recursive) && filters.fit(&parameter) {
                names.push(name);
            }
            if names.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let has_more = names.len() > limit;
        names.truncate(limit);
        let next_token = names.last().filter(|_| has_more).cloned();
        let mut parameters = Vec::with_capacity(names.len());
        for name in names {
            let named = Named { name, selector: None };
            parameters.push(read(ctx, &named, input.with_decryption == Some(true)).await?);
        }
        Ok(GetParametersByPathOutput { parameters: Some(parameters), next_token })
    }
}
