//! PutFunctionConcurrency, GetFunctionConcurrency and DeleteFunctionConcurrency.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use lambda_api::op::{DeleteFunctionConcurrency, GetFunctionConcurrency, PutFunctionConcurrency};
use lambda_api::{
    DeleteFunctionConcurrencyInput, DeleteFunctionConcurrencyOutput, GetFunctionConcurrencyInput,
    GetFunctionConcurrencyOutput, PutFunctionConcurrencyInput, PutFunctionConcurrencyOutput,
};
use shapes::ApiError;
use store::{Order, Range, Tx};

use crate::concurrency::LEAST_UNRESERVED;
use crate::function::Target;
use crate::{Lambda, errors, tables};

impl Transact<PutFunctionConcurrency> for Lambda {
    type Draft = (Target, u32);

    fn guard(&self, ctx: &Ctx, input: &PutFunctionConcurrencyInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, None)
    }

    fn prepare(&self, ctx: &Ctx, input: PutFunctionConcurrencyInput) -> Result<Self::Draft, ApiError> {
        let asked = u32::try_from(input.reserved_concurrent_executions)
            .map_err(|_| errors::invalid("ReservedConcurrentExecutions has to be 0 or more"))?;
        Ok((Target::parse(ctx, &input.function_name, None)?, asked))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (target, asked): &Self::Draft,
    ) -> Result<PutFunctionConcurrencyOutput, ApiError> {
        tx.with_scope(&target.scope(), |tx| {
            let mut function = target.function(tx)?;
            let mut others = 0_u32;
            tables::FUNCTIONS.visit(tx, &Range::all(), Order::Ascending, |name, other| {
                if name != target.name {
                    others = others.saturating_add(other.reserved_concurrency.unwrap_or(0));
                }
                ControlFlow::Continue(())
            })?;
            let least = LEAST_UNRESERVED.min(self.concurrency.limit());
            if others.saturating_add(*asked).saturating_add(least) > self.concurrency.limit() {
                return Err(errors::reserved_too_high(least));
            }
            function.reserved_concurrency = Some(*asked);
            tables::FUNCTIONS.put(tx, &target.name, &function);
            Ok(PutFunctionConcurrencyOutput { reserved_concurrent_executions: Some(*asked as i32) })
        })
    }
}

impl Transact<DeleteFunctionConcurrency> for Lambda {
    type Draft = Target;

    fn guard(&self, ctx: &Ctx, input: &DeleteFunctionConcurrencyInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, None)
    }

    fn prepare(&self, ctx: &Ctx, input: DeleteFunctionConcurrencyInput) -> Result<Target, ApiError> {
        Target::parse(ctx, &input.function_name, None)
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        target: &Target,
    ) -> Result<DeleteFunctionConcurrencyOutput, ApiError> {
        tx.with_scope(&target.scope(), |tx| {
            let mut function = target.function(tx)?;
            function.reserved_concurrency = None;
            tables::FUNCTIONS.put(tx, &target.name, &function);
            Ok(DeleteFunctionConcurrencyOutput {})
        })
    }
}

impl Handle<GetFunctionConcurrency> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &GetFunctionConcurrencyInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, None)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetFunctionConcurrencyInput,
    ) -> Result<GetFunctionConcurrencyOutput, ApiError> {
        let target = Target::parse(ctx, &input.function_name, None)?;
        let function = target.function(&mut ctx.store().read(&target.scope())?)?;
        let reserved = function.reserved_concurrency.map(|reserved| reserved as i32);
        Ok(GetFunctionConcurrencyOutput { reserved_concurrent_executions: reserved })
    }
}
