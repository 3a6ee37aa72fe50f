//! Push notifications: applications on the platforms of others, and the devices that have them. Notifications are kept in an
//! inbox, and sent to platforms where the region was told of gateways (see [`gateways`]).

use std::collections::BTreeMap;

use cloud::{Ctx, tenant};
use identity::{AccountId, Region, arn};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Reader, Scope, Tx};

use crate::message::Message;
use crate::{Sns, errors, gateways, inbox, tables};

/// API Reference, CreatePlatformApplication.
const PLATFORMS: [&str; 11] = [
    "ADM",
    "APNS",
    "APNS_SANDBOX",
    "APNS_VOIP",
    "APNS_VOIP_SANDBOX",
    "BAIDU",
    "GCM",
    "MACOS",
    "MACOS_SANDBOX",
    "MPNS",
    "WNS",
];

/// One push notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Push {
    pub id: String,
    /// ARN of the device's endpoint.
    pub endpoint: String,
    /// The platform's name for the device.
    pub token: String,
    /// What the platform would have got: text, or its own JSON.
    pub body: String,
    pub subject: Option<String>,
    pub time: Timestamp,
}

store::row!(Push, 1);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Application {
    /// By AWS's names, without the secrets.
    pub attributes: BTreeMap<String, String>,
}

store::row!(Application, 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    /// `Token`, `Enabled` and `CustomUserData`.
    pub attributes: BTreeMap<String, String>,
}

store::row!(Endpoint, 1);

/// The id of the endpoint with a token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EndpointId(pub String);

store::row!(EndpointId, 1);

/// The ARN of an application, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApplicationArn {
    pub account: AccountId,
    pub region: Region,
    /// `GCM/shop`
    pub path: String,
}

impl ApplicationArn {
    pub(crate) fn here(ctx: &Ctx, platform: &str, name: &str) -> Result<Self, ApiError> {
        if !PLATFORMS.contains(&platform) {
            return Err(errors::invalid_because("Platform", format!("{platform} is not supported")));
        }
        let is_name = (1..=256).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
        if !is_name {
            return Err(errors::invalid("Name"));
        }
        Ok(Self { account: ctx.account(), region: ctx.region(), path: format!("{platform}/{name}") })
    }

    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let invalid =
            || errors::invalid_because("PlatformApplicationArn", "An ARN of an application is needed");
        let (account, region, rest) = split(text).ok_or_else(invalid)?;
        let path =
            rest.strip_prefix("app/").filter(|path| path.split('/').count() == 2).ok_or_else(invalid)?;
        Ok(Self { account, region, path: path.to_owned() })
    }

    pub(crate) fn scope(&self) -> Scope {
        tenant(self.account, self.region)
    }

    /// `GCM`
    pub(crate) fn platform(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    pub(crate) fn find(&self, reader: &mut dyn Reader) -> Result<Application, ApiError> {
        let application = tables::APPLICATIONS.find(reader, &self.path)?;
        application.ok_or_else(|| sns_api::error::not_found_exception("PlatformApplication does not exist"))
    }

    pub(crate) fn endpoint(&self, id: String) -> EndpointArn {
        EndpointArn { application: self.clone(), id }
    }
}

impl std::fmt::Display for ApplicationArn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "arn:aws:sns:{}:{}:app/{}", self.region, self.account, self.path)
    }
}

/// The ARN of a device's endpoint, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EndpointArn {
    pub application: ApplicationArn,
    pub id: String,
}

impl EndpointArn {
    pub(crate) fn parse(parameter: &str, text: &str) -> Result<Self, ApiError> {
        let invalid = || errors::invalid_because(parameter, "An ARN of an endpoint is needed");
        let (account, region, rest) = split(text).ok_or_else(invalid)?;
        let rest = rest.strip_prefix("endpoint/").ok_or_else(invalid)?;
        let (path, id) = rest.rsplit_once('/').filter(|(path, _)| path.contains('/')).ok_or_else(invalid)?;
        let application = ApplicationArn { account, region, path: path.to_owned() };
        Ok(Self { application, id: id.to_owned() })
    }

    pub(crate) fn key(&self) -> (String, String) {
        (self.application.path.clone(), self.id.clone())
    }

    pub(crate) fn find(&self, reader: &mut dyn Reader) -> Result<Endpoint, ApiError> {
        let endpoint = tables::PLATFORM_ENDPOINTS.find(reader, &self.key())?;
        endpoint.ok_or_else(|| sns_api::error::not_found_exception("Endpoint does not exist"))
    }
}

impl std::fmt::Display for EndpointArn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ApplicationArn { account, region, path } = &self.application;
        write!(f, "arn:aws:sns:{region}:{account}:endpoint/{path}/{}", self.id)
    }
}

fn split(text: &str) -> Option<(AccountId, Region, &str)> {
    let parts = arn::split(text).filter(|parts| parts.service == "sns")?;
    Some((parts.account_id()?, Region::parse(parts.region)?, parts.resource))
}

impl Endpoint {
    pub(crate) fn token(&self) -> String {
        self.attributes.get("Token").cloned().unwrap_or_default()
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.attributes.get("Enabled").is_none_or(|enabled| enabled.eq_ignore_ascii_case("true"))
    }
}

/// Sends a published message to a device. One that has been switched off is an error.
pub(crate) fn send(
    sns: &Sns,
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    arn: &EndpointArn,
    message: &Message,
) -> Result<(), ApiError> {
    let endpoint = tx.with_scope(&arn.application.scope(), |tx| arn.find(tx))?;
    if !endpoint.is_enabled() {
        return Err(sns_api::error::endpoint_disabled_exception("Endpoint is disabled"));
    }
    let body = message.bodies.get(arn.application.platform()).unwrap_or(&message.body);
    gateways::add(sns, ctx, tx, arn, message, body);
    let push = Push {
        id: message.id.clone(),
        endpoint: arn.to_string(),
        token: endpoint.token(),
        body: body.clone(),
        subject: message.subject.clone(),
        time: ctx.now(),
    };
    inbox::keep(tx, arn.application.account, &push)
}
