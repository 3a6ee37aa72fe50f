//! Numbers as DynamoDB has them: exact decimals of up to 38 significant digits.
//!
//! A number is a sign, a coefficient and a power of ten, always normalised (no trailing zero in the
//! coefficient, one zero), so equality of the parts is equality of the numbers. The coefficient fits a
//! `u128`, which keeps arithmetic and comparison free of allocation.
//!
//! Limits are those of "Supported data types and naming rules in Amazon DynamoDB": magnitudes from 1E-130 to
//! 9.9999999999999999999999999999999999999E+125, and zero.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

mod ordered;
mod row;
#[cfg(test)]
mod tests;

/// Most significant digits of a number.
pub const MAX_DIGITS: u32 = 38;
/// Largest power of ten of the leading digit.
pub const MAX_MAGNITUDE: i32 = 125;
/// Smallest power of ten of the leading digit.
pub const MIN_MAGNITUDE: i32 = -130;

/// Why a number was refused; each `Display` is AWS's sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    #[error("The parameter cannot be converted to a numeric value")]
    Empty,
    #[error("The parameter cannot be converted to a numeric value: {0}")]
    NotNumeric(String),
    #[error("Attempting to store more than 38 significant digits in a Number")]
    TooManyDigits,
    #[error("Number overflow. Attempting to store a number with magnitude larger than supported range")]
    Overflow,
    #[error("Number underflow. Attempting to store a number with magnitude smaller than supported range")]
    Underflow,
}

/// A decimal: `(-1)^negative × coefficient × 10^exponent`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number {
    coefficient: u128,
    exponent: i16,
    negative: bool,
}

impl Number {
    pub const ZERO: Self = Self { coefficient: 0, exponent: 0, negative: false };

    /// Reads decimal text: an optional sign, digits with an optional point, an optional exponent.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        if text.is_empty() {
            return Err(NumberError::Empty);
        }
        let decimal =
            Decimal::scan(text.as_bytes()).ok_or_else(|| NumberError::NotNumeric(text.to_owned()))?;
        decimal.into_number()
    }

    pub fn is_zero(&self) -> bool {
        self.coefficient == 0
    }

    /// Whether the number is below zero; zero is not.
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// How many significant digits the number has; zero has one.
    pub fn digits(&self) -> u32 {
        count_digits(self.coefficient)
    }

    /// The power of ten of the leading digit: 2 for 150, -1 for 0.3, 0 for zero.
    pub fn magnitude(&self) -> i32 {
        if self.is_zero() { 0 } else { i32::from(self.exponent) + self.digits() as i32 - 1 }
    }

    /// Bytes that AWS bills: one per two significant digits and one more, and one for a minus sign
    /// ("DynamoDB item sizes and formats").
    pub fn size(&self) -> usize {
        if self.is_zero() {
            return 1;
        }
        // Pairs of digits are aligned to even powers of ten, so 10 takes one pair where 100 takes one too.
        let lowest = i32::from(self.exponent).div_euclid(2);
        let highest = self.magnitude().div_euclid(2);
        (highest - lowest + 1) as usize + 1 + usize::from(self.negative)
    }

    /// The exact sum; refuses results beyond 38 digits or the supported range.
    pub fn checked_add(&self, other: &Self) -> Result<Self, NumberError> {
        if self.is_zero() {
            return Ok(*other);
        }
        if other.is_zero() {
            return Ok(*self);
        }
        let (high, low) = if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        let shift = (high.exponent - low.exponent) as u32;
        // The lower number ends in a nonzero digit, so an aligned coefficient that leaves `u128` (3.4 × 10^38)
        // leaves more than 38 digits whatever is added to it or taken away.
        let aligned = 10u128
            .checked_pow(shift)
            .and_then(|power| high.coefficient.checked_mul(power))
            .ok_or(NumberError::TooManyDigits)?;
        if high.negative == low.negative {
            let sum = aligned.checked_add(low.coefficient).ok_or(NumberError::TooManyDigits)?;
            return Self::normalised(high.negative, sum, i32::from(low.exponent));
        }
        let negative = if aligned > low.coefficient { high.negative } else { low.negative };
        Self::normalised(negative, aligned.abs_diff(low.coefficient), i32::from(low.exponent))
    }

    /// The exact difference `self - other`; refuses as [`Number::checked_add`] does.
    pub fn checked_sub(&self, other: &Self) -> Result<Self, NumberError> {
        self.checked_add(&other.negated())
    }

    fn negated(&self) -> Self {
        Self { negative: !self.negative && !self.is_zero(), ..*self }
    }

    fn normalised(negative: bool, mut coefficient: u128, mut exponent: i32) -> Result<Self, NumberError> {
        if coefficient == 0 {
            return Ok(Self::ZERO);
        }
        while coefficient.is_multiple_of(10) {
            coefficient /= 10;
            exponent += 1;
        }
        let digits = count_digits(coefficient);
        let magnitude = exponent + digits as i32 - 1;
        if magnitude > MAX_MAGNITUDE {
            return Err(NumberError::Overflow);
        }
        if magnitude < MIN_MAGNITUDE {
            return Err(NumberError::Underflow);
        }
        if digits > MAX_DIGITS {
            return Err(NumberError::TooManyDigits);
        }
        Ok(Self { coefficient, exponent: exponent as i16, negative })
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.cmp_absolute(other),
            (true, true) => other.cmp_absolute(self),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Number {
    fn cmp_absolute(&self, other: &Self) -> Ordering {
        if self.exponent == other.exponent {
            return self.coefficient.cmp(&other.coefficient);
        }
        if self.is_zero() || other.is_zero() {
            return self.coefficient.cmp(&other.coefficient);
        }
        self.magnitude()
            .cmp(&other.magnitude())
            .then_with(|| left_aligned(self.coefficient).cmp(&left_aligned(other.coefficient)))
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::normalised(false, u128::from(value), 0).expect("twenty digits fit")
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::normalised(value < 0, u128::from(value.unsigned_abs()), 0).expect("twenty digits fit")
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Self {
        Self::from(value as u64)
    }
}

impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        Self::parse(text)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Plain decimal text without an exponent, as DynamoDB returns numbers.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return f.write_str("0");
        }
        let mut buffer = [0u8; 39];
        let digits = write_digits(self.coefficient, &mut buffer);
        if self.negative {
            f.write_str("-")?;
        }
        let point = self.magnitude() + 1;
        if point <= 0 {
            return write!(f, "0.{:0>width$}{digits}", "", width = -point as usize);
        }
        let point = point as usize;
        if point >= digits.len() {
            return write!(f, "{digits}{:0>width$}", "", width = point - digits.len());
        }
        let (whole, fraction) = digits.split_at(point);
        write!(f, "{whole}.{fraction}")
    }
}

/// What decimal text says, before its limits are checked.
struct Decimal {
    negative: bool,
    coefficient: u128,
    exponent: i64,
    digits: u32,
}

impl Decimal {
    /// `None` when the text is not decimal.
    fn scan(bytes: &[u8]) -> Option<Self> {
        let (negative, rest) = match bytes.first()? {
            b'-' => (true, &bytes[1..]),
            b'+' => (false, &bytes[1..]),
            _ => (false, bytes),
        };
        let mut decimal = Self { negative, coefficient: 0, exponent: 0, digits: 0 };
        let mut has_digit = false;
        let mut after_point = false;
        // Zeros are held back until a nonzero digit follows, so that trailing ones cost no precision.
        let mut held_zeros: i64 = 0;
        let mut i = 0;
        while i < rest.len() {
            match rest[i] {
                b'.' if !after_point => after_point = true,
                digit @ b'0'..=b'9' => {
                    has_digit = true;
                    if after_point {
                        decimal.exponent -= 1;
                    }
                    if digit == b'0' {
                        held_zeros += i64::from(decimal.digits > 0);
                    } else {
                        decimal.push(digit - b'0', held_zeros);
                        held_zeros = 0;
                    }
                }
                b'e' | b'E' => break,
                _ => return None,
            }
            i += 1;
        }
        if !has_digit {
            return None;
        }
        decimal.exponent += held_zeros;
        if i < rest.len() {
            decimal.exponent += scan_exponent(&rest[i + 1..])?;
        }
        Some(decimal)
    }

    /// Appends `zeros` zeros and a nonzero digit; digits beyond the limit are counted, not kept.
    fn push(&mut self, digit: u8, zeros: i64) {
        let added = u32::try_from(zeros + 1).unwrap_or(u32::MAX);
        self.digits = self.digits.saturating_add(added);
        if self.digits <= MAX_DIGITS {
            self.coefficient = self.coefficient * 10u128.pow(added) + u128::from(digit);
        }
    }

    fn into_number(self) -> Result<Number, NumberError> {
        if self.digits == 0 {
            return Ok(Number::ZERO);
        }
        let magnitude = self.exponent + i64::from(self.digits) - 1;
        if magnitude > i64::from(MAX_MAGNITUDE) {
            return Err(NumberError::Overflow);
        }
        if magnitude < i64::from(MIN_MAGNITUDE) {
            return Err(NumberError::Underflow);
        }
        if self.digits > MAX_DIGITS {
            return Err(NumberError::TooManyDigits);
        }
        Ok(Number { coefficient: self.coefficient, exponent: self.exponent as i16, negative: self.negative })
    }
}

/// The digits after `e`; values beyond any supported range are clamped, the range check names them.
fn scan_exponent(bytes: &[u8]) -> Option<i64> {
    let (negative, digits) = match bytes.first()? {
        b'-' => (true, &bytes[1..]),
        b'+' => (false, &bytes[1..]),
        _ => (false, bytes),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value: i64 = 0;
    for byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = (value * 10 + i64::from(byte - b'0')).min(1 << 40);
    }
    Some(if negative { -value } else { value })
}

fn count_digits(coefficient: u128) -> u32 {
    if coefficient == 0 { 1 } else { coefficient.ilog10() + 1 }
}

/// The coefficient scaled to the full 38 digits, so that equal magnitudes compare digit by digit.
fn left_aligned(coefficient: u128) -> u128 {
    coefficient * 10u128.pow(MAX_DIGITS - count_digits(coefficient))
}

fn write_digits(mut coefficient: u128, buffer: &mut [u8; 39]) -> &str {
    let mut start = buffer.len();
    // Two halves of u64 arithmetic: dividing a u128 digit by digit is many times slower.
    const HALF: u128 = 10_000_000_000_000_000_000;
    while coefficient >= HALF {
        let mut low = (coefficient % HALF) as u64;
        coefficient /= HALF;
        for _ in 0..19 {
            start -= 1;
            buffer[start] = b'0' + (low % 10) as u8;
            low /= 10;
        }
    }
    let mut high = coefficient as u64;
    loop {
        start -= 1;
        buffer[start] = b'0' + (high % 10) as u8;
        high /= 10;
        if high == 0 {
            break;
        }
    }
    std::str::from_utf8(&buffer[start..]).expect("decimal digits are ASCII")
}
