//! What receives leave behind: the handle that the receiver gets, and the small row that outlives a restart.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};

use crate::errors;

/// How often and until when a message was received last. Written a moment after the receive (see
/// [`crate::recording`]): a crash in between forgets the receive, and the message is handed out again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    /// When the message is visible again.
    pub until: Timestamp,
    pub receives: u32,
    pub first_received: Timestamp,
    pub last_received: Timestamp,
    /// Tells the handle of the last receive from earlier ones.
    pub nonce: u64,
}

store::row!(Receipt, 1);

/// The leading byte of a handle's encoding.
const VERSION: u8 = 3;
/// The encoding before handles told how many receives there were.
const UNCOUNTED: u8 = 2;

/// Names one receive of one message. After a later receive it names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle {
    pub queue: u64,
    pub place: u64,
    pub nonce: u64,
    /// How many receives there were with this one. Tells a receive that a crash has forgotten from one that another
    /// has followed.
    pub receives: u32,
}

impl Handle {
    pub(crate) fn encode(self) -> String {
        let mut bytes = [0; 29];
        bytes[0] = VERSION;
        bytes[1..9].copy_from_slice(&self.queue.to_be_bytes());
        bytes[9..17].copy_from_slice(&self.place.to_be_bytes());
        bytes[17..25].copy_from_slice(&self.nonce.to_be_bytes());
        bytes[25..].copy_from_slice(&self.receives.to_be_bytes());
        STANDARD.encode(bytes)
    }

    /// The receive that a handle of `queue` names.
    pub(crate) fn parse(handle: &str, queue: u64) -> Result<Self, ApiError> {
        if handle.is_empty() {
            return Err(errors::missing_parameter("ReceiptHandle"));
        }
        decode(handle)
            .filter(|parsed| parsed.queue == queue)
            .ok_or_else(|| errors::invalid_receipt_handle(handle))
    }
}

fn decode(handle: &str) -> Option<Handle> {
    let bytes = STANDARD.decode(handle).ok()?;
    let (&version, rest) = bytes.split_first()?;
    let (queue, rest) = rest.split_first_chunk::<8>()?;
    let (place, rest) = rest.split_first_chunk::<8>()?;
    let (nonce, rest) = rest.split_first_chunk::<8>()?;
    let receives = match version {
        VERSION => u32::from_be_bytes(rest.try_into().ok()?),
        UNCOUNTED if rest.is_empty() => 0,
        _ => return None,
    };
    Some(Handle {
        queue: u64::from_be_bytes(*queue),
        place: u64::from_be_bytes(*place),
        nonce: u64::from_be_bytes(*nonce),
        receives,
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::Handle;

    #[test]
    fn handles_go_there_and_back() {
        let handle = Handle { queue: 7, place: u64::MAX, nonce: 9, receives: 2 };
        assert_eq!(Handle::parse(&handle.encode(), 7).ok(), Some(handle));
        let mut uncounted = STANDARD.decode(handle.encode()).unwrap();
        uncounted.truncate(25);
        uncounted[0] = super::UNCOUNTED;
        let read = Handle::parse(&STANDARD.encode(uncounted), 7).ok();
        assert_eq!(read, Some(Handle { receives: 0, ..handle }), "handles of the version before are read");
        assert!(Handle::parse(&handle.encode(), 8).is_err(), "a handle of another queue");
        for bad in ["AQ==", "not base64!", "AgAAAAAAAAAA"] {
            assert_eq!(Handle::parse(bad, 7).unwrap_err().name(), "ReceiptHandleIsInvalid");
        }
        assert_eq!(Handle::parse("", 7).unwrap_err().name(), "MissingParameter");
    }
}
