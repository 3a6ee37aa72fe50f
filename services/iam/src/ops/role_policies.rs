//! PutRolePolicy, GetRolePolicy, ListRolePolicies and DeleteRolePolicy: the inline policies of a role.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use iam_api::op::{DeleteRolePolicy, GetRolePolicy, ListRolePolicies, PutRolePolicy};
use iam_api::{
    DeleteRolePolicyInput, DeleteRolePolicyOutput, GetRolePolicyInput, GetRolePolicyOutput,
    ListRolePoliciesInput, ListRolePoliciesOutput, PutRolePolicyInput, PutRolePolicyOutput,
};
use identity::policy::{Policy, PolicyKind};
use shapes::ApiError;
use store::{Range, Tx};

use super::get_role::guard;
use crate::role::url_encoded;
use crate::tables::{Document, ROLE_POLICIES, ROLES, account_scope};
use crate::{Iam, errors};

/// Inline policies of one role at most; their size is what AWS bounds.
const MOST: usize = 100;

impl Transact<PutRolePolicy> for Iam {
    type Draft = PutRolePolicyInput;

    fn guard(&self, ctx: &Ctx, input: &PutRolePolicyInput) -> Result<Guard, ApiError> {
        guard(ctx, &input.role_name)
    }

    fn prepare(&self, _: &Ctx, input: PutRolePolicyInput) -> Result<PutRolePolicyInput, ApiError> {
        Policy::parse(&input.policy_document, PolicyKind::Identity).map_err(errors::malformed_policy)?;
        Ok(input)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        input: &PutRolePolicyInput,
    ) -> Result<PutRolePolicyOutput, ApiError> {
        tx.with_scope(&account_scope(ctx.account()), |tx| {
            ROLES.find(tx, &input.role_name)?.ok_or_else(|| errors::no_such_role(&input.role_name))?;
            let key = (input.role_name.clone(), input.policy_name.clone());
            ROLE_POLICIES.put(tx, &key, &Document(input.policy_document.clone()));
            Ok(PutRolePolicyOutput {})
        })
    }
}

impl Transact<DeleteRolePolicy> for Iam {
    type Draft = (String, String);

    fn guard(&self, ctx: &Ctx, input: &DeleteRolePolicyInput) -> Result<Guard, ApiError> {
        guard(ctx, &input.role_name)
    }

    fn prepare(&self, _: &Ctx, input: DeleteRolePolicyInput) -> Result<Self::Draft, ApiError> {
        Ok((input.role_name, input.policy_name))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        key: &Self::Draft,
    ) -> Result<DeleteRolePolicyOutput, ApiError> {
        tx.with_scope(&account_scope(ctx.account()), |tx| {
            ROLE_POLICIES.find(tx, key)?.ok_or_else(|| errors::no_such_role_policy(&key.1))?;
            ROLE_POLICIES.delete(tx, key);
            Ok(DeleteRolePolicyOutput {})
        })
    }
}

impl Handle<GetRolePolicy> for Iam {
    fn guard(&self, ctx: &Ctx, input: &GetRolePolicyInput) -> Result<Guard, ApiError> {
        guard(ctx, &input.role_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetRolePolicyInput,
    ) -> Result<GetRolePolicyOutput, ApiError> {
        let mut snapshot = ctx.store().read(&account_scope(ctx.account()))?;
        let key = (input.role_name, input.policy_name);
        let found = ROLE_POLICIES.find(&mut snapshot, &key)?;
        let document = found.ok_or_else(|| errors::no_such_role_policy(&key.1))?;
        let (role_name, policy_name) = key;
        Ok(GetRolePolicyOutput { role_name, policy_name, policy_document: url_encoded(&document.0) })
    }
}

impl Handle<ListRolePolicies> for Iam {
    fn guard(&self, ctx: &Ctx, input: &ListRolePoliciesInput) -> Result<Guard, ApiError> {
        guard(ctx, &input.role_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListRolePoliciesInput,
    ) -> Result<ListRolePoliciesOutput, ApiError> {
        let mut snapshot = ctx.store().read(&account_scope(ctx.account()))?;
        ROLES.find(&mut snapshot, &input.role_name)?.ok_or_else(|| errors::no_such_role(&input.role_name))?;
        let rows = ROLE_POLICIES.list(&mut snapshot, &Range::prefix(&input.role_name), MOST)?;
        let policy_names = rows.into_iter().map(|((_, name), _)| name).collect();
        Ok(ListRolePoliciesOutput { policy_names, is_truncated: Some(false), marker: None })
    }
}
