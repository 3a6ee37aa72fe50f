//! Rows as versioned bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a table holds under a key. The first byte on disk is the version of the encoding, so that a row that has
/// shipped is never misread: the next version reads the previous one.
pub trait Row: Sized {
    fn encode(&self, out: &mut Vec<u8>);
    fn decode(bytes: &[u8]) -> Result<Self, RowError>;
}

#[derive(Debug, thiserror::Error)]
pub enum RowError {
    #[error("the row has version {found}, and this program knows {known} and older ones")]
    UnknownVersion { found: u8, known: u8 },
    #[error("the row is empty")]
    Empty,
    #[error("the row's bytes are damaged: {0}")]
    Damaged(String),
}

/// Makes a serde type a row in postcard's encoding. `row!(Queue, 1)` for the first version; for a later one
/// `row!(Queue, 2, QueueV1)`, where `Queue: From<QueueV1>` and `QueueV1` is itself a row of the version before.
#[macro_export]
macro_rules! row {
    ($type:ty, $version:literal) => {
        impl $crate::Row for $type {
            fn encode(&self, out: &mut Vec<u8>) {
                $crate::encode_postcard($version, self, out);
            }
            fn decode(bytes: &[u8]) -> Result<Self, $crate::RowError> {
                $crate::decode_postcard($version, bytes)
            }
        }
    };
    ($type:ty, $version:literal, $previous:ty) => {
        impl $crate::Row for $type {
            fn encode(&self, out: &mut Vec<u8>) {
                $crate::encode_postcard($version, self, out);
            }
            fn decode(bytes: &[u8]) -> Result<Self, $crate::RowError> {
                match bytes.first() {
                    Some(version) if *version < $version => {
                        <$previous as $crate::Row>::decode(bytes).map(Self::from)
                    }
                    _ => $crate::decode_postcard($version, bytes),
                }
            }
        }
    };
}

#[doc(hidden)]
pub fn encode_postcard<T: Serialize>(version: u8, row: &T, out: &mut Vec<u8>) {
    out.push(version);
    let written = postcard::to_io(row, &mut *out);
    assert!(written.is_ok(), "rows are plain data, which postcard can always write to memory");
}

#[doc(hidden)]
pub fn decode_postcard<T: DeserializeOwned>(known: u8, bytes: &[u8]) -> Result<T, RowError> {
    match bytes.split_first() {
        None => Err(RowError::Empty),
        Some((version, body)) if *version == known => {
            postcard::from_bytes(body).map_err(|error| RowError::Damaged(error.to_string()))
        }
        Some((&found, _)) => Err(RowError::UnknownVersion { found, known }),
    }
}

/// A row that says nothing beyond being there: the entries of indexes.
impl Row for () {
    fn encode(&self, _: &mut Vec<u8>) {}
    fn decode(_: &[u8]) -> Result<Self, RowError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::{Row, RowError};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct First {
        name: String,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Second {
        name: String,
        is_fifo: bool,
    }

    impl From<First> for Second {
        fn from(first: First) -> Self {
            Self { name: first.name, is_fifo: false }
        }
    }

    crate::row!(First, 1);
    crate::row!(Second, 2, First);

    #[test]
    fn a_later_version_reads_an_earlier_one_and_not_the_other_way_round() {
        let mut old = Vec::new();
        First { name: "orders".to_owned() }.encode(&mut old);
        assert_eq!(Second::decode(&old).unwrap(), Second { name: "orders".to_owned(), is_fifo: false });
        let mut new = Vec::new();
        Second { name: "orders".to_owned(), is_fifo: true }.encode(&mut new);
        assert!(matches!(First::decode(&new), Err(RowError::UnknownVersion { found: 2, known: 1 })));
        assert!(matches!(Second::decode(&[]), Err(RowError::Empty)));
    }
}
