//! Which copies of DynamoDB's items a change makes old: those of the item, of what its hash key brings together, and
//! of its table.
//!
//! DynamoDB tells changes by these names and DAX keeps its copies under them (see [`cloud::Copies`]). This is not
//! DynamoDB Streams: it tells what to forget, not what happened.

use std::hash::{Hash, Hasher};

use cloud::Original;
use dynamodb_api::AttributeValue;
use rustc_hash::FxHasher;

/// An item of the table `arn`.
pub fn item(arn: &str, hash: &AttributeValue, range: Option<&AttributeValue>) -> Original {
    original(2, arn, [Some(hash), range])
}

/// All items of a hash key: what a query of the table reads.
pub fn collection(arn: &str, hash: &AttributeValue) -> Original {
    original(1, arn, [Some(hash), None])
}

/// All items of a table: what a scan reads, or a query of a global index.
pub fn table(arn: &str) -> Original {
    original(0, arn, [None, None])
}

/// That there is such a table, with its key: until it is deleted.
pub fn definition(arn: &str) -> Original {
    original(3, arn, [None, None])
}

/// Everything that a change of an item makes old.
pub fn of_change(arn: &str, hash: &AttributeValue, range: Option<&AttributeValue>) -> [Original; 3] {
    [item(arn, hash, range), collection(arn, hash), table(arn)]
}

fn original(kind: u8, arn: &str, key: [Option<&AttributeValue>; 2]) -> Original {
    let mut hasher = FxHasher::default();
    (kind, arn).hash(&mut hasher);
    for value in key.into_iter().flatten() {
        match value {
            AttributeValue::S(text) => (b'S', text.as_bytes()).hash(&mut hasher),
            AttributeValue::B(bytes) => (b'B', &bytes[..]).hash(&mut hasher),
            AttributeValue::N(text) => {
                hasher.write_u8(b'N');
                hash_number(text, &mut hasher);
            }
            _ => {}
        }
    }
    Original::of_hash(hasher.finish())
}

/// Hashes a number by its value, however it is written: `1`, `1.0` and `100E-2` alike.
fn hash_number(text: &str, hasher: &mut FxHasher) {
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    let (Some(first), Some(last)) =
        (digits().position(|digit| digit != b'0'), digits().rev().position(|digit| digit != b'0'))
    else {
        return hasher.write_u8(b'0');
    };
    let count = whole.len() + fraction.len();
    for digit in digits().take(count - last).skip(first) {
        hasher.write_u8(digit);
    }
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent).parse::<i64>().unwrap_or_default();
    // Of the digit behind the last one that counts.
    hasher.write_i64(exponent + last as i64 - fraction.len() as i64);
    hasher.write_u8(u8::from(is_negative));
}

#[cfg(test)]
mod tests {
    use dynamodb_api::AttributeValue;

    use super::collection;
    use cloud::Original;

    fn number(text: &str) -> Original {
        collection("arn", &AttributeValue::N(text.to_owned()))
    }

    #[test]
    fn numbers_are_the_same_place_however_they_are_written() {
        for texts in
            [&["1", "1.0", "100E-2", "+1", "01"][..], &["-1200", "-1.2E3", "-1.2e+3"], &["0", "-0.00", "0E5"]]
        {
            for text in texts {
                assert_eq!(number(text), number(texts[0]), "{text}");
            }
        }
        assert_ne!(number("1"), number("10"));
        assert_ne!(number("1"), number("-1"));
    }
}
