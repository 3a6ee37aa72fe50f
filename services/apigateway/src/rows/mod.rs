//! What API Gateway stores of an API. Rows have the names and the shape of the API's own documents, so that what
//! clients give and get, and what their patches name, is the row itself (see [`crate::document`]).

mod account;
mod first;
mod key;
mod method;
mod part;
mod rest_api;
mod stage;

pub(crate) use account::Account;
pub(crate) use key::{ApiKey, ApiStage, Quota, Throttle, UsageDay, UsagePlan};
pub(crate) use method::{Integration, IntegrationResponse, Method, MethodResponse};
pub(crate) use part::{
    Authorizer, DocumentationPart, DocumentationVersion, GatewayResponse, Model, RequestValidator,
};
pub(crate) use rest_api::{Definition, Deployment, Resource, RestApi};
pub(crate) use stage::{AccessLogSettings, MethodSetting, Stage};
