//! How long the gateway waits for a client: for the rest of a request's headers, for its body, for its next request, and
//! for it to take an answer that comes in pieces.
//!
//! Nearly every request is there at once. So a timer per request, which all threads share the keeping of, is made only for
//! the few that are not, and a connection looks at its own clock a few times a minute.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::Limits;

/// The time was over.
#[derive(Debug)]
pub(crate) struct TooSlow;

/// The outcome of `future`, if it comes within `limit`. The time counts from the second look at it: HTTP/1 reads a body
/// only once it was asked for, and a timer for each body that is there already would be for nothing.
pub(crate) async fn within<F: Future>(limit: Duration, future: F) -> Result<F::Output, TooSlow> {
    let mut future = std::pin::pin!(future);
    let mut looked = false;
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    std::future::poll_fn(move |task| {
        if let Poll::Ready(output) = future.as_mut().poll(task) {
            return Poll::Ready(Ok(output));
        }
        if !looked {
            looked = true;
            task.waker().wake_by_ref();
            return Poll::Pending;
        }
        let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        timer.as_mut().poll(task).map(|()| Err(TooSlow))
    })
    .await
}

/// What a connection waits for, and since when.
#[derive(Debug)]
pub(crate) struct Quiet {
    opened: Instant,
    /// Milliseconds after `opened` at which the connection last fell silent, or at which a request began to arrive.
    since: AtomicU64,
    /// A part of a request's headers is there.
    has_begun: AtomicBool,
    /// Requests that are being answered.
    under_way: AtomicUsize,
    /// Those of them whose client is yet to take a piece of the answer.
    handed: AtomicUsize,
    /// Milliseconds after `opened` at which the client last took something.
    taken: AtomicU64,
    /// Frames come and go between requests, so a byte is no request that began.
    is_http2: AtomicBool,
}

impl Quiet {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            since: AtomicU64::new(0),
            has_begun: AtomicBool::new(false),
            under_way: AtomicUsize::new(0),
            handed: AtomicUsize::new(0),
            taken: AtomicU64::new(0),
            is_http2: AtomicBool::new(false),
        })
    }

    /// Marks a request as whole until the mark is dropped.
    pub(crate) fn answering(self: &Arc<Self>) -> Answering {
        self.under_way.fetch_add(1, Relaxed);
        self.has_begun.store(false, Relaxed);
        Answering { quiet: Arc::clone(self), is_handed: false }
    }

    /// Resolves when the client took longer than `limits` allow.
    pub(crate) async fn too_long(&self, limits: &Limits) {
        let step = limits.header_time.min(limits.idle_time).min(limits.answer_time) / 4;
        loop {
            tokio::time::sleep(step).await;
            if self.is_stalled(limits) {
                return;
            }
            let waited = self.now().saturating_sub(self.since.load(Relaxed));
            let limit = if self.has_begun.load(Relaxed) { limits.header_time } else { limits.idle_time };
            if self.under_way.load(Relaxed) == 0 && u128::from(waited) >= limit.as_millis() {
                return;
            }
        }
    }

    /// Whether every answer waits for the client, which took nothing for too long.
    fn is_stalled(&self, limits: &Limits) -> bool {
        let handed = self.handed.load(Relaxed);
        let waited = self.now().saturating_sub(self.taken.load(Relaxed));
        handed > 0
            && handed == self.under_way.load(Relaxed)
            && u128::from(waited) >= limits.answer_time.as_millis()
    }

    /// The socket took bytes. On HTTP/2 they may be frames that have nothing to do with an answer.
    fn wrote(&self) {
        if !self.is_http2.load(Relaxed) {
            self.taken.store(self.now(), Relaxed);
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn fell_silent(&self) {
        self.since.store(self.now(), Relaxed);
    }

    fn received(&self, bytes: &[u8]) {
        if self.since.load(Relaxed) == 0 && bytes.starts_with(b"PRI * HTTP/2") {
            self.is_http2.store(true, Relaxed);
        }
        if self.under_way.load(Relaxed) > 0 || self.has_begun.load(Relaxed) {
            return;
        }
        self.has_begun.store(!self.is_http2.load(Relaxed), Relaxed);
        self.fell_silent();
    }
}

/// A request under way on a connection.
pub(crate) struct Answering {
    quiet: Arc<Quiet>,
    is_handed: bool,
}

impl Answering {
    /// The next piece of the answer is asked for: the client took what there was.
    pub(crate) fn asked(&mut self) {
        self.quiet.taken.store(self.quiet.now(), Relaxed);
        self.settle();
    }

    fn settle(&mut self) {
        if std::mem::take(&mut self.is_handed) {
            self.quiet.handed.fetch_sub(1, Relaxed);
        }
    }

    /// A piece of the answer is on its way.
    pub(crate) fn handed(&mut self) {
        if !std::mem::replace(&mut self.is_handed, true) {
            self.quiet.handed.fetch_add(1, Relaxed);
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.settle();
        self.quiet.fell_silent();
        self.quiet.under_way.fetch_sub(1, Relaxed);
    }
}

/// A connection's bytes, of which `quiet` hears.
pub(crate) struct Overheard<S> {
    pub stream: S,
    pub quiet: Arc<Quiet>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Overheard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(task, buffer);
        if buffer.filled().len() > before {
            self.quiet.received(&buffer.filled()[before..]);
        }
        read
    }
}

impl<S> Overheard<S> {
    fn heard(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(1..)) = written {
            self.quiet.wrote();
        }
        written
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Overheard<S> {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(task, bytes);
        self.heard(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(task, buffers);
        self.heard(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(task)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Quiet, within};
    use crate::Limits;

    const LIMITS: fn() -> Limits = || Limits {
        header_time: Duration::from_secs(30),
        idle_time: Duration::from_secs(180),
        ..Limits::default()
    };

    async fn ends_within(quiet: &Quiet, seconds: u64) -> bool {
        tokio::time::timeout(Duration::from_secs(seconds), quiet.too_long(&LIMITS())).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_head_is_waited_for_less_long_than_a_next_request() {
        let quiet = Quiet::new();
        assert!(!ends_within(&quiet, 170).await, "an idle connection may stay a while");
        let quiet = Quiet::new();
        quiet.received(b"POST / HT");
        assert!(ends_within(&quiet, 40).await, "the rest of the headers did not come");
        let quiet = Quiet::new();
        quiet.received(b"PRI * HTTP/2.0\r\n");
        assert!(!ends_within(&quiet, 100).await, "HTTP/2 sends frames beside requests");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_may_take_its_time() {
        let quiet = Quiet::new();
        quiet.received(b"POST / HTTP/1.1");
        let answering = quiet.answering();
        assert!(!ends_within(&quiet, 1000).await);
        drop(answering);
        assert!(ends_within(&quiet, 240).await);
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_of_an_answer_is_given_up() {
        let quiet = Quiet::new();
        quiet.received(b"GET / HTTP/1.1");
        let mut answering = quiet.answering();
        answering.handed();
        assert!(!ends_within(&quiet, 110).await);
        quiet.wrote();
        assert!(!ends_within(&quiet, 110).await, "a slow reader is a reader");
        assert!(ends_within(&quiet, 60).await);
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_are_being_made_keep_a_connection() {
        let quiet = Quiet::new();
        quiet.received(b"PRI * HTTP/2.0\r\n");
        let mut stalled = quiet.answering();
        stalled.handed();
        let other = quiet.answering();
        assert!(!ends_within(&quiet, 1000).await);
        drop(other);
        quiet.wrote();
        assert!(ends_within(&quiet, 60).await, "frames of HTTP/2 say nothing of the answer");
    }

    #[tokio::test(start_paused = true)]
    async fn a_future_has_its_time_and_no_more() {
        let limit = Duration::from_secs(5);
        assert_eq!(within(limit, async { 1 }).await.ok(), Some(1));
        assert!(within(limit, tokio::time::sleep(Duration::from_secs(4))).await.is_ok());
        assert!(within(limit, std::future::pending::<()>()).await.is_err());
    }
}
