//! Data protection: what a topic's policy does about personal data in its messages (Developer Guide, "Amazon SNS message
//! data protection").
//!
//! Inbound statements act on a message before anything of it is kept; outbound ones on what each subscription gets.
//! The engine `sensitive_data` finds the data.

pub(crate) mod audit;
mod enforcement;
mod policy;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cloud::Ctx;
use shapes::ApiError;
use store::Reader;

pub(crate) use audit::kind;
pub(crate) use enforcement::{Direction, Protected};
pub(crate) use policy::Policy;

use crate::message::{Message, Publication};
use crate::subscription::Subscription;
use crate::topic::{DataProtectionPolicy, TopicArn};
use crate::{Sns, errors, tables};

/// Parsed policies kept; past it the cache begins anew.
const KEPT: usize = 1024;

/// Parsed policies by their text.
#[derive(Default)]
pub(crate) struct Policies(Mutex<HashMap<Box<str>, Arc<Policy>>>);

impl Policies {
    pub(crate) fn parsed(&self, text: &str) -> Result<Arc<Policy>, ApiError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(policy) = kept.get(text) {
            return Ok(Arc::clone(policy));
        }
        let policy = Arc::new(Policy::parse(text)?);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(text.into(), Arc::clone(&policy));
        Ok(policy)
    }
}

impl Sns {
    fn policy_of(&self, reader: &mut dyn Reader, topic: &str) -> Result<Option<Arc<Policy>>, ApiError> {
        let policy = tables::DATA_PROTECTION.find(reader, &topic.to_owned())?;
        policy.map(|DataProtectionPolicy(text)| self.data_protection.parsed(&text)).transpose()
    }

    /// Does what a topic's policy says about messages that come in, outside of the transaction.
    pub(crate) fn protect(
        &self,
        ctx: &Ctx,
        arn: &TopicArn,
        publication: &mut Publication,
    ) -> Result<(), ApiError> {
        let mut snapshot = self.cloud.store().read(&arn.scope())?;
        let Some(policy) = self.policy_of(&mut snapshot, &arn.name)? else { return Ok(()) };
        publication.audit = policy.audited(ctx, arn, &publication.message).map(Arc::new);
        let who = ctx.principal().identity_arn();
        match policy.protect(Direction::Inbound, &who, &mut publication.message) {
            Protected::Passes { .. } => Ok(()),
            Protected::Denied => Err(errors::denied_by_data_protection(arn)),
        }
    }

    /// The message as a subscription may have it; `None` when the topic's policy denies it. The reader is in the topic's
    /// scope.
    pub(crate) fn for_subscriber<'m>(
        &self,
        reader: &mut dyn Reader,
        subscription: &Subscription,
        message: &'m Message,
    ) -> Result<Option<Cow<'m, Message>>, ApiError> {
        let policy = self.policy_of(reader, &subscription.topic)?;
        let Some(policy) = policy.filter(|policy| policy.has(Direction::Outbound)) else {
            return Ok(Some(Cow::Borrowed(message)));
        };
        let mut own = message.clone();
        Ok(match policy.protect(Direction::Outbound, &subscription.principal, &mut own) {
            Protected::Denied => None,
            Protected::Passes { is_changed: false } => Some(Cow::Borrowed(message)),
            Protected::Passes { is_changed: true } => Some(Cow::Owned(own)),
        })
    }
}

/// Why a delivery failed that an outbound Deny statement stopped.
pub(crate) const DENIED: &str = "Denied by the data protection policy of the topic";
