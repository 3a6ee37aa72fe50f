//! Amazon EventBridge Scheduler: schedules, once or again and again, in any time zone, and what they set off.
//!
//! An enabled schedule has one job, due at its next time. The job hands the payload to the target and adds the next job
//! in one transaction, so that each time comes once. Deliveries with their retries and dead letters are the `targets`
//! crate's; what times a schedule has is the `schedule_expression` engine's.

mod errors;
mod group;
mod invocation;
mod ops;
mod schedule;
mod tables;
mod timer;

use std::sync::Arc;

use clock::JobKind;
use cloud::{Cloud, Service};
use targets::{ApiDestinations, Courier};

/// EventBridge Scheduler with what it shares between its operations and its jobs.
#[derive(Clone)]
pub struct SchedulerService(Arc<Scheduler>);

impl SchedulerService {
    pub fn new(cloud: Cloud, destinations: Arc<dyn ApiDestinations>) -> Self {
        let courier =
            Courier::new(cloud.clone(), PRINCIPAL, invocation::KIND, destinations, invocation::count);
        Self(Arc::new(Scheduler { cloud, courier: Arc::new(courier) }))
    }

    /// The service as the region's registry wants it.
    pub fn service(&self) -> Service {
        Service::new(&scheduler_api::SERVICE, Arc::clone(&self.0), ops::OPERATIONS)
    }

    /// Schedules that fall due, and invocations that take more than a transaction.
    pub fn jobs(&self) -> Vec<JobKind> {
        vec![timer::jobs(&self.0), self.0.courier.jobs()]
    }
}

/// What the handlers share.
pub(crate) struct Scheduler {
    pub(crate) cloud: Cloud,
    pub(crate) courier: Arc<Courier>,
}

/// EventBridge Scheduler as roles' trust policies name it.
pub(crate) const PRINCIPAL: &str = "scheduler.amazonaws.com";
