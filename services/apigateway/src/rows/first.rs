//! The first version of the rows, as stores of earlier releases have them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shapes::Timestamp;

use super::rest_api;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RestApi {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub created: Timestamp,
    pub root: String,
    pub resources: BTreeMap<String, Resource>,
    /// Names of stages, with the ids of their deployments.
    pub stages: BTreeMap<String, Stage>,
}

store::row!(RestApi, 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stage {
    pub deployment: String,
    pub variables: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Resource {
    pub id: String,
    pub parent: Option<String>,
    pub part: String,
    /// `/orders/{id}`
    pub path: String,
    pub methods: BTreeMap<String, Method>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Method {
    pub responses: BTreeMap<String, ()>,
    pub integration: Option<Integration>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Integration {
    /// `AWS`, `AWS_PROXY` or `MOCK`.
    pub kind: String,
    pub method: Option<String>,
    pub uri: Option<String>,
    pub credentials: Option<String>,
    pub request_parameters: BTreeMap<String, String>,
    pub request_templates: BTreeMap<String, String>,
    pub passthrough: String,
    pub responses: BTreeMap<String, IntegrationResponse>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct IntegrationResponse {
    pub selection: Option<String>,
    pub templates: BTreeMap<String, String>,
}

/// An API as it was when it was deployed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Deployment {
    pub created: Timestamp,
    pub resources: BTreeMap<String, Resource>,
}

store::row!(Deployment, 1);

impl From<RestApi> for rest_api::RestApi {
    fn from(first: RestApi) -> Self {
        let stages =
            first.stages.into_iter().map(|(name, stage)| (name.clone(), stage.named(name, first.created)));
        Self {
            id: first.id,
            name: first.name,
            description: first.description,
            created_date: first.created,
            root_resource_id: first.root,
            definition: definition(first.resources),
            stages: stages.collect(),
            ..Self::default()
        }
    }
}

impl From<Deployment> for rest_api::Deployment {
    /// Its id is its key, which whoever reads it knows.
    fn from(first: Deployment) -> Self {
        Self { created_date: first.created, definition: definition(first.resources), ..Self::default() }
    }
}

fn definition(resources: BTreeMap<String, Resource>) -> rest_api::Definition {
    let resources = resources.into_iter().map(|(id, resource)| {
        let methods = resource.methods.into_iter().map(|(verb, method)| (verb, method.into()));
        let resource = super::Resource {
            id: resource.id,
            path_part: resource.parent.is_some().then_some(resource.part),
            parent_id: resource.parent,
            path: resource.path,
            resource_methods: methods.collect(),
        };
        (id, resource)
    });
    rest_api::Definition { resources: resources.collect(), ..Default::default() }
}

impl Stage {
    fn named(self, name: String, created: Timestamp) -> super::Stage {
        super::Stage {
            stage_name: name,
            deployment_id: self.deployment,
            variables: self.variables,
            created_date: created,
            last_updated_date: created,
            ..Default::default()
        }
    }
}

impl From<Method> for super::Method {
    fn from(first: Method) -> Self {
        let responses = first.responses.into_keys().map(|status| {
            let response = super::MethodResponse { status_code: status.clone(), ..Default::default() };
            (status, response)
        });
        Self {
            authorization_type: "NONE".to_owned(),
            method_responses: responses.collect(),
            method_integration: first.integration.map(Into::into),
            ..Self::default()
        }
    }
}

impl From<Integration> for super::Integration {
    fn from(first: Integration) -> Self {
        let responses = first.responses.into_iter().map(|(status, response)| {
            let response = super::IntegrationResponse {
                status_code: status.clone(),
                selection_pattern: response.selection,
                response_templates: response.templates,
                ..Default::default()
            };
            (status, response)
        });
        Self {
            r#type: first.kind,
            http_method: first.method,
            uri: first.uri,
            credentials: first.credentials,
            request_parameters: first.request_parameters,
            request_templates: first.request_templates,
            passthrough_behavior: first.passthrough,
            timeout_in_millis: Some(29_000),
            integration_responses: responses.collect(),
            ..Self::default()
        }
    }
}
