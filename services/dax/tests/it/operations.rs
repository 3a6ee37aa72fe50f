//! The client's operations of several items and with expressions.

use dax_wire::Encoder;

use crate::client::{BATCH_GET, BATCH_WRITE, Client, QUERY, TRANSACT_WRITE, UPDATE, options, request};

/// The tree of an expression over the variables `values`, all of them text.
fn expression(values: &[&str], tree: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut encoder = Encoder::default();
    encoder.array(3);
    encoder.integer(1);
    tree(&mut encoder);
    encoder.array(values.len());
    values.iter().for_each(|value| encoder.text(value));
    encoder.0
}

fn path(out: &mut Encoder, name: &str) {
    out.array(2);
    out.integer(18);
    out.text(name);
}

fn variable(out: &mut Encoder, index: i64) {
    out.array(2);
    out.integer(17);
    out.integer(index);
}

/// `attribute_not_exists(pk)`
pub(crate) fn is_absent() -> Vec<u8> {
    expression(&[], |out| {
        out.array(2);
        out.integer(12);
        path(out, "pk");
    })
}

/// `name = :value`
pub(crate) fn equals(name: &str, value: &str) -> Vec<u8> {
    expression(&[value], |out| {
        out.array(3);
        out.integer(0);
        path(out, name);
        variable(out, 0);
    })
}

/// `SET v = :value`
fn sets(value: &str) -> Vec<u8> {
    expression(&[value], |out| {
        out.array(1);
        out.array(3);
        out.integer(19);
        path(out, "v");
        variable(out, 0);
    })
}

/// Reads an answer value by value.
pub(crate) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The major type and the argument of the next value's head.
    pub(crate) fn head(&mut self) -> (u8, usize) {
        let first = self.0[0];
        let size = match first & 31 {
            0..=23 => 0,
            24 => 1,
            25 => 2,
            26 => 4,
            // A map that goes on until a break.
            31 => return self.indefinite(),
            _ => panic!("{first:x} is no head of an answer"),
        };
        let argument = match size {
            0 => usize::from(first & 31),
            _ => self.0[1..=size].iter().fold(0, |value, byte| value << 8 | usize::from(*byte)),
        };
        self.0 = &self.0[1 + size..];
        (first >> 5, argument)
    }

    fn indefinite(&mut self) -> (u8, usize) {
        let first = self.0[0];
        self.0 = &self.0[1..];
        (first >> 5, usize::MAX)
    }

    /// Bytes or text.
    pub(crate) fn bytes(&mut self) -> &'a [u8] {
        let (major, length) = self.head();
        assert!(matches!(major, 2 | 3), "bytes or text, not {major}");
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }

    fn text(&mut self) -> String {
        String::from_utf8(self.bytes().to_vec()).expect("text")
    }

    /// The attribute `v` of an item.
    pub(crate) fn value(&mut self) -> String {
        let bytes = self.bytes();
        let (_, values) = dax_wire::decode_attributes(bytes).expect("an item");
        Reader(values).text()
    }
}

impl Client {
    pub(crate) async fn update(&mut self, key: &str, value: &str) -> Result<Vec<u8>, Vec<i64>> {
        let bytes = request(UPDATE, |out| {
            out.bytes(b"orders");
            out.bytes(key.as_bytes());
            options(out, 8, Some(&sets(value)));
        });
        self.call(&bytes).await
    }

    /// The items that there are of these keys: each key with its value.
    pub(crate) async fn get_many(&mut self, keys: &[&str]) -> Vec<(String, String)> {
        let bytes = request(BATCH_GET, |out| {
            out.map(1);
            out.bytes(b"orders");
            out.array(3);
            out.boolean(false);
            out.null();
            out.array(keys.len());
            keys.iter().for_each(|key| out.bytes(key.as_bytes()));
            out.null();
        });
        let answer = self.call(&bytes).await.expect("an answer");
        let mut reader = Reader(&answer);
        assert_eq!((reader.head(), reader.head()), ((4, 2), (5, 1)));
        assert_eq!(reader.text(), "orders");
        let (_, count) = reader.head();
        let mut found: Vec<_> = (0..count / 2).map(|_| (reader.text(), reader.value())).collect();
        found.sort();
        found
    }

    /// Puts items, and deletes those without a value.
    pub(crate) async fn write_many(&mut self, writes: &[(&str, Option<&str>)]) -> Result<Vec<u8>, Vec<i64>> {
        let mut values = Vec::new();
        for (_, value) in writes {
            values.push(match value {
                Some(value) => Some(self.attributes(value).await),
                None => None,
            });
        }
        let bytes = request(BATCH_WRITE, |out| {
            out.map(1);
            out.bytes(b"orders");
            out.array(2 * writes.len());
            for ((key, _), value) in writes.iter().zip(&values) {
                out.bytes(key.as_bytes());
                match value {
                    Some(value) => out.bytes(value),
                    None => out.null(),
                }
            }
            out.null();
        });
        self.call(&bytes).await
    }

    /// Puts items in one transaction, the first one under a condition.
    pub(crate) async fn transact(
        &mut self,
        writes: &[(&str, &str)],
        condition: Option<&[u8]>,
    ) -> Result<Vec<u8>, Vec<i64>> {
        let mut values = Vec::new();
        for (_, value) in writes {
            values.push(self.attributes(value).await);
        }
        let bytes = request(TRANSACT_WRITE, |out| {
            out.array(writes.len());
            writes.iter().for_each(|_| out.integer(2));
            out.array(writes.len());
            writes.iter().for_each(|_| out.bytes(b"orders"));
            out.array(writes.len());
            writes.iter().for_each(|(key, _)| out.bytes(key.as_bytes()));
            out.array(writes.len());
            values.iter().for_each(|value| out.bytes(value));
            out.null();
            out.null();
            match condition {
                Some(condition) => {
                    out.array(writes.len());
                    out.bytes(condition);
                    writes[1..].iter().for_each(|_| out.null());
                }
                None => out.null(),
            }
            out.null();
            out.null();
        });
        self.call(&bytes).await
    }

    /// The value of the only item that a query of this key finds.
    pub(crate) async fn query(&mut self, key: &str) -> Option<String> {
        let bytes = request(QUERY, |out| {
            out.bytes(b"orders");
            out.bytes(&equals("pk", key));
            out.null();
        });
        let answer = self.call(&bytes).await.expect("an answer");
        let mut reader = Reader(&answer);
        assert_eq!(reader.head().0, 5, "a map");
        assert_eq!((reader.head(), reader.head().0), ((0, 7), 4), "a list of items");
        // A pair of a key and an item, or what follows on an empty list.
        if reader.head() != (4, 2) {
            return None;
        }
        assert_eq!(reader.text(), key);
        Some(reader.value())
    }
}
