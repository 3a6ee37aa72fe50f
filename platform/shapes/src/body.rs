//! Bodies that travel in pieces, for those that should not be in memory whole.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};

use crate::{ApiError, Node, Slot, View};

/// Where the pieces of a body come from.
pub trait ByteSource: Send {
    /// The next piece, which is not empty; `None` after the last. After an error there is nothing more.
    fn poll_piece(&mut self, task: &mut Context<'_>) -> Poll<Option<Result<Bytes, ApiError>>>;

    /// What came after the last piece: names in small letters, and values.
    fn trailers(&mut self) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// A body: whole in memory, or read piece by piece, once. Clones of a body in pieces share the pieces.
#[derive(Clone)]
pub struct Body(Repr);

#[derive(Clone)]
enum Repr {
    Whole(Bytes),
    Pieces(Arc<Pieces>),
}

struct Pieces {
    length: Option<u64>,
    source: Mutex<Option<Box<dyn ByteSource>>>,
}

impl Body {
    /// A body that `source` gives, of `length` bytes where that is known.
    pub fn stream(length: Option<u64>, source: impl ByteSource + 'static) -> Self {
        Self(Repr::Pieces(Arc::new(Pieces { length, source: Mutex::new(Some(Box::new(source))) })))
    }

    /// Its length in bytes, where that is known.
    pub fn length(&self) -> Option<u64> {
        match &self.0 {
            Repr::Whole(bytes) => Some(bytes.len() as u64),
            Repr::Pieces(pieces) => pieces.length,
        }
    }

    /// All of it, when it is in memory already.
    pub fn whole(&self) -> Option<&Bytes> {
        match &self.0 {
            Repr::Whole(bytes) => Some(bytes),
            Repr::Pieces(_) => None,
        }
    }

    /// The pieces, to be read once: of a body in pieces only the first caller gets them.
    pub fn into_source(self) -> Box<dyn ByteSource> {
        match self.0 {
            Repr::Whole(bytes) => Box::new(Once(bytes)),
            Repr::Pieces(pieces) => {
                let taken = pieces.source.lock().unwrap_or_else(PoisonError::into_inner).take();
                taken.unwrap_or_else(|| Box::new(Taken))
            }
        }
    }

    /// All of it in memory; `None` when it is longer than `limit` bytes.
    pub async fn collect(self, limit: usize) -> Result<Option<Bytes>, ApiError> {
        if let Repr::Whole(bytes) = self.0 {
            return Ok((bytes.len() <= limit).then_some(bytes));
        }
        let mut source = self.into_source();
        let mut all = BytesMut::new();
        while let Some(piece) = next(&mut *source).await {
            let piece = piece?;
            if all.len() + piece.len() > limit {
                return Ok(None);
            }
            all.extend_from_slice(&piece);
        }
        Ok(Some(all.freeze()))
    }
}

/// The next piece of a source.
pub async fn next(source: &mut dyn ByteSource) -> Option<Result<Bytes, ApiError>> {
    poll_fn(|task| source.poll_piece(task)).await
}

/// A source whose pieces an async function makes, each from the state that the one before has left.
pub fn unfold<S, F, Step>(state: S, step: Step) -> impl ByteSource
where
    S: Send + 'static,
    F: Future<Output = Result<Option<(Bytes, S)>, ApiError>> + Send + 'static,
    Step: FnMut(S) -> F + Send + 'static,
{
    Unfold { state: Some(state), step, running: None }
}

struct Unfold<S, F, Step> {
    state: Option<S>,
    step: Step,
    running: Option<Pin<Box<F>>>,
}

impl<S, F, Step> ByteSource for Unfold<S, F, Step>
where
    S: Send,
    F: Future<Output = Result<Option<(Bytes, S)>, ApiError>> + Send,
    Step: FnMut(S) -> F + Send,
{
    fn poll_piece(&mut self, task: &mut Context<'_>) -> Poll<Option<Result<Bytes, ApiError>>> {
        if self.running.is_none() {
            let Some(state) = self.state.take() else { return Poll::Ready(None) };
            self.running = Some(Box::pin((self.step)(state)));
        }
        let Some(running) = &mut self.running else { return Poll::Ready(None) };
        let outcome = std::task::ready!(running.as_mut().poll(task));
        self.running = None;
        Poll::Ready(match outcome {
            Ok(Some((piece, state))) => {
                self.state = Some(state);
                Some(Ok(piece))
            }
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        })
    }
}

struct Once(Bytes);

impl ByteSource for Once {
    fn poll_piece(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, ApiError>>> {
        let bytes = std::mem::take(&mut self.0);
        Poll::Ready((!bytes.is_empty()).then_some(Ok(bytes)))
    }
}

struct Taken;

impl ByteSource for Taken {
    fn poll_piece(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, ApiError>>> {
        Poll::Ready(Some(Err(ApiError::internal("a body in pieces was read twice"))))
    }
}

impl Default for Body {
    fn default() -> Self {
        Self(Repr::Whole(Bytes::new()))
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self(Repr::Whole(bytes.into()))
    }
}

/// Equal bytes in memory are equal; of bodies in pieces only clones are.
impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Repr::Whole(one), Repr::Whole(other)) => one == other,
            (Repr::Pieces(one), Repr::Pieces(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.length() {
            Some(length) => write!(f, "Body({length} bytes)"),
            None => f.write_str("Body(unknown length)"),
        }
    }
}

impl Node for Body {
    fn view(&self) -> View<'_> {
        View::Stream(self)
    }
    fn slot(&mut self) -> Slot<'_> {
        Slot::Stream(self)
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::task::{Context, Poll, Waker};

    use bytes::Bytes;

    use super::{Body, unfold};

    fn ready<T>(future: impl Future<Output = T>) -> T {
        match Box::pin(future).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("nothing here waits"),
        }
    }

    fn counted() -> Body {
        let digits =
            unfold(
                0_u8,
                |n| async move { Ok((n < 3).then(|| (Bytes::copy_from_slice(&[b'0' + n]), n + 1))) },
            );
        Body::stream(Some(3), digits)
    }

    #[test]
    fn pieces_are_collected_within_their_limit_and_once() {
        let body = counted();
        assert_eq!(ready(body.clone().collect(3)).unwrap().unwrap(), "012");
        assert!(ready(body.collect(3)).is_err(), "the pieces were handed out twice");
        assert_eq!(ready(counted().collect(2)).unwrap(), None);
        assert_eq!(ready(Body::from("012").collect(2)).unwrap(), None);
    }
}
