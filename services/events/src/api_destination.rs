//! API destinations: endpoints outside, each behind a connection and with a rate of its own.

use identity::{AccountId, Region};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::Reader;

use crate::{errors, tables};

/// API Reference, CreateApiDestination: invocations a second where none are given.
pub(crate) const USUAL_RATE: u32 = 300;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ApiDestination {
    pub name: String,
    /// A UUID: the end of its ARN.
    pub id: String,
    pub description: Option<String>,
    pub connection_arn: String,
    /// May have stars for values of targets.
    pub endpoint: String,
    pub method: String,
    pub rate: u32,
    pub created: Timestamp,
    pub modified: Timestamp,
}

store::row!(ApiDestination, 1);

/// `arn:aws:events:us-east-1:123456789012:api-destination/NAME/UUID`
pub(crate) fn arn(account: AccountId, region: Region, destination: &ApiDestination) -> String {
    let (name, id) = (&destination.name, &destination.id);
    format!("arn:aws:events:{}:{account}:api-destination/{name}/{id}", region.as_str())
}

/// Account, region and name in a destination's ARN.
pub(crate) fn place(text: &str) -> Option<(AccountId, Region, String)> {
    let parts = identity::arn::split(text).filter(|parts| parts.service == "events")?;
    let name = parts.resource.strip_prefix("api-destination/")?.split('/').next()?;
    Some((parts.account_id()?, Region::parse(parts.region)?, name.to_owned()))
}

impl ApiDestination {
    pub(crate) fn get(rows: &mut dyn Reader, name: &str) -> Result<Self, ApiError> {
        let found = tables::API_DESTINATIONS.find(rows, &name.to_owned())?;
        found.ok_or_else(|| errors::resource_does_not_exist("ApiDestination", name))
    }

    /// Whether an endpoint can be called at all.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        let has_scheme = self.endpoint.starts_with("https://") || self.endpoint.starts_with("http://");
        if !has_scheme {
            return Err(errors::invalid_parameter("InvocationEndpoint", "it has to begin with https://"));
        }
        if self.rate == 0 {
            return Err(errors::invalid_parameter("InvocationRateLimitPerSecond", "it has to be 1 at least"));
        }
        Ok(())
    }
}
