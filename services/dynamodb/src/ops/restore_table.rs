//! RestoreTableFromBackup, RestoreTableToPointInTime: a new table with the items of an older one.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::{RestoreTableFromBackup, RestoreTableToPointInTime};
use dynamodb_api::{
    GlobalSecondaryIndex, LocalSecondaryIndex, RestoreTableFromBackupInput, RestoreTableFromBackupOutput,
    RestoreTableToPointInTimeInput, RestoreTableToPointInTimeOutput, SSESpecification, TableDescription,
    error,
};
use shapes::ApiError;

use super::backups::BackupArn;
use super::create_table::new_row;
use super::{describe_table, table_request};
use crate::DynamoDb;
use crate::definitions::Table;
use crate::errors::{
    backed_up_table_not_found, backup_in_use, invalid_parameter, restored_table_exists, validation,
};
use crate::jobs::{self, RestoreSource, Work};
use crate::table::{BillingMode, IndexStatus, TableDefinition, TableStatus, Throughput};
use crate::table_key::{self, Protection};
use crate::tables::{Restored, TABLES, TableRow};
use crate::target::Target;

/// What a restored table may have otherwise than its source.
struct Overrides {
    billing: Option<String>,
    throughput: Option<Throughput>,
    local: Option<Vec<LocalSecondaryIndex>>,
    global: Option<Vec<GlobalSecondaryIndex>>,
}

impl Handle<RestoreTableFromBackup> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &RestoreTableFromBackupInput) -> Result<Guard, ApiError> {
        let target = Target::own(ctx, input.target_table_name.clone());
        Ok(Guard::resource(target.arn()).and(Guard::resource(input.backup_arn.clone())))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: RestoreTableFromBackupInput,
    ) -> Result<RestoreTableFromBackupOutput, ApiError> {
        let arn = BackupArn::parse(ctx, &input.backup_arn)?;
        let backup = arn.find(&mut ctx.store().read(&arn.table.scope)?, &input.backup_arn)?;
        if !backup.is_available {
            return Err(backup_in_use(&input.backup_arn));
        }
        if arn.table.scope != *ctx.scope() {
            return Err(invalid_parameter("Backups are restored in their own account and region"));
        }
        let target = Target::parse(ctx, &input.target_table_name)?;
        let overrides = Overrides {
            billing: input.billing_mode_override,
            throughput: input.provisioned_throughput_override.as_ref().map(table_request::throughput),
            local: input.local_secondary_index_override,
            global: input.global_secondary_index_override,
        };
        let row = TableRow {
            restored: Some(Restored {
                backup_arn: Some(input.backup_arn),
                table_arn: arn.table.arn(),
                at: backup.created,
                is_in_progress: true,
            }),
            ..overrides.restored(ctx, &target, &backup.table)?
        };
        let given = input.sse_specification_override.as_ref();
        let protection = protection(ctx, &target, given, &backup.table).await?;
        let place = RestoreSource::Backup { place: backup.id };
        let description = self.begin_restoring(ctx, &target, (row, protection), place).await?;
        Ok(RestoreTableFromBackupOutput { table_description: Some(description) })
    }
}

impl Handle<RestoreTableToPointInTime> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &RestoreTableToPointInTimeInput) -> Result<Guard, ApiError> {
        let target = Target::own(ctx, input.target_table_name.clone());
        let source = source(ctx, input)?;
        Ok(Guard::resource(target.arn()).and(Guard::resource(source.arn())))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: RestoreTableToPointInTimeInput,
    ) -> Result<RestoreTableToPointInTimeOutput, ApiError> {
        let source = source(ctx, &input)?;
        let table = self.definitions.find(ctx.store(), &source)?;
        let table = table.ok_or_else(|| backed_up_table_not_found(&source.name))?;
        let journal = table.row.journal.clone().ok_or_else(|| {
            error::point_in_time_recovery_unavailable_exception(format!(
                "Point in time recovery is not enabled for table '{}'",
                source.name
            ))
        })?;
        if source.scope != *ctx.scope() {
            return Err(invalid_parameter("Tables are restored in their own account and region"));
        }
        let now = ctx.now();
        let at = match (input.use_latest_restorable_time, input.restore_date_time) {
            (Some(true), None) => now,
            (_, Some(at)) => at,
            (_, None) => {
                return Err(validation("Either RestoreDateTime or UseLatestRestorableTime must be given"));
            }
        };
        if at < journal.earliest(now) || at > now {
            return Err(error::invalid_restore_time_exception(format!(
                "The restore time {} is not between the earliest and the latest restorable time",
                at.iso8601()
            )));
        }
        let target = Target::parse(ctx, &input.target_table_name)?;
        let overrides = Overrides {
            billing: input.billing_mode_override,
            throughput: input.provisioned_throughput_override.as_ref().map(table_request::throughput),
            local: input.local_secondary_index_override,
            global: input.global_secondary_index_override,
        };
        let row = TableRow {
            restored: Some(Restored { backup_arn: None, table_arn: source.arn(), at, is_in_progress: true }),
            ..overrides.restored(ctx, &target, &table.row)?
        };
        let given = input.sse_specification_override.as_ref();
        let protection = protection(ctx, &target, given, &table.row).await?;
        let moment = RestoreSource::Moment { id: table.row.id, journal: journal.id, at };
        let description = self.begin_restoring(ctx, &target, (row, protection), moment).await?;
        Ok(RestoreTableToPointInTimeOutput { table_description: Some(description) })
    }
}

fn source(ctx: &Ctx, input: &RestoreTableToPointInTimeInput) -> Result<Target, ApiError> {
    let given = input.source_table_arn.as_ref().or(input.source_table_name.as_ref());
    Target::parse(ctx, given.ok_or_else(|| validation("SourceTableName or SourceTableArn must be given"))?)
}

async fn protection(
    ctx: &Ctx,
    target: &Target,
    given: Option<&SSESpecification>,
    source: &TableRow,
) -> Result<Protection, ApiError> {
    match given {
        None => table_key::as_before(ctx, target, source).await,
        Some(_) => table_key::asked(ctx, target, given).await,
    }
}

impl Overrides {
    /// The new table: what is restored are items, keys, indexes and billing, not streams, tags, policies or time to live.
    fn restored(self, ctx: &Ctx, target: &Target, source: &TableRow) -> Result<TableRow, ApiError> {
        let mut definition = TableDefinition {
            name: target.name.clone(),
            stream: None,
            status: TableStatus::Creating,
            ..source.definition.clone()
        };
        if let Some(kept) = self.local {
            let is_kept = |name: &str| kept.iter().any(|index| index.index_name == name);
            definition.local_indexes.retain(|index| is_kept(&index.name));
        }
        if let Some(kept) = self.global {
            let is_kept = |name: &str| kept.iter().any(|index| index.index_name == name);
            definition.global_indexes.retain(|index| is_kept(&index.name));
        }
        match self.billing.as_deref() {
            Some("PAY_PER_REQUEST") => {
                definition.billing = BillingMode::PayPerRequest;
                definition.throughput = None;
                definition.global_indexes.iter_mut().for_each(|index| index.throughput = None);
            }
            Some(_) => definition.billing = BillingMode::Provisioned,
            None => {}
        }
        if definition.billing == BillingMode::Provisioned {
            definition.throughput = self.throughput.or(definition.throughput);
            if definition.throughput.is_none() {
                return Err(validation(crate::table::TableError::NoThroughput));
            }
        }
        definition.global_indexes.iter_mut().for_each(|index| index.status = IndexStatus::Creating);
        let mut row = new_row(ctx, definition);
        row.settings.table_class.clone_from(&source.settings.table_class);
        row.settings.became_per_request = source.settings.became_per_request;
        Ok(row)
    }
}

impl DynamoDb {
    async fn begin_restoring(
        self: &Arc<Self>,
        ctx: &Ctx,
        target: &Target,
        (row, protection): (TableRow, Protection),
        source: RestoreSource,
    ) -> Result<TableDescription, ApiError> {
        let (service, own, place) = (Arc::clone(self), ctx.clone(), target.clone());
        let table = ctx
            .write(move |tx| {
                if TABLES.contains(tx, &place.name)? {
                    return Err(restored_table_exists(&place.name));
                }
                let mut row = row.clone();
                table_key::protect(&own, tx, &place, &mut row, &protection);
                TABLES.put(tx, &place.name, &row);
                let work = Work::Restore { source: source.clone() };
                jobs::start(&own, tx, jobs::FILLING, &place, &work);
                Table::new(row, &place, &service.definitions)
            })
            .await?;
        self.definitions.forget(target);
        Ok(describe_table::describe(&table))
    }
}
