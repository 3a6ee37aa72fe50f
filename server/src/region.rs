//! Puts a region together and runs it until it is told to stop.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clock::{Clock, Runner};
use cloud::{Cloud, Ids, RawCalls, Settings};
use gateway::{Gateway, Limits};
use identity::Region;
use kv::{Durability, EmbeddedEngine, EmbeddedOptions, Engine};
use store::{Row, RowError, Scope, Store, StoreError, Table};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::admin;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::services;

/// What `brume up` was asked for.
pub(crate) struct Options {
    pub data: DataDir,
    pub address: IpAddr,
    pub port: u16,
    pub is_strict: bool,
    /// The throughput of DynamoDB tables runs out.
    pub has_dynamodb_throttling: bool,
    /// Memory for objects of S3 that are read again and again.
    pub object_cache_bytes: u64,
    pub durability: Durability,
    pub default_region: Region,
    /// Certificate and key files.
    pub tls: Option<(PathBuf, PathBuf)>,
    pub functions: services::FunctionOptions,
    pub mail: services::MailOptions,
    /// Where push notifications are sent, where they are.
    pub push: Option<sns::Gateways>,
}

/// How long a start waits for an address that is taken.
const LONGEST_WAIT_FOR_ADDRESS: Duration = Duration::from_secs(2);

/// How far the clock was advanced, in milliseconds: a region that was advanced stays so.
const CLOCK: Table<(), Offset> = Table::new("clock/offset");

struct Offset(u64);

impl Row for Offset {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_be_bytes());
    }
    fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let bytes =
            bytes.try_into().map_err(|_| RowError::Damaged("a clock offset has 8 bytes".to_owned()))?;
        Ok(Self(u64::from_be_bytes(bytes)))
    }
}

/// Listens on the address. One that is taken may be held by what a killed region left on its way: a sandbox that had
/// only just been cloned has the region's files until its program runs.
async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let deadline = Instant::now() + LONGEST_WAIT_FOR_ADDRESS;
    loop {
        match TcpListener::bind(address).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            other => return other,
        }
    }
}

/// Runs a region until the process is asked to stop.
pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    if !options.address.is_loopback() && !options.is_strict {
        return Err(Failure::new(format!(
            "listening on {} would let others in who need no keys: add --strict, or listen on 127.0.0.1",
            options.address
        )));
    }
    let address = SocketAddr::new(options.address, options.port);
    let listener = listen(address)
        .await
        .map_err(|error| Failure::new(format!("cannot listen on {address}: {error}")))?;
    let tls =
        options.tls.as_ref().map(|(certificate, key)| gateway::acceptor(certificate, key)).transpose()?;
    let port = listener.local_addr()?.port();

    let engine_options = EmbeddedOptions { durability: options.durability, ..Default::default() };
    let engine = Arc::new(EmbeddedEngine::open(&options.data.path().join("state"), &engine_options)?);
    let store = Store::new(Arc::clone(&engine) as Arc<dyn Engine>);
    let offset = CLOCK.find(&mut store.read(&Scope::global())?, &())?.map_or(0, |offset| offset.0);
    let clock = Clock::system(Duration::from_millis(offset));

    let scheme = if tls.is_some() { "https" } else { "http" };
    let endpoint = format!("{scheme}://{}:{port}", host_of(options.address));
    let settings = Settings {
        default_region: options.default_region,
        endpoint: endpoint.clone(),
        is_strict: options.is_strict,
    };
    let cloud = Cloud::new(settings, store.clone(), clock.clone(), Ids::System);
    let ports = Arc::new(gateway::OpenPorts::new(options.address, tls.clone()));
    cloud.set_ports(ports.clone());
    let parts = services::assemble(&cloud, &options, port)?;
    let runner = Runner::new(store.clone(), clock, parts.jobs);
    let host = admin::Host {
        data: options.data.path().to_owned(),
        isolation: parts.isolation,
        queues: parts.queues,
    };
    let operator = admin::endpoint(cloud.clone(), Arc::clone(&runner), host);
    cloud.open(parts.services, parts.directory);
    let gateway =
        Gateway::with_host_endpoints(cloud.clone(), parts.endpoints, vec![operator], Limits::default())?;
    let raw_calls: Arc<dyn RawCalls> = gateway.clone();
    cloud.set_raw_calls(Arc::downgrade(&raw_calls));
    parts.inner_listeners.serve_with(Arc::clone(&gateway));

    let jobs = tokio::spawn(runner.run());
    let started = tokio::spawn(parts.started);
    info!(%endpoint, data = %options.data.path().display(), "the region is up");
    println!("Brume is up at {endpoint} (data in {})", options.data.path().display());
    gateway::serve(gateway, listener, tls, stop_signal()).await;

    info!("the region stops");
    ports.close_all();
    jobs.abort();
    started.abort();
    (parts.stop)().await;
    if let Err(cause) = store.close().await {
        error!(error = %cause, "the store could not be closed");
    }
    Ok(())
}

/// Advances the region's clock and remembers by how much.
pub(crate) async fn advance_clock(cloud: &Cloud, by: Duration) -> Result<(), StoreError> {
    let total = cloud.clock().offset() + by;
    let millis = u64::try_from(total.as_millis()).unwrap_or(u64::MAX / 4);
    cloud
        .store()
        .write(&Scope::global(), move |tx| {
            CLOCK.put(tx, &(), &Offset(millis));
            Ok::<_, StoreError>(())
        })
        .await?;
    cloud.clock().advance(by);
    Ok(())
}

/// The host that clients on this machine use.
fn host_of(address: IpAddr) -> String {
    match address {
        _ if address.is_unspecified() => "127.0.0.1".to_owned(),
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(cause) => {
            warn!(error = %cause, "cannot listen for SIGTERM");
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
