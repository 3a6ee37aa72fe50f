//! Ranges of bytes as requests write them.

use std::ops::Range;

/// `0-1048575`, both included.
pub(crate) fn parse(text: &str) -> Option<Range<u64>> {
    let (first, last) = text.split_once('-')?;
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u64>().ok().filter(|_| is_number)
    };
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then(|| last.checked_add(1).map(|end| first..end)).flatten()
}

pub(crate) fn text(range: &Range<u64>) -> String {
    format!("{}-{}", range.start, range.end.saturating_sub(1))
}
