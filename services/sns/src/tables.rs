//! Everything SNS stores.

use store::Table;

use crate::mail::{InboxEnd, Mail};
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
