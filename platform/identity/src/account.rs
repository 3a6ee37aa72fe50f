//! The two halves of a tenant: the account and the region.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// An AWS account's number: twelve decimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct AccountId(u64);

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("an account id is twelve decimal digits, got '{0}'")]
pub struct InvalidAccountId(pub String);

impl AccountId {
    /// The account of callers with undeclared keys: 000000000000.
    pub const DEFAULT: Self = Self(0);

    /// The account numbered so, or nothing when the number has more than twelve digits.
    pub const fn from_number(number: u64) -> Option<Self> {
        if number < 1_000_000_000_000 { Some(Self(number)) } else { None }
    }

    pub const fn number(self) -> u64 {
        self.0
    }

    /// Reads twelve digits without keeping the text on failure.
    pub fn parse(text: &str) -> Option<Self> {
        let is_number = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        if is_number { text.parse().ok().map(Self) } else { None }
    }

    /// The twelve digits, without an allocation.
    pub fn digits(self) -> AccountDigits {
        let mut digits = [b'0'; 12];
        let mut rest = self.0;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        AccountDigits(digits)
    }

    /// The account's root as a principal: `arn:aws:iam::123456789012:root`.
    pub fn root_arn(self) -> String {
        format!("arn:aws:iam::{self}:root")
    }

    /// The obfuscated id by which S3 names an account in ACLs and in `CanonicalUser` principals: 64 hex digits.
    /// AWS assigns it; here it follows from the number, so that it needs no storage.
    pub fn canonical_user_id(self) -> String {
        let digest = Sha256::digest(format!("canonical user {self}"));
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// An account's number as text on the stack.
#[derive(Clone, Copy)]
pub struct AccountDigits([u8; 12]);

impl AccountDigits {
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.digits().as_str())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AccountId {
    type Err = InvalidAccountId;

    fn from_str(text: &str) -> Result<Self, InvalidAccountId> {
        Self::parse(text).ok_or_else(|| InvalidAccountId(text.to_owned()))
    }
}

impl Serialize for AccountId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.digits().as_str())
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The most letters a region's name may have here; AWS's longest has fourteen.
const LONGEST_REGION: usize = 23;

/// A region's name, such as `us-east-1`. Its shape is checked, not its existence: see [`Region::is_known`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region {
    bytes: [u8; LONGEST_REGION],
    length: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("'{0}' is not a region's name; one looks like us-east-1")]
pub struct InvalidRegion(pub String);

impl Region {
    pub const US_EAST_1: Self = Self { bytes: *b"us-east-1\0\0\0\0\0\0\0\0\0\0\0\0\0\0", length: 9 };

    /// Reads a name of the shape `us-east-1`: words of small letters, then a number.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST_REGION || !has_region_shape(text) {
            return None;
        }
        let mut bytes = [0; LONGEST_REGION];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Some(Self { bytes, length: text.len() as u8 })
    }

    /// The region of AWS's with this name.
    pub fn known(text: &str) -> Option<Self> {
        // Names are of three words, and few regions share their first and last letters.
        let (first, last) = (text.as_bytes().first()?, text.as_bytes().last()?);
        let is_it = |name: &&&str| {
            let bytes = name.as_bytes();
            bytes.len() == text.len()
                && bytes[0] == *first
                && bytes[bytes.len() - 1] == *last
                && **name == text
        };
        let name = KNOWN_REGIONS.iter().find(is_it)?;
        let mut bytes = [0; LONGEST_REGION];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        Some(Self { bytes, length: name.len() as u8 })
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }

    /// Whether AWS has a region of this name.
    pub fn is_known(&self) -> bool {
        KNOWN_REGIONS.binary_search(&self.as_str()).is_ok()
    }
}

fn has_region_shape(text: &str) -> bool {
    let mut words = text.split('-');
    let Some(number) = words.next_back() else { return false };
    let is_number = matches!(number.len(), 1 | 2) && number.bytes().all(|b| b.is_ascii_digit());
    let mut count = 0;
    for word in words {
        let is_word = word.len() >= 2 && word.bytes().all(|b| b.is_ascii_lowercase());
        if !is_word {
            return false;
        }
        count += 1;
    }
    is_number && count >= 2
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Region {
    type Err = InvalidRegion;

    fn from_str(text: &str) -> Result<Self, InvalidRegion> {
        Self::parse(text).ok_or_else(|| InvalidRegion(text.to_owned()))
    }
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// AWS's regions in all partitions, sorted.
pub const KNOWN_REGIONS: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-isoe-west-1",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
    "us-west-1",
    "us-west-2",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_have_twelve_digits() {
        assert_eq!("000000000042".parse::<AccountId>().unwrap().to_string(), "000000000042");
        for wrong in ["", "42", "1234567890123", "12345678901a", "+23456789012", "１23456789012"] {
            assert!(wrong.parse::<AccountId>().is_err(), "{wrong}");
        }
        assert_eq!(AccountId::from_number(1_000_000_000_000), None);
        assert_eq!(AccountId::from_number(7).unwrap().root_arn(), "arn:aws:iam::000000000007:root");
        assert_eq!(AccountId::DEFAULT.canonical_user_id().len(), 64);
    }

    #[test]
    fn accounts_are_strings_in_serde() {
        let account = AccountId::from_number(123_456_789_012).unwrap();
        let json = serde_json::to_string(&account).unwrap();
        assert_eq!(json, "\"123456789012\"");
        assert_eq!(serde_json::from_str::<AccountId>(&json).unwrap(), account);
        assert!(serde_json::from_str::<AccountId>("\"12\"").is_err());
    }

    #[test]
    fn regions_have_a_shape_and_some_are_known() {
        for known in KNOWN_REGIONS {
            let region: Region = known.parse().unwrap();
            assert!(region.is_known() && region.as_str() == *known, "{known}");
            assert_eq!(Region::known(known), Some(region));
        }
        assert!(!Region::parse("us-nowhere-9").unwrap().is_known());
        assert_eq!(Region::known("us-nowhere-9"), None);
        assert_eq!(Region::known(""), None);
        for wrong in ["", "us", "us-east", "us-east-", "US-east-1", "us-east-123", "us--east-1", "us_east_1"]
        {
            assert!(Region::parse(wrong).is_none(), "{wrong}");
        }
        assert_eq!(Region::parse("us-east-1").unwrap(), Region::US_EAST_1);
    }
}
