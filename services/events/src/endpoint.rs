//! Global endpoints: one address for buses of the same name in two Regions (EventBridge User Guide, "Making applications
//! Regional-fault tolerant with global endpoints and event replication").
//!
//! Events go to the bus of the primary Region, and with replication to that of the secondary as well. Health checks of
//! Route 53 are not here, so the primary Region always counts as healthy and nothing fails over.

use cloud::Ctx;
use identity::{AccountId, Region};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Reader, Scope, Tx};
use targets::{Delivery, Origin, Retry, Target};

use crate::bus::BusArn;
use crate::event::Event;
use crate::{Events, errors, tables};

/// What an endpoint says of its state.
pub(crate) const REASON: &str = "Health checks of Route 53 are not in Brume yet: the primary Region counts as healthy, and nothing fails over.";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    pub name: String,
    /// `abcde12345.veo`: the first labels of its host.
    pub id: String,
    pub description: Option<String>,
    /// ARN.
    pub health_check: String,
    pub secondary: String,
    pub is_replicated: bool,
    /// ARNs, in the order that they were given.
    pub buses: Vec<String>,
    pub role: Option<String>,
    pub created: Timestamp,
    pub modified: Timestamp,
}

store::row!(Endpoint, 1);

/// Where the endpoint of an id is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EndpointPlace {
    pub account: AccountId,
    /// The primary Region.
    pub region: String,
    pub name: String,
}

store::row!(EndpointPlace, 1);

/// An endpoint that events were sent to, with its buses.
pub(crate) struct Entrance {
    pub arn: String,
    pub primary: BusArn,
    pub secondary: BusArn,
    /// Acts for the endpoint when events are replicated.
    pub role: Option<String>,
}

impl Endpoint {
    pub(crate) fn arn(&self, account: AccountId, region: Region) -> String {
        arn(account, region, &self.name)
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}.endpoint.events.amazonaws.com", self.id)
    }

    pub(crate) fn get(rows: &mut dyn Reader, name: &str) -> Result<Self, ApiError> {
        let found = tables::ENDPOINTS.find(rows, &name.to_owned())?;
        found.ok_or_else(|| errors::resource_does_not_exist("Endpoint", name))
    }

    /// Whether the parts fit each other: two buses of one name and account, in the primary and the secondary Region, and a
    /// role where events are replicated.
    pub(crate) fn check(&self, account: AccountId, region: Region) -> Result<(BusArn, BusArn), ApiError> {
        let secondary = Region::known(&self.secondary)
            .ok_or_else(|| errors::invalid_parameter("Route", format!("{} is no Region.", self.secondary)))?;
        if secondary == region {
            return Err(errors::invalid_parameter("Route", "The secondary Region has to be another one."));
        }
        let buses = self.buses.iter().map(|text| BusArn::parse(text)).collect::<Result<Vec<_>, _>>()?;
        let of = |wanted: Region| buses.iter().find(|bus| bus.region == wanted && bus.account == account);
        let (Some(first), Some(second)) = (of(region), of(secondary)) else {
            let reason = "It has to name a bus of the account in each of the two Regions.";
            return Err(errors::invalid_parameter("EventBuses", reason));
        };
        if first.name != second.name {
            let reason = "The names of the event buses must be identical in each Region.";
            return Err(errors::invalid_parameter("EventBuses", reason));
        }
        if self.is_replicated && self.role.is_none() {
            return Err(errors::invalid_parameter("RoleArn", "Event replication needs a role."));
        }
        Ok((first.clone(), second.clone()))
    }
}

/// `arn:aws:events:us-east-1:123456789012:endpoint/NAME`
pub(crate) fn arn(account: AccountId, region: Region, name: &str) -> String {
    format!("arn:aws:events:{}:{account}:endpoint/{name}", region.as_str())
}

/// Keeps where the endpoint of an id is, or forgets it.
pub(crate) fn place(tx: &mut Tx<'_>, id: &str, place: Option<&EndpointPlace>) {
    tx.with_scope(&Scope::global(), |tx| match place {
        Some(place) => tables::ENDPOINT_PLACES.put(tx, &id.to_owned(), place),
        None => tables::ENDPOINT_PLACES.delete(tx, &id.to_owned()),
    });
}

impl Events {
    /// The buses behind an endpoint's id.
    pub(crate) fn entrance(&self, id: &str) -> Result<Entrance, ApiError> {
        let missing = || errors::validation(format!("EndpointId '{id}' does not exist."));
        let store = self.cloud.store();
        let place = tables::ENDPOINT_PLACES.find(&mut store.read(&Scope::global())?, &id.to_owned())?;
        let place = place.ok_or_else(missing)?;
        let region = Region::known(&place.region).ok_or_else(missing)?;
        let mut snapshot = store.read(&cloud::tenant(place.account, region))?;
        let endpoint = tables::ENDPOINTS.find(&mut snapshot, &place.name)?.ok_or_else(missing)?;
        let (primary, secondary) = endpoint.check(place.account, region)?;
        let role = endpoint.role.clone().filter(|_| endpoint.is_replicated);
        Ok(Entrance { arn: endpoint.arn(place.account, region), primary, secondary, role })
    }

    /// Sends an event that came to the primary Region on to the secondary one, as the endpoint's role.
    pub(crate) fn replicate(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        entrance: &Entrance,
        event: &Event,
    ) -> Result<(), ApiError> {
        let Some(role) = &entrance.role else { return Ok(()) };
        let BusArn { account, region, .. } = entrance.primary;
        let delivery = Delivery {
            origin: Origin { arn: entrance.arn.clone(), account, region },
            target: Target {
                arn: entrance.secondary.to_string(),
                role_arn: Some(role.clone()),
                ..Target::default()
            },
            payload: String::new(),
            trace: event.trace.clone().unwrap_or_else(|| ctx.trace().to_string()),
            retry: Retry::default(),
            dead_letter: None,
            began: event.ingested,
        };
        self.forward(ctx, tx, &delivery, event)
    }
}
