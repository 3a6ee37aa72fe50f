//! CreateLogGroup.

use cloud::{Ctx, Guard, Transact};
use logs_api::op::CreateLogGroup;
use logs_api::{CreateLogGroupInput, CreateLogGroupOutput};
use shapes::ApiError;
use store::Tx;

use super::{group_guard, new_id, tags};
use crate::group::{Group, check_name};
use crate::{Logs, errors, tables};

impl Transact<CreateLogGroup> for Logs {
    type Draft = Group;

    fn guard(&self, ctx: &Ctx, input: &CreateLogGroupInput) -> Result<Guard, ApiError> {
        Ok(group_guard(ctx, &input.log_group_name))
    }

    fn prepare(&self, ctx: &Ctx, input: CreateLogGroupInput) -> Result<Group, ApiError> {
        check_name(&input.log_group_name, "logGroupName")?;
        if input.kms_key_id.is_some() {
            return Err(errors::is_not_here_yet("kmsKeyId"));
        }
        if input.deletion_protection_enabled == Some(true) {
            return Err(errors::is_not_here_yet("deletionProtectionEnabled"));
        }
        let class = input.log_group_class.unwrap_or_else(|| "STANDARD".to_owned());
        match class.as_str() {
            "STANDARD" | "INFREQUENT_ACCESS" => {}
            "DELIVERY" => return Err(errors::is_not_here_yet("logGroupClass DELIVERY")),
            other => {
                let rule = "Member must satisfy enum value set: [STANDARD, INFREQUENT_ACCESS, DELIVERY]";
                return Err(errors::constraint(other, "logGroupClass", rule));
            }
        }
        let tags = input.tags.unwrap_or_default();
        tags::check(&tags)?;
        Ok(Group {
            name: input.log_group_name,
            id: new_id(ctx),
            created: ctx.now(),
            retention_days: None,
            class,
            tags,
            sweep: None,
        })
    }

    fn apply(&self, _: &Ctx, tx: &mut Tx<'_>, group: &Group) -> Result<CreateLogGroupOutput, ApiError> {
        if tables::GROUPS.contains(tx, &group.name)? {
            return Err(errors::group_already_exists());
        }
        tables::GROUPS.put(tx, &group.name, group);
        Ok(CreateLogGroupOutput {})
    }
}
