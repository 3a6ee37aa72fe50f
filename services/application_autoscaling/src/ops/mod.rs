//! The operation table.

mod activities;
mod policies;
mod scheduled_actions;
mod tags;
mod targets;

use application_autoscaling_api::op;
use cloud::{Guard, Operation};
use shapes::ApiError;

use crate::dimension::{self, Place};
use crate::{AutoScaling, errors};

pub(crate) static OPERATIONS: &[Operation<AutoScaling>] = &[
    Operation::transaction::<op::DeleteScalingPolicy>(),
    Operation::transaction::<op::DeleteScheduledAction>(),
    Operation::transaction::<op::DeregisterScalableTarget>(),
    Operation::of::<op::DescribeScalableTargets>(),
    Operation::of::<op::DescribeScalingActivities>(),
    Operation::of::<op::DescribeScalingPolicies>(),
    Operation::of::<op::DescribeScheduledActions>(),
    Operation::of::<op::ListTagsForResource>(),
    Operation::transaction::<op::PutScalingPolicy>(),
    Operation::transaction::<op::PutScheduledAction>(),
    Operation::of::<op::RegisterScalableTarget>(),
    Operation::transaction::<op::TagResource>(),
    Operation::transaction::<op::UntagResource>(),
];

/// The most of a page, and what a page has where nothing else is asked (API Reference, MaxResults).
const PAGE: usize = 50;

/// What policies may ask for: Service Authorization Reference, "Application Auto Scaling".
fn guard(namespace: &str, dimension: &str) -> Guard {
    Guard::any()
        .with("application-autoscaling:service-namespace", vec![namespace.to_owned()])
        .with("application-autoscaling:scalable-dimension", vec![dimension.to_owned()])
}

/// Which places a description is of.
struct Filter {
    resources: Option<Vec<String>>,
    dimension: Option<String>,
}

impl Filter {
    fn new(
        namespace: &str,
        resources: Option<Vec<String>>,
        dimension: Option<String>,
    ) -> Result<Self, ApiError> {
        dimension::check_namespace(namespace)?;
        if dimension.is_some() && resources.is_none() {
            return Err(errors::validation("ResourceId is required when ScalableDimension is specified"));
        }
        Ok(Self { resources, dimension })
    }

    fn admits(&self, place: &Place) -> bool {
        self.resources.as_ref().is_none_or(|resources| resources.contains(&place.resource()))
            && self.dimension.as_ref().is_none_or(|dimension| dimension == place.dimension())
    }
}

/// A page of what is known by its name, in order, after the one that the token names.
fn page<T>(
    all: Vec<(String, T)>,
    token: Option<&str>,
    most: Option<i32>,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let most = match most {
        None => PAGE,
        Some(most) => usize::try_from(most)
            .ok()
            .filter(|most| (1..=PAGE).contains(most))
            .ok_or_else(|| errors::validation(format!("MaxResults must be between 1 and {PAGE}")))?,
    };
    let begin = match token {
        None => 0,
        Some(token) => all.iter().position(|(name, _)| name == token).ok_or_else(errors::invalid_token)? + 1,
    };
    let next = all.get(begin + most).and_then(|_| all.get(begin + most - 1)).map(|(name, _)| name.clone());
    let items = all.into_iter().skip(begin).take(most).map(|(_, item)| item).collect();
    Ok((items, next))
}
