//! The region's one door: HTTP/1.1 and HTTP/2 with limits and optional TLS, which service and operation a request
//! is for, whose signature it carries, and the answer in that service's protocol.
//!
//! [`pipeline`] is the way of a request, read top to bottom. The crate knows HTTP and no service; what an
//! operation means is decided behind [`cloud::registry::Registry::call`].

mod authenticate;
mod chunked;
mod cors;
mod front;
mod limits;
mod listen;
mod outgoing;
mod patience;
mod pieces;
mod pipeline;
mod ports;
mod route;
mod tls;
mod upload;

use std::sync::Arc;

use cloud::{Cloud, HttpEndpoint};
use identity::sigv4::KeyCache;

pub use limits::Limits;
pub use listen::{Peer, serve, serve_inside};
pub use ports::OpenPorts;
pub use tls::{TlsError, acceptor};

use front::Fronted;
use route::Routes;

/// Everything a request needs on its way in.
pub struct Gateway {
    cloud: Cloud,
    routes: Routes,
    /// Parts of the region that speak HTTP themselves, asked in order before the services.
    endpoints: Vec<Arc<dyn HttpEndpoint>>,
    /// Those that listeners of the host itself have besides, and listeners inside functions' namespaces do not.
    host_endpoints: Vec<Arc<dyn HttpEndpoint>>,
    fronts: Vec<Fronted>,
    /// Signing names of the services that take uploads as they come.
    in_pieces: Vec<&'static str>,
    signing_keys: KeyCache,
    limits: Limits,
    /// Where calls come from that no resource made.
    client: Arc<str>,
}

impl Gateway {
    /// `cloud` must have been opened, since the routes are those of its services.
    pub fn new(
        cloud: Cloud,
        endpoints: Vec<Arc<dyn HttpEndpoint>>,
        limits: Limits,
    ) -> Result<Arc<Self>, shapes::ApiError> {
        Self::with_host_endpoints(cloud, endpoints, Vec::new(), limits)
    }

    /// As [`Self::new`], with endpoints that are for the host's own users: see [`serve_inside`].
    pub fn with_host_endpoints(
        cloud: Cloud,
        endpoints: Vec<Arc<dyn HttpEndpoint>>,
        host_endpoints: Vec<Arc<dyn HttpEndpoint>>,
        limits: Limits,
    ) -> Result<Arc<Self>, shapes::ApiError> {
        let routes = Routes::new(cloud.registry()?.services());
        let fronts = Fronted::all(&cloud)?;
        let in_pieces = cloud.registry()?.taking_pieces().map(|schema| schema.signing_name).collect();
        Ok(Arc::new(Self {
            cloud,
            routes,
            endpoints,
            host_endpoints,
            fronts,
            in_pieces,
            signing_keys: KeyCache::default(),
            limits,
            client: "client".into(),
        }))
    }
}
