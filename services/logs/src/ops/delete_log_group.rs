//! DeleteLogGroup: the group is gone at once, and a job takes away what it held.

use cloud::{Ctx, Guard, Transact};
use logs_api::op::DeleteLogGroup;
use logs_api::{DeleteLogGroupInput, DeleteLogGroupOutput};
use shapes::ApiError;
use store::Tx;

use super::group_guard;
use crate::group::{Group, check_name};
use crate::jobs::purge;
use crate::{Logs, tables};

impl Transact<DeleteLogGroup> for Logs {
    type Draft = String;

    fn guard(&self, ctx: &Ctx, input: &DeleteLogGroupInput) -> Result<Guard, ApiError> {
        Ok(group_guard(ctx, &input.log_group_name))
    }

    fn prepare(&self, _: &Ctx, input: DeleteLogGroupInput) -> Result<String, ApiError> {
        check_name(&input.log_group_name, "logGroupName")?;
        Ok(input.log_group_name)
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, name: &String) -> Result<DeleteLogGroupOutput, ApiError> {
        let group = Group::find(tx, name)?;
        tables::GROUPS.delete(tx, name);
        purge::schedule(ctx, tx, name, group.id, None);
        Ok(DeleteLogGroupOutput {})
    }
}
