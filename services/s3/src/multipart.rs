//! Uploads in parts: what is stored of them.

use identity::AccountId;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};

use crate::checksum::{Algorithm, Checksum, Kind};
use crate::errors;
use crate::object::{Content, Version};

/// The smallest part but for the last (S3 User Guide, "Amazon S3 multipart upload limits").
pub(crate) const LEAST_PART_BYTES: u64 = 5 * 1024 * 1024;
pub(crate) const MOST_PARTS: i32 = 10_000;
/// The largest object.
pub(crate) const MOST_OBJECT_BYTES: u64 = 50 * 1024 * 1024 * 1024 * 1024;

/// An upload under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub initiated: Timestamp,
    pub initiator: AccountId,
    /// The object that it is to become, without bytes.
    pub version: Version,
    /// The checksum that was chosen; without one, parts have the usual one and the whole has it too.
    pub checksum: Option<(Algorithm, Kind)>,
}

store::row!(Upload, 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub size: u64,
    pub md5: [u8; 16],
    pub checksum: Checksum,
    pub content: Content,
    pub modified: Timestamp,
}

store::row!(Part, 1);

/// The parts that an object consists of, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub parts: Vec<Piece>,
}

store::row!(Manifest, 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Piece {
    pub number: u16,
    pub size: u64,
    pub content: Content,
    /// The part's checksum, in the object's algorithm.
    pub checksum: Option<Vec<u8>>,
}

/// An upload's id as clients have it.
pub(crate) fn id_text(id: u128) -> String {
    format!("{id:032x}")
}

pub(crate) fn parse_id(text: &str) -> Result<u128, ApiError> {
    let is_id = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u128::from_str_radix(text, 16).ok().filter(|_| is_id).ok_or_else(|| errors::no_such_upload(text))
}

pub(crate) fn part_number(number: i32) -> Result<u16, ApiError> {
    if !(1..=MOST_PARTS).contains(&number) {
        let message = format!("Part number must be an integer between 1 and {MOST_PARTS}, inclusive");
        return Err(errors::invalid_argument("partNumber", &number.to_string(), message));
    }
    u16::try_from(number).map_err(ApiError::internal)
}

impl Upload {
    /// The algorithm of its parts.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.checksum.map_or(Algorithm::Crc64Nvme, |(algorithm, _)| algorithm)
    }

    pub(crate) fn kind(&self) -> Kind {
        self.checksum.map_or(Kind::FullObject, |(_, kind)| kind)
    }
}
