//! The byte form of a number in a stored row: small, quick to read, not ordered.
//!
//! One head byte (bit 7: negative; bit 6: an exponent follows; low bits: bytes of the coefficient), then
//! the exponent as a little-endian `i16`, then the coefficient, least significant byte first.

use super::Number;

const NEGATIVE: u8 = 0x80;
const HAS_EXPONENT: u8 = 0x40;
const LENGTH: u8 = 0x3F;

impl Number {
    /// Appends the row form, at most 19 bytes.
    pub fn encode_row(&self, out: &mut Vec<u8>) {
        let length = 16 - (self.coefficient.leading_zeros() / 8) as usize;
        let mut head = length as u8;
        if self.negative {
            head |= NEGATIVE;
        }
        if self.exponent != 0 {
            head |= HAS_EXPONENT;
        }
        out.push(head);
        if self.exponent != 0 {
            out.extend_from_slice(&self.exponent.to_le_bytes());
        }
        out.extend_from_slice(&self.coefficient.to_le_bytes()[..length]);
    }

    /// Reads a number off the front of a row; `None` when the bytes are not one.
    pub fn decode_row(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (head, exponent, rest) = split_head(bytes)?;
        let (coefficient, rest) = rest.split_at_checked(usize::from(head & LENGTH))?;
        let mut buffer = [0u8; 16];
        buffer.get_mut(..coefficient.len())?.copy_from_slice(coefficient);
        let number = Self::normalised(head & NEGATIVE != 0, u128::from_le_bytes(buffer), exponent).ok()?;
        Some((number, rest))
    }

    /// The bytes behind a number in a row, without building it.
    pub(crate) fn skip_row(bytes: &[u8]) -> Option<&[u8]> {
        let (head, _, rest) = split_head(bytes)?;
        rest.get(usize::from(head & LENGTH)..)
    }
}

fn split_head(bytes: &[u8]) -> Option<(u8, i32, &[u8])> {
    let (&head, rest) = bytes.split_first()?;
    if head & HAS_EXPONENT == 0 {
        return Some((head, 0, rest));
    }
    let (exponent, rest) = rest.split_first_chunk::<2>()?;
    Some((head, i32::from(i16::from_le_bytes(*exponent)), rest))
}
