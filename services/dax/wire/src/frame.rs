//! Where a request ends: no length is in front, so its values are counted.

use crate::Decoder;
use crate::WireError::{self, Incomplete, Malformed};
use crate::request::method;

/// What a connection begins with.
const MAGIC: &str = "J7yne5G";

/// The largest request: a batch of writes is 16 MiB at most (API Reference, BatchWriteItem), and its wrapping little.
pub const MAXIMUM_REQUEST_BYTES: usize = 17 << 20;

/// What a client says before its first request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    pub user_agent: Option<String>,
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
    if decoder.integer()? != 0 {
        return Err(Malformed("connections in layers are not supported"));
    }
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
    Ok((Greeting { user_agent }, decoder.position()))
}

/// How long the request at the front of `bytes` is; nothing when there is more to come.
pub fn request_length(bytes: &[u8]) -> Result<Option<usize>, WireError> {
    complete(measure(bytes))
}

fn measure(bytes: &[u8]) -> Result<usize, WireError> {
    let mut decoder = Decoder::new(bytes);
    if decoder.integer()? != 1 {
        return Err(Malformed("a request of an unknown service"));
    }
    let arguments = method::arguments(decoder.integer()?).ok_or(Malformed("an unknown method"))?;
    for _ in 0..arguments {
        decoder.skip()?;
    }
    Ok(decoder.position())
}

fn complete<T>(read: Result<T, WireError>) -> Result<Option<T>, WireError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(Incomplete) => Ok(None),
        Err(malformed) => Err(malformed),
    }
}
