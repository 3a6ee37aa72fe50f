//! Ports beside the gateway's, for services whose clients speak no HTTP.

use std::net::IpAddr;

use shapes::ApiError;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::BoxFuture;

/// A connection, with TLS taken off where there was any.
pub trait Connection: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Connection for T {}

/// A port that a service wants to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    pub number: u16,
    /// ARN of the resource whose port it is.
    pub owner: String,
    pub is_tls: bool,
    /// How many connections may be open at once; those beyond wait to be accepted.
    pub connections: usize,
}

/// Serves one connection until either end has enough of it. It is dropped when the port closes.
pub type ServeConnection =
    Box<dyn Fn(Box<dyn Connection>, Option<IpAddr>) -> BoxFuture<'static, ()> + Send + Sync>;

/// Opens ports on the address that the region listens on. Implemented by the gateway.
pub trait Ports: Send + Sync {
    /// The host that clients reach the ports under.
    fn host(&self) -> String;

    /// Whether there is a certificate for ports with TLS.
    fn has_tls(&self) -> bool;

    /// Whether nobody listens on a port right now.
    fn is_free(&self, number: u16) -> bool;

    /// Opens a port; nothing happens when the region has it open already.
    fn open(&self, port: Port, serve: ServeConnection) -> Result<(), ApiError>;

    /// Closes a port and ends its connections.
    fn close(&self, number: u16);

    /// The ports that are open, with how many connections each has.
    fn list(&self) -> Vec<(Port, usize)>;
}
