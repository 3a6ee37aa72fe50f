//! Ports of services that speak no HTTP: each has an owner, a limit of connections, and an end.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use cloud::{Port, Ports, ServeConnection};
use shapes::ApiError;
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

/// Opens ports on the region's address.
pub struct OpenPorts {
    address: IpAddr,
    tls: Option<TlsAcceptor>,
    open: Mutex<BTreeMap<u16, Open>>,
}

struct Open {
    port: Port,
    slots: Arc<Semaphore>,
    /// Dropped when the port closes, which is what its tasks wait for.
    _stop: watch::Sender<()>,
}

impl OpenPorts {
    pub fn new(address: IpAddr, tls: Option<TlsAcceptor>) -> Self {
        Self { address, tls, open: Mutex::default() }
    }

    /// Closes all of them, with their connections.
    pub fn close_all(&self) {
        self.locked().clear();
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, BTreeMap<u16, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ports for OpenPorts {
    fn host(&self) -> String {
        match self.address {
            address if address.is_unspecified() => "127.0.0.1".to_owned(),
            address => address.to_string(),
        }
    }

    fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    fn is_free(&self, number: u16) -> bool {
        TcpListener::bind(SocketAddr::new(self.address, number)).is_ok()
    }

    fn open(&self, port: Port, serve: ServeConnection) -> Result<(), ApiError> {
        let mut open = self.locked();
        if open.contains_key(&port.number) {
            return Ok(());
        }
        let tls = match (port.is_tls, &self.tls) {
            (false, _) => None,
            (true, Some(tls)) => Some(tls.clone()),
            (true, None) => {
                return Err(ApiError::internal("the region has no certificate for a port with TLS"));
            }
        };
        let address = SocketAddr::new(self.address, port.number);
        let listener = TcpListener::bind(address)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .and_then(tokio::net::TcpListener::from_std)
            .map_err(ApiError::internal)?;
        let slots = Arc::new(Semaphore::new(port.connections));
        let (stop, stopped) = watch::channel(());
        tokio::spawn(accept(listener, tls, Arc::clone(&slots), Arc::new(serve), stopped));
        open.insert(port.number, Open { port, slots, _stop: stop });
        Ok(())
    }

    fn close(&self, number: u16) {
        self.locked().remove(&number);
    }

    fn list(&self) -> Vec<(Port, usize)> {
        let open = self.locked();
        let described =
            |open: &Open| (open.port.clone(), open.port.connections - open.slots.available_permits());
        open.values().map(described).collect()
    }
}

async fn accept(
    listener: tokio::net::TcpListener,
    tls: Option<TlsAcceptor>,
    slots: Arc<Semaphore>,
    serve: Arc<ServeConnection>,
    stopped: watch::Receiver<()>,
) {
    let mut closed = stopped.clone();
    loop {
        let slot = Arc::clone(&slots).acquire_owned();
        let accepted = tokio::select! {
            accepted = async { (slot.await, listener.accept().await) } => accepted,
            _ = closed.changed() => return,
        };
        let (Ok(slot), Ok((stream, peer))) = accepted else {
            warn!("a connection could not be accepted");
            tokio::task::yield_now().await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (tls, serve, mut closed) = (tls.clone(), Arc::clone(&serve), stopped.clone());
        tokio::spawn(async move {
            let served = async {
                match tls {
                    None => serve(Box::new(stream), Some(peer.ip())).await,
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => serve(Box::new(stream), Some(peer.ip())).await,
                        Err(error) => debug!(%error, "TLS handshake failed"),
                    },
                }
            };
            tokio::select! {
                () = served => {}
                _ = closed.changed() => {}
            }
            drop(slot);
        });
    }
}
