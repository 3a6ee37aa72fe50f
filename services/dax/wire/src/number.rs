//! Numbers: integers, big integers and decimal fractions in CBOR; text in DynamoDB.

use crate::WireError::{self, Malformed};
use crate::cbor::{NEGATIVE, POSITIVE, SIMPLE, TAG};
use crate::{Decoder, Encoder};

const TAG_POSITIVE_BIG: u64 = 2;
const TAG_NEGATIVE_BIG: u64 = 3;
const TAG_DECIMAL: u64 = 4;

/// Exponents beyond these are in no number of DynamoDB, whose numbers reach from 1E-130 to 9.9E+125.
const EXPONENTS: std::ops::RangeInclusive<i64> = -300..=300;

/// A decimal number: digits without a sign, and by which power of ten they are multiplied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    pub is_negative: bool,
    /// No zeros in front or behind; 0 is no digits.
    pub digits: u128,
    pub exponent: i64,
}

impl Decimal {
    pub(crate) fn new(is_negative: bool, mut digits: u128, mut exponent: i64) -> Self {
        if digits == 0 {
            return Self { is_negative: false, digits: 0, exponent: 0 };
        }
        while digits.is_multiple_of(10) {
            digits /= 10;
            exponent += 1;
        }
        Self { is_negative, digits, exponent }
    }

    /// Reads `-12.5E+3`; `None` for what is no number or has more digits than DynamoDB keeps.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let fraction = fraction.trim_end_matches('0');
        let mut digits: u128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
            digits = digits.checked_mul(10)?.checked_add(u128::from(digit))?;
        }
        let places = i64::try_from(fraction.len()).ok()?;
        Some(Self::new(is_negative, digits, exponent.checked_sub(places)?))
    }

    /// As DynamoDB takes it.
    pub(crate) fn text(&self) -> String {
        let sign = if self.is_negative { "-" } else { "" };
        match self.exponent {
            0 => format!("{sign}{}", self.digits),
            exponent => format!("{sign}{}E{exponent}", self.digits),
        }
    }

    /// The digits with the zeros behind them, when that makes a whole number that fits.
    fn whole(&self) -> Option<u128> {
        let zeros = u32::try_from(self.exponent).ok()?;
        10_u128.checked_pow(zeros)?.checked_mul(self.digits)
    }
}

pub(crate) fn decode(decoder: &mut Decoder<'_>) -> Result<String, WireError> {
    match decoder.major()? {
        POSITIVE | NEGATIVE | TAG => decode_decimal(decoder).map(|number| number.text()),
        SIMPLE => {
            let value = decoder.double()?;
            if value.is_finite() { Ok(format!("{value:e}")) } else { Err(Malformed("a number that is none")) }
        }
        _ => Err(Malformed("a number was expected")),
    }
}

fn decode_decimal(decoder: &mut Decoder<'_>) -> Result<Decimal, WireError> {
    if decoder.major()? != TAG {
        let (is_negative, size) = decoder.wide_integer()?;
        return Ok(Decimal::new(is_negative, u128::from(size) + u128::from(is_negative), 0));
    }
    match decoder.tag()? {
        tag @ (TAG_POSITIVE_BIG | TAG_NEGATIVE_BIG) => {
            let is_negative = tag == TAG_NEGATIVE_BIG;
            let bytes = decoder.bytes()?;
            if bytes.len() > 16 {
                return Err(Malformed("a number with too many digits"));
            }
            let size = bytes.iter().fold(0_u128, |size, byte| size << 8 | u128::from(*byte));
            let size = size
                .checked_add(u128::from(is_negative))
                .ok_or(Malformed("a number with too many digits"))?;
            Ok(Decimal::new(is_negative, size, 0))
        }
        TAG_DECIMAL => {
            decoder.array_of(2)?;
            let exponent = decoder.integer()?;
            if !EXPONENTS.contains(&exponent) {
                return Err(Malformed("a number's exponent is out of bounds"));
            }
            // What lies below is an integer, wide or not: a decimal in a decimal would be no number.
            let is_decimal = decoder.major()? == TAG && Decoder::tag(&mut decoder.clone())? == TAG_DECIMAL;
            if is_decimal {
                return Err(Malformed("a number was expected"));
            }
            let mantissa = decode_decimal(decoder)?;
            Ok(Decimal::new(mantissa.is_negative, mantissa.digits, mantissa.exponent + exponent))
        }
        _ => Err(Malformed("a number was expected")),
    }
}

/// Writes a number as DynamoDB gives it.
pub(crate) fn encode(encoder: &mut Encoder, text: &str) -> Result<(), WireError> {
    let number = Decimal::parse(text).ok_or(Malformed("a number that is none"))?;
    match number.whole() {
        Some(whole) => encode_whole(encoder, number.is_negative, whole),
        None => {
            encoder.tag(TAG_DECIMAL);
            encoder.array(2);
            encoder.integer(number.exponent);
            encode_whole(encoder, number.is_negative, number.digits);
        }
    }
    Ok(())
}

fn encode_whole(encoder: &mut Encoder, is_negative: bool, size: u128) {
    // Negative ones are written as -1 minus what follows.
    let size = size - u128::from(is_negative);
    match u64::try_from(size) {
        Ok(size) => encoder.wide_integer(is_negative, size),
        Err(_) => {
            encoder.tag(if is_negative { TAG_NEGATIVE_BIG } else { TAG_POSITIVE_BIG });
            let bytes = size.to_be_bytes();
            let leading = bytes.iter().take_while(|byte| **byte == 0).count();
            encoder.bytes(&bytes[leading..]);
        }
    }
}
