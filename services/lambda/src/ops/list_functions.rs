//! ListFunctions.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Handle};
use lambda_api::op::ListFunctions;
use lambda_api::{FunctionConfiguration, ListFunctionsInput, ListFunctionsOutput};
use shapes::ApiError;
use store::{Order, Range};

use super::page_size;
use crate::function::function_arn;
use crate::{Lambda, tables};

impl Handle<ListFunctions> for Lambda {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListFunctionsInput,
    ) -> Result<ListFunctionsOutput, ApiError> {
        let size = page_size(input.max_items);
        let mut reader = ctx.read()?;
        let mut range = Range::all();
        if let Some(marker) = &input.marker {
            range = range.after(marker);
        }
        let mut names = Vec::new();
        let mut functions: Vec<FunctionConfiguration> = Vec::new();
        let mut next_marker = None;
        tables::FUNCTIONS.visit(&mut reader, &range, Order::Ascending, |name, function| {
            if names.len() == size {
                next_marker = names.last().cloned();
                return ControlFlow::Break(());
            }
            // Lists name `$LATEST` in the ARN when all versions are asked for.
            let arn = function_arn(ctx.account(), ctx.region(), &name);
            let is_all = input.function_version.as_deref() == Some("ALL");
            let arn = if is_all { format!("{arn}:$LATEST") } else { arn };
            functions.push(function.latest.to_api(arn));
            names.push(name);
            ControlFlow::Continue(())
        })?;
        if input.function_version.as_deref() == Some("ALL") {
            for name in &names {
                let versions =
                    tables::VERSIONS.list(&mut reader, &Range::prefix(name), super::versions::MOST_LISTED)?;
                let arn =
                    |version: &str| format!("{}:{version}", function_arn(ctx.account(), ctx.region(), name));
                functions.extend(versions.iter().map(|(_, version)| version.to_api(arn(&version.version))));
            }
        }
        Ok(ListFunctionsOutput { functions: Some(functions), next_marker })
    }
}
