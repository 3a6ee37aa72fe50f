//! The `Range` header (RFC 9110, "Range Requests").

use std::ops::Range;

use shapes::ApiError;

use crate::errors;

/// The bytes that a header asks for of `size`: `None` when it asks for what S3 does not know, which is then the whole.
pub(crate) fn parse(header: &str, size: u64) -> Result<Option<Range<u64>>, ApiError> {
    let Some(spec) = header.trim().strip_prefix("bytes=") else { return Ok(None) };
    let Some((first, last)) = spec.split_once('-') else { return Ok(None) };
    let number = |text: &str| match text.trim() {
        "" => Some(None),
        // More digits than a length has mean the end all the same.
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(Some(digits.parse().unwrap_or(u64::MAX)))
        }
        _ => None,
    };
    let (Some(first), Some(last)) = (number(first), number(last)) else { return Ok(None) };
    let range = match (first, last) {
        (None, None) => return Ok(None),
        (None, Some(0)) => return Err(errors::invalid_range(header, size)),
        (None, Some(count)) => size.saturating_sub(count)..size,
        (Some(first), None) => first..size,
        (Some(first), Some(last)) if last < first => return Ok(None),
        (Some(first), Some(last)) => first..last.saturating_add(1).min(size),
    };
    if range.start >= size { Err(errors::invalid_range(header, size)) } else { Ok(Some(range)) }
}

/// `bytes 0-9/100`
pub(crate) fn content_range(range: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn ranges_are_cut_to_the_object() {
        for (header, expected) in [
            ("bytes=0-4", Some(0..5)),
            ("bytes=5-", Some(5..10)),
            ("bytes=-3", Some(7..10)),
            ("bytes=-30", Some(0..10)),
            ("bytes=8-99999999999999999999", Some(8..10)),
            ("bytes=4-2", None),
            ("bytes=a-b", None),
            ("bytes=0-1,4-5", None),
            ("items=0-1", None),
        ] {
            assert_eq!(parse(header, 10).unwrap(), expected, "{header}");
        }
        for header in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(parse(header, 10).unwrap_err().code(), "InvalidRange", "{header}");
        }
        assert!(parse("bytes=-1", 0).is_err());
    }
}
