//! The body of an answer on its way out.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use shapes::{ApiError, Body, ByteSource};

use crate::patience::Answering;

/// Bytes that are there, or a source of pieces. An error of the source ends the connection, so that nobody takes a part
/// for the whole.
pub(crate) enum Outgoing {
    Whole(Bytes),
    Pieces {
        source: Box<dyn ByteSource>,
        left: Option<u64>,
        /// The request is being answered until its last byte is out.
        answering: Answering,
    },
}

impl Outgoing {
    pub(crate) fn new(body: Body, answering: Answering) -> Self {
        match body.whole() {
            Some(bytes) => Self::Whole(bytes.clone()),
            None => Self::Pieces { left: body.length(), source: body.into_source(), answering },
        }
    }
}

impl hyper::body::Body for Outgoing {
    type Data = Bytes;
    type Error = ApiError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ApiError>>> {
        match &mut *self {
            Self::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Self::Pieces { source, left, answering } => {
                answering.asked();
                source.poll_piece(task).map(|piece| {
                    let piece = piece?;
                    answering.handed();
                    if let (Ok(piece), Some(left)) = (&piece, left) {
                        *left = left.saturating_sub(piece.len() as u64);
                    }
                    Some(piece.map(Frame::data))
                })
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Pieces { left, .. } => *left == Some(0),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Pieces { left, .. } => left.map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::task::{Context, Poll};
    use std::time::Duration;

    use bytes::Bytes;
    use hyper::body::Incoming;
    use hyper::service::service_fn;
    use hyper::{Request, Response};
    use hyper_util::rt::TokioIo;
    use shapes::{ApiError, Body, ByteSource};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    use super::Outgoing;
    use crate::Limits;
    use crate::patience::{Overheard, Quiet};
    use crate::upload::Upload;

    /// Pieces without an end.
    struct Endless;

    impl ByteSource for Endless {
        fn poll_piece(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, ApiError>>> {
            Poll::Ready(Some(Ok(Bytes::from_static(&[7; 4096]))))
        }
    }

    /// A connection that answers every request in endless pieces.
    fn connection() -> (DuplexStream, tokio::task::JoinHandle<bool>) {
        let (client, server) = tokio::io::duplex(16 * 1024);
        let quiet = Quiet::new();
        let stream = Overheard { stream: server, quiet: Arc::clone(&quiet) };
        let requests = Arc::clone(&quiet);
        let service = service_fn(move |_: Request<Incoming>| {
            let answering = requests.answering();
            let body = Body::stream(None, Endless);
            async move { Ok::<_, Infallible>(Response::new(Outgoing::new(body, answering))) }
        });
        let serving = tokio::spawn(async move {
            let serve = hyper::server::conn::http1::Builder::new()
                .header_read_timeout(None)
                .serve_connection(TokioIo::new(stream), service);
            let limits = Limits::default();
            tokio::select! {
                _ = serve => false,
                () = quiet.too_long(&limits) => true,
            }
        });
        (client, serving)
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_stops_is_ended_and_a_slow_one_is_not() {
        let (mut client, serving) = connection();
        client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        let mut bytes = [0; 1024];
        for _ in 0..50 {
            tokio::time::sleep(Duration::from_secs(60)).await;
            client.read_exact(&mut bytes).await.unwrap();
        }
        assert!(!serving.is_finished(), "a slow reader is a reader");
        let ended = tokio::time::timeout(Duration::from_secs(200), serving).await;
        assert!(ended.unwrap().unwrap(), "nothing was taken any more");
    }

    #[tokio::test(start_paused = true)]
    async fn a_writer_that_stops_hears_that_its_time_is_over() {
        let (mut client, server) = tokio::io::duplex(16 * 1024);
        let service = service_fn(|request: Request<Incoming>| async move {
            let (mut upload, _) = Upload::new(request.into_body(), Duration::from_secs(20));
            let mut text = String::new();
            while let Some(piece) = std::future::poll_fn(|task| upload.poll_piece(task)).await {
                match piece {
                    Ok(piece) => text += &String::from_utf8_lossy(&piece),
                    Err(error) => text += error.code(),
                }
            }
            Ok::<_, Infallible>(Response::new(http_body_util::Full::new(Bytes::from(text))))
        });
        let serving = tokio::spawn(async move {
            let _ = hyper::server::conn::http1::Builder::new()
                .header_read_timeout(None)
                .keep_alive(false)
                .serve_connection(TokioIo::new(server), service)
                .await;
        });
        client.write_all(b"PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("halfRequestTimeout"), "{answer}");
        serving.await.unwrap();
    }
}
