//! Amazon EventBridge: event buses, rules that match events by pattern or fall due by schedule, and their targets.
//!
//! `PutEvents` is one transaction: every bus keeps its rules compiled (see [`matching`]), and what they send to queues,
//! topics, log groups and other buses is there once it commits. Functions and web endpoints are called by jobs with AWS's
//! retries. The machinery of deliveries is the `targets` crate's, which schedules and pipes use as well.

mod api_destination;
mod archive;
mod bus;
mod bus_policy;
mod call_listeners;
mod connection;
mod delivery;
mod destinations;
mod endpoint;
mod errors;
mod event;
mod input;
mod matching;
mod ops;
mod partner;
mod replay;
mod routing;
mod rule;
mod rule_target;
mod service_events;
mod tables;
mod tags;
mod timer;

use std::sync::Arc;

use clock::JobKind;
use cloud::{Cloud, PolicyCache, Service};
use targets::{ApiDestinations, Courier};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use destinations::Destinations;
use matching::Buses;

/// EventBridge with what it shares between its operations and its jobs.
#[derive(Clone)]
pub struct EventBridge(Arc<Events>);

impl EventBridge {
    /// Takes the events that the region's services have to tell, from now on.
    pub fn new(cloud: Cloud) -> Self {
        let destinations = Arc::new(Destinations::new(cloud.clone()));
        let api_destinations: Arc<dyn ApiDestinations> = destinations.clone();
        let courier =
            Courier::new(cloud.clone(), PRINCIPAL, delivery::KIND, api_destinations, delivery::count);
        let events = Arc::new(Events {
            cloud: cloud.clone(),
            policies: PolicyCache::default(),
            buses: Buses::default(),
            courier: Arc::new(courier),
            destinations,
            later: Arc::new(Semaphore::new(service_events::MOST_LATER)),
            runtime: Handle::try_current().ok(),
        });
        cloud.set_event_sink(events.clone());
        Self(events)
    }

    /// EventBridge as the region's registry wants it.
    pub fn service(&self) -> Service {
        Service::new(&events_api::SERVICE, Arc::clone(&self.0), ops::OPERATIONS)
    }

    /// Deliveries that take more than a transaction, schedules, replays and the upkeep of archives.
    pub fn jobs(&self) -> Vec<JobKind> {
        vec![self.0.courier.jobs(), archive::jobs(&self.0), replay::jobs(&self.0), timer::jobs(&self.0)]
    }

    /// API destinations, for the other services that call them.
    pub fn api_destinations(&self) -> Arc<dyn ApiDestinations> {
        self.0.destinations.clone()
    }
}

/// What the handlers share. All of it can be rebuilt from the store.
pub(crate) struct Events {
    pub(crate) cloud: Cloud,
    pub(crate) policies: PolicyCache,
    pub(crate) buses: Buses,
    pub(crate) courier: Arc<Courier>,
    pub(crate) destinations: Arc<Destinations>,
    /// For events that nobody waits for.
    pub(crate) later: Arc<Semaphore>,
    /// Where they are told; none in tests without one.
    pub(crate) runtime: Option<Handle>,
}

/// EventBridge as other services' policies name it.
pub(crate) const PRINCIPAL: &str = "events.amazonaws.com";
