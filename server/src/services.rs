//! The list of services, and what each needs of the machine.

use std::future::Future;
use std::net::TcpListener;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use clock::JobKind;
use cloud::{Cloud, Directory, HttpEndpoint, Service};
use gateway::Gateway;
use tracing::warn;

use crate::failure::Failure;
use crate::region::Options;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What functions run with.
#[derive(Clone, Debug, Default)]
pub(crate) struct FunctionOptions {
    /// Folders of the SDKs that functions find installed.
    pub python_packages: Option<PathBuf>,
    pub node_modules: Option<PathBuf>,
    pub python: Option<PathBuf>,
    pub node: Option<PathBuf>,
    /// Functions share the machine's network instead of reaching the region alone.
    pub has_host_network: bool,
}

/// Where mail goes; to the inbox when there is no server.
#[derive(Clone, Debug, Default)]
pub(crate) struct MailOptions {
    /// `smtp://user:password@host:port` or `smtps://...`
    pub server: Option<String>,
    pub from: Option<String>,
}

/// The parts of a region.
pub(crate) struct Parts {
    pub services: Vec<Service>,
    pub directory: Arc<dyn Directory>,
    pub jobs: Vec<JobKind>,
    pub endpoints: Vec<Arc<dyn HttpEndpoint>>,
    /// What isolation is in force for functions.
    pub isolation: String,
    pub inner_listeners: InnerListeners,
    /// Work to take up again once the region is open.
    pub started: Task,
    pub stop: Box<dyn FnOnce() -> Task + Send>,
}

/// Listeners inside the network namespaces of functions, which the gateway serves like its own.
#[derive(Clone, Default)]
pub(crate) struct InnerListeners {
    gateway: Arc<OnceLock<Arc<Gateway>>>,
    waiting: Arc<Mutex<Vec<TcpListener>>>,
}

impl InnerListeners {
    /// Serves `listener` from now on, until the namespace goes away.
    pub(crate) fn serve(&self, listener: TcpListener) {
        match self.gateway.get() {
            Some(gateway) => spawn(Arc::clone(gateway), listener),
            None => self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(listener),
        }
    }

    pub(crate) fn serve_with(&self, gateway: Arc<Gateway>) {
        let _ = self.gateway.set(Arc::clone(&gateway));
        for listener in self.waiting.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            spawn(Arc::clone(&gateway), listener);
        }
    }
}

fn spawn(gateway: Arc<Gateway>, listener: TcpListener) {
    let listener = listener.set_nonblocking(true).and_then(|()| tokio::net::TcpListener::from_std(listener));
    match listener {
        Ok(listener) => {
            tokio::spawn(gateway::serve(gateway, listener, None, std::future::pending()));
        }
        Err(cause) => warn!(error = %cause, "a function's way to the region could not be opened"),
    }
}
