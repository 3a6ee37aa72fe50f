//! CreateGlobalTable, DescribeGlobalTable, UpdateGlobalTable, ListGlobalTables: global tables of version 2017.11.29.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::{CreateGlobalTable, DescribeGlobalTable, ListGlobalTables, UpdateGlobalTable};
use dynamodb_api::{
    CreateGlobalTableInput, CreateGlobalTableOutput, DescribeGlobalTableInput, DescribeGlobalTableOutput,
    GlobalTable, ListGlobalTablesInput, ListGlobalTablesOutput, Replica, UpdateGlobalTableInput,
    UpdateGlobalTableOutput,
};
use shapes::ApiError;
use store::{Order, Range};

use crate::DynamoDb;
use crate::replication::rows::{GROUPS, Generation};
use crate::replication::{begin_legacy, describe_legacy, group_scope, legacy_group, update_legacy};
use crate::target::Target;

/// API Reference, ListGlobalTables.
const MOST_LISTED: i32 = 100;

pub(super) fn guard(ctx: &Ctx, name: &str) -> Guard {
    Guard::resource(format!("arn:aws:dynamodb::{}:global-table/{name}", ctx.account()))
}

impl Handle<CreateGlobalTable> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &CreateGlobalTableInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.global_table_name).and(self.table_guard(ctx, &input.global_table_name)?))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: CreateGlobalTableInput,
    ) -> Result<CreateGlobalTableOutput, ApiError> {
        let target = Target::parse(ctx, &input.global_table_name)?;
        let regions: Vec<_> =
            input.replication_group.into_iter().filter_map(|replica| replica.region_name).collect();
        let (service, own, place) = (Arc::clone(self), ctx.clone(), target.clone());
        let group = ctx.write(move |tx| begin_legacy(&service, &own, tx, &place, &regions)).await;
        self.definitions.forget_everywhere(&target.name);
        Ok(CreateGlobalTableOutput { global_table_description: Some(describe_legacy(&target, &group?)) })
    }
}

impl Handle<UpdateGlobalTable> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &UpdateGlobalTableInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.global_table_name).and(self.table_guard(ctx, &input.global_table_name)?))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: UpdateGlobalTableInput,
    ) -> Result<UpdateGlobalTableOutput, ApiError> {
        let target = Target::parse(ctx, &input.global_table_name)?;
        let (service, own, place) = (Arc::clone(self), ctx.clone(), target.clone());
        let updates = input.replica_updates;
        let group = ctx.write(move |tx| update_legacy(&service, &own, tx, &place, &updates)).await;
        self.definitions.forget_everywhere(&target.name);
        Ok(UpdateGlobalTableOutput { global_table_description: Some(describe_legacy(&target, &group?)) })
    }
}

impl Handle<DescribeGlobalTable> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &DescribeGlobalTableInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.global_table_name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeGlobalTableInput,
    ) -> Result<DescribeGlobalTableOutput, ApiError> {
        let target = Target::parse(ctx, &input.global_table_name)?;
        let mut snapshot = ctx.store().read(&group_scope(ctx.account()))?;
        let group = legacy_group(&mut snapshot, &target.name)?;
        Ok(DescribeGlobalTableOutput { global_table_description: Some(describe_legacy(&target, &group)) })
    }
}

impl Handle<ListGlobalTables> for DynamoDb {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListGlobalTablesInput,
    ) -> Result<ListGlobalTablesOutput, ApiError> {
        let most = input.limit.unwrap_or(MOST_LISTED).clamp(1, MOST_LISTED) as usize;
        let mut range = Range::all();
        if let Some(start) = &input.exclusive_start_global_table_name {
            range = range.after(start);
        }
        let (mut tables, mut last, mut has_more) = (Vec::new(), None, false);
        let mut snapshot = ctx.store().read(&group_scope(ctx.account()))?;
        GROUPS.visit(&mut snapshot, &range, Order::Ascending, |name, group| {
            let is_in = |region: &String| group.members.contains_key(region);
            let is_listed = input.region_name.as_ref().is_none_or(is_in);
            if group.generation != Generation::V2017 || !is_listed {
                return ControlFlow::Continue(());
            }
            if tables.len() == most {
                has_more = true;
                return ControlFlow::Break(());
            }
            let regions = group.members.into_keys();
            tables.push(GlobalTable {
                global_table_name: Some(name.clone()),
                replication_group: Some(
                    regions.map(|region| Replica { region_name: Some(region) }).collect(),
                ),
            });
            last = Some(name);
            ControlFlow::Continue(())
        })?;
        let last_evaluated_global_table_name = last.filter(|_| has_more);
        Ok(ListGlobalTablesOutput { global_tables: Some(tables), last_evaluated_global_table_name })
    }
}
