//! The byte form of a number in a key: comparing bytes compares numbers.
//!
//! ```text
//! zero      80
//! positive  C0  magnitude + 130          digit pairs + 1        00
//! negative  40  255 - (magnitude + 130)  255 - (digit pair + 1) FF
//! ```
//! Pairs start at the leading digit; the last is filled up with a zero. The closing byte sorts before any
//! pair of a positive number and after any of a negative one, and makes the form self-delimiting.

use super::{MIN_MAGNITUDE, Number, count_digits, left_aligned};

const NEGATIVE: u8 = 0x40;
const ZERO: u8 = 0x80;
const POSITIVE: u8 = 0xC0;

impl Number {
    /// Appends the order-preserving form, at most 22 bytes.
    pub fn encode_ordered(&self, out: &mut Vec<u8>) {
        if self.is_zero() {
            out.push(ZERO);
            return;
        }
        let flip = if self.negative { 0xFF } else { 0 };
        out.push(if self.negative { NEGATIVE } else { POSITIVE });
        out.push((self.magnitude() - MIN_MAGNITUDE) as u8 ^ flip);
        let mut rest = left_aligned(self.coefficient);
        let mut unit = 10u128.pow(36);
        while rest > 0 {
            out.push(((rest / unit) as u8 + 1) ^ flip);
            rest %= unit;
            unit /= 100;
        }
        out.push(flip);
    }

    /// Reads what [`Number::encode_ordered`] wrote and returns the bytes behind it; `None` for anything else.
    pub fn decode_ordered(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (&sign, rest) = bytes.split_first()?;
        let (negative, flip) = match sign {
            ZERO => return Some((Self::ZERO, rest)),
            POSITIVE => (false, 0),
            NEGATIVE => (true, 0xFF),
            _ => return None,
        };
        let (&magnitude, mut rest) = rest.split_first()?;
        let magnitude = i32::from(magnitude ^ flip) + MIN_MAGNITUDE;
        let mut coefficient = 0u128;
        let mut pairs = 0;
        loop {
            let (&byte, after) = rest.split_first()?;
            rest = after;
            match byte ^ flip {
                0 => break,
                pair @ 1..=100 if pairs < 19 => coefficient = coefficient * 100 + u128::from(pair - 1),
                _ => return None,
            }
            pairs += 1;
        }
        if count_digits(coefficient) != pairs * 2 {
            return None;
        }
        let number = Self::normalised(negative, coefficient, magnitude + 1 - 2 * pairs as i32).ok()?;
        Some((number, rest))
    }
}
