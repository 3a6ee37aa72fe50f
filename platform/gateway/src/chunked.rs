//! Bodies in the encoding `aws-chunked`: chunks with a line before each, perhaps signed, and perhaps trailers behind the
//! last ("Transferring payload in multiple chunks" in the S3 API reference).

use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use identity::sigv4::ChunkSigner;
use sha2::{Digest, Sha256};
use shapes::{ApiError, ByteSource};

use crate::upload::hex;

/// A line before a chunk: a length in hex and a signature.
const LONGEST_LINE: usize = 1024;
/// All trailers together.
const MOST_TRAILER_BYTES: usize = 8 * 1024;

/// The bytes within the chunks.
pub(crate) struct Chunked<S> {
    source: S,
    /// Read and not yet looked at.
    buffer: BytesMut,
    state: State,
    /// `None` when the chunks are not signed, or nobody knows the key.
    signer: Option<ChunkSigner>,
    chunk: Sha256,
    signature: String,
    /// As `x-amz-decoded-content-length` announced.
    length: Option<u64>,
    decoded: u64,
    trailers: Vec<(String, String)>,
    /// The trailers' lines as they are signed.
    trailer_text: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Line,
    /// Bytes of the chunk that are still to come.
    Data(u64),
    /// The line end behind a chunk.
    DataEnd,
    Trailers,
    Ended,
}

impl<S: ByteSource> Chunked<S> {
    pub(crate) fn new(source: S, signer: Option<ChunkSigner>, length: Option<u64>) -> Self {
        Self {
            source,
            buffer: BytesMut::new(),
            state: State::Line,
            signer,
            chunk: Sha256::new(),
            signature: String::new(),
            length,
            decoded: 0,
            trailers: Vec::new(),
            trailer_text: String::new(),
        }
    }

    /// One step with what is in the buffer: a piece, or `None` when more is needed or the state has changed.
    fn step(&mut self) -> Result<Step, ApiError> {
        match self.state {
            State::Line => {
                let Some(line) = self.take_line(LONGEST_LINE)? else { return Ok(Step::More) };
                self.begin_chunk(&line)?;
                Ok(Step::Again)
            }
            State::Data(0) => {
                self.end_chunk()?;
                self.state = State::DataEnd;
                Ok(Step::Again)
            }
            State::Data(_) if self.buffer.is_empty() => Ok(Step::More),
            State::Data(left) => {
                let length = self.buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                let piece = self.buffer.split_to(length).freeze();
                self.state = State::Data(left - length as u64);
                self.decoded += length as u64;
                if self.signer.is_some() {
                    self.chunk.update(&piece);
                }
                if self.length.is_some_and(|announced| self.decoded > announced) {
                    return Err(incomplete());
                }
                Ok(Step::Piece(piece))
            }
            State::DataEnd => match self.take_line(2)? {
                Some(line) if line.is_empty() => {
                    self.state = State::Line;
                    Ok(Step::Again)
                }
                Some(_) => Err(malformed("a chunk is longer than its line says")),
                None => Ok(Step::More),
            },
            State::Trailers => {
                let Some(line) = self.take_line(MOST_TRAILER_BYTES)? else { return Ok(Step::More) };
                self.trailer(&line)?;
                Ok(Step::Again)
            }
            State::Ended => Ok(Step::End),
        }
    }

    /// The next line without its end, once it is there.
    fn take_line(&mut self, longest: usize) -> Result<Option<String>, ApiError> {
        let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') else {
            if self.buffer.len() > longest {
                return Err(malformed("a line is too long"));
            }
            return Ok(None);
        };
        if end > longest {
            return Err(malformed("a line is too long"));
        }
        let line = self.buffer.split_to(end + 1);
        let line = line[..end].strip_suffix(b"\r").unwrap_or(&line[..end]);
        let line = std::str::from_utf8(line).map_err(|_| malformed("a line is not text"))?;
        Ok(Some(line.to_owned()))
    }

    fn begin_chunk(&mut self, line: &str) -> Result<(), ApiError> {
        let (length, extension) = line.split_once(';').unwrap_or((line, ""));
        let is_hex = (1..=16).contains(&length.len()) && length.bytes().all(|byte| byte.is_ascii_hexdigit());
        let length = u64::from_str_radix(length, 16).ok().filter(|_| is_hex);
        let length = length.ok_or_else(|| malformed("a chunk does not begin with its length"))?;
        let signature = extension.trim().strip_prefix("chunk-signature=");
        signature.unwrap_or_default().clone_into(&mut self.signature);
        if length == 0 {
            // The last chunk is empty; where others have their bytes' line end, trailers follow or the end.
            self.end_chunk()?;
            self.state = State::Trailers;
        } else {
            self.state = State::Data(length);
        }
        Ok(())
    }

    fn end_chunk(&mut self) -> Result<(), ApiError> {
        let Some(signer) = &mut self.signer else { return Ok(()) };
        let digest = hex(&std::mem::take(&mut self.chunk).finalize());
        if signer.is_signed_digest(&digest, &self.signature) { Ok(()) } else { Err(wrong_signature()) }
    }

    fn trailer(&mut self, line: &str) -> Result<(), ApiError> {
        if line.is_empty() {
            return self.end();
        }
        let (name, value) =
            line.split_once(':').ok_or_else(|| malformed("a trailer is not like name:value"))?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if name == "x-amz-trailer-signature" {
            let text = std::mem::take(&mut self.trailer_text);
            let is_signed =
                self.signer.as_mut().is_none_or(|signer| signer.are_trailers_signed(&text, value));
            return if is_signed { Ok(()) } else { Err(wrong_signature()) };
        }
        if self.trailer_text.len() + line.len() > MOST_TRAILER_BYTES || self.trailers.len() >= 16 {
            return Err(malformed("the trailers are too long"));
        }
        self.trailer_text.push_str(&format!("{name}:{value}\n"));
        self.trailers.push((name, value.to_owned()));
        Ok(())
    }

    fn end(&mut self) -> Result<(), ApiError> {
        if self.signer.is_some() && !self.trailer_text.is_empty() {
            return Err(wrong_signature());
        }
        if self.length.is_some_and(|announced| self.decoded != announced) {
            return Err(incomplete());
        }
        self.state = State::Ended;
        Ok(())
    }

    /// The body ended: right after the last chunk's line, as some clients have it, or too early.
    fn source_ended(&mut self) -> Result<(), ApiError> {
        match self.state {
            State::Ended => Ok(()),
            State::Trailers if self.buffer.is_empty() => self.end(),
            _ => Err(incomplete()),
        }
    }
}

enum Step {
    Piece(Bytes),
    Again,
    More,
    End,
}

impl<S: ByteSource> ByteSource for Chunked<S> {
    fn poll_piece(&mut self, task: &mut Context<'_>) -> Poll<Option<Result<Bytes, ApiError>>> {
        loop {
            match self.step() {
                Ok(Step::Piece(piece)) => return Poll::Ready(Some(Ok(piece))),
                Ok(Step::Again) => continue,
                Ok(Step::End) => {
                    // What may follow is nobody's, but reading it lets the connection be used again.
                    return match ready!(self.source.poll_piece(task)) {
                        Some(Ok(_)) => continue,
                        _ => Poll::Ready(None),
                    };
                }
                Ok(Step::More) => {}
                Err(error) => {
                    self.state = State::Ended;
                    return Poll::Ready(Some(Err(error)));
                }
            }
            match ready!(self.source.poll_piece(task)) {
                Some(Ok(mut piece)) => {
                    // Most of what comes is within a chunk, and is handed on as it is.
                    if let State::Data(left) = self.state
                        && self.buffer.is_empty()
                        && left >= piece.len() as u64
                        && self.signer.is_none()
                    {
                        self.state = State::Data(left - piece.len() as u64);
                        self.decoded += piece.len() as u64;
                        return Poll::Ready(Some(Ok(piece)));
                    }
                    self.buffer.extend_from_slice(&piece);
                    piece.advance(piece.len());
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    return Poll::Ready(self.source_ended().err().map(Err));
                }
            }
        }
    }

    fn trailers(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.trailers)
    }
}

fn malformed(reason: &str) -> ApiError {
    let message = format!("The body is not in the encoding aws-chunked that its headers announce: {reason}.");
    ApiError::sender("InvalidRequest", message)
}

fn incomplete() -> ApiError {
    let message =
        "The request body terminated unexpectedly: it is not as long as x-amz-decoded-content-length says.";
    ApiError::sender("IncompleteBody", message)
}

fn wrong_signature() -> ApiError {
    let message = "The request signature we calculated does not match the signature you provided. Check your key and \
                   signing method.";
    ApiError::with_status(403, "SignatureDoesNotMatch", message)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use shapes::{ByteSource, next};

    use super::Chunked;

    /// The decoded bytes and trailers of a body that comes in pieces of `size` bytes.
    async fn decode(text: &str, size: usize, length: Option<u64>) -> Result<(String, String), String> {
        let pieces: Vec<Bytes> = text.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
        let source = shapes::unfold(pieces.into_iter(), |mut pieces| async move {
            Ok(pieces.next().map(|piece| (piece, pieces)))
        });
        let mut chunked = Chunked::new(source, None, length);
        let mut all = Vec::new();
        while let Some(piece) = next(&mut chunked).await {
            all.extend_from_slice(&piece.map_err(|error| error.code().to_owned())?);
        }
        let trailers: Vec<String> =
            chunked.trailers().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        Ok((String::from_utf8_lossy(&all).into_owned(), trailers.join(",")))
    }

    #[tokio::test]
    async fn chunks_and_trailers_are_read_however_they_are_cut() {
        let text =
            "5;chunk-signature=00\r\nhello\r\nB\r\n wide world\r\n0\r\nx-amz-checksum-crc32:AAAA==\r\n\r\n";
        for size in 1..text.len() {
            let decoded = decode(text, size, Some(16)).await.unwrap();
            assert_eq!(decoded, ("hello wide world".to_owned(), "x-amz-checksum-crc32=AAAA==".to_owned()));
        }
        assert_eq!(decode("0\r\n", 9, None).await.unwrap().0, "");
    }

    #[tokio::test]
    async fn what_is_cut_off_or_wrong_is_refused() {
        for (text, code) in [
            ("5\r\nhel", "IncompleteBody"),
            ("5\r\nhello\r\n", "IncompleteBody"),
            ("5\r\nhello world\r\n0\r\n\r\n", "InvalidRequest"),
            ("4\r\nhell\r\n0\r\n\r\n", "IncompleteBody"),
            ("6\r\nhello!\r\n0\r\n\r\n", "IncompleteBody"),
            ("x\r\nhello\r\n0\r\n\r\n", "InvalidRequest"),
            ("fffffffffffffffff\r\n", "InvalidRequest"),
            ("0\r\nnonsense\r\n\r\n", "InvalidRequest"),
        ] {
            assert_eq!(decode(text, 3, Some(5)).await.unwrap_err(), code, "{text:?}");
        }
        let endless = "a".repeat(5000);
        assert_eq!(decode(&endless, 7, None).await.unwrap_err(), "InvalidRequest");
    }
}
