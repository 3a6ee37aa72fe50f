//! Global tables: replicas of a table in several regions, each of which may be written to (Developer Guide, "Global tables").
//!
//! A write notes which one it is and that its place has changed. A job carries the item as it then is, with its version,
//! to the other replicas, in one transaction with taking the place off the list; so nothing is lost or done twice, whenever
//! the process ends. A replica takes what is later than what it has, deletions as well, so all end with the same items
//! whatever the order. A deletion's version is kept until no replica can still hold an older write.

mod apply;
mod group;
mod job;
mod legacy;
pub(crate) mod rows;

pub(crate) use apply::note;
pub(crate) use group::{leave, others, update_replicas};
pub(crate) use legacy::{begin_legacy, describe_legacy, legacy_group, update_legacy};

use cloud::{Ctx, tenant};
use dynamodb_api::{
    OnDemandThroughputOverride, ProvisionedThroughputOverride, ReplicaDescription, TableClassSummary,
    TableDescription,
};
use identity::{AccountId, Region};
use shapes::ApiError;
use store::{Reader, Scope};

use crate::definitions::Table;
use crate::target::Target;
use rows::{GROUPS, Generation, GroupRow};

/// Where an account's global tables lie.
pub(crate) fn group_scope(account: AccountId) -> Scope {
    Scope::named(&[account.digits().as_str(), "dynamodb-global"])
}

/// The table of the same name in another region.
pub(crate) fn in_region(target: &Target, region: Region) -> Target {
    Target {
        name: target.name.clone(),
        account: target.account,
        region,
        scope: tenant(target.account, region),
    }
}

impl Generation {
    fn name(self) -> &'static str {
        match self {
            Self::V2017 => "2017.11.29",
            Self::V2019 => "2019.11.21",
        }
    }
}

/// Tells of a replica that it is one, and of the others.
pub(crate) fn describe(ctx: &Ctx, table: &Table, description: &mut TableDescription) -> Result<(), ApiError> {
    if table.row.replica.is_none() {
        return Ok(());
    }
    let mut snapshot = ctx.store().read(&group_scope(table.account))?;
    let Some(group) = GROUPS.find(&mut snapshot, &table.name().to_owned())? else { return Ok(()) };
    description.global_table_version = Some(group.generation.name().to_owned());
    if group.generation == Generation::V2019 {
        let own = table.region.as_str();
        description.replicas = Some(replicas(&group, |region| region != own));
    }
    Ok(())
}

fn replicas(group: &GroupRow, is_told: impl Fn(&str) -> bool) -> Vec<ReplicaDescription> {
    let members = group.members.iter().filter(|(region, _)| is_told(region));
    members
        .map(|(region, member)| ReplicaDescription {
            region_name: Some(region.clone()),
            replica_status: Some(if member.is_filling { "CREATING" } else { "ACTIVE" }.to_owned()),
            kms_master_key_id: member.kms_key.clone(),
            provisioned_throughput_override: member
                .read_units
                .map(|units| ProvisionedThroughputOverride { read_capacity_units: Some(units) }),
            on_demand_throughput_override: member
                .on_demand_reads
                .map(|units| OnDemandThroughputOverride { max_read_request_units: Some(units) }),
            replica_table_class_summary: member
                .table_class
                .clone()
                .map(|name| TableClassSummary { table_class: Some(name), ..Default::default() }),
            ..Default::default()
        })
        .collect()
}

/// The group that a table is in, read from the group's own scope.
pub(crate) fn find_group(reader: &mut dyn Reader, name: &str) -> Result<Option<GroupRow>, ApiError> {
    Ok(GROUPS.find(reader, &name.to_owned())?)
}
