//! The body of a request as it comes in, for operations that do not want it whole.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use sha2::{Digest, Sha256};
use shapes::{ApiError, ByteSource};
use tokio::time::Sleep;

use crate::patience::within;

/// What of a refused upload is still read: a client that is still sending may not see an answer that comes early.
const DRAINED_BYTES: usize = 32 * 1024 * 1024;
const DRAINED_TIME: Duration = Duration::from_secs(5);

/// A body, piece by piece. A client that sends nothing for `patience` is given up.
pub(crate) struct Upload {
    body: Option<Incoming>,
    rest: Rest,
    patience: Duration,
    /// Made only when a piece is late.
    timer: Option<Pin<Box<Sleep>>>,
}

/// Where an upload that is not read to its end leaves what is left of it.
#[derive(Clone, Default)]
pub(crate) struct Rest(Arc<Mutex<Option<Incoming>>>);

impl Upload {
    pub(crate) fn new(body: Incoming, patience: Duration) -> (Self, Rest) {
        let rest = Rest::default();
        (Self { body: Some(body), rest: rest.clone(), patience, timer: None }, rest)
    }

    /// As it was announced.
    pub(crate) fn length(&self) -> Option<u64> {
        self.body.as_ref().and_then(|body| body.size_hint().exact())
    }
}

impl ByteSource for Upload {
    fn poll_piece(&mut self, task: &mut Context<'_>) -> Poll<Option<Result<Bytes, ApiError>>> {
        loop {
            let Some(body) = &mut self.body else { return Poll::Ready(None) };
            let frame = match Pin::new(body).poll_frame(task) {
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    let patience = self.patience;
                    let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
                    ready!(timer.as_mut().poll(task));
                    self.body = None;
                    return Poll::Ready(Some(Err(stalled())));
                }
            };
            self.timer = None;
            match frame {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if !data.is_empty() => return Poll::Ready(Some(Ok(data))),
                    _ => {}
                },
                Some(Err(error)) => {
                    self.body = None;
                    return Poll::Ready(Some(Err(cut_off(&error))));
                }
                None => {
                    self.body = None;
                    return Poll::Ready(None);
                }
            }
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) {
            *self.rest.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        }
    }
}

impl Rest {
    /// Reads a part of what nobody wanted.
    pub(crate) async fn drain(&self) {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut body) = left else { return };
        let read = async {
            let mut bytes = 0;
            while let Some(Ok(frame)) = body.frame().await {
                bytes += frame.data_ref().map_or(0, Bytes::len);
                if bytes > DRAINED_BYTES {
                    return;
                }
            }
        };
        let _ = within(DRAINED_TIME, read).await;
    }
}

fn stalled() -> ApiError {
    let message = "Your socket connection to the server was not read from or written to within the timeout period. \
                   Idle connections will be closed.";
    ApiError::sender("RequestTimeout", message)
}

fn cut_off(error: &hyper::Error) -> ApiError {
    let message = "You did not provide the number of bytes specified by the Content-Length HTTP header";
    ApiError::sender("IncompleteBody", message).with_cause(error.to_string())
}

/// A body that must have the hash that its request's signature covers.
pub(crate) struct Declared<S> {
    source: S,
    /// Not there any more once it was compared.
    hash: Option<Sha256>,
    /// In hex.
    expected: String,
}

impl<S> Declared<S> {
    pub(crate) fn new(source: S, expected: &str) -> Self {
        Self { source, hash: Some(Sha256::new()), expected: expected.to_ascii_lowercase() }
    }
}

impl<S: ByteSource> ByteSource for Declared<S> {
    fn poll_piece(&mut self, task: &mut Context<'_>) -> Poll<Option<Result<Bytes, ApiError>>> {
        let piece = ready!(self.source.poll_piece(task));
        Poll::Ready(match (piece, &mut self.hash) {
            (Some(Ok(piece)), Some(hash)) => {
                hash.update(&piece);
                Some(Ok(piece))
            }
            (None, hash @ Some(_)) => {
                let found = hash.take().map(|hash| hex(&hash.finalize())).unwrap_or_default();
                (found != self.expected).then(|| {
                    let message =
                        "The provided 'x-amz-content-sha256' header does not match what was computed.";
                    Err(ApiError::sender("XAmzContentSHA256Mismatch", message))
                })
            }
            (piece, _) => piece,
        })
    }

    fn trailers(&mut self) -> Vec<(String, String)> {
        self.source.trailers()
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}
