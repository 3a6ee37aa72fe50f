//! Key values as bytes whose order is the order of the values.
//!
//! Strings and binaries are written with each `00` as `00 FF` and closed by `00 00`, numbers as in
//! [`Number::encode_ordered`]. Every form ends itself, so whatever is appended (a range key, the table key behind
//! an index key) does not disturb the order, and no type byte is needed: the schema fixes the type.

use bytes::Bytes;

use crate::key_schema::KeyType;
use crate::number::Number;
use crate::value::Value;

/// Appends the key form of a string, number or binary; `false` for other types, which are never keys.
pub fn encode(value: &Value, out: &mut Vec<u8>) -> bool {
    match value {
        Value::S(text) => encode_bytes(text.as_bytes(), out),
        Value::B(bytes) => encode_bytes(bytes, out),
        Value::N(number) => number.encode_ordered(out),
        _ => return false,
    }
    true
}

/// Appends what every key that begins with this string or binary begins with; `false` for other types.
pub fn encode_prefix(value: &Value, out: &mut Vec<u8>) -> bool {
    match value {
        Value::S(text) => escape(text.as_bytes(), out),
        Value::B(bytes) => escape(bytes, out),
        _ => return false,
    }
    true
}

/// Reads a key value of a known type and returns the bytes behind it; `None` for anything else.
pub fn decode(kind: KeyType, bytes: &[u8]) -> Option<(Value, &[u8])> {
    match kind {
        KeyType::S => {
            let (content, rest) = decode_bytes(bytes)?;
            Some((Value::S(String::from_utf8(content).ok()?), rest))
        }
        KeyType::B => {
            let (content, rest) = decode_bytes(bytes)?;
            Some((Value::B(Bytes::from(content)), rest))
        }
        KeyType::N => {
            let (number, rest) = Number::decode_ordered(bytes)?;
            Some((Value::N(number), rest))
        }
    }
}

/// How many bytes at the front are one key value of a known type; `None` when there is none.
pub fn length(kind: KeyType, bytes: &[u8]) -> Option<usize> {
    if kind == KeyType::N {
        return Number::decode_ordered(bytes).map(|(_, rest)| bytes.len() - rest.len());
    }
    let mut at = 0;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0)?;
        match bytes.get(at + 1)? {
            0 => return Some(at + 2),
            0xFF => at += 2,
            _ => return None,
        }
    }
}

/// The least byte string above all that begin with `prefix`; `None` when nothing is above them.
pub fn successor(mut prefix: Vec<u8>) -> Option<Vec<u8>> {
    while let Some(last) = prefix.pop() {
        if last < 0xFF {
            prefix.push(last + 1);
            return Some(prefix);
        }
    }
    None
}

/// The place of a hash key in a table's order of partitions: Scan walks partitions by this token, as in AWS
/// in no order a user could rely on, and parallel segments are ranges of it.
pub fn partition_token(encoded_hash_key: &[u8]) -> u16 {
    // FNV-1a, then a finaliser, since its low bits mix badly for short keys.
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in encoded_hash_key {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash >> 48) as u16
}

/// Tokens of one segment of a parallel scan: from the first (inclusive) to the end (exclusive, up to 65536).
pub fn segment_tokens(segment: u32, total_segments: u32) -> std::ops::Range<u32> {
    let boundary = |i: u32| ((u64::from(i) << 16) / u64::from(total_segments.max(1))).min(1 << 16) as u32;
    boundary(segment)..boundary(segment.saturating_add(1))
}

fn encode_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    escape(bytes, out);
    out.extend_from_slice(&[0, 0]);
}

fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len() + 2);
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == 0) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(&[0, 0xFF]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

fn decode_bytes(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut content = Vec::new();
    let mut rest = bytes;
    loop {
        let at = rest.iter().position(|byte| *byte == 0)?;
        content.extend_from_slice(&rest[..at]);
        match rest.get(at + 1)? {
            0 => return Some((content, &rest[at + 2..])),
            0xFF => content.push(0),
            _ => return None,
        }
        rest = &rest[at + 2..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(value: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        assert!(encode(value, &mut out));
        out
    }

    fn binary() -> impl Strategy<Value = Value> {
        proptest::collection::vec(prop_oneof![Just(0u8), Just(0xFF), any::<u8>()], 0..12)
            .prop_map(|bytes| Value::B(bytes.into()))
    }

    #[test]
    fn only_scalars_are_keys() {
        assert!(!encode(&Value::Bool(true), &mut Vec::new()));
        assert!(!encode_prefix(&Value::number("1").unwrap(), &mut Vec::new()));
    }

    #[test]
    fn successors() {
        assert_eq!(successor(vec![1, 2]), Some(vec![1, 3]));
        assert_eq!(successor(vec![1, 0xFF, 0xFF]), Some(vec![2]));
        assert_eq!(successor(vec![0xFF]), None);
    }

    #[test]
    fn segments_cover_all_tokens_once() {
        for total in [1, 3, 7, 1000, 1_000_000] {
            let mut next = 0;
            for segment in 0..total {
                let tokens = segment_tokens(segment, total);
                assert_eq!(tokens.start, next);
                next = tokens.end;
            }
            assert_eq!(next, 1 << 16);
        }
    }

    proptest! {
        #[test]
        fn order_survives_whatever_follows(a in binary(), b in binary(), x in any::<Vec<u8>>(), y in any::<Vec<u8>>()) {
            prop_assume!(a != b);
            let (mut left, mut right) = (encoded(&a), encoded(&b));
            left.extend(x);
            right.extend(y);
            prop_assert_eq!(Some(left.cmp(&right)), a.compare(&b));
        }

        #[test]
        fn strings_sort_by_their_bytes(a in ".{0,6}", b in ".{0,6}") {
            prop_assert_eq!(encoded(&Value::S(a.clone())).cmp(&encoded(&Value::S(b.clone()))), a.cmp(&b));
        }

        #[test]
        fn keys_round_trip(value in binary(), tail in any::<Vec<u8>>()) {
            let mut bytes = encoded(&value);
            bytes.extend_from_slice(&tail);
            prop_assert_eq!(length(KeyType::B, &bytes), Some(bytes.len() - tail.len()));
            prop_assert_eq!(decode(KeyType::B, &bytes), Some((value, &tail[..])));
        }

        #[test]
        fn decoding_never_panics(bytes in any::<Vec<u8>>()) {
            for kind in [KeyType::S, KeyType::N, KeyType::B] {
                let _ = decode(kind, &bytes);
            }
        }

        #[test]
        fn a_prefix_is_a_range(key in "[\u{0}ab]{0,5}", prefix in "[\u{0}ab]{0,3}") {
            let mut start = vec![7];
            encode_prefix(&Value::S(prefix.clone()), &mut start);
            let end = successor(start.clone()).unwrap();
            let mut bytes = vec![7];
            encode(&Value::S(key.clone()), &mut bytes);
            prop_assert_eq!(start <= bytes && bytes < end, key.starts_with(&prefix));
        }
    }
}
