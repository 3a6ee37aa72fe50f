//! AWS Lambda: functions run as real programs in sandboxes of their own.
//!
//! A function is rows and a zip file ([`tables`], [`code`]); an execution environment is a sandboxed process that
//! speaks the public Runtime API with us ([`environment`], [`runtime_api`]); an invocation brings the two together
//! ([`invocation`]). Container images are not here and are refused by name.

mod async_invoke;
mod code;
mod concurrency;
mod configuration;
mod credentials;
mod destination;
mod earlier_rows;
mod environment;
mod errors;
mod event_source;
mod front_door;
mod function;
mod function_url;
mod invocation;
mod layer;
mod logs;
mod ops;
mod policy;
mod provisioned;
mod runtime;
mod runtime_api;
mod tables;
mod url_event;
mod variables;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use blobs::Blobs;
use clock::JobKind;
use cloud::{BoxFuture, Cloud, HttpEndpoint, PolicyCache, Service};
use identity::sigv4::KeyCache;
use sandbox::Sandboxes;
use shapes::ApiError;

pub use runtime::RuntimeReport;

/// Serves the region to one function: takes the listener that was made inside of the function's own network, which
/// does not block, and stops when the future resolves. Called within the runtime.
pub type ServeRegion = Arc<dyn Fn(std::net::TcpListener, BoxFuture<'static, ()>) + Send + Sync>;

/// What functions reach of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionNetwork {
    /// Nothing but the region, at the same port of their own loopback.
    Isolated,
    /// Everything that this machine reaches.
    Host,
}

/// What Lambda is told at start.
#[derive(Clone)]
pub struct Config {
    /// For unpacked code and our bootstraps; everything in it can be made again.
    pub data_dir: PathBuf,
    /// Where zip files are kept.
    pub blobs: Arc<dyn Blobs>,
    pub sandboxes: Sandboxes,
    pub network: FunctionNetwork,
    /// Where functions find the region on their own loopback.
    pub region_port: u16,
    pub serve_region: ServeRegion,
    /// Concurrent executions of an account in a region.
    pub concurrency: u32,
    /// How long an environment without work is kept.
    pub idle: Duration,
    /// Memory of all environments together.
    pub memory_mb: u32,
    /// The Python interpreter; `None` looks for `python3` on the search path.
    pub python: Option<PathBuf>,
    /// Node.js; `None` looks for `node` on the search path.
    pub node: Option<PathBuf>,
    /// A folder with what Python functions can import beside the standard library, such as boto3.
    pub python_packages: Option<PathBuf>,
    /// A `node_modules` folder for Node.js functions, with the AWS SDK.
    pub node_packages: Option<PathBuf>,
}

/// The service with its background work.
#[derive(Clone)]
pub struct LambdaService(Arc<Lambda>);

impl LambdaService {
    pub fn new(cloud: Cloud, config: Config) -> Self {
        environment::sweep(&config.data_dir);
        Self(Arc::new(Lambda {
            runtimes: runtime::Runtimes::new(&config),
            code: code::CodeStore::new(&config),
            pools: environment::Pools::new(&config),
            concurrency: concurrency::Limiter::new(config.concurrency),
            policies: PolicyCache::default(),
            logs: logs::Sink::new(cloud.clone()),
            sources: sources::Tasks::default(),
            provisions: provisioned::Provisions::default(),
            cloud,
            config,
        }))
    }

    /// Lambda as the region's registry wants it.
    pub fn service(&self) -> Service {
        Service::new(&lambda_api::SERVICE, Arc::clone(&self.0), ops::OPERATIONS)
    }

    /// Function URLs and packages, for the region's gateway.
    pub fn endpoint(&self) -> Arc<dyn HttpEndpoint> {
        Arc::new(front_door::FrontDoor { lambda: Arc::clone(&self.0), keys: KeyCache::default() })
    }

    /// Which interpreters serve the managed runtimes here.
    pub async fn runtimes(&self) -> Vec<RuntimeReport> {
        self.0.runtimes.report().await
    }

    /// The kinds of jobs that carry asynchronous events, for the region's runner.
    pub fn jobs(&self) -> Vec<JobKind> {
        vec![async_invoke::kind(&self.0)]
    }

    /// Starts what works in the background, once the region is open: the tasks of event source mappings, and those that
    /// keep provisioned environments.
    pub fn start(&self) -> Result<(), ApiError> {
        self.0.start_provisions()?;
        self.0.start_sources()
    }

    /// Ends the environments that wait for work; functions start anew.
    pub fn end_environments(&self) {
        self.0.pools.clear();
    }

    /// Ends the tasks of event source mappings and all execution environments.
    pub fn stop(&self) {
        self.0.sources.stop_all();
        self.0.provisions.stop_all();
        self.0.pools.clear();
    }
}

/// Lambda as the region's registry wants it, for regions that need none of its background work.
pub fn service(cloud: Cloud, config: Config) -> Service {
    LambdaService::new(cloud, config).service()
}

/// What the handlers share. All of it can be rebuilt from the store.
pub(crate) struct Lambda {
    pub(crate) cloud: Cloud,
    pub(crate) config: Config,
    pub(crate) runtimes: runtime::Runtimes,
    pub(crate) code: code::CodeStore,
    pub(crate) pools: environment::Pools,
    pub(crate) concurrency: concurrency::Limiter,
    pub(crate) policies: PolicyCache,
    pub(crate) logs: logs::Sink,
    pub(crate) sources: sources::Tasks,
    pub(crate) provisions: provisioned::Provisions,
}

/// The service principal that roles of functions trust.
pub(crate) const PRINCIPAL: &str = "lambda.amazonaws.com";
