//! AddPermission, RemovePermission and GetPolicy.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use lambda_api::op::{AddPermission, GetPolicy, RemovePermission};
use lambda_api::{
    AddPermissionInput, AddPermissionOutput, GetPolicyInput, GetPolicyOutput, RemovePermissionInput,
    RemovePermissionOutput,
};
use shapes::ApiError;
use store::Tx;

use super::policy_qualifier;
use super::update_function::check_revision;
use crate::function::Target;
use crate::policy::{Statement, statement};
use crate::{Lambda, errors, tables};

pub(crate) struct Draft {
    target: Target,
    statement: Statement,
    given_revision: Option<String>,
    revision: String,
}

impl Transact<AddPermission> for Lambda {
    type Draft = Draft;

    fn guard(&self, ctx: &Ctx, input: &AddPermissionInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, input.qualifier.as_deref())
    }

    fn prepare(&self, ctx: &Ctx, input: AddPermissionInput) -> Result<Draft, ApiError> {
        let target = Target::parse(ctx, &input.function_name, input.qualifier.as_deref())?;
        let statement = statement(&input, &target.qualified_arn())?;
        Ok(Draft { target, statement, given_revision: input.revision_id, revision: ctx.ids().uuid() })
    }

    fn apply(&self, _: &Ctx, tx: &mut Tx<'_>, draft: &Draft) -> Result<AddPermissionOutput, ApiError> {
        let target = &draft.target;
        tx.with_scope(&target.scope(), |tx| {
            target.version(tx, 1.0)?;
            let key = (target.name.clone(), policy_qualifier(target));
            let mut policy = tables::POLICIES.find(tx, &key)?.unwrap_or_default();
            check_revision(&draft.given_revision, &policy.revision)?;
            policy.add(draft.statement.clone())?;
            policy.revision.clone_from(&draft.revision);
            tables::POLICIES.put(tx, &key, &policy);
            Ok(AddPermissionOutput { statement: Some(draft.statement.json.clone()) })
        })
    }
}

impl Transact<RemovePermission> for Lambda {
    type Draft = (Target, RemovePermissionInput, String);

    fn guard(&self, ctx: &Ctx, input: &RemovePermissionInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, input.qualifier.as_deref())
    }

    fn prepare(&self, ctx: &Ctx, input: RemovePermissionInput) -> Result<Self::Draft, ApiError> {
        let target = Target::parse(ctx, &input.function_name, input.qualifier.as_deref())?;
        Ok((target, input, ctx.ids().uuid()))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (target, input, revision): &Self::Draft,
    ) -> Result<RemovePermissionOutput, ApiError> {
        tx.with_scope(&target.scope(), |tx| {
            target.function(tx)?;
            let key = (target.name.clone(), policy_qualifier(target));
            let mut policy = tables::POLICIES.find(tx, &key)?.ok_or_else(errors::no_policy)?;
            check_revision(&input.revision_id, &policy.revision)?;
            policy.remove(&input.statement_id)?;
            policy.revision.clone_from(revision);
            if policy.statements.is_empty() {
                tables::POLICIES.delete(tx, &key);
            } else {
                tables::POLICIES.put(tx, &key, &policy);
            }
            Ok(RemovePermissionOutput {})
        })
    }
}

impl Handle<GetPolicy> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &GetPolicyInput) -> Result<Guard, ApiError> {
        self.function_guard(ctx, &input.function_name, input.qualifier.as_deref())
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: GetPolicyInput) -> Result<GetPolicyOutput, ApiError> {
        let target = Target::parse(ctx, &input.function_name, input.qualifier.as_deref())?;
        let mut reader = ctx.store().read(&target.scope())?;
        target.version(&mut reader, 1.0)?;
        let key = (target.name.clone(), policy_qualifier(&target));
        let policy = tables::POLICIES.find(&mut reader, &key)?.ok_or_else(errors::no_policy)?;
        Ok(GetPolicyOutput { policy: policy.document(), revision_id: Some(policy.revision) })
    }
}
