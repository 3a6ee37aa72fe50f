//! AddLayerVersionPermission, RemoveLayerVersionPermission and GetLayerVersionPolicy.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use lambda_api::op::{AddLayerVersionPermission, GetLayerVersionPolicy, RemoveLayerVersionPermission};
use lambda_api::{
    AddLayerVersionPermissionInput, AddLayerVersionPermissionOutput, GetLayerVersionPolicyInput,
    GetLayerVersionPolicyOutput, RemoveLayerVersionPermissionInput, RemoveLayerVersionPermissionOutput,
};
use serde_json::json;
use shapes::ApiError;
use store::Tx;

use super::update_function::check_revision;
use crate::layer::{LayerName, LayerVersionArn};
use crate::policy::{Statement, principal};
use crate::{Lambda, errors, tables};

pub(crate) struct Draft {
    arn: LayerVersionArn,
    statement: Statement,
    given_revision: Option<String>,
    revision: String,
}

impl Transact<AddLayerVersionPermission> for Lambda {
    type Draft = Draft;

    fn guard(&self, ctx: &Ctx, input: &AddLayerVersionPermissionInput) -> Result<Guard, ApiError> {
        self.layer_guard(&LayerName::parse(ctx, &input.layer_name)?.at(input.version_number)?)
    }

    fn prepare(&self, ctx: &Ctx, input: AddLayerVersionPermissionInput) -> Result<Draft, ApiError> {
        let arn = LayerName::parse(ctx, &input.layer_name)?.at(input.version_number)?;
        let mut statement = json!({
            "Sid": input.statement_id,
            "Effect": "Allow",
            "Principal": principal(&input.principal)?,
            "Action": input.action,
            "Resource": arn.to_string(),
        });
        if let Some(organization) = input.organization_id {
            statement["Condition"] = json!({ "StringEquals": { "aws:PrincipalOrgID": organization } });
        }
        let statement = Statement { id: input.statement_id, json: statement.to_string() };
        Ok(Draft { arn, statement, given_revision: input.revision_id, revision: ctx.ids().uuid() })
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        draft: &Draft,
    ) -> Result<AddLayerVersionPermissionOutput, ApiError> {
        tx.with_scope(&draft.arn.layer.scope(), |tx| {
            let mut version = draft.arn.find(tx)?;
            check_revision(&draft.given_revision, &version.policy.revision)?;
            version.policy.add(draft.statement.clone())?;
            version.policy.revision.clone_from(&draft.revision);
            tables::LAYER_VERSIONS.put(tx, &draft.arn.key(), &version);
            Ok(AddLayerVersionPermissionOutput {
                statement: Some(draft.statement.json.clone()),
                revision_id: Some(draft.revision.clone()),
            })
        })
    }
}

impl Transact<RemoveLayerVersionPermission> for Lambda {
    type Draft = (LayerVersionArn, RemoveLayerVersionPermissionInput, String);

    fn guard(&self, ctx: &Ctx, input: &RemoveLayerVersionPermissionInput) -> Result<Guard, ApiError> {
        self.layer_guard(&LayerName::parse(ctx, &input.layer_name)?.at(input.version_number)?)
    }

    fn prepare(&self, ctx: &Ctx, input: RemoveLayerVersionPermissionInput) -> Result<Self::Draft, ApiError> {
        let arn = LayerName::parse(ctx, &input.layer_name)?.at(input.version_number)?;
        Ok((arn, input, ctx.ids().uuid()))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (arn, input, revision): &Self::Draft,
    ) -> Result<RemoveLayerVersionPermissionOutput, ApiError> {
        tx.with_scope(&arn.layer.scope(), |tx| {
            let mut version = arn.find(tx)?;
            check_revision(&input.revision_id, &version.policy.revision)?;
            version.policy.remove(&input.statement_id)?;
            version.policy.revision.clone_from(revision);
            tables::LAYER_VERSIONS.put(tx, &arn.key(), &version);
            Ok(RemoveLayerVersionPermissionOutput {})
        })
    }
}

impl Handle<GetLayerVersionPolicy> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &GetLayerVersionPolicyInput) -> Result<Guard, ApiError> {
        self.layer_guard(&LayerName::parse(ctx, &input.layer_name)?.at(input.version_number)?)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetLayerVersionPolicyInput,
    ) -> Result<GetLayerVersionPolicyOutput, ApiError> {
        let arn = LayerName::parse(ctx, &input.layer_name)?.at(input.version_number)?;
        let version = arn.find(&mut ctx.store().read(&arn.layer.scope())?)?;
        let policy = version.policy.document().ok_or_else(errors::no_policy)?;
        Ok(GetLayerVersionPolicyOutput { policy: Some(policy), revision_id: Some(version.policy.revision) })
    }
}
