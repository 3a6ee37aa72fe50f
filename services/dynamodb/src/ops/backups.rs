//! CreateBackup, DescribeBackup, ListBackups, DeleteBackup.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::{CreateBackup, DeleteBackup, DescribeBackup, ListBackups};
use dynamodb_api::{
    BackupDescription, BackupDetails, BackupSummary, CreateBackupInput, CreateBackupOutput,
    DeleteBackupInput, DeleteBackupOutput, DescribeBackupInput, DescribeBackupOutput,
    GlobalSecondaryIndexInfo, ListBackupsInput, ListBackupsOutput, LocalSecondaryIndexInfo,
    ProvisionedThroughput, SourceTableDetails, SourceTableFeatureDetails, StreamSpecification,
    TimeToLiveDescription,
};
use shapes::ApiError;
use store::{Order, Range, Reader};

use super::describe_table::{key_schema, projection, table_id};
use crate::DynamoDb;
use crate::errors::{backed_up_table_not_found, backup_in_use, backup_not_found};
use crate::jobs::{self, Work};
use crate::table::Throughput;
use crate::tables::{BACKUPS, BackupRow};
use crate::target::Target;

/// Backups in one answer (API Reference, ListBackups).
const MOST: usize = 100;

/// A backup as its ARN names it.
pub(super) struct BackupArn {
    pub table: Target,
    pub id: String,
}

impl BackupArn {
    pub(super) fn parse(ctx: &Ctx, text: &str) -> Result<Self, ApiError> {
        let (_, id) = text.split_once("/backup/").ok_or_else(|| backup_not_found(text))?;
        Ok(Self { table: Target::parse(ctx, text)?, id: id.to_owned() })
    }

    pub(super) fn find(&self, reader: &mut dyn Reader, text: &str) -> Result<BackupRow, ApiError> {
        let backup = BACKUPS.find(reader, &self.id)?;
        backup
            .filter(|backup| backup.table.definition.name == self.table.name)
            .ok_or_else(|| backup_not_found(text))
    }
}

impl Handle<CreateBackup> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &CreateBackupInput) -> Result<Guard, ApiError> {
        self.table_guard(ctx, &input.table_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: CreateBackupInput,
    ) -> Result<CreateBackupOutput, ApiError> {
        let target = Target::parse(ctx, &input.table_name)?;
        let id = format!("{:014}-{}", ctx.now().millis(), ctx.ids().hex(8));
        let (service, own, place, key) = (Arc::clone(self), ctx.clone(), target.clone(), id.clone());
        let row = ctx
            .store()
            .write(&target.scope, move |tx| {
                let table = service.definitions.within(tx, &place)?.filter(|table| table.is_open());
                let table = table.ok_or_else(|| backed_up_table_not_found(&place.name))?;
                let row = BackupRow {
                    id: u64::from_le_bytes(own.ids().bytes()),
                    name: input.backup_name.clone(),
                    table: table.row.clone(),
                    created: own.now(),
                    is_available: false,
                    bytes: 0,
                    items: 0,
                };
                BACKUPS.put(tx, &key, &row);
                jobs::start(&own, tx, jobs::FILLING, &place, &Work::Backup { id: key.clone() });
                Ok::<_, ApiError>(row)
            })
            .await?;
        Ok(CreateBackupOutput { backup_details: Some(details(&target, &id, &row)) })
    }
}

impl Handle<DescribeBackup> for DynamoDb {
    fn guard(&self, _: &Ctx, input: &DescribeBackupInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.backup_arn.clone()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeBackupInput,
    ) -> Result<DescribeBackupOutput, ApiError> {
        let arn = BackupArn::parse(ctx, &input.backup_arn)?;
        let row = arn.find(&mut ctx.store().read(&arn.table.scope)?, &input.backup_arn)?;
        Ok(DescribeBackupOutput { backup_description: Some(description(&arn, &row)) })
    }
}

impl Handle<DeleteBackup> for DynamoDb {
    fn guard(&self, _: &Ctx, input: &DeleteBackupInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.backup_arn.clone()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteBackupInput,
    ) -> Result<DeleteBackupOutput, ApiError> {
        let arn = BackupArn::parse(ctx, &input.backup_arn)?;
        let own = ctx.clone();
        let scope = arn.table.scope.clone();
        let description = ctx
            .store()
            .write(&scope, move |tx| {
                let row = arn.find(tx, &input.backup_arn)?;
                if !row.is_available {
                    return Err(backup_in_use(&input.backup_arn));
                }
                BACKUPS.delete(tx, &arn.id);
                let work = Work::Purge { places: vec![row.id], time_to_live: None, journal: None };
                jobs::start(&own, tx, jobs::PURGE, &arn.table, &work);
                Ok(description(&arn, &row))
            })
            .await?;
        let description = BackupDescription {
            backup_details: description
                .backup_details
                .map(|details| BackupDetails { backup_status: "DELETED".to_owned(), ..details }),
            ..description
        };
        Ok(DeleteBackupOutput { backup_description: Some(description) })
    }
}

impl Handle<ListBackups> for DynamoDb {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListBackupsInput,
    ) -> Result<ListBackupsOutput, ApiError> {
        let limit = input.limit.map_or(MOST, |limit| (limit.max(1) as usize).min(MOST));
        let table = input.table_name.as_ref().map(|given| Target::parse(ctx, given)).transpose()?;
        let mut range = Range::all();
        if let Some(last) = &input.exclusive_start_backup_arn {
            range = range.after(&BackupArn::parse(ctx, last)?.id);
        }
        let has_wanted_type = matches!(input.backup_type.as_deref(), None | Some("USER" | "ALL"));
        let mut summaries = Vec::new();
        BACKUPS.visit(&mut ctx.read()?, &range, Order::Ascending, |id, row| {
            let is_wanted = has_wanted_type
                && table.as_ref().is_none_or(|table| table.name == row.table.definition.name)
                && input.time_range_lower_bound.is_none_or(|least| row.created >= least)
                && input.time_range_upper_bound.is_none_or(|end| row.created < end);
            if is_wanted {
                let target = Target::own(ctx, row.table.definition.name.clone());
                summaries.push(summary(&target, &id, &row));
            }
            if summaries.len() <= limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let has_more = summaries.len() > limit;
        summaries.truncate(limit);
        let last = summaries.last().and_then(|summary| summary.backup_arn.clone()).filter(|_| has_more);
        Ok(ListBackupsOutput { backup_summaries: Some(summaries), last_evaluated_backup_arn: last })
    }
}

fn status(row: &BackupRow) -> &'static str {
    if row.is_available { "AVAILABLE" } else { "CREATING" }
}

pub(super) fn backup_arn(target: &Target, id: &str) -> String {
    format!("{}/backup/{id}", target.arn())
}

fn details(target: &Target, id: &str, row: &BackupRow) -> BackupDetails {
    BackupDetails {
        backup_arn: backup_arn(target, id),
        backup_name: row.name.clone(),
        backup_size_bytes: Some(row.bytes as i64),
        backup_status: status(row).to_owned(),
        backup_type: "USER".to_owned(),
        backup_creation_date_time: row.created,
        backup_expiry_date_time: None,
    }
}

fn summary(target: &Target, id: &str, row: &BackupRow) -> BackupSummary {
    BackupSummary {
        table_name: Some(target.name.clone()),
        table_id: Some(table_id(row.table.id)),
        table_arn: Some(target.arn()),
        backup_arn: Some(backup_arn(target, id)),
        backup_name: Some(row.name.clone()),
        backup_creation_date_time: Some(row.created),
        backup_expiry_date_time: None,
        backup_status: Some(status(row).to_owned()),
        backup_type: Some("USER".to_owned()),
        backup_size_bytes: Some(row.bytes as i64),
    }
}

fn provisioned(throughput: Option<Throughput>) -> ProvisionedThroughput {
    ProvisionedThroughput {
        read_capacity_units: throughput.map_or(0, |throughput| throughput.read_units),
        write_capacity_units: throughput.map_or(0, |throughput| throughput.write_units),
    }
}

fn description(arn: &BackupArn, row: &BackupRow) -> BackupDescription {
    let definition = &row.table.definition;
    let local = definition.local_indexes.iter().map(|index| LocalSecondaryIndexInfo {
        index_name: Some(index.name.clone()),
        key_schema: Some(key_schema(&index.keys)),
        projection: Some(projection(&index.projection)),
    });
    let global = definition.global_indexes.iter().map(|index| GlobalSecondaryIndexInfo {
        index_name: Some(index.name.clone()),
        key_schema: Some(key_schema(&index.keys)),
        projection: Some(projection(&index.projection)),
        provisioned_throughput: Some(provisioned(index.throughput)),
        ..Default::default()
    });
    BackupDescription {
        backup_details: Some(details(&arn.table, &arn.id, row)),
        source_table_details: Some(SourceTableDetails {
            table_name: definition.name.clone(),
            table_id: table_id(row.table.id),
            table_arn: Some(arn.table.arn()),
            table_size_bytes: Some(row.bytes as i64),
            key_schema: key_schema(&definition.keys),
            table_creation_date_time: row.table.created,
            provisioned_throughput: provisioned(definition.throughput),
            item_count: Some(row.items as i64),
            billing_mode: Some(definition.billing.name().to_owned()),
            ..Default::default()
        }),
        source_table_feature_details: Some(SourceTableFeatureDetails {
            local_secondary_indexes: Some(local.collect()),
            global_secondary_indexes: Some(global.collect()),
            stream_description: definition.stream.map(|view| StreamSpecification {
                stream_enabled: true,
                stream_view_type: Some(view.name().to_owned()),
            }),
            time_to_live_description: row.table.time_to_live.as_ref().map(|settings| TimeToLiveDescription {
                time_to_live_status: Some("ENABLED".to_owned()),
                attribute_name: Some(settings.attribute.clone()),
            }),
            ..Default::default()
        }),
    }
}
