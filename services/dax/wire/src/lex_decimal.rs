//! Numbers whose bytes sort as they do: range keys. Digits in groups of three, ten bits for each.

use crate::WireError::{self, Malformed};
use crate::number::Decimal;

/// Exponents from here on take a header of five bytes.
const SHORT_EXPONENTS: std::ops::Range<i64> = -0x3E..0x3E;
/// What is added to a group, which leaves the values below for the terminators.
const POSITIVE_SHIFT: u32 = 12;
/// Groups of negative numbers are taken from this.
const NEGATIVE_SHIFT: u32 = 999 + 12;
/// As many groups as the digits of DynamoDB's numbers fill.
const MAXIMUM_GROUPS: usize = 13;

pub(crate) fn encode(number: &Decimal, out: &mut Vec<u8>) -> Result<(), WireError> {
    if number.digits == 0 {
        out.push(0x80);
        return Ok(());
    }
    let digits = number.digits.to_string();
    let exponent = digits.len() as i64 + number.exponent;
    let wide = i32::try_from(exponent).map_err(|_| Malformed("a number's exponent is out of bounds"))? as u32;
    match (number.is_negative, SHORT_EXPONENTS.contains(&exponent)) {
        (false, true) => out.push((exponent + 0xC0) as u8),
        (true, true) => out.push((0x3F - exponent) as u8),
        (false, false) => {
            out.push(if exponent < 0 { 0x81 } else { 0xFE });
            out.extend_from_slice(&(wide ^ 0x8000_0000).to_be_bytes());
        }
        (true, false) => {
            out.push(if exponent < 0 { 0x7E } else { 0x01 });
            out.extend_from_slice(&(wide ^ 0x7FFF_FFFF).to_be_bytes());
        }
    }
    let mut bits = BitWriter { out, held: 0, count: 0 };
    for group in digits.as_bytes().chunks(3) {
        let padded = group.iter().chain(b"00").take(3);
        let value = padded.fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
        bits.write(if number.is_negative { NEGATIVE_SHIFT - value } else { POSITIVE_SHIFT + value });
    }
    let terminator = (digits.len() as u32 + 2) % 3;
    bits.write(if number.is_negative { 1023 - terminator } else { terminator });
    bits.finish();
    Ok(())
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Decimal, WireError> {
    let short = Malformed("a range key ends too early");
    let (header, rest) = bytes.split_first().ok_or(short)?;
    if matches!(header, 0x7F | 0x80) {
        return Ok(Decimal::new(false, 0, 0));
    }
    let (is_negative, exponent, groups) = match header {
        0x01 | 0x7E | 0x81 | 0xFE => {
            let (wide, groups) = rest.split_first_chunk::<4>().ok_or(short)?;
            let is_negative = *header < 0x80;
            let flip = if is_negative { 0x7FFF_FFFF } else { 0x8000_0000 };
            (is_negative, i64::from((u32::from_be_bytes(*wide) ^ flip) as i32), groups)
        }
        0x00 | 0xFF => return Err(Malformed("a range key without a number")),
        0x82.. => (false, i64::from(*header) - 0xC0, rest),
        _ => (true, 0x3F - i64::from(*header), rest),
    };
    let mut digits: u128 = 0;
    let mut precision: i64 = 0;
    let (mut held, mut count) = (0_u32, 0);
    let mut groups_seen = 0;
    let mut next = groups.iter();
    loop {
        while count < 10 {
            held = held << 8 | u32::from(*next.next().ok_or(short)?);
            count += 8;
        }
        count -= 10;
        let group = held >> count & 0x3FF;
        let terminator = if is_negative { 1023 - group } else { group };
        if terminator <= 2 {
            let unused = 2 - terminator;
            digits /= 10_u128.pow(unused);
            precision -= i64::from(unused);
            break;
        }
        let value =
            if is_negative { NEGATIVE_SHIFT.checked_sub(group) } else { group.checked_sub(POSITIVE_SHIFT) };
        let value = value.filter(|value| *value < 1000).ok_or(Malformed("a range key that is no number"))?;
        groups_seen += 1;
        if groups_seen > MAXIMUM_GROUPS {
            return Err(Malformed("a number with too many digits"));
        }
        digits = digits
            .checked_mul(1000)
            .and_then(|digits| digits.checked_add(u128::from(value)))
            .ok_or(Malformed("a number with too many digits"))?;
        precision += 3;
    }
    Ok(Decimal::new(is_negative, digits, exponent - precision))
}

struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    held: u32,
    count: u32,
}

impl BitWriter<'_> {
    fn write(&mut self, group: u32) {
        self.held = self.held << 10 | group;
        self.count += 10;
        while self.count >= 8 {
            self.count -= 8;
            self.out.push((self.held >> self.count) as u8);
        }
        self.held &= 0xFF;
    }

    fn finish(self) {
        if self.count > 0 {
            self.out.push((self.held << (8 - self.count)) as u8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};
    use crate::number::Decimal;

    #[test]
    fn numbers_come_back_and_sort_as_they_do() {
        let sorted = [
            "-1E100",
            "-12345678901234567890123456789012345678",
            "-1000",
            "-999",
            "-12.5",
            "-1",
            "-0.001",
            "-1E-100",
            "0",
            "1E-100",
            "0.001",
            "1",
            "1.5",
            "9",
            "10",
            "99",
            "100",
            "999",
            "1000",
            "1234567",
            "1E100",
        ];
        let mut last = Vec::new();
        for text in sorted {
            let number = Decimal::parse(text).expect("a number");
            let mut bytes = Vec::new();
            encode(&number, &mut bytes).expect("an encoding");
            assert_eq!(decode(&bytes), Ok(number), "{text}");
            assert!(last < bytes, "{text} sorts behind what is less");
            last = bytes;
        }
    }

    #[test]
    fn bytes_are_those_of_the_published_client() {
        let cases = [
            ("1", "c11c0000"),
            ("-12.5", "3dddbfd0"),
            ("0", "80"),
            ("1234567", "c721dd4b2000"),
            ("-1E100", "017fffff9ae3fff0"),
            ("0.001", "be1c0000"),
            ("1E-100", "817fffff9d1c0000"),
        ];
        for (text, hex) in cases {
            let mut bytes = Vec::new();
            encode(&Decimal::parse(text).expect("a number"), &mut bytes).expect("an encoding");
            let written: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            // The client may fill up the last group's bytes with zeros.
            assert!(hex.starts_with(&written), "{text}: {written} {hex}");
            assert!(hex[written.len()..].bytes().all(|digit| digit == b'0'), "{text}: {written} {hex}");
        }
    }
}
