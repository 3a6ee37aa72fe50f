//! UpdateContinuousBackups, DescribeContinuousBackups: point-in-time recovery.

use std::sync::Arc;
use std::time::Duration;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::{DescribeContinuousBackups, UpdateContinuousBackups};
use dynamodb_api::{
    ContinuousBackupsDescription, DescribeContinuousBackupsInput, DescribeContinuousBackupsOutput,
    PointInTimeRecoveryDescription, UpdateContinuousBackupsInput, UpdateContinuousBackupsOutput,
};
use shapes::{ApiError, Timestamp};

use crate::DynamoDb;
use crate::errors::{backed_up_table_not_found, validation};
use crate::jobs::{self, Work};
use crate::tables::{PointInTime, TABLES, TableRow};
use crate::target::Target;

/// Developer Guide, "Point-in-time backups for DynamoDB".
const MOST_DAYS: u32 = 35;

impl PointInTime {
    /// The first moment that can be restored.
    pub(crate) fn earliest(&self, now: Timestamp) -> Timestamp {
        self.since.max(now - Duration::from_secs(u64::from(self.days) * 86_400))
    }
}

impl Handle<UpdateContinuousBackups> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &UpdateContinuousBackupsInput) -> Result<Guard, ApiError> {
        self.table_guard(ctx, &input.table_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: UpdateContinuousBackupsInput,
    ) -> Result<UpdateContinuousBackupsOutput, ApiError> {
        let target = Target::parse(ctx, &input.table_name)?;
        if self.definitions.find(ctx.store(), &target)?.is_none() {
            return Err(backed_up_table_not_found(&target.name));
        }
        let asked = input.point_in_time_recovery_specification;
        let days = asked.recovery_period_in_days.unwrap_or(MOST_DAYS as i32).unsigned_abs();
        if !(1..=MOST_DAYS).contains(&days) {
            return Err(validation("RecoveryPeriodInDays must be between 1 and 35"));
        }
        let row = self
            .change_table(ctx, &target, move |_, ctx, tx, table, target| {
                let journal = match (&table.row.journal, asked.point_in_time_recovery_enabled) {
                    (Some(current), true) => Some(PointInTime { days, ..current.clone() }),
                    (None, true) => {
                        let id = u64::from_le_bytes(ctx.ids().bytes());
                        Some(PointInTime { id, since: ctx.now(), days })
                    }
                    (Some(current), false) => {
                        let work =
                            Work::Purge { places: Vec::new(), time_to_live: None, journal: Some(current.id) };
                        jobs::start(ctx, tx, jobs::PURGE, target, &work);
                        None
                    }
                    (None, false) => None,
                };
                let row = TableRow { journal, ..table.row.clone() };
                TABLES.put(tx, &target.name, &row);
                Ok(row)
            })
            .await?;
        Ok(UpdateContinuousBackupsOutput { continuous_backups_description: Some(description(ctx, &row)) })
    }
}

impl Handle<DescribeContinuousBackups> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &DescribeContinuousBackupsInput) -> Result<Guard, ApiError> {
        self.table_guard(ctx, &input.table_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeContinuousBackupsInput,
    ) -> Result<DescribeContinuousBackupsOutput, ApiError> {
        let target = Target::parse(ctx, &input.table_name)?;
        let table = self.definitions.find(ctx.store(), &target)?;
        let table = table.ok_or_else(|| backed_up_table_not_found(&target.name))?;
        let description = description(ctx, &table.row);
        Ok(DescribeContinuousBackupsOutput { continuous_backups_description: Some(description) })
    }
}

fn description(ctx: &Ctx, row: &TableRow) -> ContinuousBackupsDescription {
    let now = ctx.now();
    let recovery = match &row.journal {
        None => PointInTimeRecoveryDescription {
            point_in_time_recovery_status: Some("DISABLED".to_owned()),
            ..Default::default()
        },
        Some(journal) => PointInTimeRecoveryDescription {
            point_in_time_recovery_status: Some("ENABLED".to_owned()),
            earliest_restorable_date_time: Some(journal.earliest(now)),
            latest_restorable_date_time: Some(now),
            recovery_period_in_days: Some(journal.days as i32),
        },
    };
    ContinuousBackupsDescription {
        continuous_backups_status: "ENABLED".to_owned(),
        point_in_time_recovery_description: Some(recovery),
    }
}
