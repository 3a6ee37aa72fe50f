//! Events of the region's own services: they arrive on the default bus of the account that they concern.

use cloud::{Ctx, EventSink, ServiceEvent};
use serde_json::Value;
use shapes::ApiError;
use store::Tx;

use crate::Events;
use crate::bus::{BusArn, DEFAULT};
use crate::event::{Event, Facts, compact};

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
}
