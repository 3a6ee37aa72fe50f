//! Where a request ends: no length is in front, so its values are counted.

use crate::Decoder;
use crate::WireError::{self, Incomplete, Malformed};
use crate::cbor::{ARRAY, BREAK, BYTES, MAP, MAXIMUM_DEPTH, TAG, TEXT};
use crate::request::method;

/// What a connection begins with.
const MAGIC: &str = "J7yne5G";

/// The largest request of several items: a batch of writes is 16 MiB at most (API Reference, BatchWriteItem), and its
/// wrapping little.
const MAXIMUM_BYTES_OF_SEVERAL: usize = 17 << 20;
/// The largest request of one item, which is 400 KiB at most, with an expression, whose values are 2 MiB at most (Amazon
/// DynamoDB Developer Guide, "Quotas").
const MAXIMUM_BYTES_OF_ONE: usize = 4 << 20;

/// What a client says before its first request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    pub user_agent: Option<String>,
    /// How answers come to the client.
    pub layering: Layering,
}

/// What is around an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layering {
    /// Nothing: the client finds the end itself.
    Bare,
    /// A length in front, as the client for Java wants it.
    Framed,
}

/// The length, the header's included, and the flags, of which the first says that the answer ends with the frame.
const FRAME_HEADER_BYTES: usize = 8;
const END_OF_ANSWER: u8 = 1;

impl Layering {
    /// Puts one whole answer behind `out`.
    pub fn wrap(self, answer: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
        if self == Self::Framed {
            let length = i32::try_from(answer.len() + FRAME_HEADER_BYTES);
            let length = length.map_err(|_| Malformed("an answer is too large"))?;
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(&[END_OF_ANSWER, 0, 0, 0]);
        }
        out.extend_from_slice(answer);
        Ok(())
    }
}

impl Greeting {
    /// The greeting at the front of `bytes` and its length; nothing when there is more to come.
    pub fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, WireError> {
        complete(read_greeting(bytes))
    }
}

fn read_greeting(bytes: &[u8]) -> Result<(Greeting, usize), WireError> {
    let mut decoder = Decoder::new(bytes);
    if decoder.text()? != MAGIC {
        return Err(Malformed("not a client of DAX"));
    }
    let layering = match decoder.integer()? {
        0 => Layering::Bare,
        1 => Layering::Framed,
        _ => return Err(Malformed("an unknown layering")),
    };
    // The client's session, which names its pool of connections.
    decoder.skip()?;
    let mut user_agent = None;
    let length = decoder.map()?;
    let mut seen = 0;
    while decoder.has_more(length, seen)? {
        seen += 1;
        if decoder.text()? == "UserAgent" {
            user_agent = decoder.optional_text()?.map(str::to_owned);
        } else {
            decoder.skip()?;
        }
    }
    // The client's mode.
    decoder.skip()?;
    Ok((Greeting { user_agent, layering }, decoder.position()))
}

/// Finds the end of a request that comes in pieces: each byte is looked at once, however many pieces there are.
#[derive(Debug, Default)]
pub struct Frame {
    /// Where the next value begins, counted from the front of the request.
    at: usize,
    /// The values that are open; none before the method is known.
    open: Vec<Open>,
    is_begun: bool,
}

/// What an open value waits for.
#[derive(Debug)]
enum Open {
    Values(u64),
    Break,
}

impl Frame {
    /// How long the request at the front of `bytes` is; nothing when there is more to come. `bytes` begins as it did
    /// the last time.
    pub fn length(&mut self, bytes: &[u8]) -> Result<Option<usize>, WireError> {
        complete(self.measure(bytes))
    }

    fn measure(&mut self, bytes: &[u8]) -> Result<usize, WireError> {
        if !self.is_begun {
            let mut decoder = Decoder::new(bytes);
            if decoder.integer()? != 1 {
                return Err(Malformed("a request of an unknown service"));
            }
            let arguments = method::arguments(decoder.integer()?).ok_or(Malformed("an unknown method"))?;
            *self =
                Self { at: decoder.position(), open: vec![Open::Values(arguments as u64)], is_begun: true };
        }
        while let Some(open) = self.open.last_mut() {
            if matches!(open, Open::Values(0)) {
                self.open.pop();
                continue;
            }
            let rest = bytes.get(self.at..).ok_or(Incomplete)?;
            if matches!(open, Open::Break) && rest.first() == Some(&BREAK) {
                self.at += 1;
                self.open.pop();
                continue;
            }
            let mut decoder = Decoder::new(rest);
            let (major, argument) = decoder.head()?;
            if let Open::Values(left) = open {
                *left -= 1;
            }
            self.at += decoder.position();
            match (major, argument) {
                (BYTES | TEXT, Some(length)) => {
                    let end = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length));
                    self.at = end.ok_or(Malformed("a length is out of bounds"))?;
                }
                (ARRAY, Some(length)) => self.open.push(Open::Values(length)),
                (MAP, Some(length)) => self.open.push(Open::Values(length.saturating_mul(2))),
                (TAG, Some(_)) => self.open.push(Open::Values(1)),
                (BYTES | TEXT | ARRAY | MAP, None) => self.open.push(Open::Break),
                (_, Some(_)) => {}
                (_, None) => return Err(Malformed("a value that goes on without end")),
            }
            if self.open.len() > MAXIMUM_DEPTH {
                return Err(Malformed("values lie too deep in each other"));
            }
        }
        if self.at <= bytes.len() { Ok(self.at) } else { Err(Incomplete) }
    }
}

/// How long the request at the front of `bytes` is; nothing when there is more to come.
pub fn request_length(bytes: &[u8]) -> Result<Option<usize>, WireError> {
    Frame::default().length(bytes)
}

/// How long the request at the front of `bytes` may become.
pub fn maximum_request_bytes(bytes: &[u8]) -> usize {
    let mut decoder = Decoder::new(bytes);
    match decoder.integer().and_then(|_| decoder.integer()) {
        Ok(method::BATCH_WRITE | method::TRANSACT_WRITE) => MAXIMUM_BYTES_OF_SEVERAL,
        _ => MAXIMUM_BYTES_OF_ONE,
    }
}

fn complete<T>(read: Result<T, WireError>) -> Result<Option<T>, WireError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(Incomplete) => Ok(None),
        Err(malformed) => Err(malformed),
    }
}
