//! UpdateTimeToLive, DescribeTimeToLive.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::{DescribeTimeToLive, UpdateTimeToLive};
use dynamodb_api::{
    DescribeTimeToLiveInput, DescribeTimeToLiveOutput, TimeToLiveDescription, TimeToLiveSpecification,
    UpdateTimeToLiveInput, UpdateTimeToLiveOutput,
};
use shapes::ApiError;
use store::Tx;

use crate::DynamoDb;
use crate::definitions::Table;
use crate::errors::{named_table_not_found, validation};
use crate::jobs::{self, Work};
use crate::replication;
use crate::tables::{TABLES, TimeToLive};
use crate::target::Target;

impl Handle<UpdateTimeToLive> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &UpdateTimeToLiveInput) -> Result<Guard, ApiError> {
        self.table_guard(ctx, &input.table_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: UpdateTimeToLiveInput,
    ) -> Result<UpdateTimeToLiveOutput, ApiError> {
        let target = Target::parse(ctx, &input.table_name)?;
        let wanted = input.time_to_live_specification;
        let asked = wanted.clone();
        let updated = self
            .change_table(ctx, &target, move |service, ctx, tx, table, target| {
                update(ctx, tx, table, target, &asked)?;
                for other in replication::others(tx, table, target)? {
                    tx.with_scope(&other.scope, |tx| match service.definitions.within(tx, &other)? {
                        Some(replica) => update(ctx, tx, &replica, &other, &asked),
                        None => Ok(()),
                    })?;
                }
                Ok(())
            })
            .await;
        self.definitions.forget_everywhere(&target.name);
        updated?;
        Ok(UpdateTimeToLiveOutput { time_to_live_specification: Some(wanted) })
    }
}

fn update(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    table: &Table,
    target: &Target,
    asked: &TimeToLiveSpecification,
) -> Result<(), ApiError> {
    let mut row = table.row.clone();
    match (&row.time_to_live, asked.enabled) {
        (Some(current), _) if current.attribute != asked.attribute_name => {
            return Err(validation(format!(
                "TimeToLive is active on a different AttributeName: current AttributeName is {}",
                current.attribute
            )));
        }
        (Some(_), true) => return Err(validation("TimeToLive is already enabled")),
        (None, false) => return Err(validation("TimeToLive is already disabled")),
        (None, true) => {
            let id = u64::from_le_bytes(ctx.ids().bytes());
            let attribute = asked.attribute_name.clone();
            row.time_to_live = Some(TimeToLive { id, attribute, is_enabling: true });
            jobs::start(ctx, tx, jobs::FILLING, target, &Work::EnterEnds { settings: id });
        }
        (Some(current), false) => {
            let work = Work::Purge { places: Vec::new(), time_to_live: Some(current.id), journal: None };
            jobs::start(ctx, tx, jobs::PURGE, target, &work);
            row.time_to_live = None;
        }
    }
    TABLES.put(tx, &target.name, &row);
    Ok(())
}

impl Handle<DescribeTimeToLive> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &DescribeTimeToLiveInput) -> Result<Guard, ApiError> {
        self.table_guard(ctx, &input.table_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeTimeToLiveInput,
    ) -> Result<DescribeTimeToLiveOutput, ApiError> {
        let target = Target::parse(ctx, &input.table_name)?;
        let table = self.definitions.find(ctx.store(), &target)?;
        let table = table.ok_or_else(|| named_table_not_found(&target.name))?;
        let description = match &table.row.time_to_live {
            None => TimeToLiveDescription {
                time_to_live_status: Some("DISABLED".to_owned()),
                attribute_name: None,
            },
            Some(current) => TimeToLiveDescription {
                time_to_live_status: Some(
                    if current.is_enabling { "ENABLING" } else { "ENABLED" }.to_owned(),
                ),
                attribute_name: Some(current.attribute.clone()),
            },
        };
        Ok(DescribeTimeToLiveOutput { time_to_live_description: Some(description) })
    }
}
