//! DescribeParameters.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use shapes::ApiError;
use ssm_api::op::DescribeParameters;
use ssm_api::{DescribeParametersInput, DescribeParametersOutput};
use store::{Order, Range};

use super::limit;
use crate::filters::Filters;
use crate::{Ssm, errors, tables};

impl Handle<DescribeParameters> for Ssm {
    fn guard(&self, ctx: &Ctx, _: &DescribeParametersInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(format!("arn:aws:ssm:{}:{}:*", ctx.region(), ctx.account())))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeParametersInput,
    ) -> Result<DescribeParametersOutput, ApiError> {
        if input.filters.is_some() && input.parameter_filters.is_some() {
            return Err(errors::validation(
                "You can use either Filters or ParameterFilters in a single request.",
            ));
        }
        let keys = ["Name", "Type", "KeyId", "Path", "Label", "Tier", "DataType", "tag"];
        let mut filters = Filters::parse(input.parameter_filters.unwrap_or_default(), &keys)?;
        filters.add_first_form(input.filters.unwrap_or_default());
        let limit = limit(input.max_results, 50, 50);
        let range = input.next_token.map_or(Range::all(), |last| Range::all().after(&last));
        let mut found = Vec::new();
        tables::PARAMETERS.visit(&mut ctx.read()?, &range, Order::Ascending, |_, parameter| {
            if filters.fit(&parameter) {
                found.push(parameter);
            }
            if found.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next_token = found.last().filter(|_| has_more).map(|parameter| parameter.name.clone());
        let parameters = found.iter().map(|parameter| parameter.metadata(ctx)).collect();
        Ok(DescribeParametersOutput { parameters: Some(parameters), next_token })
    }
}
