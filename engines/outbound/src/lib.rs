//! One HTTP request to somewhere outside, with bounds on time and on the answer's size.
//!
//! Each call has a connection of its own, redirects are not followed, and TLS trusts the public roots. The crate knows
//! nothing of who calls and why, and tries nothing again.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How far a call may go.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// From the name's lookup to the answer's last byte.
    pub time: Duration,
    pub answer_bytes: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    #[error("{0} is no URL that can be called: it has to be http:// or https:// with a host")]
    Url(String),
    #[error("{place} cannot be reached: {reason}")]
    Connection { place: String, reason: String },
    #[error("{place} gave no answer within {seconds} seconds")]
    Timeout { place: String, seconds: u64 },
    #[error("the exchange with {place} failed: {reason}")]
    Exchange { place: String, reason: String },
}

/// Sends a request whose URI is absolute, and reads the whole answer. `Host` and `Content-Length` are set here.
pub async fn send(request: Request<Bytes>, bounds: Bounds) -> Result<Response<Bytes>, OutboundError> {
    send_as(Version::One, request, bounds).await
}

/// As [`send`], to a server that speaks HTTP/2 alone, as Apple's for push notifications does. Without TLS the client begins
/// with it at once (RFC 9113, section 3.3).
pub async fn send_over_http2(
    request: Request<Bytes>,
    bounds: Bounds,
) -> Result<Response<Bytes>, OutboundError> {
    send_as(Version::Two, request, bounds).await
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

async fn send_as(
    version: Version,
    mut request: Request<Bytes>,
    bounds: Bounds,
) -> Result<Response<Bytes>, OutboundError> {
    let address = Address::of(request.uri())?;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let absolute = request.uri().clone();
    let host = request.uri().authority().map(|authority| authority.as_str()).unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default().parse();
    // HTTP/2 has the host in the request's URI.
    match (version, host) {
        (Version::One, Ok(host)) => {
            request.headers_mut().entry(http::header::HOST).or_insert(host);
            *request.uri_mut() = path.parse().map_err(|_| OutboundError::Url(path))?;
        }
        (Version::Two, _) => *request.uri_mut() = absolute,
        (Version::One, Err(_)) => return Err(OutboundError::Url(absolute.to_string())),
    }
    let place = address.to_string();
    let timed = tokio::time::timeout(bounds.time, address.exchange(version, request.map(Full::new), bounds));
    timed.await.map_err(|_| OutboundError::Timeout { place, seconds: bounds.time.as_secs() })?
}

struct Address {
    host: String,
    port: u16,
    is_tls: bool,
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Address {
    fn of(uri: &Uri) -> Result<Self, OutboundError> {
        let invalid = || OutboundError::Url(uri.to_string());
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(invalid()),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(invalid)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        Ok(Self { host, port, is_tls })
    }

    async fn exchange(
        &self,
        version: Version,
        request: Request<Full<Bytes>>,
        bounds: Bounds,
    ) -> Result<Response<Bytes>, OutboundError> {
        let failed = |reason: String| OutboundError::Connection { place: self.to_string(), reason };
        let connection = TcpStream::connect((self.host.as_str(), self.port)).await;
        let connection = connection.map_err(|error| failed(error.to_string()))?;
        if !self.is_tls {
            return self.talk(version, connection, request, bounds).await;
        }
        let name = ServerName::try_from(self.host.clone()).map_err(|error| failed(error.to_string()))?;
        let protected = TlsConnector::from(tls(version).map_err(failed)?).connect(name, connection).await;
        self.talk(version, protected.map_err(|error| failed(error.to_string()))?, request, bounds).await
    }

    async fn talk(
        &self,
        version: Version,
        connection: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        request: Request<Full<Bytes>>,
        bounds: Bounds,
    ) -> Result<Response<Bytes>, OutboundError> {
        let failed = |reason: String| OutboundError::Exchange { place: self.to_string(), reason };
        let connection = TokioIo::new(connection);
        let (driver, answer): (_, BoxFuture<_>) = match version {
            Version::One => {
                let (mut sender, connection) =
                    http1::handshake(connection).await.map_err(|error| failed(error.to_string()))?;
                (tokio::spawn(connection), Box::pin(async move { sender.send_request(request).await }))
            }
            Version::Two => {
                let (mut sender, connection) = http2::handshake(TokioExecutor::new(), connection)
                    .await
                    .map_err(|error| failed(error.to_string()))?;
                (tokio::spawn(connection), Box::pin(async move { sender.send_request(request).await }))
            }
        };
        let answer = async {
            let answer = answer.await.map_err(|error| error.to_string())?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, bounds.answer_bytes).collect().await;
            let body = body.map_err(|error| error.to_string())?.to_bytes();
            Ok(Response::from_parts(head, body))
        }
        .await;
        driver.abort();
        answer.map_err(failed)
    }
}

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

fn tls(version: Version) -> Result<Arc<ClientConfig>, String> {
    static CONFIGS: [OnceLock<Arc<ClientConfig>>; 2] = [OnceLock::new(), OnceLock::new()];
    let known = &CONFIGS[usize::from(version == Version::Two)];
    if let Some(config) = known.get() {
        return Ok(Arc::clone(config));
    }
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let mut config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    if version == Version::Two {
        config.alpn_protocols = vec![b"h2".to_vec()];
    }
    Ok(Arc::clone(known.get_or_init(|| Arc::new(config))))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::Request;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::{Bounds, OutboundError, send};

    const BOUNDS: Bounds = Bounds { time: Duration::from_secs(10), answer_bytes: 16 };

    /// Answers one request with `answer`; the request's text.
    async fn exchange(answer: &'static str) -> (Result<http::Response<Bytes>, OutboundError>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/a?b=c", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 4096];
            let count = connection.read(&mut bytes).await.unwrap();
            connection.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&bytes[..count]).into_owned()
        });
        let request = Request::post(url).header("x-a", "b").body(Bytes::from_static(b"hello")).unwrap();
        (send(request, BOUNDS).await, server.await.unwrap())
    }

    #[tokio::test]
    async fn a_request_goes_out_and_the_answer_comes_back() {
        let (answer, sent) = exchange("HTTP/1.1 201 X\r\ncontent-length: 2\r\n\r\nok").await;
        let answer = answer.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.body()[..]), (201, &b"ok"[..]));
        assert!(sent.starts_with("POST /a?b=c HTTP/1.1\r\n") && sent.ends_with("\r\n\r\nhello"), "{sent}");
        assert!(sent.contains("host: 127.0.0.1:"), "{sent}");
    }

    #[tokio::test]
    async fn long_answers_and_wrong_places_are_errors() {
        let (answer, _) = exchange("HTTP/1.1 200 X\r\ncontent-length: 20\r\n\r\n12345678901234567890").await;
        assert!(matches!(answer, Err(OutboundError::Exchange { .. })), "{answer:?}");
        let request = Request::get("ftp://x/").body(Bytes::new()).unwrap();
        assert!(matches!(send(request, BOUNDS).await, Err(OutboundError::Url(_))));
        let request = Request::get("http://127.0.0.1:1/").body(Bytes::new()).unwrap();
        assert!(matches!(send(request, BOUNDS).await, Err(OutboundError::Connection { .. })));
    }
}
