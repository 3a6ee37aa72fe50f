//! The region as a whole: what every service shares.

use std::sync::{Arc, OnceLock, Weak};

use clock::Clock;
use identity::{AccountId, Principal, Region};
use shapes::ApiError;
use store::Store;

use crate::architecture::Architecture;
use crate::http::not_open;
use crate::insights::InsightRules;
use crate::registry::Registry;
use crate::{
    Actor, Caller, Copies, Ctx, Directory, EventSink, Ids, Metrics, Ports, RawCalls, Service, TraceContext,
    Traces,
};

/// What a region is told at start.
#[derive(Clone, Debug)]
pub struct Settings {
    pub default_region: Region,
    /// How clients reach the region: `http://127.0.0.1:4566`. Queue URLs and the like begin with it.
    pub endpoint: String,
    /// Refuse access keys that nobody was given.
    pub is_strict: bool,
}

/// The running region. Cheap to clone.
#[derive(Clone)]
pub struct Cloud(Arc<Inner>);

struct Inner {
    settings: Settings,
    store: Store,
    clock: Clock,
    ids: Ids,
    metrics: Metrics,
    insight_rules: InsightRules,
    traces: Traces,
    architecture: Architecture,
    copies: Copies,
    registry: OnceLock<Registry>,
    directory: OnceLock<Arc<dyn Directory>>,
    raw_calls: OnceLock<Weak<dyn RawCalls>>,
    event_sink: OnceLock<Arc<dyn EventSink>>,
    ports: OnceLock<Arc<dyn Ports>>,
}

impl Cloud {
    pub fn new(settings: Settings, store: Store, clock: Clock, ids: Ids) -> Self {
        Self(Arc::new(Inner {
            settings,
            store,
            clock,
            ids,
            metrics: Metrics::default(),
            insight_rules: InsightRules::default(),
            traces: Traces::default(),
            architecture: Architecture::default(),
            copies: Copies::default(),
            registry: OnceLock::new(),
            directory: OnceLock::new(),
            raw_calls: OnceLock::new(),
            event_sink: OnceLock::new(),
            ports: OnceLock::new(),
        }))
    }

    /// Opens the region for calls. Services hold the `Cloud`, so it is made before them and opened once they are
    /// there; a second call is ignored.
    pub fn open(&self, services: Vec<Service>, directory: Arc<dyn Directory>) {
        let _ = self.0.registry.set(Registry::new(services, &self.0.metrics));
        let _ = self.0.directory.set(directory);
    }

    /// Tells who takes raw requests. The gateway holds the region, so the region only points back at it.
    pub fn set_raw_calls(&self, raw_calls: Weak<dyn RawCalls>) {
        let _ = self.0.raw_calls.set(raw_calls);
    }

    pub fn raw_calls(&self) -> Result<Arc<dyn RawCalls>, ApiError> {
        self.0.raw_calls.get().and_then(Weak::upgrade).ok_or_else(not_open)
    }

    /// Tells who takes events of services; a second call is ignored.
    pub fn set_event_sink(&self, sink: Arc<dyn EventSink>) {
        let _ = self.0.event_sink.set(sink);
    }

    pub fn event_sink(&self) -> Option<&Arc<dyn EventSink>> {
        self.0.event_sink.get()
    }

    /// Tells who opens ports for services; a second call is ignored.
    pub fn set_ports(&self, ports: Arc<dyn Ports>) {
        let _ = self.0.ports.set(ports);
    }

    /// Nothing in a region that has no sockets.
    pub fn ports(&self) -> Option<&Arc<dyn Ports>> {
        self.0.ports.get()
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }
    pub fn store(&self) -> &Store {
        &self.0.store
    }
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }
    pub fn ids(&self) -> &Ids {
        &self.0.ids
    }
    /// Who contributes the most to what services count.
    pub fn insight_rules(&self) -> &InsightRules {
        &self.0.insight_rules
    }

    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }
    pub fn traces(&self) -> &Traces {
        &self.0.traces
    }
    pub fn architecture(&self) -> &Architecture {
        &self.0.architecture
    }

    /// What tells keepers of copies that they are old.
    pub fn copies(&self) -> &Copies {
        &self.0.copies
    }

    pub fn registry(&self) -> Result<&Registry, ApiError> {
        self.0.registry.get().ok_or_else(not_open)
    }

    pub fn directory(&self) -> Result<&dyn Directory, ApiError> {
        self.0.directory.get().map(AsRef::as_ref).ok_or_else(not_open)
    }

    /// Work that no request caused: `service` acts for its resource `origin` in a tenant, in a trace of its own.
    pub fn background(&self, service: &str, origin: &str, account: AccountId, region: Region) -> Ctx {
        let caller = Caller::internal(Actor::of(Principal::service(service)), origin, account);
        let trace = TraceContext::begin(self.ids(), self.clock().now());
        Ctx::new(self.clone(), caller, (account, region), trace, origin.into(), &self.ids().uuid())
    }
}
