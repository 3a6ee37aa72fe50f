//! Amazon Resource Names: `arn:partition:service:region:account:resource`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::account::{AccountId, Region};

/// The only partition a region of ours belongs to.
pub const PARTITION: &str = "aws";

/// IAM refuses longer ones.
pub const LONGEST_ARN: usize = 2048;

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidArn {
    #[error("'{0}' is not an ARN: it has to begin with 'arn:'")]
    Prefix(String),
    #[error("'{0}' is not an ARN: it has to have the form arn:partition:service:region:account:resource")]
    Parts(String),
    #[error("an ARN has at most {LONGEST_ARN} characters, this one has {0}")]
    TooLong(usize),
}

/// An ARN of one text, with its parts at hand.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Arn {
    text: String,
    /// Where the partition, service, region and account end.
    ends: [u16; 4],
}

/// The parts of an ARN, borrowed from its text. Region and account may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts<'a> {
    pub partition: &'a str,
    pub service: &'a str,
    pub region: &'a str,
    pub account: &'a str,
    pub resource: &'a str,
}

/// Splits an ARN without an allocation; nothing when the text has no six parts.
pub fn split(text: &str) -> Option<Parts<'_>> {
    let mut parts = text.splitn(6, ':');
    if parts.next() != Some("arn") {
        return None;
    }
    let (partition, service, region) = (parts.next()?, parts.next()?, parts.next()?);
    let (account, resource) = (parts.next()?, parts.next()?);
    Some(Parts { partition, service, region, account, resource })
}

impl Parts<'_> {
    pub fn account_id(&self) -> Option<AccountId> {
        AccountId::parse(self.account)
    }
}

impl Arn {
    /// An ARN of ours in partition `aws`. Global services give no region, S3 buckets neither region nor account.
    pub fn new(service: &str, region: Option<Region>, account: Option<AccountId>, resource: &str) -> Self {
        let region = region.as_ref().map(Region::as_str).unwrap_or_default();
        let digits = account.map(AccountId::digits);
        let account = digits.as_ref().map(|digits| digits.as_str()).unwrap_or_default();
        let text = format!("arn:{PARTITION}:{service}:{region}:{account}:{resource}");
        let partition_end = "arn:".len() + PARTITION.len();
        let service_end = partition_end + 1 + service.len();
        let region_end = service_end + 1 + region.len();
        let account_end = region_end + 1 + account.len();
        let ends = [partition_end, service_end, region_end, account_end].map(|end| end as u16);
        Self { text, ends }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn into_string(self) -> String {
        self.text
    }

    pub fn partition(&self) -> &str {
        self.between("arn:".len(), 0)
    }

    pub fn service(&self) -> &str {
        self.between(self.end(0) + 1, 1)
    }

    /// Empty for global resources.
    pub fn region(&self) -> &str {
        self.between(self.end(1) + 1, 2)
    }

    /// As written: empty for S3 buckets, `aws` for AWS's own managed policies.
    pub fn account(&self) -> &str {
        self.between(self.end(2) + 1, 3)
    }

    pub fn account_id(&self) -> Option<AccountId> {
        AccountId::parse(self.account())
    }

    /// Everything after the fifth colon.
    pub fn resource(&self) -> &str {
        self.text.get(self.end(3) + 1..).unwrap_or_default()
    }

    /// The resource's type, when it is written `type/id` or `type:id`.
    pub fn resource_type(&self) -> Option<&str> {
        self.resource().split_once(['/', ':']).map(|(kind, _)| kind)
    }

    /// The resource without its type; the whole resource when it has none.
    pub fn resource_id(&self) -> &str {
        self.resource().split_once(['/', ':']).map_or(self.resource(), |(_, id)| id)
    }

    fn end(&self, part: usize) -> usize {
        usize::from(self.ends[part])
    }

    fn between(&self, start: usize, part: usize) -> &str {
        self.text.get(start..self.end(part)).unwrap_or_default()
    }
}

impl FromStr for Arn {
    type Err = InvalidArn;

    /// Partition, service and resource must be there; region and account may be empty.
    fn from_str(text: &str) -> Result<Self, InvalidArn> {
        if text.len() > LONGEST_ARN {
            return Err(InvalidArn::TooLong(text.len()));
        }
        if !text.starts_with("arn:") {
            return Err(InvalidArn::Prefix(text.to_owned()));
        }
        let parts = split(text).ok_or_else(|| InvalidArn::Parts(text.to_owned()))?;
        if parts.partition.is_empty() || parts.service.is_empty() || parts.resource.is_empty() {
            return Err(InvalidArn::Parts(text.to_owned()));
        }
        let mut end = "arn".len();
        let ends = [parts.partition, parts.service, parts.region, parts.account].map(|part| {
            end += 1 + part.len();
            end as u16
        });
        Ok(Self { text: text.to_owned(), ends })
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl AsRef<str> for Arn {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl Serialize for Arn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Arn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: [&str; 5]) {
        let arn: Arn = text.parse().unwrap();
        let parts = [arn.partition(), arn.service(), arn.region(), arn.account(), arn.resource()];
        assert_eq!(parts, expected, "{text}");
        assert_eq!(arn.to_string(), text);
    }

    #[test]
    fn arns_have_six_parts() {
        check("arn:aws:sqs:us-east-1:123456789012:q", ["aws", "sqs", "us-east-1", "123456789012", "q"]);
        check("arn:aws:s3:::bucket/a:b", ["aws", "s3", "", "", "bucket/a:b"]);
        check("arn:aws:iam::aws:policy/ReadOnlyAccess", ["aws", "iam", "", "aws", "policy/ReadOnlyAccess"]);
        check("arn:aws:lambda:eu-west-1:1:function:f:3", ["aws", "lambda", "eu-west-1", "1", "function:f:3"]);
    }

    #[test]
    fn what_is_not_an_arn_says_so() {
        for wrong in ["", "arn", "arn:", "arn:aws:s3", "arn:aws:s3:::", "arn::s3:::b", "urn:aws:s3:::b"] {
            assert!(wrong.parse::<Arn>().is_err(), "{wrong}");
        }
        assert!(matches!("x".repeat(3000).parse::<Arn>(), Err(InvalidArn::TooLong(3000))));
    }

    #[test]
    fn made_arns_are_as_read_ones() {
        let account = AccountId::from_number(123_456_789_012);
        let made = Arn::new("sqs", Some(Region::US_EAST_1), account, "orders");
        assert_eq!(made, "arn:aws:sqs:us-east-1:123456789012:orders".parse().unwrap());
        assert_eq!(made.account_id(), account);
        let bucket = Arn::new("s3", None, None, "bucket");
        assert_eq!((bucket.as_str(), bucket.resource()), ("arn:aws:s3:::bucket", "bucket"));
    }

    #[test]
    fn resources_have_types() {
        let role: Arn = "arn:aws:iam::123456789012:role/team/app".parse().unwrap();
        assert_eq!((role.resource_type(), role.resource_id()), (Some("role"), "team/app"));
        let queue: Arn = "arn:aws:sqs:us-east-1:123456789012:q".parse().unwrap();
        assert_eq!((queue.resource_type(), queue.resource_id()), (None, "q"));
    }
}
