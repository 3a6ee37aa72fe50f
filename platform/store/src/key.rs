//! Keys as order-preserving bytes: comparing two encodings compares the tuples they stand for.
//!
//! Text and bytes escape zero bytes as `00 FF` and end in `00 01`, so that a shorter one sorts first and a prefix
//! of the parts is a prefix of the bytes. Signed numbers flip their sign bit.

use shapes::Timestamp;

/// One part of a key.
pub trait KeyPart: Sized {
    fn encode_part(&self, out: &mut Vec<u8>);
    fn decode_part(reader: &mut KeyReader<'_>) -> Option<Self>;
}

/// A whole key, or a leading part of one.
pub trait Key: Sized {
    fn encode(&self, out: &mut Vec<u8>);
    /// `None` when the bytes are no such key.
    fn decode(reader: &mut KeyReader<'_>) -> Option<Self>;
}

/// What is still to be read of an encoded key.
pub struct KeyReader<'a>(pub &'a [u8]);

impl<'a> KeyReader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn escaped(&mut self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        loop {
            let zero = self.0.iter().position(|byte| *byte == 0)?;
            out.extend_from_slice(self.take(zero)?);
            match self.array::<2>()? {
                [0, 1] => return Some(out),
                [0, 0xFF] => out.push(0),
                _ => return None,
            }
        }
    }
}

pub(crate) fn encode_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let Some(zero) = memchr::memchr(0, rest) {
        out.extend_from_slice(&rest[..=zero]);
        out.push(0xFF);
        rest = &rest[zero + 1..];
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(&[0, 1]);
}

impl KeyPart for String {
    fn encode_part(&self, out: &mut Vec<u8>) {
        encode_escaped(self.as_bytes(), out);
    }
    fn decode_part(reader: &mut KeyReader<'_>) -> Option<Self> {
        Self::from_utf8(reader.escaped()?).ok()
    }
}

impl KeyPart for Vec<u8> {
    fn encode_part(&self, out: &mut Vec<u8>) {
        encode_escaped(self, out);
    }
    fn decode_part(reader: &mut KeyReader<'_>) -> Option<Self> {
        reader.escaped()
    }
}

/// The last part of a key whose bytes sort as they are: no escape, no end mark, so that a prefix of the bytes is a
/// prefix of the key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tail(pub Vec<u8>);

impl KeyPart for Tail {
    fn encode_part(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
    fn decode_part(reader: &mut KeyReader<'_>) -> Option<Self> {
        let rest = std::mem::take(&mut reader.0);
        Some(Self(rest.to_vec()))
    }
}

macro_rules! unsigned_part {
    ($($type:ty),*) => {$(
        impl KeyPart for $type {
            fn encode_part(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
            fn decode_part(reader: &mut KeyReader<'_>) -> Option<Self> {
                Some(Self::from_be_bytes(reader.array()?))
            }
        }
    )*};
}

unsigned_part!(u8, u16, u32, u64, u128);

impl KeyPart for i64 {
    fn encode_part(&self, out: &mut Vec<u8>) {
        ((*self as u64) ^ (1 << 63)).encode_part(out);
    }
    fn decode_part(reader: &mut KeyReader<'_>) -> Option<Self> {
        Some((u64::decode_part(reader)? ^ (1 << 63)) as i64)
    }
}

impl KeyPart for Timestamp {
    fn encode_part(&self, out: &mut Vec<u8>) {
        self.millis().encode_part(out);
    }
    fn decode_part(reader: &mut KeyReader<'_>) -> Option<Self> {
        i64::decode_part(reader).map(Self::from_millis)
    }
}

impl Key for () {
    fn encode(&self, _: &mut Vec<u8>) {}
    fn decode(_: &mut KeyReader<'_>) -> Option<Self> {
        Some(())
    }
}

/// A key of one part is that part.
impl<T: KeyPart> Key for T {
    fn encode(&self, out: &mut Vec<u8>) {
        self.encode_part(out);
    }
    fn decode(reader: &mut KeyReader<'_>) -> Option<Self> {
        T::decode_part(reader)
    }
}

macro_rules! tuple_key {
    ($($part:ident $index:tt),*) => {
        impl<$($part: KeyPart),*> Key for ($($part,)*) {
            fn encode(&self, out: &mut Vec<u8>) {
                $(self.$index.encode_part(out);)*
            }
            fn decode(reader: &mut KeyReader<'_>) -> Option<Self> {
                Some(($($part::decode_part(reader)?,)*))
            }
        }
    };
}

tuple_key!(A 0);
tuple_key!(A 0, B 1);
tuple_key!(A 0, B 1, C 2);
tuple_key!(A 0, B 1, C 2, D 3);
tuple_key!(A 0, B 1, C 2, D 3, E 4);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Key, KeyReader};

    fn bytes(key: &impl Key) -> Vec<u8> {
        let mut out = Vec::new();
        key.encode(&mut out);
        out
    }

    type Sample = (String, i64, Vec<u8>, u32);

    proptest! {
        #[test]
        fn order_and_value_survive(a: Sample, b: Sample) {
            prop_assert_eq!(bytes(&a).cmp(&bytes(&b)), a.cmp(&b));
            prop_assert_eq!(Sample::decode(&mut KeyReader(&bytes(&a))), Some(a));
        }

        #[test]
        fn leading_parts_are_a_prefix(a: Sample) {
            prop_assert!(bytes(&a).starts_with(&bytes(&(a.0.clone(), a.1))));
        }

        #[test]
        fn any_bytes_decode_or_not_without_panic(junk: Vec<u8>) {
            let decoded = Sample::decode(&mut KeyReader(&junk));
            prop_assert!(decoded.is_none_or(|key| junk.starts_with(&bytes(&key))));
        }
    }
}
