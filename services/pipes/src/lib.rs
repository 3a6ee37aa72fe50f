//! Amazon EventBridge Pipes: events out of a queue or a stream, filtered, enriched and transformed on their way to one
//! target.
//!
//! A running pipe is a task that reads its source. Reading, retrying and keeping the place in a stream is the `sources`
//! crate's; calling targets is the `targets` crate's. What is here is what lies between: [`transform`] and [`execution`].

mod access;
mod earlier_rows;
mod errors;
mod execution;
mod log;
mod ops;
mod pipe;
mod settings;
mod state;
mod tables;
mod transform;

use std::sync::Arc;

use clock::JobKind;
use cloud::{Cloud, Service};
use shapes::ApiError;
use sources::Tasks;
use targets::{ApiDestinations, Courier};

/// EventBridge Pipes with its background work.
#[derive(Clone)]
pub struct PipesService(Arc<Pipes>);

impl PipesService {
    pub fn new(cloud: Cloud, destinations: Arc<dyn ApiDestinations>) -> Self {
        let courier =
            Courier::new(cloud.clone(), PRINCIPAL, "pipes/delivery", Arc::clone(&destinations), |_, _, _| {});
        Self(Arc::new(Pipes { cloud, courier, destinations, tasks: Tasks::default() }))
    }

    /// The service as the region's registry wants it.
    pub fn service(&self) -> Service {
        Service::new(&pipes_api::SERVICE, Arc::clone(&self.0), ops::OPERATIONS)
    }

    /// The kind of job that starts, stops and deletes pipes.
    pub fn jobs(&self) -> Vec<JobKind> {
        vec![state::jobs(&self.0)]
    }

    /// Starts the tasks of all running pipes, once the region is open.
    pub fn start(&self) -> Result<(), ApiError> {
        self.0.start_all()
    }

    /// Ends the tasks of all pipes.
    pub fn stop(&self) {
        self.0.tasks.stop_all();
    }
}

/// What the handlers and the tasks share.
pub(crate) struct Pipes {
    pub(crate) cloud: Cloud,
    pub(crate) courier: Courier,
    pub(crate) destinations: Arc<dyn ApiDestinations>,
    /// Of running pipes, by their names.
    pub(crate) tasks: Tasks,
}

/// EventBridge Pipes as roles' trust policies name it.
pub(crate) const PRINCIPAL: &str = "pipes.amazonaws.com";
