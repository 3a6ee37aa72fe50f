//! Amazon SNS: topics that fan out to queues, functions, web endpoints and mailboxes.
//!
//! Publishing is one transaction: messages to queues are in the queues once it commits, and every other delivery is a
//! job in it, made by the region's runner with AWS's retry policies (see [`fan_out`]).

mod archive;
mod data_protection;
mod delivery_policy;
mod envelope;
mod errors;
mod expiry;
mod fan_out;
mod feedback;
mod fifo;
mod filter_policy;
mod gateways;
mod inbox;
mod jobs;
mod kms_keys;
mod links;
mod mail;
mod message;
mod ops;
mod push;
mod replay;
mod request_policy;
mod signature;
mod subscription;
mod tables;
mod text_message;
mod throttle;
mod topic;
mod topic_policy;

use std::sync::Arc;

use cloud::{Cloud, HttpEndpoint, PolicyCache, Service};

use filter_policy::FilterPolicies;
use kms_envelope::DataKeys;
use signature::Signer;
use throttle::Throttle;

pub use gateways::Gateways;
pub use inbox::Inbox;
pub use mail::{Config, Encryption, Mail, Smtp};
pub use push::Push;
pub use text_message::TextMessage;

/// SNS as the region's registry wants it.
pub fn service(cloud: Cloud, config: Config) -> Service {
    let sns = Sns::new(cloud, config);
    Service::new(&sns_api::SERVICE, Arc::new(sns), ops::OPERATIONS).wording_its_own_checks()
}

/// The kinds of jobs that deliver to functions, web endpoints and mail servers, log deliveries, replay messages, tidy
/// archives, and take away subscriptions that nobody confirms.
pub fn jobs(cloud: &Cloud, config: Config) -> Vec<clock::JobKind> {
    let sns = Arc::new(Sns::new(cloud.clone(), config));
    vec![
        jobs::kind(Arc::clone(&sns)),
        feedback::kind(Arc::clone(&sns)),
        gateways::kind(Arc::clone(&sns)),
        archive::kind(Arc::clone(&sns)),
        replay::kind(Arc::clone(&sns)),
        expiry::kind(Arc::clone(&sns)),
        data_protection::kind(sns),
    ]
}

/// The links in confirmations and notifications, and `/_brume/mail`: the mail of a region without a mail server.
pub fn endpoint(cloud: Cloud) -> Arc<dyn HttpEndpoint> {
    Arc::new(links::Links { sns: Sns::new(cloud, Config::default()) })
}

/// The mail that a region without a mail server keeps.
pub fn inbox(cloud: &Cloud) -> Inbox {
    Inbox::new(cloud.store().clone())
}

/// What the handlers share. All of it can be rebuilt from the store.
pub(crate) struct Sns {
    pub(crate) cloud: Cloud,
    pub(crate) config: Config,
    pub(crate) policies: PolicyCache,
    pub(crate) filters: FilterPolicies,
    pub(crate) signer: Signer,
    pub(crate) throttle: Throttle,
    pub(crate) data_keys: DataKeys,
    pub(crate) data_protection: data_protection::Policies,
    /// What applications prove themselves with to platforms for push notifications.
    pub(crate) tokens: gateways::Tokens,
}

impl Sns {
    fn new(cloud: Cloud, config: Config) -> Self {
        Self {
            cloud,
            config,
            policies: PolicyCache::default(),
            filters: FilterPolicies::default(),
            signer: Signer::default(),
            throttle: Throttle::default(),
            data_keys: DataKeys::default(),
            data_protection: data_protection::Policies::default(),
            tokens: gateways::Tokens::default(),
        }
    }
}

/// SNS as other services' policies name it.
pub(crate) const PRINCIPAL: &str = "sns.amazonaws.com";
