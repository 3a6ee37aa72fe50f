//! A queue: its row, its name and its URL.

use std::collections::BTreeMap;

use identity::AccountId;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};

use crate::attributes::{Attributes, AttributesV1, AttributesV2};
use crate::errors;

/// A queue's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Queue {
    pub name: String,
    /// Distinguishes a queue from an earlier one of the same name: messages lie under it.
    pub id: u64,
    pub created: Timestamp,
    pub modified: Timestamp,
    pub last_purged: Option<Timestamp>,
    /// Messages with a lower place were purged.
    pub purged: u64,
    pub attributes: Attributes,
    pub tags: BTreeMap<String, String>,
}

store::row!(Queue, 3, QueueV2);

/// A queue before there were KMS keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct QueueV2 {
    name: String,
    id: u64,
    created: Timestamp,
    modified: Timestamp,
    last_purged: Option<Timestamp>,
    purged: u64,
    attributes: AttributesV2,
    tags: BTreeMap<String, String>,
}

store::row!(QueueV2, 2, QueueV1);

impl From<QueueV2> for Queue {
    fn from(queue: QueueV2) -> Self {
        let QueueV2 { name, id, created, modified, last_purged, purged, attributes, tags } = queue;
        Self { name, id, created, modified, last_purged, purged, attributes: attributes.into(), tags }
    }
}

/// A queue before there were FIFO queues.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct QueueV1 {
    name: String,
    id: u64,
    created: Timestamp,
    modified: Timestamp,
    last_purged: Option<Timestamp>,
    attributes: AttributesV1,
    tags: BTreeMap<String, String>,
}

store::row!(QueueV1, 1);

impl From<QueueV1> for QueueV2 {
    fn from(queue: QueueV1) -> Self {
        let QueueV1 { name, id, created, modified, last_purged, attributes, tags } = queue;
        Self { name, id, created, modified, last_purged, purged: 0, attributes: attributes.into(), tags }
    }
}

/// What the name of a FIFO queue ends with.
const FIFO_SUFFIX: &str = ".fifo";

/// A valid queue name: 1 to 80 letters, digits, hyphens or underscores, with the suffix of FIFO queues within.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueueName(pub String);

impl QueueName {
    /// Reads the name of a queue that is to be made.
    pub(crate) fn parse(name: &str, is_fifo: bool) -> Result<Self, ApiError> {
        let stem = if is_fifo { name.strip_suffix(FIFO_SUFFIX) } else { Some(name) };
        let is_valid = (1..=80).contains(&name.len())
            && stem.is_some_and(|stem| {
                !stem.is_empty()
                    && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            });
        match (is_valid, is_fifo) {
            (true, _) => Ok(Self(name.to_owned())),
            (false, true) => Err(errors::invalid_fifo_queue_name()),
            (false, false) => Err(errors::invalid_queue_name()),
        }
    }
}

/// A queue as a URL names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueueUrl {
    pub account: AccountId,
    pub name: String,
}

impl QueueUrl {
    /// Reads the account and name at the end of a queue URL, whatever host it has. A bare name means `account`'s own.
    pub(crate) fn parse(url: &str, account: AccountId) -> Result<Self, ApiError> {
        if url.is_empty() {
            return Err(errors::missing_parameter("QueueUrl"));
        }
        let mut segments = url.trim_end_matches('/').rsplit('/');
        let name = segments.next().unwrap_or_default().to_owned();
        let owner = match segments.next() {
            Some(owner) if owner.len() == 12 => {
                AccountId::parse(owner).ok_or_else(errors::queue_does_not_exist)?
            }
            None | Some(_) if !url.contains("://") => account,
            _ => return Err(errors::queue_does_not_exist()),
        };
        Ok(Self { account: owner, name })
    }
}

/// `arn:aws:sqs:us-east-1:123456789012:orders`
pub(crate) fn arn(region: identity::Region, account: AccountId, name: &str) -> String {
    format!("arn:aws:sqs:{}:{account}:{name}", region.as_str())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use identity::AccountId;
    use shapes::Timestamp;
    use store::Row;

    use super::{Queue, QueueName, QueueUrl, QueueV1, QueueV2};
    use crate::attributes::{AttributesV1, AttributesV2};

    #[test]
    fn names_and_urls_are_read() {
        assert!(QueueName::parse("orders-1_a", false).is_ok());
        for bad in ["", "a b", "a.b", "a.fifo", &"x".repeat(81)] {
            assert!(QueueName::parse(bad, false).is_err(), "{bad}");
        }
        assert!(QueueName::parse("orders.fifo", true).is_ok());
        for bad in ["orders", ".fifo", "a.b.fifo", &format!("{}.fifo", "x".repeat(76))] {
            assert!(QueueName::parse(bad, true).is_err(), "{bad}");
        }
        let own = AccountId::parse("000000000000").unwrap();
        let other = AccountId::parse("123456789012").unwrap();
        for (url, account) in [
            ("http://127.0.0.1:4566/123456789012/orders", Some(other)),
            ("https://sqs.us-east-1.amazonaws.com/123456789012/orders", Some(other)),
            ("orders", Some(own)),
            ("http://127.0.0.1:4566/orders", None),
        ] {
            assert_eq!(QueueUrl::parse(url, own).ok().map(|url| url.account), account, "{url}");
        }
    }

    #[test]
    fn queues_of_earlier_versions_are_read() {
        let old = QueueV1 {
            name: "orders".to_owned(),
            id: 1,
            created: Timestamp::EPOCH,
            modified: Timestamp::EPOCH,
            last_purged: None,
            attributes: AttributesV1::default(),
            tags: BTreeMap::new(),
        };
        let mut row = Vec::new();
        old.encode(&mut row);
        let read = Queue::decode(&row).unwrap();
        assert_eq!((read.id, read.purged), (1, 0));
        assert_eq!(read.attributes, AttributesV2::from(AttributesV1::default()).into());
        let second = QueueV2::from(old);
        row.clear();
        second.encode(&mut row);
        assert_eq!(row[0], 2);
        assert_eq!(Queue::decode(&row).unwrap(), second.into());
    }
}
