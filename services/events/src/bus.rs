//! Event buses: their names, ARNs and what they are.

use cloud::{Ctx, tenant};
use identity::{AccountId, Region, arn};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Reader, Scope};

use crate::tags::Tags;
use crate::{errors, tables};

pub(crate) const DEFAULT: &str = "default";

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bus {
    pub name: String,
    pub description: Option<String>,
    /// The policy's JSON text.
    pub policy: Option<String>,
    pub dead_letter_queue: Option<String>,
    /// Detail and level of the bus's own logs.
    pub log_config: Option<(Option<String>, Option<String>)>,
    /// The partner's event source that fills it.
    pub event_source: Option<String>,
    pub tags: Tags,
    /// Nothing for a default bus that nobody touched.
    pub created: Option<Timestamp>,
    pub modified: Option<Timestamp>,
}

store::row!(Bus, 1);

/// Where a bus is and what it is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BusArn {
    pub account: AccountId,
    pub region: Region,
    pub name: String,
}

impl BusArn {
    pub(crate) fn here(ctx: &Ctx, name: &str) -> Self {
        Self { account: ctx.account(), region: ctx.region(), name: name.to_owned() }
    }

    /// Reads a name or an ARN; nothing is the default bus.
    pub(crate) fn of(ctx: &Ctx, name_or_arn: Option<&str>) -> Result<Self, ApiError> {
        match name_or_arn {
            None => Ok(Self::here(ctx, DEFAULT)),
            Some(text) if text.starts_with("arn:") => Self::parse(text),
            Some(name) => Ok(Self::here(ctx, name)),
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let invalid = || errors::invalid_arn("EventBusName", text);
        let parts = arn::split(text).filter(|parts| parts.service == "events").ok_or_else(invalid)?;
        let name = parts.resource.strip_prefix("event-bus/").ok_or_else(invalid)?;
        let account = parts.account_id().ok_or_else(invalid)?;
        let region = Region::parse(parts.region).ok_or_else(invalid)?;
        Ok(Self { account, region, name: name.to_owned() })
    }

    pub(crate) fn scope(&self) -> Scope {
        tenant(self.account, self.region)
    }

    /// The bus; the default one exists without a row. The reader is in the bus's scope.
    pub(crate) fn find(&self, reader: &mut dyn Reader) -> Result<Option<Bus>, ApiError> {
        let bus = tables::BUSES.find(reader, &self.name)?;
        let is_default = self.name == DEFAULT;
        Ok(bus.or_else(|| is_default.then(|| Bus { name: DEFAULT.to_owned(), ..Bus::default() })))
    }

    pub(crate) fn get(&self, reader: &mut dyn Reader) -> Result<Bus, ApiError> {
        self.find(reader)?.ok_or_else(|| errors::bus_does_not_exist(&self.name))
    }
}

impl std::fmt::Display for BusArn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "arn:aws:events:{}:{}:event-bus/{}", self.region.as_str(), self.account, self.name)
    }
}
