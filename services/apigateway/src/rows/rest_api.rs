//! A REST API, and what a deployment fixes of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};

use super::first;
use super::{
    Authorizer, DocumentationPart, DocumentationVersion, GatewayResponse, Method, Model, RequestValidator,
    Stage,
};
use crate::errors;

/// Developer Guide, "Amazon API Gateway quotas": resources of an API.
pub(crate) const MOST_RESOURCES: usize = 300;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RestApi {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub version: Option<String>,
    pub created_date: Timestamp,
    pub root_resource_id: String,
    pub endpoint_configuration: EndpointConfiguration,
    pub disable_execute_api_endpoint: bool,
    pub tags: BTreeMap<String, String>,
    pub definition: Definition,
    pub stages: BTreeMap<String, Stage>,
    pub documentation_parts: BTreeMap<String, DocumentationPart>,
    pub documentation_versions: BTreeMap<String, DocumentationVersion>,
}

store::row!(RestApi, 2, first::RestApi);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct EndpointConfiguration {
    pub types: Vec<String>,
    pub ip_address_type: Option<String>,
    pub vpc_endpoint_ids: Vec<String>,
}

impl Default for EndpointConfiguration {
    fn default() -> Self {
        Self {
            types: vec!["EDGE".to_owned()],
            ip_address_type: Some("ipv4".to_owned()),
            vpc_endpoint_ids: Vec::new(),
        }
    }
}

/// The part of an API that takes effect when it is deployed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Definition {
    pub resources: BTreeMap<String, Resource>,
    /// By name.
    pub models: BTreeMap<String, Model>,
    pub request_validators: BTreeMap<String, RequestValidator>,
    pub authorizers: BTreeMap<String, Authorizer>,
    /// By type.
    pub gateway_responses: BTreeMap<String, GatewayResponse>,
    pub binary_media_types: Vec<String>,
    pub minimum_compression_size: Option<i32>,
    pub api_key_source: Option<String>,
    pub policy: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Resource {
    pub id: String,
    /// `None`: the root.
    pub parent_id: Option<String>,
    pub path_part: Option<String>,
    /// `/orders/{id}`
    pub path: String,
    pub resource_methods: BTreeMap<String, Method>,
}

/// An API as it was when it was deployed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Deployment {
    pub id: String,
    pub description: Option<String>,
    pub created_date: Timestamp,
    pub definition: Definition,
}

store::row!(Deployment, 2, first::Deployment);

impl RestApi {
    pub(crate) fn resource(&self, id: &str) -> Result<&Resource, ApiError> {
        self.definition.resources.get(id).ok_or_else(errors::no_such_resource)
    }

    pub(crate) fn resource_mut(&mut self, id: &str) -> Result<&mut Resource, ApiError> {
        self.definition.resources.get_mut(id).ok_or_else(errors::no_such_resource)
    }

    pub(crate) fn method(&self, resource: &str, verb: &str) -> Result<&Method, ApiError> {
        self.resource(resource)?.resource_methods.get(verb).ok_or_else(errors::no_such_method)
    }

    pub(crate) fn method_mut(&mut self, resource: &str, verb: &str) -> Result<&mut Method, ApiError> {
        self.resource_mut(resource)?.resource_methods.get_mut(verb).ok_or_else(errors::no_such_method)
    }

    pub(crate) fn stage(&self, name: &str) -> Result<&Stage, ApiError> {
        self.stages.get(name).ok_or_else(errors::no_such_stage)
    }

    pub(crate) fn stage_mut(&mut self, name: &str) -> Result<&mut Stage, ApiError> {
        self.stages.get_mut(name).ok_or_else(errors::no_such_stage)
    }

    /// Adds a resource below another one.
    pub(crate) fn add_resource(
        &mut self,
        id: String,
        parent: &str,
        part: &str,
    ) -> Result<&mut Resource, ApiError> {
        check_path_part(part)?;
        let above = self.definition.resources.get(parent).ok_or_else(errors::no_such_resource)?;
        let above = above.path.clone();
        self.check_sibling(parent, part, "")?;
        if above.ends_with("+}") {
            return Err(errors::below_greedy(&above));
        }
        if self.definition.resources.len() >= MOST_RESOURCES {
            return Err(errors::too_many("Resources", "API"));
        }
        let resource = Resource {
            id: id.clone(),
            parent_id: Some(parent.to_owned()),
            path_part: Some(part.to_owned()),
            path: format!("{}/{part}", above.trim_end_matches('/')),
            resource_methods: BTreeMap::new(),
        };
        Ok(self.definition.resources.entry(id).or_insert(resource))
    }

    /// Refuses a part that another resource below `parent` has, or a second variable there.
    fn check_sibling(&self, parent: &str, part: &str, own: &str) -> Result<(), ApiError> {
        for other in self.definition.resources.values() {
            let Some(theirs) = other.path_part.as_deref() else { continue };
            if other.parent_id.as_deref() != Some(parent) || other.id == own {
                continue;
            }
            if theirs == part {
                return Err(errors::resource_exists(part));
            }
            if theirs.starts_with('{') && part.starts_with('{') {
                return Err(errors::second_variable(part, theirs));
            }
        }
        Ok(())
    }

    /// Gives a resource another part or another parent, and all below it their new paths.
    pub(crate) fn move_resource(&mut self, id: &str, parent: &str, part: &str) -> Result<(), ApiError> {
        check_path_part(part)?;
        if self.resource(id)?.parent_id.is_none() {
            return Err(errors::bad_request("Root resource cannot be updated"));
        }
        let mut above = Some(parent.to_owned());
        while let Some(place) = above {
            if place == id {
                return Err(errors::bad_request("Resource cannot be its own ancestor"));
            }
            above = self.resource(&place)?.parent_id.clone();
        }
        self.check_sibling(parent, part, id)?;
        let resource = self.resource_mut(id)?;
        resource.parent_id = Some(parent.to_owned());
        resource.path_part = Some(part.to_owned());
        self.spell_paths();
        Ok(())
    }

    /// Spells the path of every resource anew, from the root down.
    fn spell_paths(&mut self) {
        let mut spelled = vec![(self.root_resource_id.clone(), String::new())];
        while let Some((id, path)) = spelled.pop() {
            for below in self.definition.resources.values_mut() {
                if below.parent_id.as_ref() == Some(&id) {
                    below.path = format!("{path}/{}", below.path_part.as_deref().unwrap_or_default());
                    spelled.push((below.id.clone(), below.path.clone()));
                }
            }
        }
    }

    /// Removes a resource with everything below it.
    pub(crate) fn remove_resource(&mut self, id: &str) -> Result<(), ApiError> {
        if self.resource(id)?.parent_id.is_none() {
            return Err(errors::bad_request("Root resource cannot be deleted"));
        }
        let mut gone = vec![id.to_owned()];
        while let Some(id) = gone.pop() {
            self.definition.resources.remove(&id);
            let below =
                self.definition.resources.values().filter(|other| other.parent_id.as_ref() == Some(&id));
            gone.extend(below.map(|other| other.id.clone()).collect::<Vec<_>>());
        }
        Ok(())
    }
}

/// API Reference, CreateResource.
fn check_path_part(part: &str) -> Result<(), ApiError> {
    let inside = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
    let name = inside.map_or(part, |name| name.strip_suffix('+').unwrap_or(name));
    let is_valid = !name.is_empty()
        && name.chars().all(|c| {
            c.is_ascii_alphanumeric() || "._-:".contains(c) || (inside.is_none() && "$,@!%".contains(c))
        });
    if is_valid { Ok(()) } else { Err(errors::invalid_path_part()) }
}
