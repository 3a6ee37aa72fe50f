//! What the services of a region share: the context of a call, typed calls from one service to another, the check
//! of who may do what, metrics, traces and the live picture of who calls whom.
//!
//! A call between services takes the same path as one that came over HTTP (see [`registry::Registry::call`]); only
//! the wire is missing. This crate knows no service and no protocol.

mod api_call;
pub mod architecture;
mod authorize;
mod copies;
mod ctx;
mod directory;
mod event_sink;
mod front;
mod guard;
mod http;
mod ids;
pub mod insights;
mod kept_caller;
mod local;
pub mod metrics;
mod operation;
mod policy_cache;
mod ports;
mod region;
pub mod registry;
mod root_key;
mod signer;
pub mod trace;

pub use api_call::{API_CALL, CallInterest};
pub use copies::{Copies, Original};
pub use ctx::{Caller, Ctx, tenant};
pub use directory::{Actor, Credential, Denial, Directory, PrincipalPolicies};
pub use event_sink::{EventSink, ServiceEvent};
pub use front::{Apart, Claim, Exchange, HttpFront};
pub use guard::Guard;
pub use http::{HttpEndpoint, RawCalls};
pub use ids::Ids;
pub use kept_caller::KeptCaller;
pub use local::{is_local, is_own_page};
pub use metrics::Metrics;
pub use operation::{BoxFuture, Handle, Operation, Service, Transact};
pub use policy_cache::PolicyCache;
pub use ports::{Connection, Port, Ports, ServeConnection};
pub use region::{Cloud, Settings};
pub use root_key::{RootKey, SealingKey};
pub use signer::SignerError;
pub use trace::{TraceContext, Traces};
