//! What a program writes to its standard output or error.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::net::unix::pipe;

const CHUNK_BYTES: usize = 16 * 1024;

/// The reading end of a pipe. The kernel holds 64 KiB; then the program waits until something is read here.
#[derive(Debug)]
pub struct Output(pipe::Receiver);

/// What [`Output::collect`] read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Collected {
    /// The beginning of the output, up to the limit.
    pub bytes: Vec<u8>,
    /// How many bytes followed and were dropped.
    pub dropped_bytes: u64,
}

impl Output {
    pub(crate) fn new(pipe: OwnedFd) -> io::Result<Self> {
        pipe::Receiver::from_owned_fd(pipe).map(Self)
    }

    /// Reads to the end, keeping the first `limit_bytes`.
    pub async fn collect(&mut self, limit_bytes: usize) -> io::Result<Collected> {
        let mut collected = Collected::default();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let length = self.0.read(&mut chunk).await?;
            if length == 0 {
                return Ok(collected);
            }
            let kept = length.min(limit_bytes - collected.bytes.len());
            collected.bytes.extend_from_slice(&chunk[..kept]);
            collected.dropped_bytes += (length - kept) as u64;
        }
    }
}

impl AsyncRead for Output {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}
