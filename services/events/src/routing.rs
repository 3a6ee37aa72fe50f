//! The way of an event: from its bus to the rules it matches, to their targets, and on to other buses.

use std::sync::Arc;

use cloud::{Ctx, Guard};
use identity::Principal;
use shapes::ApiError;
use store::Tx;
use targets::{Delivery, Failure, Kind, code};

use crate::bus::BusArn;
use crate::event::Event;
use crate::matching::{CompiledBus, CompiledRule, Found};
use crate::{Events, PRINCIPAL, archive, delivery};

/// From bus to bus. AWS stops at the second account or region; this also ends loops within one.
const MOST_HOPS: u8 = 5;

/// An event with what was found for it before the transaction.
pub(crate) struct Matched {
    pub bus: Arc<CompiledBus>,
    pub found: Found,
}

impl Events {
    /// Does everything that follows from an event on a bus, as a part of `tx`. `ahead` holds if nothing has changed.
    pub(crate) fn route(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        bus: &BusArn,
        event: &Event,
        ahead: Option<&Matched>,
    ) -> Result<(), ApiError> {
        tx.with_scope(&bus.scope(), |tx| {
            let compiled = self.compiled(tx, bus)?;
            let anew;
            let found = match ahead.filter(|ahead| Arc::ptr_eq(&ahead.bus, &compiled)) {
                Some(ahead) => &ahead.found,
                None => {
                    anew = compiled.matches(&event.value);
                    &anew
                }
            };
            if event.replay.is_none() {
                for archive in &found.archives {
                    archive::keep(ctx, tx, archive, event)?;
                }
            }
            for rule in &found.rules {
                let is_meant = event
                    .replay
                    .as_ref()
                    .is_none_or(|replayed| replayed.rules.is_empty() || replayed.rules.contains(&rule.text));
                if is_meant {
                    ctx.publish("AWS/Events", "MatchedEvents", ("RuleName", &rule.arn.name), 1.0);
                    self.set_off(ctx, tx, rule, event)?;
                }
            }
            Ok(())
        })
    }

    /// Sends an event to all targets of a rule. `tx` is in the rule's scope.
    pub(crate) fn set_off(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        rule: &CompiledRule,
        event: &Event,
    ) -> Result<(), ApiError> {
        ctx.publish("AWS/Events", "TriggeredRules", ("RuleName", &rule.arn.name), 1.0);
        for target in &rule.targets {
            let mut delivery = delivery::draft(ctx, rule, target, event);
            match target.input.payload(event, &rule.arn) {
                Err(failure) => self.refuse(ctx, tx, &delivery, &failure)?,
                Ok(payload) => {
                    delivery.payload = payload;
                    match Kind::of(&delivery.target.arn) {
                        Ok(Kind::EventBus) => self.forward(ctx, tx, &delivery, event)?,
                        _ => self.courier.send_within(ctx, tx, &delivery)?,
                    }
                }
            }
        }
        Ok(())
    }

    /// Passes an event on to another bus, which keeps its id, account and time.
    pub(crate) fn forward(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        delivery: &Delivery,
        event: &Event,
    ) -> Result<(), ApiError> {
        match self.next_bus(ctx, tx, delivery, event) {
            Ok(bus) => {
                let event = Event { hops: event.hops + 1, ..event.clone() };
                self.route(ctx, tx, &bus, &event, None)?;
                delivery::count(ctx, delivery, targets::Outcome::Delivered);
                Ok(())
            }
            Err(failure) => self.refuse(ctx, tx, delivery, &failure),
        }
    }

    fn next_bus(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        delivery: &Delivery,
        event: &Event,
    ) -> Result<BusArn, Failure> {
        let bus = BusArn::parse(&delivery.target.arn)?;
        if event.hops >= MOST_HOPS {
            let message = format!("The event was passed on by {MOST_HOPS} rules already.");
            return Err(Failure::permanent(code::INVALID_PARAMETER, message));
        }
        let found = tx.with_scope(&bus.scope(), |tx| bus.get(tx))?;
        let origin = &delivery.origin;
        let from = ctx.in_tenant(origin.account, origin.region);
        let policy = found.policy.map(|text| self.policies.resource_policy(&text)).transpose()?;
        let guard = Guard::resource(bus.to_string()).policy(policy).action("events:PutEvents");
        match &delivery.target.role_arn {
            Some(role) => {
                let caller = from.with_role(PRINCIPAL, &origin.arn, role).map_err(|error| {
                    Failure::permanent(code::FAILED_TO_ASSUME_ROLE, error.message().to_owned())
                })?;
                caller.in_tenant(bus.account, bus.region).authorize(&events_api::SERVICE, &guard)?;
            }
            // Buses of one account need no permission; another account's policy has to name this one.
            None if bus.account == origin.account => {}
            None => {
                let owner = cloud::Actor::of(Principal::root(origin.account));
                let caller = cloud::Caller::internal(owner, &origin.arn, origin.account);
                let place = (bus.account, bus.region);
                let request_id = ctx.request_id();
                let origin = origin.arn.as_str().into();
                Ctx::new(ctx.cloud().clone(), caller, place, ctx.trace(), origin, request_id)
                    .authorize(&events_api::SERVICE, &guard)?;
            }
        }
        Ok(bus)
    }
}
