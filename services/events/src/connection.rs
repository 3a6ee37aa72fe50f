//! Connections: how endpoints outside want to be authorised, and what goes with every request to them.
//!
//! What a connection knows is sealed as a whole under a key that is derived from the region's root key, and its secrets
//! are told to nobody again.

use std::collections::BTreeMap;

use cloud::{Cloud, Ctx};
use events_api as api;
use identity::{AccountId, Region};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::Reader;

use crate::{errors, tables};

pub(crate) const AUTHORIZED: &str = "AUTHORIZED";
const DEAUTHORIZED: &str = "DEAUTHORIZED";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Connection {
    pub name: String,
    /// A UUID: the end of its ARN.
    pub id: String,
    pub description: Option<String>,
    /// `BASIC`, `API_KEY` or `OAUTH_CLIENT_CREDENTIALS`.
    pub kind: String,
    /// [`Authorization`], sealed.
    pub sealed: Vec<u8>,
    pub is_authorized: bool,
    pub reason: Option<String>,
    pub created: Timestamp,
    pub modified: Timestamp,
    pub authorized: Option<Timestamp>,
}

store::row!(Connection, 1);

/// What is sealed of a connection. Only the members of its kind are there.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Authorization {
    pub username: String,
    pub password: String,
    pub key_name: String,
    pub key_value: String,
    pub client_id: String,
    pub client_secret: String,
    pub token_endpoint: String,
    pub token_method: String,
    pub token_parameters: Parameters,
    pub parameters: Parameters,
}

/// What is added to requests.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Parameters {
    pub headers: Vec<Parameter>,
    pub query: Vec<Parameter>,
    pub body: Vec<Parameter>,
}

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Parameter {
    pub key: String,
    pub value: String,
    pub is_secret: bool,
}

/// `arn:aws:events:us-east-1:123456789012:connection/NAME/UUID`
pub(crate) fn arn(account: AccountId, region: Region, connection: &Connection) -> String {
    format!("arn:aws:events:{}:{account}:connection/{}/{}", region.as_str(), connection.name, connection.id)
}

/// The name in a connection's ARN.
pub(crate) fn name_of(text: &str) -> Result<String, ApiError> {
    let parts = identity::arn::split(text).filter(|parts| parts.service == "events");
    let rest = parts.and_then(|parts| parts.resource.strip_prefix("connection/"));
    let name = rest.and_then(|rest| rest.split('/').next()).filter(|name| !name.is_empty());
    name.map(str::to_owned).ok_or_else(|| errors::invalid_arn("ConnectionArn", text))
}

/// What a connection's secrets are bound to.
fn label(ctx: &Ctx, id: &str) -> String {
    format!("{}/{}/{id}", ctx.account(), ctx.region().as_str())
}

impl Connection {
    pub(crate) fn get(rows: &mut dyn Reader, name: &str) -> Result<Self, ApiError> {
        let found = tables::CONNECTIONS.find(rows, &name.to_owned())?;
        found.ok_or_else(|| errors::resource_does_not_exist("Connection", name))
    }

    pub(crate) fn state(&self) -> String {
        if self.is_authorized { AUTHORIZED } else { DEAUTHORIZED }.to_owned()
    }

    pub(crate) async fn open(&self, cloud: &Cloud, ctx: &Ctx) -> Result<Authorization, ApiError> {
        let key = cloud.root_key().await?.derive("events/connection")?;
        let opened = key.open(label(ctx, &self.id).as_bytes(), &self.sealed);
        let opened = opened.ok_or_else(|| ApiError::internal("a connection's secrets cannot be opened"))?;
        serde_json::from_slice(&opened).map_err(ApiError::internal)
    }

    pub(crate) async fn seal(
        &mut self,
        cloud: &Cloud,
        ctx: &Ctx,
        authorization: &Authorization,
    ) -> Result<(), ApiError> {
        let key = cloud.root_key().await?.derive("events/connection")?;
        let plain = serde_json::to_vec(authorization).map_err(ApiError::internal)?;
        self.sealed = key.seal(ctx.ids(), label(ctx, &self.id).as_bytes(), &plain)?;
        Ok(())
    }
}

impl Authorization {
    /// What a connection of a kind needs.
    pub(crate) fn check(&self, kind: &str) -> Result<(), ApiError> {
        let needed = match kind {
            "BASIC" => ("BasicAuthParameters", !self.username.is_empty()),
            "API_KEY" => ("ApiKeyAuthParameters", !self.key_name.is_empty()),
            "OAUTH_CLIENT_CREDENTIALS" => ("OAuthParameters", !self.token_endpoint.is_empty()),
            other => return Err(errors::invalid_parameter("AuthorizationType", format!("{other} is none"))),
        };
        match needed {
            (_, true) => Ok(()),
            (name, false) => Err(errors::validation(format!(
                "Parameter(s) {name} must be specified for the authorization type {kind}."
            ))),
        }
    }

    /// As it is told: without what is secret.
    pub(crate) fn to_api(&self, kind: &str) -> api::ConnectionAuthResponseParameters {
        let mut told = api::ConnectionAuthResponseParameters {
            invocation_http_parameters: self.parameters.to_api(),
            ..Default::default()
        };
        match kind {
            "BASIC" => {
                let username = Some(self.username.clone());
                told.basic_auth_parameters = Some(api::ConnectionBasicAuthResponseParameters { username });
            }
            "API_KEY" => {
                let api_key_name = Some(self.key_name.clone());
                told.api_key_auth_parameters =
                    Some(api::ConnectionApiKeyAuthResponseParameters { api_key_name });
            }
            _ => {
                let client_id = Some(self.client_id.clone());
                told.o_auth_parameters = Some(api::ConnectionOAuthResponseParameters {
                    client_parameters: Some(api::ConnectionOAuthClientResponseParameters { client_id }),
                    authorization_endpoint: Some(self.token_endpoint.clone()),
                    http_method: Some(self.token_method.clone()),
                    o_auth_http_parameters: self.token_parameters.to_api(),
                });
            }
        }
        told
    }
}

macro_rules! list {
    ($given:expr) => {
        $given.into_iter().flatten().map(|given| Parameter {
            key: given.key.unwrap_or_default(),
            value: given.value.unwrap_or_default(),
            is_secret: given.is_value_secret.unwrap_or_default(),
        })
    };
}

macro_rules! told {
    ($all:expr, $type:ident) => {
        (!$all.is_empty()).then(|| {
            let told = $all.iter().map(|one| api::$type {
                key: Some(one.key.clone()),
                value: (!one.is_secret).then(|| one.value.clone()),
                is_value_secret: Some(one.is_secret),
            });
            told.collect()
        })
    };
}

impl Parameters {
    pub(crate) fn of(given: api::ConnectionHttpParameters) -> Self {
        Self {
            headers: list!(given.header_parameters).collect(),
            query: list!(given.query_string_parameters).collect(),
            body: list!(given.body_parameters).collect(),
        }
    }

    fn to_api(&self) -> Option<api::ConnectionHttpParameters> {
        (*self != Self::default()).then(|| api::ConnectionHttpParameters {
            header_parameters: told!(self.headers, ConnectionHeaderParameter),
            query_string_parameters: told!(self.query, ConnectionQueryStringParameter),
            body_parameters: told!(self.body, ConnectionBodyParameter),
        })
    }
}

/// As a map of names and values.
pub(crate) fn pairs(parameters: &[Parameter]) -> BTreeMap<String, String> {
    parameters.iter().map(|parameter| (parameter.key.clone(), parameter.value.clone())).collect()
}
