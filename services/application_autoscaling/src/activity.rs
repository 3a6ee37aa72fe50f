//! Scaling activities: what was changed, why, and whether it could be.

use application_autoscaling_api as api;
use cloud::Ctx;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Range, Tx};

use crate::dimension::{NAMESPACE, Place};
use crate::tables::ACTIVITIES;

/// API Reference, DescribeScalingActivities: those of the past six weeks.
pub(crate) const KEPT_SECONDS: i64 = 6 * 7 * 86_400;
/// Of one target; past it the oldest are forgotten.
const MOST: usize = 1000;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Activity {
    pub id: String,
    pub description: String,
    pub cause: String,
    pub start: Timestamp,
    pub end: Timestamp,
    pub is_successful: bool,
    pub message: String,
}

store::row!(Activity, 1);

impl Activity {
    /// Setting `place` to `capacity` because of `cause`, with the outcome that it had.
    pub(crate) fn new(
        ctx: &Ctx,
        place: &Place,
        cause: String,
        capacity: i64,
        outcome: &Result<(), ApiError>,
    ) -> Self {
        let units = place.unit_name();
        let message = match outcome {
            Ok(()) => {
                format!(
                    "Successfully set {units} to {capacity}. Change successfully fulfilled by {NAMESPACE}."
                )
            }
            Err(error) => format!("Failed to set {units} to {capacity}. Reason: {}", error.message()),
        };
        Self {
            id: ctx.ids().uuid(),
            description: format!("Setting {units} to {capacity}."),
            cause,
            start: ctx.now(),
            end: ctx.now(),
            is_successful: outcome.is_ok(),
            message,
        }
    }

    /// Stores it, and forgets those that are too old or too many. A change that fails again for the same reason is the same
    /// activity, which ends later: one that is tried each minute would push all others out.
    pub(crate) fn keep(&self, tx: &mut Tx<'_>, place: &str) -> Result<(), ApiError> {
        let known = ACTIVITIES.list(tx, &Range::prefix(&place.to_owned()), MOST + 1)?;
        if let Some((key, last)) = known.last()
            && last.is_same_failure(self)
        {
            ACTIVITIES.put(tx, key, &Self { end: self.end, ..last.clone() });
            return Ok(());
        }
        let too_many = (known.len() + 1).saturating_sub(MOST);
        for (number, (key, row)) in known.into_iter().enumerate() {
            if number < too_many || !row.is_kept(self.start) {
                ACTIVITIES.delete(tx, &key);
            }
        }
        let time = format!("{:020}", self.start.seconds());
        ACTIVITIES.put(tx, &(place.to_owned(), format!("{time}-{}", self.id)), self);
        Ok(())
    }

    fn is_same_failure(&self, next: &Self) -> bool {
        let is_same = self.description == next.description && self.message == next.message;
        is_same && !self.is_successful && !next.is_successful
    }

    pub(crate) fn is_kept(&self, now: Timestamp) -> bool {
        self.start.seconds() + KEPT_SECONDS > now.seconds()
    }

    pub(crate) fn to_api(&self, place: &Place) -> api::ScalingActivity {
        api::ScalingActivity {
            activity_id: self.id.clone(),
            service_namespace: NAMESPACE.to_owned(),
            resource_id: place.resource(),
            scalable_dimension: place.dimension().to_owned(),
            description: self.description.clone(),
            cause: self.cause.clone(),
            start_time: self.start,
            end_time: Some(self.end),
            status_code: if self.is_successful { "Successful" } else { "Failed" }.to_owned(),
            status_message: Some(self.message.clone()),
            details: None,
            not_scaled_reasons: None,
        }
    }
}
