//! Scalable targets: bounds of a capacity, and what is on its way to it.

use std::collections::BTreeMap;

use application_autoscaling_api as api;
use clock::JobId;
use cloud::Ctx;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::Reader;

use crate::dimension::{NAMESPACE, Place};
use crate::tables::{TARGET_IDS, TARGETS};
use crate::{capacity, errors};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TargetRow {
    /// The last part of its ARN.
    pub id: String,
    pub min: i32,
    pub max: i32,
    pub created: Timestamp,
    pub suspended: Suspended,
    pub tags: BTreeMap<String, String>,
    /// Why the capacity has to be brought within the bounds.
    pub unfit: Option<String>,
    pub last_out: Option<Timestamp>,
    pub last_in: Option<Timestamp>,
    pub timer: Option<JobId>,
}

store::row!(TargetRow, 1);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Suspended {
    pub scaling_in: bool,
    pub scaling_out: bool,
    pub schedules: bool,
}

impl Suspended {
    pub(crate) fn of(given: &api::SuspendedState) -> Self {
        Self {
            scaling_in: given.dynamic_scaling_in_suspended == Some(true),
            scaling_out: given.dynamic_scaling_out_suspended == Some(true),
            schedules: given.scheduled_scaling_suspended == Some(true),
        }
    }

    fn to_api(self) -> api::SuspendedState {
        api::SuspendedState {
            dynamic_scaling_in_suspended: Some(self.scaling_in),
            dynamic_scaling_out_suspended: Some(self.scaling_out),
            scheduled_scaling_suspended: Some(self.schedules),
        }
    }
}

/// `arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/ID`
pub(crate) fn arn(ctx: &Ctx, id: &str) -> String {
    let region = ctx.region();
    format!("arn:aws:application-autoscaling:{}:{}:scalable-target/{id}", region.as_str(), ctx.account())
}

pub(crate) fn find(rows: &mut impl Reader, place: &Place) -> Result<TargetRow, ApiError> {
    TARGETS.find(rows, &place.key())?.ok_or_else(|| errors::no_such_target(place))
}

/// The target of an ARN, with its key.
pub(crate) fn of_arn(rows: &mut impl Reader, arn: &str) -> Result<(String, TargetRow), ApiError> {
    let missing = || errors::no_such_resource(arn);
    let id = arn.rsplit_once('/').map(|(_, id)| id.to_owned()).ok_or_else(missing)?;
    let key = TARGET_IDS.find(rows, &id)?.ok_or_else(missing)?.0;
    let row = TARGETS.find(rows, &key)?.ok_or_else(missing)?;
    Ok((key, row))
}

/// Bounds as requests give them.
pub(crate) fn check_bounds(min: i32, max: i32) -> Result<(), ApiError> {
    if min < 1 {
        // DynamoDB provisions no less.
        return Err(errors::validation("Minimum capacity must be at least 1 for resources of dynamodb."));
    }
    if max < min {
        return Err(errors::validation("Maximum capacity cannot be less than minimum capacity"));
    }
    Ok(())
}

impl TargetRow {
    /// The bounds change; why the capacity may have to follow.
    pub(crate) fn set_bounds(&mut self, min: Option<i32>, max: Option<i32>, cause: Option<&str>) {
        let before = (self.min, self.max);
        self.min = min.unwrap_or(self.min);
        self.max = max.unwrap_or(self.max);
        if let Some(cause) = cause {
            self.unfit = Some(cause.to_owned());
        } else if before.0 != self.min || before.1 != self.max {
            self.unfit = Some(String::new());
        }
    }

    pub(crate) fn fit(&self, capacity: i64) -> i64 {
        capacity.clamp(i64::from(self.min), i64::from(self.max).max(self.min.into()))
    }

    pub(crate) fn to_api(&self, ctx: &Ctx, place: &Place) -> api::ScalableTarget {
        api::ScalableTarget {
            service_namespace: NAMESPACE.to_owned(),
            resource_id: place.resource(),
            scalable_dimension: place.dimension().to_owned(),
            min_capacity: self.min,
            max_capacity: self.max,
            predicted_capacity: None,
            role_arn: capacity::role_arn(ctx),
            creation_time: self.created,
            suspended_state: Some(self.suspended.to_api()),
            scalable_target_arn: Some(arn(ctx, &self.id)),
        }
    }
}
