//! Scalars as text, the same in forms, query strings, headers, labels and XML.

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use shapes::{Member, Slot, TimestampFormat, View};

use crate::timestamp;

/// Padding is written, and may be left out by the other side.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(crate) fn base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

pub(crate) fn base64_into(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let length = base64::encoded_len(bytes.len(), true).unwrap_or(0);
    out.resize(start + length, 0);
    // The buffer has the exact length, so this cannot fail.
    let written = BASE64.encode_slice(bytes, &mut out[start..]).unwrap_or(0);
    out.truncate(start + written);
}

pub(crate) fn from_base64(text: &str) -> Result<Bytes, String> {
    let text = text.trim();
    if text.contains(['\n', '\r', ' ']) {
        let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        return from_base64(&compact);
    }
    BASE64.decode(text).map(Bytes::from).map_err(|error| format!("Invalid Base64: {error}"))
}

/// Shortest text that reads back as the same number; infinities and NaN as AWS spells them.
pub(crate) fn double(number: f64) -> String {
    special(number).map_or_else(|| format!("{number:?}"), str::to_owned)
}

pub(crate) fn float(number: f32) -> String {
    special(f64::from(number)).map_or_else(|| format!("{number:?}"), str::to_owned)
}

/// The name of a number that JSON has no notation for.
pub(crate) fn special(number: f64) -> Option<&'static str> {
    if number.is_nan() {
        Some("NaN")
    } else if number == f64::INFINITY {
        Some("Infinity")
    } else if number == f64::NEG_INFINITY {
        Some("-Infinity")
    } else {
        None
    }
}

/// The number of a name as [`special`] gives it.
pub(crate) fn from_special(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn parse_double(text: &str) -> Option<f64> {
    // Rust would also take "inf", "infinity" and "nan" in any case.
    let is_plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    from_special(text).or_else(|| text.parse().ok().filter(|_| is_plain))
}

/// The text of a scalar; `None` for lists, maps, structures and what is absent.
pub(crate) fn write(view: &View<'_>, member: &Member, default: TimestampFormat) -> Option<String> {
    Some(match view {
        View::Boolean(value) => value.to_string(),
        View::Integer(value) => value.to_string(),
        View::Long(value) => value.to_string(),
        View::Float(value) => float(*value),
        View::Double(value) => double(*value),
        View::String(value) => (*value).to_owned(),
        View::Blob(value) => base64(value),
        View::Timestamp(value) => timestamp::write(*value, timestamp::format_of(member, default)),
        View::Absent
        | View::Stream(_)
        | View::Document(_)
        | View::List(_)
        | View::Map(_)
        | View::Struct(_)
        | View::Union(_) => return None,
    })
}

/// Fills a scalar from its text. The error says what the text should have been.
pub(crate) fn read(
    text: &str,
    slot: Slot<'_>,
    member: &Member,
    default: TimestampFormat,
) -> Result<(), String> {
    let wrong = |wanted: &str| format!("{text:?} is not {wanted}");
    let number = text.trim();
    match slot {
        Slot::Boolean(target) => {
            *target = match number {
                "true" | "True" | "TRUE" | "1" => true,
                "false" | "False" | "FALSE" | "0" => false,
                _ => return Err(wrong("a boolean: true or false")),
            }
        }
        Slot::Integer(target) => *target = number.parse().map_err(|_| wrong("a 32-bit integer"))?,
        Slot::Long(target) => *target = number.parse().map_err(|_| wrong("a 64-bit integer"))?,
        Slot::Float(target) => *target = parse_double(number).ok_or_else(|| wrong("a number"))? as f32,
        Slot::Double(target) => *target = parse_double(number).ok_or_else(|| wrong("a number"))?,
        Slot::String(target) => text.clone_into(target),
        Slot::Blob(target) => *target = from_base64(text)?,
        Slot::Timestamp(target) => {
            let format = timestamp::format_of(member, default);
            *target = timestamp::parse(text, format).ok_or_else(|| wrong("a timestamp"))?;
        }
        Slot::Stream(_)
        | Slot::Document(_)
        | Slot::List(_)
        | Slot::Map(_)
        | Slot::Struct(_)
        | Slot::Union(_) => {
            return Err(wrong("a scalar"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{double, float, from_base64};

    #[test]
    fn numbers_are_short() {
        assert_eq!(double(10.8), "10.8");
        assert_eq!(float(1.1), "1.1");
        assert_eq!(double(f64::NEG_INFINITY), "-Infinity");
    }

    #[test]
    fn base64_may_lack_its_padding() {
        assert_eq!(from_base64("dmFsdWU").as_deref(), Ok(&b"value"[..]));
        assert_eq!(from_base64("dmFs\ndWU=").as_deref(), Ok(&b"value"[..]));
        assert!(from_base64("d*").is_err());
    }
}
