//! Receipt handles: where a received message lies.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use shapes::{ApiError, Timestamp};

use crate::errors;

/// The leading byte of a handle's encoding.
const VERSION: u8 = 1;

/// Names one receive of one message. A later receive moves the message, and this handle then names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub queue: u64,
    pub visible_at: Timestamp,
    pub place: u128,
}

impl Receipt {
    pub(crate) fn handle(self) -> String {
        let mut bytes = Vec::with_capacity(33);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.queue.to_be_bytes());
        bytes.extend_from_slice(&self.visible_at.millis().to_be_bytes());
        bytes.extend_from_slice(&self.place.to_be_bytes());
        STANDARD.encode(bytes)
    }

    pub(crate) fn parse(handle: &str) -> Result<Self, ApiError> {
        decode(handle).ok_or_else(|| errors::invalid_receipt_handle(handle))
    }
}

fn decode(handle: &str) -> Option<Receipt> {
    let bytes = STANDARD.decode(handle).ok()?;
    let (&version, rest) = bytes.split_first()?;
    let (queue, rest) = rest.split_first_chunk::<8>()?;
    let (visible_at, rest) = rest.split_first_chunk::<8>()?;
    let place: [u8; 16] = rest.try_into().ok()?;
    (version == VERSION).then(|| Receipt {
        queue: u64::from_be_bytes(*queue),
        visible_at: Timestamp::from_millis(i64::from_be_bytes(*visible_at)),
        place: u128::from_be_bytes(place),
    })
}

#[cfg(test)]
mod tests {
    use shapes::Timestamp;

    use super::Receipt;

    #[test]
    fn handles_go_there_and_back() {
        let receipt = Receipt { queue: 7, visible_at: Timestamp::from_millis(-5), place: u128::MAX };
        assert_eq!(Receipt::parse(&receipt.handle()).ok(), Some(receipt));
        for bad in ["", "AQ==", "not base64!", "AgAAAAAAAAAA"] {
            assert_eq!(Receipt::parse(bad).unwrap_err().name(), "ReceiptHandleIsInvalid");
        }
    }
}
