//! One HTTP/1.1 connection that is kept alive, with as little work per request as there can be.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::BenchError;

/// Longest answer that is read.
const LONGEST: usize = 64 << 20;

pub(crate) struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Connection {
    pub(crate) async fn open(authority: &str) -> Result<Self, BenchError> {
        let stream = TcpStream::connect(authority).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: BytesMut::with_capacity(16 << 10) })
    }

    /// Sends a request and returns status and body of its answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<(u16, Bytes), BenchError> {
        self.stream.write_all(request).await?;
        loop {
            if let Some(answer) = self.take()? {
                return Ok(answer);
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
            }
        }
    }

    /// A whole answer, if the buffer has one.
    fn take(&mut self) -> Result<Option<(u16, Bytes)>, BenchError> {
        let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Ok(None);
        };
        let invalid =
            || BenchError::Connection(std::io::Error::other("the answer is not HTTP/1.1 with a length"));
        let head = std::str::from_utf8(&self.buffer[..end]).map_err(|_| invalid())?;
        let status = head.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(invalid)?;
        let length = head
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse::<usize>().ok())
            // An answer without content says so by its status alone.
            .or((status == 204).then_some(0))
            .filter(|length| *length <= LONGEST)
            .ok_or_else(invalid)?;
        let whole = end + 4 + length;
        if self.buffer.len() < whole {
            return Ok(None);
        }
        let answer = self.buffer.split_to(whole).freeze();
        Ok(Some((status, answer.slice(end + 4..))))
    }
}
