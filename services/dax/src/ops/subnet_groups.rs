//! Subnet groups.

use std::sync::Arc;

use cloud::{Ctx, Handle, Transact};
use dax_api as api;
use dax_api::op;
use shapes::ApiError;
use store::{Reader, Tx};

use super::{all, note, page};
use crate::subnet_group::SubnetGroup;
use crate::tables::{CLUSTERS, SUBNET_GROUPS};
use crate::{Dax, errors};

fn find(reader: &mut dyn Reader, name: &String) -> Result<SubnetGroup, ApiError> {
    SUBNET_GROUPS.find(reader, name)?.ok_or_else(|| errors::subnet_group_not_found(name))
}

fn check_subnets(subnets: &[String]) -> Result<(), ApiError> {
    match subnets.iter().find(|subnet| !subnet.starts_with("subnet-")) {
        None if subnets.is_empty() => Err(errors::invalid_value("A subnet group needs a subnet")),
        None => Ok(()),
        Some(subnet) => Err(api::error::invalid_subnet(format!("{subnet} is not a subnet"))),
    }
}

impl Transact<op::CreateSubnetGroup> for Dax {
    type Draft = SubnetGroup;

    fn prepare(&self, _: &Ctx, input: api::CreateSubnetGroupInput) -> Result<Self::Draft, ApiError> {
        check_subnets(&input.subnet_ids)?;
        Ok(SubnetGroup {
            name: input.subnet_group_name,
            description: input.description.unwrap_or_default(),
            subnets: input.subnet_ids,
        })
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        group: &Self::Draft,
    ) -> Result<api::CreateSubnetGroupOutput, ApiError> {
        if SUBNET_GROUPS.contains(tx, &group.name)? {
            return Err(errors::subnet_group_exists(&group.name));
        }
        SUBNET_GROUPS.put(tx, &group.name, group);
        note(ctx, tx, "SUBNET_GROUP", &group.name, "Subnet group created.")?;
        Ok(api::CreateSubnetGroupOutput { subnet_group: Some(group.describe(ctx.region().as_str())) })
    }
}

impl Transact<op::UpdateSubnetGroup> for Dax {
    type Draft = api::UpdateSubnetGroupInput;

    fn prepare(&self, _: &Ctx, input: api::UpdateSubnetGroupInput) -> Result<Self::Draft, ApiError> {
        input.subnet_ids.as_deref().map(check_subnets).transpose()?;
        Ok(input)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        input: &Self::Draft,
    ) -> Result<api::UpdateSubnetGroupOutput, ApiError> {
        let mut group = find(tx, &input.subnet_group_name)?;
        if let Some(description) = &input.description {
            group.description.clone_from(description);
        }
        if let Some(subnets) = &input.subnet_ids {
            group.subnets.clone_from(subnets);
        }
        SUBNET_GROUPS.put(tx, &group.name, &group);
        note(ctx, tx, "SUBNET_GROUP", &group.name, "Subnet group changed.")?;
        Ok(api::UpdateSubnetGroupOutput { subnet_group: Some(group.describe(ctx.region().as_str())) })
    }
}

impl Transact<op::DeleteSubnetGroup> for Dax {
    type Draft = String;

    fn prepare(&self, _: &Ctx, input: api::DeleteSubnetGroupInput) -> Result<Self::Draft, ApiError> {
        Ok(input.subnet_group_name)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        name: &Self::Draft,
    ) -> Result<api::DeleteSubnetGroupOutput, ApiError> {
        find(tx, name)?;
        if all(tx, &CLUSTERS)?.iter().any(|cluster| cluster.subnet_group == *name) {
            return Err(errors::subnet_group_in_use(name));
        }
        SUBNET_GROUPS.delete(tx, name);
        note(ctx, tx, "SUBNET_GROUP", name, "Subnet group deleted.")?;
        let deletion_message = Some(format!("Subnet group {name} has been deleted."));
        Ok(api::DeleteSubnetGroupOutput { deletion_message })
    }
}

impl Handle<op::DescribeSubnetGroups> for Dax {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::DescribeSubnetGroupsInput,
    ) -> Result<api::DescribeSubnetGroupsOutput, ApiError> {
        let mut snapshot = ctx.read()?;
        let groups = match &input.subnet_group_names {
            Some(names) if !names.is_empty() => {
                names.iter().map(|name| find(&mut snapshot, name)).collect::<Result<Vec<_>, _>>()?
            }
            _ => all(&mut snapshot, &SUBNET_GROUPS)?,
        };
        let (groups, next_token) =
            page(groups, |group| &group.name, input.next_token.as_deref(), input.max_results)?;
        let region = ctx.region();
        let groups = groups.iter().map(|group| group.describe(region.as_str())).collect();
        Ok(api::DescribeSubnetGroupsOutput { subnet_groups: Some(groups), next_token })
    }
}
