//! What services tell of what happened in them.

use std::borrow::Cow;

use shapes::ApiError;
use store::Tx;

use crate::{CallInterest, Ctx};

/// An event of a service, about resources of the account and region that its context is in.
#[derive(Clone, Debug)]
pub struct ServiceEvent {
    /// `aws.s3`
    pub source: Cow<'static, str>,
    /// `Object Created`
    pub detail_type: Cow<'static, str>,
    /// ARNs.
    pub resources: Vec<String>,
    /// A JSON object.
    pub detail: String,
}

/// Takes events of services. Implemented by EventBridge.
pub trait EventSink: Send + Sync {
    /// Takes an event as a part of `tx`: what follows from it is there once that commits.
    fn put(&self, ctx: &Ctx, tx: &mut Tx<'_>, event: ServiceEvent) -> Result<(), ApiError>;

    /// Which calls the rules of the context's account and region may want to hear of. Asked before each call that manages
    /// a resource, so it costs little.
    fn interest_in_calls(&self, ctx: &Ctx) -> CallInterest;

    /// Takes an event of a call soon, on a best-effort basis: the caller does not wait for it.
    fn put_later(&self, ctx: &Ctx, event: ServiceEvent);
}

impl Ctx {
    /// Tells an event to the default event bus of this account and region, as a part of `tx`. A region without
    /// EventBridge has nobody to tell.
    pub fn tell(&self, tx: &mut Tx<'_>, event: ServiceEvent) -> Result<(), ApiError> {
        match self.cloud().event_sink() {
            Some(sink) => sink.put(self, tx, event),
            None => Ok(()),
        }
    }
}
