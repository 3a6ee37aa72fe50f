//! Where a request ends: no length is in front, so its values are counted.

use crate::Decoder;
use crate::WireError::{self, Incomplete, Malformed};
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

/// How long the request at the front of `bytes` may become.
pub fn maximum_request_bytes(bytes: &[u8]) -> usize {
    let mut decoder = Decoder::new(bytes);
    match decoder.integer().and_then(|_| decoder.integer()) {
        Ok(method::BATCH_WRITE | method::TRANSACT_WRITE) => MAXIMUM_BYTES_OF_SEVERAL,
        _ => MAXIMUM_BYTES_OF_ONE,
    }
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
