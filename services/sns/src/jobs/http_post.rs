//! Deliveries to web endpoints (Developer Guide, "Fanout to HTTP/S endpoints").
//!
//! Redirects are not followed, and of an answer only the status counts.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cloud::Ctx;
use http::{Request, StatusCode, Uri, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::{Content, Failure};
use crate::Sns;
use crate::delivery_policy;
use crate::message::Publication;
use crate::subscription::{Subscription, SubscriptionArn};
use crate::topic::Topic;

/// Developer Guide, "Amazon SNS message delivery retries": how long an endpoint may take.
const TIMEOUT: Duration = Duration::from_secs(15);

pub(super) async fn deliver(
    sns: &Sns,
    ctx: &Ctx,
    arn: &SubscriptionArn,
    topic: &Topic,
    subscription: &Subscription,
    content: &Content,
) -> Result<(), Failure> {
    let permanent = |reason: String| Failure { reason, is_permanent: true };
    let uri: Uri =
        subscription.endpoint.parse().map_err(|_| permanent("the endpoint is no URL".to_owned()))?;
    let request = request(sns, ctx, arn, topic, subscription, content, &uri).map_err(permanent)?;
    let outcome = match tokio::time::timeout(TIMEOUT, post(&uri, request)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("{} gave no answer in {} seconds", uri, TIMEOUT.as_secs())),
    };
    match outcome {
        Ok(status) if status.is_success() => Ok(()),
        Ok(status) => Err(Failure {
            reason: format!("the endpoint answered {status}"),
            is_permanent: (300..500).contains(&status.as_u16()) && status != StatusCode::TOO_MANY_REQUESTS,
        }),
        Err(reason) => Err(Failure { reason, is_permanent: false }),
    }
}

fn request(
    sns: &Sns,
    ctx: &Ctx,
    arn: &SubscriptionArn,
    topic: &Topic,
    subscription: &Subscription,
    content: &Content,
    uri: &Uri,
) -> Result<Request<Full<Bytes>>, String> {
    let letterhead = sns.letterhead(topic).map_err(|error| error.to_string())?;
    let authority = uri.authority().ok_or("the endpoint names no host")?.as_str();
    let (login, host) = match authority.rsplit_once('@') {
        Some((login, host)) => (Some(login), host),
        None => (None, authority),
    };
    let of_topic = topic.attributes.get("DeliveryPolicy").map(String::as_str);
    let content_type =
        delivery_policy::content_type(subscription.settings.delivery_policy.as_deref(), of_topic);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut builder = Request::post(path)
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, content_type)
        .header(header::USER_AGENT, "Amazon Simple Notification Service Agent")
        .header("x-amz-sns-topic-arn", arn.topic.to_string())
        .header("x-amzn-trace-id", ctx.trace().to_string());
    if let Some(login) = login {
        let credentials = STANDARD.encode(percent_decoded(login));
        builder = builder.header(header::AUTHORIZATION, format!("Basic {credentials}"));
    }
    let (kind, id, body) = match content {
        Content::Notification(message) => {
            builder = builder.header("x-amz-sns-subscription-arn", arn.to_string());
            let body = if subscription.settings.is_raw {
                builder = builder.header("x-amz-sns-rawdelivery", "true");
                message.body_for(subscription.protocol).to_owned()
            } else {
                let publication = Publication::from(message.clone());
                let body = letterhead.notification(arn, subscription.protocol, &publication);
                body.map_err(|error| error.to_string())?
            };
            ("Notification", &message.id, body)
        }
        Content::Confirmation { token, message_id } => {
            let body = letterhead.subscription_confirmation(&arn.topic, token, message_id, ctx.now());
            ("SubscriptionConfirmation", message_id, body.map_err(|error| error.to_string())?)
        }
        Content::Farewell { token, message_id, .. } => {
            builder = builder.header("x-amz-sns-subscription-arn", arn.to_string());
            let body = letterhead.unsubscribe_confirmation(arn, token, message_id, ctx.now());
            ("UnsubscribeConfirmation", message_id, body.map_err(|error| error.to_string())?)
        }
        Content::Sealed(_) => return Err("the message is sealed".to_owned()),
    };
    builder
        .header("x-amz-sns-message-type", kind)
        .header("x-amz-sns-message-id", id)
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| error.to_string())
}

async fn post(uri: &Uri, request: Request<Full<Bytes>>) -> Result<StatusCode, String> {
    let host = uri.host().ok_or("the endpoint names no host")?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_tls = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let connection =
        TcpStream::connect((host, port)).await.map_err(|error| format!("{host}:{port}: {error}"))?;
    if !is_tls {
        return exchange(connection, request).await;
    }
    let name = ServerName::try_from(host.to_owned()).map_err(|error| format!("{host}: {error}"))?;
    let protected = TlsConnector::from(tls()?).connect(name, connection).await;
    exchange(protected.map_err(|error| format!("{host}:{port}: {error}"))?, request).await
}

async fn exchange(
    connection: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<StatusCode, String> {
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(connection)).await.map_err(|error| error.to_string())?;
    let mut answer = std::pin::pin!(sender.send_request(request));
    let answer = tokio::select! {
        answer = &mut answer => answer,
        // The endpoint may answer and close at once, and then the answer is there although the connection is not.
        _ = connection => answer.await,
    };
    answer.map(|answer| answer.status()).map_err(|error| error.to_string())
}

fn tls() -> Result<Arc<ClientConfig>, String> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::clone(CONFIG.get_or_init(|| Arc::new(config))))
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let [first, rest @ ..] = bytes {
        let escaped = (*first == b'%')
            .then(|| std::str::from_utf8(rest.get(..2)?).ok())
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(byte) => {
                out.push(byte);
                bytes = &rest[2..];
            }
            None => {
                out.push(*first);
                bytes = rest;
            }
        }
    }
    out
}
