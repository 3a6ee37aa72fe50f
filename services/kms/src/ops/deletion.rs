//! ScheduleKeyDeletion and CancelKeyDeletion (Developer Guide, "Delete an AWS KMS key").

use std::time::Duration;

use clock::{JobId, Jobs};
use cloud::{Ctx, Guard, Transact};
use kms_api::op::{CancelKeyDeletion, ScheduleKeyDeletion};
use kms_api::{
    CancelKeyDeletionInput, CancelKeyDeletionOutput, ScheduleKeyDeletionInput, ScheduleKeyDeletionOutput,
};
use shapes::ApiError;
use store::Tx;

use crate::jobs::{self, Event};
use crate::key::{Deletion, State};
use crate::key_id::KeyId;
use crate::{Kms, errors, lookup};

const DAY: Duration = Duration::from_secs(86_400);
/// The waiting period in days: least, most, and most when none is given.
const DAYS: std::ops::RangeInclusive<i32> = 7..=30;

impl Transact<ScheduleKeyDeletion> for Kms {
    type Draft = (KeyId, u32);

    fn guard(&self, ctx: &Ctx, input: &ScheduleKeyDeletionInput) -> Result<Guard, ApiError> {
        let days = input.pending_window_in_days.unwrap_or(*DAYS.end());
        let guard = self.id_guard(ctx, &input.key_id)?;
        Ok(guard.with("kms:schedulekeydeletionpendingwindowindays", vec![days.to_string()]))
    }

    fn prepare(&self, ctx: &Ctx, input: ScheduleKeyDeletionInput) -> Result<Self::Draft, ApiError> {
        let days = input.pending_window_in_days.unwrap_or(*DAYS.end());
        if !DAYS.contains(&days) {
            return Err(errors::validation(format!(
                "PendingWindowInDays must be between {} and {}, not {days}",
                DAYS.start(),
                DAYS.end()
            )));
        }
        Ok((KeyId::parse_id(ctx, &input.key_id)?, days.unsigned_abs()))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (id, days): &Self::Draft,
    ) -> Result<ScheduleKeyDeletionOutput, ApiError> {
        lookup::change(ctx, tx, id, |tx, located, key| {
            located.check_not_going()?;
            let replicas = key.multi_region.as_ref().filter(|regions| regions.is_primary(located.region));
            let waits_for_replicas = replicas.is_some_and(|regions| !regions.replicas.is_empty());
            let due = ctx.now() + DAY * *days;
            let job = if waits_for_replicas {
                JobId { due, number: 0 }
            } else {
                jobs::schedule(ctx, tx, (located.account, located.region), &key.id, Event::Deletion, due)
            };
            key.deletion = Some(Deletion { days: *days, job, waits_for_replicas });
            Ok(ScheduleKeyDeletionOutput {
                key_id: Some(located.arn()),
                deletion_date: (!waits_for_replicas).then_some(due),
                key_state: Some(key.state().as_str().to_owned()),
                pending_window_in_days: i32::try_from(*days).ok(),
            })
        })
    }
}

impl Transact<CancelKeyDeletion> for Kms {
    type Draft = KeyId;

    fn guard(&self, ctx: &Ctx, input: &CancelKeyDeletionInput) -> Result<Guard, ApiError> {
        self.id_guard(ctx, &input.key_id)
    }

    fn prepare(&self, ctx: &Ctx, input: CancelKeyDeletionInput) -> Result<KeyId, ApiError> {
        KeyId::parse_id(ctx, &input.key_id)
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, id: &KeyId) -> Result<CancelKeyDeletionOutput, ApiError> {
        lookup::change(ctx, tx, id, |tx, located, key| {
            if !matches!(key.state(), State::PendingDeletion | State::PendingReplicaDeletion) {
                return Err(errors::not_pending_deletion(&located.arn()));
            }
            if let Some(deletion) = key.deletion.take() {
                Jobs::cancel(tx, deletion.job);
            }
            // A key comes back disabled.
            key.is_enabled = false;
            Ok(CancelKeyDeletionOutput { key_id: Some(located.arn()) })
        })
    }
}
