//! What a program writes, as lines.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use sandbox::Output;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use crate::logs::LONGEST_LINE_BYTES;

const CHUNK_BYTES: usize = 16 * 1024;

/// One of a program's two streams.
pub(crate) struct Lines {
    output: Option<Output>,
    /// The beginning of a line whose end has not come yet.
    begun: Vec<u8>,
    chunk: Box<[u8]>,
}

impl Lines {
    pub(crate) fn new(output: Option<Output>) -> Self {
        Self { output, begun: Vec::new(), chunk: vec![0; CHUNK_BYTES].into() }
    }

    /// Reads what comes next and passes on whole lines; for ever when the stream has ended. Loses nothing when it is
    /// cancelled.
    pub(crate) async fn read(&mut self) -> Vec<String> {
        loop {
            let Some(output) = &mut self.output else { return std::future::pending().await };
            match output.read(&mut self.chunk).await {
                Ok(0) | Err(_) => {
                    self.output = None;
                    let rest = self.rest();
                    if !rest.is_empty() {
                        return rest;
                    }
                }
                Ok(length) => return self.take(length),
            }
        }
    }

    /// Reads what is there now, up to a bound.
    pub(crate) async fn read_present(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for _ in 0..64 {
            let Some(output) = &mut self.output else { break };
            let chunk = &mut self.chunk;
            let length = poll_fn(|task| {
                let mut buffer = ReadBuf::new(chunk);
                match Pin::new(&mut *output).poll_read(task, &mut buffer) {
                    Poll::Ready(Ok(())) => Poll::Ready(buffer.filled().len()),
                    Poll::Ready(Err(_)) | Poll::Pending => Poll::Ready(0),
                }
            })
            .await;
            if length == 0 {
                break;
            }
            lines.extend(self.take(length));
        }
        lines
    }

    /// What was begun and not ended.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        if self.begun.is_empty() { Vec::new() } else { vec![text(&std::mem::take(&mut self.begun))] }
    }

    fn take(&mut self, length: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for &byte in &self.chunk[..length] {
            if byte == b'\n' {
                lines.push(text(&std::mem::take(&mut self.begun)));
                continue;
            }
            self.begun.push(byte);
            if self.begun.len() >= LONGEST_LINE_BYTES {
                lines.push(text(&std::mem::take(&mut self.begun)));
            }
        }
        lines
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
