//! Partner event sources: a partner offers one to another account, which takes it by making an event bus of its name.
//!
//! An offer is a row in both accounts. What the partner puts for a source goes to the buses of all accounts that took it.

use cloud::{Ctx, tenant};
use identity::{AccountId, Region};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use std::time::Duration;
use store::{Range, Reader, Scope, Tx};

use crate::{errors, tables};

/// An offer that nobody takes ends (API Reference, CreatePartnerEventSource).
const OFFERED_FOR: Duration = Duration::from_secs(14 * 86_400);

/// In the account that it is offered to, by its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EventSource {
    pub name: String,
    pub partner: AccountId,
    pub created: Timestamp,
    pub is_active: bool,
    /// The partner took it away.
    pub is_deleted: bool,
}

store::row!(EventSource, 1);

/// `arn:aws:events:us-east-1::event-source/NAME`
pub(crate) fn arn(region: Region, name: &str) -> String {
    format!("arn:aws:events:{}::event-source/{name}", region.as_str())
}

/// The partner's name is the second part of a source's: `aws.partner/shop.example/orders`.
pub(crate) fn check_name(name: &str) -> Result<(), ApiError> {
    let rest = name.strip_prefix("aws.partner/").and_then(|rest| rest.split_once('/'));
    match rest.is_some_and(|(partner, source)| !partner.is_empty() && !source.is_empty()) {
        true => Ok(()),
        false => Err(errors::invalid_parameter("Name", "it has to be like aws.partner/PARTNER/NAME")),
    }
}

impl EventSource {
    pub(crate) fn get(rows: &mut dyn Reader, name: &str) -> Result<Self, ApiError> {
        let found = tables::EVENT_SOURCES.find(rows, &name.to_owned())?;
        found.ok_or_else(|| errors::resource_does_not_exist("Event source", name))
    }

    pub(crate) fn expires(&self) -> Option<Timestamp> {
        (!self.is_active && !self.is_deleted).then(|| self.created + OFFERED_FOR)
    }

    /// Whether it is still to be had.
    pub(crate) fn is_there(&self, now: Timestamp) -> bool {
        self.expires().is_none_or(|end| end > now)
    }

    pub(crate) fn state(&self) -> String {
        match (self.is_deleted, self.is_active) {
            (true, _) => "DELETED",
            (false, true) => "ACTIVE",
            (false, false) => "PENDING",
        }
        .to_owned()
    }

    /// The partner as it is shown: `aws.partner/shop.example`.
    pub(crate) fn created_by(&self) -> Option<String> {
        let mut parts = self.name.splitn(3, '/');
        Some(format!("{}/{}", parts.next()?, parts.next()?))
    }
}

/// Takes a source for the bus of its name, which is being made.
pub(crate) fn take(ctx: &Ctx, tx: &mut Tx<'_>, name: &str) -> Result<(), ApiError> {
    let mut source = EventSource::get(tx, name)?;
    if source.is_deleted || !source.is_there(ctx.now()) {
        return Err(errors::resource_does_not_exist("Event source", name));
    }
    source.is_active = true;
    tables::EVENT_SOURCES.put(tx, &source.name, &source);
    Ok(())
}

/// The accounts that a source of this partner was offered to. The reader is in the partner's scope.
pub(crate) fn accounts(rows: &mut dyn Reader, name: &str) -> Result<Vec<AccountId>, ApiError> {
    let offers = tables::OFFERS.list(rows, &Range::prefix(&name.to_owned()), usize::MAX)?;
    Ok(offers.into_iter().filter_map(|((_, account), ())| AccountId::parse(&account)).collect())
}

pub(crate) fn scope(ctx: &Ctx, account: AccountId) -> Scope {
    tenant(account, ctx.region())
}
