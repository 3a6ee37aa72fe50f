//! Events of the region's own services: they arrive on the default bus of the account that they concern.

use std::sync::Arc;

use cloud::{CallInterest, Ctx, EventSink, ServiceEvent};
use serde_json::Value;
use shapes::ApiError;
use store::Tx;
use tracing::warn;

use crate::bus::{BusArn, DEFAULT};
use crate::event::{Event, Facts, compact};
use crate::{Events, call_listeners};

/// Events of calls on their way at once; those beyond are dropped.
pub(crate) const MOST_LATER: usize = 1000;

impl EventSink for Events {
    fn put(&self, ctx: &Ctx, tx: &mut Tx<'_>, event: ServiceEvent) -> Result<(), ApiError> {
        let bus = BusArn::here(ctx, DEFAULT);
        let detail: Value = serde_json::from_str(&event.detail).map_err(ApiError::internal)?;
        let facts = Facts {
            id: ctx.ids().uuid(),
            detail_type: event.detail_type.into_owned(),
            source: event.source.into_owned(),
            account: ctx.account(),
            region: ctx.region(),
            time: ctx.now(),
            resources: event.resources,
            detail: compact(&event.detail),
        };
        let event = Event::new(ctx, facts, detail, None);
        self.route(ctx, tx, &bus, &event, None)
    }

    fn interest_in_calls(&self, ctx: &Ctx) -> CallInterest {
        let interest = ctx.read().and_then(|mut reader| call_listeners::interest(&mut reader));
        interest.unwrap_or(CallInterest::Nothing)
    }

    fn put_later(&self, ctx: &Ctx, event: ServiceEvent) {
        let Ok(permit) = Arc::clone(&self.later).try_acquire_owned() else {
            ctx.publish("Brume/Events", "DroppedCallEvents", ("EventBusName", DEFAULT), 1.0);
            warn!(source = %event.source, "an event of a call was dropped: {MOST_LATER} others are on their way");
            return;
        };
        // A call may be made from within a transaction, on a thread that is not the runtime's.
        let Some(runtime) = &self.runtime else { return };
        let ctx = ctx.clone();
        runtime.spawn(async move {
            let told = ctx.clone();
            let put = move |tx: &mut Tx<'_>| told.tell(tx, event.clone());
            if let Err(error) = ctx.store().write(ctx.scope(), put).await {
                warn!(%error, "an event of a call could not be delivered");
            }
            drop(permit);
        });
    }
}
