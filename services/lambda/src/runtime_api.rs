//! The Runtime API (AWS Lambda Developer Guide, "Using the Lambda runtime API"): how the program inside of an
//! environment gets events and answers them.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, oneshot};

/// Of an answer (Developer Guide, "Lambda quotas": 6 MB and what the service adds to it).
pub(crate) const MOST_RESPONSE_BYTES: usize = 6_291_556;
/// Connections of one program at once; the rest wait.
const MOST_CONNECTIONS: usize = 64;
const LONGEST_HEADER_READ: Duration = Duration::from_secs(10);
const PREFIX: &str = "/2018-06-01/runtime/";

/// An event on its way to the program.
#[derive(Debug)]
pub(crate) struct Event {
    pub request_id: String,
    /// Milliseconds since 1970.
    pub deadline_millis: i64,
    pub trace: String,
    pub function_arn: String,
    pub client_context: Option<String>,
    pub payload: Bytes,
}

/// What became of an event.
#[derive(Debug)]
pub(crate) enum Answer {
    Response(Bytes),
    Error(Bytes),
    /// The response has this many bytes.
    TooLarge(usize),
    /// The program ended before it took the event, which can be given to another.
    NeverTaken(Event),
    /// The program ended while it worked on the event.
    Ended,
}

/// How the start of the program went.
#[derive(Debug)]
pub(crate) enum Started {
    Ready,
    /// It reported this error.
    Failed(Bytes),
    Ended,
}

/// Where events for one program, and its answers, are exchanged.
#[derive(Default)]
pub(crate) struct Exchange {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Default)]
struct State {
    started: Option<oneshot::Sender<Started>>,
    waiting: Option<(Event, oneshot::Sender<Answer>)>,
    running: Option<(String, oneshot::Sender<Answer>)>,
    has_ended: bool,
}

impl Exchange {
    /// An exchange, and how the start goes.
    pub(crate) fn new() -> (Arc<Self>, oneshot::Receiver<Started>) {
        let (sender, started) = oneshot::channel();
        let exchange = Self::default();
        exchange.lock().started = Some(sender);
        (Arc::new(exchange), started)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands an event to the program, which takes it as soon as it asks for one.
    pub(crate) fn submit(&self, event: Event) -> oneshot::Receiver<Answer> {
        let (sender, answer) = oneshot::channel();
        let mut state = self.lock();
        if state.has_ended {
            let _ = sender.send(Answer::NeverTaken(event));
        } else {
            state.waiting = Some((event, sender));
            drop(state);
            self.arrived.notify_one();
        }
        answer
    }

    /// The program is gone: whoever waits for it learns so.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.has_ended = true;
        if let Some(started) = state.started.take() {
            let _ = started.send(Started::Ended);
        }
        if let Some((event, sender)) = state.waiting.take() {
            let _ = sender.send(Answer::NeverTaken(event));
        }
        if let Some((_, sender)) = state.running.take() {
            let _ = sender.send(Answer::Ended);
        }
    }

    /// The next event, when there is one.
    async fn next(&self) -> Event {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut state = self.lock();
                if let Some(started) = state.started.take() {
                    let _ = started.send(Started::Ready);
                }
                // A program that asks again without having answered has given up on what it was working on.
                if let Some((_, sender)) = state.running.take() {
                    let _ = sender.send(Answer::Ended);
                }
                if let Some((event, sender)) = state.waiting.take() {
                    state.running = Some((event.request_id.clone(), sender));
                    return event;
                }
            }
            arrived.await;
        }
    }

    /// Whether the answer belongs to the event under way.
    fn answer(&self, request_id: &str, answer: Answer) -> bool {
        let mut state = self.lock();
        match state.running.take() {
            Some((id, sender)) if id == request_id => {
                drop(state);
                let _ = sender.send(answer);
                true
            }
            other => {
                state.running = other;
                false
            }
        }
    }

    fn is_running(&self, request_id: &str) -> bool {
        self.lock().running.as_ref().is_some_and(|(id, _)| id == request_id)
    }

    fn fail_start(&self, error: Bytes) {
        if let Some(started) = self.lock().started.take() {
            let _ = started.send(Started::Failed(error));
        }
    }
}

/// Serves one program until the task is aborted.
pub(crate) async fn serve(exchange: Arc<Exchange>, listener: TcpListener) {
    let slots = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let exchange = Arc::clone(&exchange);
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&exchange), request));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(LONGEST_HEADER_READ)
                .keep_alive(true)
                .serve_connection(TokioIo::new(stream), service);
            let _ = connection.await;
            drop(slot);
        });
    }
}

async fn answer(
    exchange: Arc<Exchange>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default().to_owned();
    let parts: Vec<&str> = path.split('/').collect();
    let method = request.method().clone();
    Ok(match (method, parts.as_slice()) {
        (Method::GET, ["invocation", "next"]) => event_response(exchange.next().await),
        (Method::POST, ["invocation", id, "response"]) => respond(&exchange, id, request).await,
        (Method::POST, ["invocation", id, "error"]) => match read(request.into_body()).await {
            Ok(body) if exchange.answer(id, Answer::Error(body.clone())) => accepted(),
            Ok(_) => invalid_request_id(),
            Err(Unread::TooLarge(_)) => too_large(),
            Err(Unread::Broken) => broken(),
        },
        (Method::POST, ["init", "error"]) => match read(request.into_body()).await {
            Ok(body) => {
                exchange.fail_start(body);
                accepted()
            }
            Err(Unread::TooLarge(_)) => too_large(),
            Err(Unread::Broken) => broken(),
        },
        _ => failure(StatusCode::NOT_FOUND, "NotFound", "There is nothing at this path of the Runtime API"),
    })
}

async fn respond(exchange: &Exchange, id: &str, request: Request<Incoming>) -> Response<Full<Bytes>> {
    if !exchange.is_running(id) {
        return invalid_request_id();
    }
    match read(request.into_body()).await {
        Ok(body) => {
            if exchange.answer(id, Answer::Response(body)) {
                accepted()
            } else {
                invalid_request_id()
            }
        }
        Err(Unread::TooLarge(size)) => {
            exchange.answer(id, Answer::TooLarge(size));
            too_large()
        }
        Err(Unread::Broken) => broken(),
    }
}

fn event_response(event: Event) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(event.payload));
    let headers = response.headers_mut();
    set(headers, "content-type", "application/json");
    set(headers, "lambda-runtime-aws-request-id", &event.request_id);
    set(headers, "lambda-runtime-deadline-ms", &event.deadline_millis.to_string());
    set(headers, "lambda-runtime-invoked-function-arn", &event.function_arn);
    set(headers, "lambda-runtime-trace-id", &event.trace);
    if let Some(context) = &event.client_context {
        set(headers, "lambda-runtime-client-context", context);
    }
    response
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    // Text that cannot be a header is left out: it can only be a client context.
    if let Ok(value) = http::HeaderValue::from_bytes(value.as_bytes()) {
        headers.insert(name, value);
    }
}

enum Unread {
    TooLarge(usize),
    Broken,
}

/// Reads a body. One that is too long is read to its end without being kept.
async fn read(mut body: Incoming) -> Result<Bytes, Unread> {
    let mut bytes = BytesMut::new();
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
        size += data.len();
        if size <= MOST_RESPONSE_BYTES {
            bytes.extend_from_slice(&data);
        }
    }
    if size > MOST_RESPONSE_BYTES { Err(Unread::TooLarge(size)) } else { Ok(bytes.freeze()) }
}

fn accepted() -> Response<Full<Bytes>> {
    reply(StatusCode::ACCEPTED, r#"{"status":"OK"}"#.to_owned())
}

fn invalid_request_id() -> Response<Full<Bytes>> {
    failure(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID")
}

fn too_large() -> Response<Full<Bytes>> {
    failure(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", "Exceeded maximum allowed payload size")
}

fn broken() -> Response<Full<Bytes>> {
    failure(StatusCode::BAD_REQUEST, "TruncatedResponse", "The body ended too early")
}

fn failure(status: StatusCode, kind: &str, message: &str) -> Response<Full<Bytes>> {
    reply(status, serde_json::json!({ "errorMessage": message, "errorType": kind }).to_string())
}

fn reply(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    set(response.headers_mut(), "content-type", "application/json");
    response
}
