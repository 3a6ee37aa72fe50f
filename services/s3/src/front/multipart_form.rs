//! `multipart/form-data` (RFC 7578) as browsers post files: fields, then one file, read as it comes.

use std::collections::VecDeque;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use shapes::{ApiError, ByteSource, next};

use crate::errors;

/// Everything before the file (S3 API Reference, "POST Object": the form data may have 20 KB).
const MOST_FIELD_BYTES: usize = 20 * 1024;
/// The headers of one part.
const MOST_HEADER_BYTES: usize = 8 * 1024;

/// A form up to its file.
pub(super) struct Form {
    /// Names in small letters.
    pub fields: Vec<(String, String)>,
    pub file: FilePart,
}

pub(super) struct FilePart {
    pub name: Option<String>,
    pub content_type: Option<String>,
    pub body: File,
}

/// The bytes of the file, up to the boundary behind it.
pub(super) struct File {
    source: Box<dyn ByteSource>,
    buffer: BytesMut,
    /// `\r\n--boundary`
    end: Vec<u8>,
    is_over: bool,
    ready: VecDeque<Bytes>,
}

impl Form {
    /// Reads up to the beginning of the file.
    pub(super) async fn read(content_type: &str, source: Box<dyn ByteSource>) -> Result<Self, ApiError> {
        let boundary = content_type
            .split(';')
            .find_map(|part| part.trim().strip_prefix("boundary="))
            .map(|boundary| boundary.trim_matches('"'))
            .filter(|boundary| (1..=70).contains(&boundary.len()))
            .ok_or_else(|| malformed("it has no boundary"))?;
        let end = format!("\r\n--{boundary}").into_bytes();
        let mut reader = Reader { source, buffer: BytesMut::from(&b"\r\n"[..]) };
        let mut fields = Vec::new();
        let mut bytes = 0;
        reader.up_to(&end, MOST_FIELD_BYTES).await?;
        loop {
            let line = reader.up_to(b"\r\n", MOST_HEADER_BYTES).await?;
            if line.starts_with(b"--") {
                let message = "POST requires exactly one file upload per request.";
                return Err(errors::invalid_argument("file", "0", message));
            }
            let headers = reader.headers().await?;
            let name = headers.name.ok_or_else(|| malformed("a part has no name"))?.to_ascii_lowercase();
            if name == "file" {
                let body = File {
                    source: reader.source,
                    buffer: reader.buffer,
                    end,
                    is_over: false,
                    ready: VecDeque::new(),
                };
                let file = FilePart { name: headers.file_name, content_type: headers.content_type, body };
                return Ok(Self { fields, file });
            }
            let value = reader.up_to(&end, MOST_FIELD_BYTES).await?;
            bytes += name.len() + value.len();
            if bytes > MOST_FIELD_BYTES {
                let message = "Your POST request fields preceding the upload file were too large.";
                return Err(ApiError::sender("MaxPostPreDataLengthExceededError", message));
            }
            let value = String::from_utf8(value.to_vec()).map_err(|_| malformed("a field is not UTF-8"))?;
            fields.push((name, value));
        }
    }

    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Default)]
struct PartHeaders {
    name: Option<String>,
    file_name: Option<String>,
    content_type: Option<String>,
}

struct Reader {
    source: Box<dyn ByteSource>,
    buffer: BytesMut,
}

impl Reader {
    /// The bytes before `mark`, which is passed over.
    async fn up_to(&mut self, mark: &[u8], most: usize) -> Result<Bytes, ApiError> {
        let mut looked = 0;
        loop {
            if let Some(at) = find(&self.buffer[looked..], mark) {
                let found = self.buffer.split_to(looked + at).freeze();
                let _ = self.buffer.split_to(mark.len());
                return Ok(found);
            }
            if self.buffer.len() > most + mark.len() {
                let message = "Your POST request fields preceding the upload file were too large.";
                return Err(ApiError::sender("MaxPostPreDataLengthExceededError", message));
            }
            looked = self.buffer.len().saturating_sub(mark.len() - 1);
            match next(&mut *self.source).await {
                Some(piece) => self.buffer.extend_from_slice(&piece?),
                None => return Err(malformed("it ends too early")),
            }
        }
    }

    async fn headers(&mut self) -> Result<PartHeaders, ApiError> {
        let mut headers = PartHeaders::default();
        for _ in 0..16 {
            let line = self.up_to(b"\r\n", MOST_HEADER_BYTES).await?;
            if line.is_empty() {
                return Ok(headers);
            }
            let line = String::from_utf8_lossy(&line).into_owned();
            let Some((name, value)) = line.split_once(':') else { continue };
            match name.trim().to_ascii_lowercase().as_str() {
                "content-disposition" => {
                    headers.name = parameter(value, "name");
                    headers.file_name = parameter(value, "filename");
                }
                "content-type" => headers.content_type = Some(value.trim().to_owned()),
                _ => {}
            }
        }
        Err(malformed("a part has too many headers"))
    }
}

/// `name="value"` of a header.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    header.split(';').find_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        (name.trim() == wanted).then(|| value.trim().trim_matches('"').to_owned())
    })
}

impl ByteSource for File {
    fn poll_piece(&mut self, task: &mut Context<'_>) -> Poll<Option<Result<Bytes, ApiError>>> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(piece)));
            }
            if self.is_over {
                // What follows the file is nobody's.
                return match ready!(self.source.poll_piece(task)) {
                    Some(Ok(_)) => continue,
                    _ => Poll::Ready(None),
                };
            }
            if let Some(at) = find(&self.buffer, &self.end) {
                self.is_over = true;
                let last = self.buffer.split_to(at).freeze();
                self.buffer.clear();
                self.ready.extend((!last.is_empty()).then_some(last));
                continue;
            }
            // The end of what is there may be the beginning of the boundary.
            let sure = self.buffer.len().saturating_sub(self.end.len() - 1);
            if sure > 0 {
                let piece = self.buffer.split_to(sure).freeze();
                self.ready.push_back(piece);
                continue;
            }
            match ready!(self.source.poll_piece(task)) {
                Some(Ok(piece)) => self.buffer.extend_from_slice(&piece),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    self.is_over = true;
                    return Poll::Ready(Some(Err(malformed("it ends within the file"))));
                }
            }
        }
    }
}

fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    let first = *mark.first()?;
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == first) {
        let at = from + at;
        if bytes.len() - at < mark.len() {
            return None;
        }
        if bytes[at..].starts_with(mark) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

fn malformed(reason: &str) -> ApiError {
    let message = format!("The body of your POST request is not well-formed multipart/form-data: {reason}.");
    ApiError::sender("MalformedPOSTRequest", message)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use shapes::next;

    use super::Form;

    #[tokio::test]
    async fn fields_and_file_are_found_however_the_body_is_cut() {
        let text = "--b1\r\nContent-Disposition: form-data; name=\"Key\"\r\n\r\na/${filename}\r\n--b1\r\n\
                    Content-Disposition: form-data; name=\"file\"; filename=\"x.txt\"\r\nContent-Type: text/plain\r\n\r\n\
                    line\r\n--b\r\nend\r\n--b1--\r\n";
        for size in 1..text.len() {
            let pieces: Vec<Bytes> = text.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
            let source = shapes::unfold(pieces.into_iter(), |mut pieces| async move {
                Ok(pieces.next().map(|piece| (piece, pieces)))
            });
            let mut form = Form::read("multipart/form-data; boundary=b1", Box::new(source)).await.unwrap();
            assert_eq!(form.field("key"), Some("a/${filename}"));
            assert_eq!(
                (form.file.name.as_deref(), form.file.content_type.as_deref()),
                (Some("x.txt"), Some("text/plain"))
            );
            let mut file = Vec::new();
            while let Some(piece) = next(&mut form.file.body).await {
                file.extend_from_slice(&piece.unwrap());
            }
            assert_eq!(file, b"line\r\n--b\r\nend", "cut every {size}");
        }
        for broken in ["", "--b1--\r\n", "--b1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx"] {
            let source = shapes::Body::from(broken).into_source();
            assert!(Form::read("multipart/form-data; boundary=b1", source).await.is_err(), "{broken:?}");
        }
    }
}
