//! Checksums of objects: what the client says its bytes have, and what they are found to have (S3 User Guide, "Checking
//! object integrity in Amazon S3").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use shapes::{ApiError, Struct};

use crate::errors;
use crate::fields::{Fields, FieldsMut};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
    Sha512,
    Md5,
}

use Algorithm::{Crc32, Crc32c, Crc64Nvme};

const ALL: [Algorithm; 7] =
    [Crc32, Crc32c, Crc64Nvme, Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512, Algorithm::Md5];

/// Of the whole object, or of its parts' checksums in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    FullObject,
    Composite,
}

/// A checksum that was computed from the bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksum {
    pub algorithm: Algorithm,
    pub kind: Kind,
    pub value: Vec<u8>,
    /// How many parts a composite one is made of.
    pub parts: u16,
}

impl Algorithm {
    /// The model's name: `CRC64NVME`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Crc32 => "CRC32",
            Crc32c => "CRC32C",
            Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
            Self::Md5 => "MD5",
        }
    }

    pub(crate) fn member(self) -> &'static str {
        match self {
            Crc32 => "ChecksumCRC32",
            Crc32c => "ChecksumCRC32C",
            Crc64Nvme => "ChecksumCRC64NVME",
            Self::Sha1 => "ChecksumSHA1",
            Self::Sha256 => "ChecksumSHA256",
            Self::Sha512 => "ChecksumSHA512",
            Self::Md5 => "ChecksumMD5",
        }
    }

    pub(crate) fn parse(name: &str) -> Result<Self, ApiError> {
        let known = ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name));
        known.ok_or_else(|| match name {
            "XXHASH64" | "XXHASH3" | "XXHASH128" => errors::not_here_yet(&format!("The checksum {name}")),
            _ => {
                let message = "Checksum algorithm provided is unsupported. Please try again with any of the valid \
                               types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]";
                errors::invalid_request(message)
            }
        })
    }

    /// The algorithm of a trailer or header: `x-amz-checksum-crc32`.
    pub(crate) fn of_header(name: &str) -> Option<Self> {
        let name = name.strip_prefix("x-amz-checksum-")?;
        ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// What a multipart upload has that says nothing of it: parts of cyclic codes can be combined.
    pub(crate) fn default_kind(self) -> Kind {
        if self == Crc64Nvme { Kind::FullObject } else { Kind::Composite }
    }

    /// Whether the checksums of parts can be combined to that of the whole.
    pub(crate) fn combines(self) -> bool {
        matches!(self, Crc32 | Crc32c | Crc64Nvme)
    }

    fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            _ => None,
        }
    }

    fn length(self) -> usize {
        match self {
            Crc32 | Crc32c => 4,
            Crc64Nvme => 8,
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// The checksum of a whole from those of its parts and their lengths, in order.
    pub(crate) fn combine<'a>(self, parts: impl Iterator<Item = (&'a [u8], u64)>) -> Option<Vec<u8>> {
        let crc = self.crc()?;
        let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let mut whole = None;
        for (value, length) in parts {
            let value = number(value);
            whole = Some(match whole {
                None => value,
                Some(whole) => crc_fast::checksum_combine(crc, whole, value, length),
            });
        }
        Some(crc_bytes(self, whole.unwrap_or(0)))
    }
}

fn crc_bytes(algorithm: Algorithm, value: u64) -> Vec<u8> {
    value.to_be_bytes()[8 - algorithm.length()..].to_vec()
}

/// What computes a checksum.
pub(crate) enum Hasher {
    Crc(Algorithm, crc_fast::Digest),
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
    Md5(Md5),
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match (algorithm, algorithm.crc()) {
            (_, Some(crc)) => Self::Crc(algorithm, crc_fast::Digest::new(crc)),
            (Algorithm::Sha1, _) => Self::Sha1(Sha1::new()),
            (Algorithm::Sha512, _) => Self::Sha512(Sha512::new()),
            (Algorithm::Md5, _) => Self::Md5(Md5::new()),
            (_, None) => Self::Sha256(Sha256::new()),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc(_, digest) => digest.update(bytes),
            Self::Sha1(hash) => hash.update(bytes),
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha512(hash) => hash.update(bytes),
            Self::Md5(hash) => hash.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        match self {
            Self::Crc(algorithm, digest) => crc_bytes(algorithm, digest.finalize()),
            Self::Sha1(hash) => hash.finalize().to_vec(),
            Self::Sha256(hash) => hash.finalize().to_vec(),
            Self::Sha512(hash) => hash.finalize().to_vec(),
            Self::Md5(hash) => hash.finalize().to_vec(),
        }
    }
}

pub(crate) fn of(algorithm: Algorithm, bytes: &[u8]) -> Vec<u8> {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}

impl Checksum {
    pub(crate) fn full(algorithm: Algorithm, value: Vec<u8>) -> Self {
        Self { algorithm, kind: Kind::FullObject, value, parts: 0 }
    }

    /// `CRC...==`, or `CRC...==-3` of three parts.
    pub(crate) fn text(&self) -> String {
        let value = STANDARD.encode(&self.value);
        match self.kind {
            Kind::FullObject => value,
            Kind::Composite => format!("{value}-{}", self.parts),
        }
    }

    pub(crate) fn write(&self, output: &mut dyn Struct) {
        let mut fields = FieldsMut(output);
        fields.text(self.algorithm.member(), Some(self.text()));
        fields.text("ChecksumType", Some(self.kind.name()));
    }
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FullObject => "FULL_OBJECT",
            Self::Composite => "COMPOSITE",
        }
    }

    pub(crate) fn parse(name: &str) -> Result<Self, ApiError> {
        match name {
            "FULL_OBJECT" => Ok(Self::FullObject),
            "COMPOSITE" => Ok(Self::Composite),
            _ => Err(errors::invalid_request("Value for x-amz-checksum-type header is invalid.")),
        }
    }
}

/// What the client says of the bytes that it sends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    pub md5: Option<[u8; 16]>,
    /// The algorithm that the client chose, with its value unless that is to come in a trailer.
    pub checksum: Option<(Algorithm, Option<Vec<u8>>)>,
}

impl Expected {
    pub(crate) fn read(input: &dyn Struct) -> Result<Self, ApiError> {
        let fields = Fields(input);
        let md5 = fields.text("ContentMD5").map(parse_md5).transpose()?;
        let named = fields.text("ChecksumAlgorithm").map(Algorithm::parse).transpose()?;
        let given = given(input)?;
        let trailers = fields.text("AnnouncedTrailer").unwrap_or_default();
        let announced =
            trailers.split(',').find_map(|name| Algorithm::of_header(&name.trim().to_ascii_lowercase()));
        let checksum = match (given, named) {
            (Some((algorithm, _)), Some(named)) if algorithm != named => {
                let message = "Value for x-amz-sdk-checksum-algorithm header is invalid.";
                return Err(errors::invalid_request(message));
            }
            (Some((algorithm, value)), _) => Some((algorithm, Some(value))),
            (None, named) => announced.or(named).map(|algorithm| (algorithm, None)),
        };
        Ok(Self { md5, checksum })
    }
}

/// The one checksum that a message carries in its members.
pub(crate) fn given(input: &dyn Struct) -> Result<Option<(Algorithm, Vec<u8>)>, ApiError> {
    let fields = Fields(input);
    let mut given = None;
    for algorithm in ALL {
        let Some(text) = fields.text(algorithm.member()) else { continue };
        if given.replace((algorithm, parse(algorithm, text)?)).is_some() {
            let message =
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.";
            return Err(errors::invalid_request(message));
        }
    }
    Ok(given)
}

pub(crate) fn parse(algorithm: Algorithm, text: &str) -> Result<Vec<u8>, ApiError> {
    let value = STANDARD.decode(text.trim()).ok().filter(|value| value.len() == algorithm.length());
    value.ok_or_else(|| {
        let name = algorithm.name().to_ascii_lowercase();
        errors::invalid_request(format!("Value for x-amz-checksum-{name} header is invalid."))
    })
}

pub(crate) fn parse_md5(text: &str) -> Result<[u8; 16], ApiError> {
    let digest = STANDARD.decode(text.trim()).ok().and_then(|digest| digest.try_into().ok());
    digest.ok_or_else(|| errors::invalid_digest(text))
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.trim()).ok()
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{ALL, Algorithm, base64, of};

    #[test]
    fn checksums_are_those_of_the_catalogue() {
        for (algorithm, expected) in [(Algorithm::Crc32, "y/Q5Jg=="), (Algorithm::Crc32c, "4waSgw==")] {
            assert_eq!(base64(&of(algorithm, b"123456789")), expected, "{algorithm:?}");
        }
        // CRC-64/NVME: check value ae8b14860a799888.
        assert_eq!(of(Algorithm::Crc64Nvme, b"123456789"), 0xAE8B_1486_0A79_9888_u64.to_be_bytes());
    }

    #[test]
    fn parts_combine_to_the_whole() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|n| (n * 7 % 253) as u8).collect();
        let (one, rest) = bytes.split_at(33_333);
        let (two, three) = rest.split_at(1);
        for algorithm in ALL.into_iter().filter(|algorithm| algorithm.combines()) {
            let sums: Vec<_> = [one, two, three].map(|part| (of(algorithm, part), part.len() as u64)).into();
            let whole = algorithm.combine(sums.iter().map(|(sum, length)| (sum.as_slice(), *length)));
            assert_eq!(whole, Some(of(algorithm, &bytes)), "{algorithm:?}");
        }
        assert_eq!(Algorithm::Sha256.combine(std::iter::empty()), None);
    }
}
