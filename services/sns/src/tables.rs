//! Everything SNS stores.

use shapes::Timestamp;
use store::Table;

use crate::archive::{Archive, Archived};
use crate::expiry::Ended;
use crate::fifo::{Original, SequenceEnd};
use crate::gateways::SealedSecrets;
use crate::inbox::InboxEnd;
use crate::mail::Mail;
use crate::push::{Application, Endpoint, EndpointId, Push};
use crate::replay::Replay;
use crate::signature::Identity;
use crate::subscription::{Subscription, SubscriptionId};
use crate::text_message::{OptOut, Preferences, SandboxNumber, TextMessage};
use crate::topic::{DataProtectionPolicy, Topic};

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

/// Subscriptions that ended and can be restored, by topic and id.
pub(crate) const ENDED: Table<(String, String), Ended> = Table::new("sns/ended-subscription");

/// Archives of FIFO topics, by topic.
pub(crate) const ARCHIVES: Table<String, Archive> = Table::new("sns/archive");

/// Their messages, by archive, by when they were kept, and by their numbers.
pub(crate) const ARCHIVED: Table<(u64, Timestamp, u64), Archived> = Table::new("sns/archived");

/// Replays, by topic and subscription.
pub(crate) const REPLAYS: Table<(String, String), Replay> = Table::new("sns/replay");

/// Data protection policies of topics.
pub(crate) const DATA_PROTECTION: Table<String, DataProtectionPolicy> = Table::new("sns/data-protection");

/// Text messages, as [`MAIL`].
pub(crate) const TEXT_MESSAGES: Table<(u64, u64), TextMessage> = Table::new("sns/text-message");
pub(crate) const TEXT_MESSAGE_ENDS: Table<u64, InboxEnd> = Table::new("sns/text-message-end");

/// Push notifications, as [`MAIL`].
pub(crate) const PUSHES: Table<(u64, u64), Push> = Table::new("sns/push");
pub(crate) const PUSH_ENDS: Table<u64, InboxEnd> = Table::new("sns/push-end");

/// What an account prefers for its text messages, under one key.
pub(crate) const SMS_PREFERENCES: Table<String, Preferences> = Table::new("sns/sms-preferences");

/// Who wants no text messages, by phone number.
pub(crate) const OPT_OUTS: Table<String, OptOut> = Table::new("sns/opt-out");

/// Phone numbers of the SMS sandbox.
pub(crate) const SANDBOX_NUMBERS: Table<String, SandboxNumber> = Table::new("sns/sandbox-number");

/// Applications on platforms for push notifications, by platform and name: `GCM/shop`.
pub(crate) const APPLICATIONS: Table<String, Application> = Table::new("sns/application");

/// Their secrets.
pub(crate) const APPLICATION_SECRETS: Table<String, SealedSecrets> = Table::new("sns/application-secrets");

/// Their devices, by application and id.
pub(crate) const PLATFORM_ENDPOINTS: Table<(String, String), Endpoint> = Table::new("sns/platform-endpoint");

/// Ids of devices by application and token, of which there is one at most.
pub(crate) const ENDPOINT_TOKENS: Table<(String, String), EndpointId> = Table::new("sns/endpoint-token");
