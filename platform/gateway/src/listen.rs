//! Connections: accepting them, serving HTTP on them, and letting them finish when the region stops.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

use crate::Gateway;
use crate::outgoing::Outgoing;
use crate::patience::{Overheard, Quiet};

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub address: Option<IpAddr>,
    pub is_tls: bool,
}

/// Serves connections of `listener` until `stop` resolves, then waits for requests under way.
pub async fn serve(
    gateway: Arc<Gateway>,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
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
        let peer = Peer { address: Some(address.ip()), is_tls: tls.is_some() };
        let (gateway, tls, watcher) = (Arc::clone(&gateway), tls.clone(), graceful.watcher());
        tokio::spawn(async move {
            match tls {
                None => connection(gateway, stream, peer, watcher).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => connection(gateway, stream, peer, watcher).await,
                    Err(error) => debug!(%error, "TLS handshake failed"),
                },
            }
            drop(slot);
        });
    }
    let patience = gateway.limits.shutdown_time;
    if tokio::time::timeout(patience, graceful.shutdown()).await.is_err() {
        warn!(seconds = patience.as_secs(), "requests were still under way when the region stopped");
    }
}

async fn connection<S>(
    gateway: Arc<Gateway>,
    stream: S,
    peer: Peer,
    watcher: hyper_util::server::graceful::Watcher,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = gateway.limits;
    let quiet = Quiet::new();
    let stream = Overheard { stream, quiet: Arc::clone(&quiet) };
    let requests = Arc::clone(&quiet);
    let service = service_fn(move |request: Request<Incoming>| {
        let (gateway, answering) = (Arc::clone(&gateway), requests.answering());
        async move {
            let response = gateway.answer(request, peer).await;
            Ok::<Response<Outgoing>, Infallible>(response.map(|body| Outgoing::new(body, answering)))
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().header_read_timeout(None).max_buf_size(limits.header_bytes.max(8192));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .max_concurrent_streams(1000);
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    tokio::select! {
        biased;
        ended = watcher.watch(connection) => {
            if let Err(error) = ended {
                debug!(%error, "connection ended");
            }
        }
        () = quiet.too_long(&limits) => debug!("a connection was closed because nothing came"),
    }
}
