//! Connections: accepting them, serving HTTP on them, and letting them finish when the region stops.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, warn};

use crate::Gateway;
use crate::outgoing::Outgoing;
use crate::patience::{Overheard, Quiet};

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub address: Option<IpAddr>,
    pub is_tls: bool,
    /// Runs within the region, as functions do, whatever its address looks like.
    pub is_inside: bool,
}

/// Serves connections of `listener` until `stop` resolves, then waits for requests under way.
pub async fn serve(
    gateway: Arc<Gateway>,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    stop: impl Future<Output = ()>,
) {
    accept(gateway, listener, tls, false, stop).await;
}

/// As [`serve`], for a listener in the namespace of a function, whose programs seem to be on this machine: what is for
/// the machine's own users is not there.
pub async fn serve_inside(gateway: Arc<Gateway>, listener: TcpListener, stop: impl Future<Output = ()>) {
    accept(gateway, listener, None, true, stop).await;
}

async fn accept(
    gateway: Arc<Gateway>,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    is_inside: bool,
    stop: impl Future<Output = ()>,
) {
    let slots = Arc::new(Semaphore::new(gateway.limits.connections));
    let graceful = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        let slot = Arc::clone(&slots).acquire_owned();
        let accepted = tokio::select! {
            accepted = async { (slot.await, listener.accept().await) } => accepted,
            () = &mut stop => break,
        };
        let (Ok(slot), Ok((stream, address))) = accepted else {
            // Out of file descriptors, most likely: give those that are open a chance to end.
            warn!("a connection could not be accepted");
            tokio::task::yield_now().await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let peer = Peer { address: Some(address.ip()), is_tls: tls.is_some(), is_inside };
        let (gateway, tls, watcher) = (Arc::clone(&gateway), tls.clone(), graceful.watcher());
        tokio::spawn(async move {
            match tls {
                None => plain(gateway, stream, peer, watcher).await,
                // In a box, so that connections without TLS are not as large.
                Some(tls) => Box::pin(encrypted(gateway, stream, tls, peer, watcher)).await,
            }
            drop(slot);
        });
    }
    let patience = gateway.limits.shutdown_time;
    if tokio::time::timeout(patience, graceful.shutdown()).await.is_err() {
        warn!(seconds = patience.as_secs(), "requests were still under way when the region stopped");
    }
}

/// The versions of HTTP that are spoken, which have nothing in common on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Version {
    /// By the first bytes: RFC 9113, section 3.4. No client sends the preface in parts of under four bytes.
    async fn of_plain(stream: &TcpStream) -> std::io::Result<Self> {
        let mut first = [0; 4];
        let read = stream.peek(&mut first).await?;
        Ok(if first[..read] == *b"PRI " { Self::Two } else { Self::One })
    }

    /// By what the handshake agreed on: RFC 9113, section 3.3.
    fn of_encrypted(stream: &TlsStream<TcpStream>) -> Self {
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") { Self::Two } else { Self::One }
    }
}

async fn plain(gateway: Arc<Gateway>, stream: TcpStream, peer: Peer, watcher: Watcher) {
    match tokio::time::timeout(gateway.limits.idle_time, Version::of_plain(&stream)).await {
        Ok(Ok(version)) => connection(gateway, stream, version, peer, watcher).await,
        Ok(Err(error)) => debug!(%error, "connection ended"),
        Err(_) => debug!("a connection was closed because nothing came"),
    }
}

async fn encrypted(gateway: Arc<Gateway>, stream: TcpStream, tls: TlsAcceptor, peer: Peer, watcher: Watcher) {
    match tokio::time::timeout(gateway.limits.header_time, tls.accept(stream)).await {
        Ok(Ok(stream)) => {
            let version = Version::of_encrypted(&stream);
            connection(gateway, stream, version, peer, watcher).await;
        }
        Ok(Err(error)) => debug!(%error, "TLS handshake failed"),
        Err(_) => debug!("a TLS handshake took too long"),
    }
}

/// A connection's requests and their answers. A future of its own so that the few fields that are needed to the end are
/// all that a connection that waits holds.
fn served<S>(
    gateway: &Arc<Gateway>,
    stream: Overheard<S>,
    version: Version,
    peer: Peer,
    watcher: Watcher,
) -> Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = gateway.limits;
    let (gateway, requests) = (Arc::clone(gateway), Arc::clone(&stream.quiet));
    let service = service_fn(move |request: Request<Incoming>| {
        let (gateway, answering) = (Arc::clone(&gateway), requests.answering());
        async move {
            let response = gateway.answer(request, peer).await;
            Ok::<Response<Outgoing>, Infallible>(response.map(|body| Outgoing::new(body, answering)))
        }
    });
    let stream = TokioIo::new(stream);
    match version {
        Version::One => {
            let mut builder = http1::Builder::new();
            builder.header_read_timeout(None).max_buf_size(limits.header_bytes.max(8192));
            Box::pin(watcher.watch(builder.serve_connection(stream, service)))
        }
        Version::Two => {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder
                .timer(TokioTimer::new())
                .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
                .max_concurrent_streams(1000);
            Box::pin(watcher.watch(builder.serve_connection(stream, service)))
        }
    }
}

async fn connection<S>(gateway: Arc<Gateway>, stream: S, version: Version, peer: Peer, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = gateway.limits;
    let quiet = Quiet::new();
    let stream = Overheard { stream, quiet: Arc::clone(&quiet) };
    let serving = served(&gateway, stream, version, peer, watcher);
    drop(gateway);
    tokio::select! {
        biased;
        ended = serving => {
            if let Err(error) = ended {
                debug!(%error, "connection ended");
            }
        }
        () = quiet.too_long(&limits) => debug!("a connection was closed because nothing came"),
    }
}
