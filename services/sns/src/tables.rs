//! Everything SNS stores.

use shapes::Timestamp;
use store::Table;

use crate::fifo::{Original, SequenceEnd};
use crate::mail::{InboxEnd, Mail};
use crate::signature::Identity;
use crate::subscription::{Subscription, SubscriptionId};
use crate::topic::Topic;

/// Topics by name.
pub(crate) const TOPICS: Table<String, Topic> = Table::new("sns/topic");

/// Subscriptions by their topic's name and their id. They lie with the topic, whoever owns them.
pub(crate) const SUBSCRIPTIONS: Table<(String, String), Subscription> = Table::new("sns/subscription");

/// Ids of subscriptions by topic, protocol and endpoint, of which there is one at most.
pub(crate) const ENDPOINTS: Table<(String, String, String), SubscriptionId> = Table::new("sns/endpoint");

/// Mail of a region without a mail server, by account number and by its number in the account. In the global scope.
pub(crate) const MAIL: Table<(u64, u64), Mail> = Table::new("sns/mail");

/// The number that an account's next mail gets.
pub(crate) const INBOX_ENDS: Table<u64, InboxEnd> = Table::new("sns/inbox-end");

/// The key that signs the region's messages, with its certificate. In the global scope, under one key.
pub(crate) const IDENTITIES: Table<String, Identity> = Table::new("sns/identity");

/// The numbers of FIFO topics' latest messages, by topic.
pub(crate) const SEQUENCES: Table<String, SequenceEnd> = Table::new("sns/sequence");

/// Messages that later ones with the same deduplication id are taken for, by topic and id.
pub(crate) const ORIGINALS: Table<(String, String), Original> = Table::new("sns/original");

/// When those are forgotten: by topic, time and id.
pub(crate) const EXPIRIES: Table<(String, Timestamp, String), ()> = Table::new("sns/original-expiry");
