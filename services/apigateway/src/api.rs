//! A REST API: resources in a tree, methods on them, integrations behind those.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};

use crate::errors;

/// Developer Guide, "Amazon API Gateway quotas": resources of an API.
pub(crate) const MOST_RESOURCES: usize = 300;

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

impl RestApi {
    pub(crate) fn resource_mut(&mut self, id: &str) -> Result<&mut Resource, ApiError> {
        self.resources.get_mut(id).ok_or_else(errors::no_such_resource)
    }

    pub(crate) fn method_mut(&mut self, resource: &str, method: &str) -> Result<&mut Method, ApiError> {
        self.resource_mut(resource)?.methods.get_mut(method).ok_or_else(errors::no_such_method)
    }

    /// Adds a resource below another one.
    pub(crate) fn add_resource(
        &mut self,
        id: String,
        parent: &str,
        part: String,
    ) -> Result<Resource, ApiError> {
        let above = self.resources.get(parent).ok_or_else(errors::no_such_resource)?;
        if self.resources.values().any(|other| other.parent.as_deref() == Some(parent) && other.part == part)
        {
            return Err(errors::resource_exists(&part));
        }
        if self.resources.len() >= MOST_RESOURCES {
            return Err(errors::too_many_resources());
        }
        let path = format!("{}/{part}", above.path.trim_end_matches('/'));
        let resource = Resource {
            id: id.clone(),
            parent: Some(parent.to_owned()),
            part,
            path,
            methods: BTreeMap::new(),
        };
        self.resources.insert(id, resource.clone());
        Ok(resource)
    }
}

impl Resource {
    pub(crate) fn to_api(&self) -> apigateway_api::Resource {
        let methods = self.methods.iter().map(|(name, method)| (name.clone(), method.to_api(name)));
        apigateway_api::Resource {
            id: Some(self.id.clone()),
            parent_id: self.parent.clone(),
            path_part: self.parent.is_some().then(|| self.part.clone()),
            path: Some(self.path.clone()),
            resource_methods: (!self.methods.is_empty()).then(|| methods.collect()),
        }
    }
}

impl Method {
    pub(crate) fn to_api(&self, name: &str) -> apigateway_api::Method {
        apigateway_api::Method {
            http_method: Some(name.to_owned()),
            authorization_type: Some("NONE".to_owned()),
            api_key_required: Some(false),
            method_integration: self.integration.as_ref().map(Integration::to_api),
            ..Default::default()
        }
    }
}

impl IntegrationResponse {
    pub(crate) fn to_api(&self, status: &str) -> apigateway_api::IntegrationResponse {
        apigateway_api::IntegrationResponse {
            status_code: Some(status.to_owned()),
            selection_pattern: self.selection.clone(),
            response_templates: (!self.templates.is_empty()).then(|| self.templates.clone()),
            ..Default::default()
        }
    }
}

impl Integration {
    pub(crate) fn to_api(&self) -> apigateway_api::Integration {
        apigateway_api::Integration {
            r#type: Some(self.kind.clone()),
            http_method: self.method.clone(),
            uri: self.uri.clone(),
            credentials: self.credentials.clone(),
            request_parameters: Some(self.request_parameters.clone()),
            request_templates: Some(self.request_templates.clone()),
            passthrough_behavior: Some(self.passthrough.clone()),
            timeout_in_millis: Some(29_000),
            ..Default::default()
        }
    }
}
