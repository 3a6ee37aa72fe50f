//! PutRetentionPolicy and DeleteRetentionPolicy.

use cloud::{Ctx, Guard, Transact};
use logs_api::op::{DeleteRetentionPolicy, PutRetentionPolicy};
use logs_api::{
    DeleteRetentionPolicyInput, DeleteRetentionPolicyOutput, PutRetentionPolicyInput,
    PutRetentionPolicyOutput,
};
use shapes::ApiError;
use store::Tx;

use super::group_guard;
use crate::group::{Group, check_name, check_retention};
use crate::jobs::retention;
use crate::{Logs, tables};

impl Transact<PutRetentionPolicy> for Logs {
    type Draft = (String, u16);

    fn guard(&self, ctx: &Ctx, input: &PutRetentionPolicyInput) -> Result<Guard, ApiError> {
        Ok(group_guard(ctx, &input.log_group_name))
    }

    fn prepare(&self, _: &Ctx, input: PutRetentionPolicyInput) -> Result<Self::Draft, ApiError> {
        check_name(&input.log_group_name, "logGroupName")?;
        Ok((input.log_group_name, check_retention(input.retention_in_days)?))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (name, days): &Self::Draft,
    ) -> Result<PutRetentionPolicyOutput, ApiError> {
        let mut group = Group::find(tx, name)?;
        group.retention_days = Some(*days);
        // The job finds out what there is to take away, and takes the place of one that goes by another period.
        retention::begin(ctx, tx, &mut group, ctx.now());
        Ok(PutRetentionPolicyOutput {})
    }
}

impl Transact<DeleteRetentionPolicy> for Logs {
    type Draft = String;

    fn guard(&self, ctx: &Ctx, input: &DeleteRetentionPolicyInput) -> Result<Guard, ApiError> {
        Ok(group_guard(ctx, &input.log_group_name))
    }

    fn prepare(&self, _: &Ctx, input: DeleteRetentionPolicyInput) -> Result<String, ApiError> {
        check_name(&input.log_group_name, "logGroupName")?;
        Ok(input.log_group_name)
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        name: &String,
    ) -> Result<DeleteRetentionPolicyOutput, ApiError> {
        let mut group = Group::find(tx, name)?;
        group.retention_days = None;
        group.sweep = None;
        tables::GROUPS.put(tx, name, &group);
        Ok(DeleteRetentionPolicyOutput {})
    }
}
