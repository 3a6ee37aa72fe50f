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
        _answering: Option<Answering>,
    },
}

impl Outgoing {
    pub(crate) fn new(body: Body, answering: Answering) -> Self {
        match body.whole() {
            Some(bytes) => Self::Whole(bytes.clone()),
            None => {
                Self::Pieces { left: body.length(), source: body.into_source(), _answering: Some(answering) }
            }
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
            Self::Pieces { source, left, .. } => source.poll_piece(task).map(|piece| {
                let piece = piece?;
                if let (Ok(piece), Some(left)) = (&piece, left) {
                    *left = left.saturating_sub(piece.len() as u64);
                }
                Some(piece.map(Frame::data))
            }),
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
