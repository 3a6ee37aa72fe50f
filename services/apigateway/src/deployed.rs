//! Deployments ready to be called: routes found and templates parsed once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use cloud::{Cloud, tenant};
use identity::{AccountId, Region};
use regex::Regex;
use shapes::ApiError;
use store::Scope;
use vtl::Template;

use crate::api::{Integration, Resource, RestApi};
use crate::tables::{APIS, DEPLOYMENTS, OWNERS};
use crate::{errors, integration, mapping};

/// Stages remembered; past it all are looked up anew.
const KEPT: usize = 1000;

/// A deployed stage.
pub(crate) struct Deployed {
    pub account: AccountId,
    pub region: Region,
    pub api: String,
    pub name: String,
    pub stage: String,
    pub variables: BTreeMap<String, String>,
    /// The API's row as it was stored when this was made: another one may mean another deployment.
    row: Bytes,
    routes: Vec<Route>,
}

/// A resource's methods, by the segments of its path.
struct Route {
    segments: Vec<Segment>,
    path: String,
    resource: String,
    methods: BTreeMap<String, Arc<Call>>,
}

enum Segment {
    Exact(String),
    Variable(String),
    Greedy(String),
}

/// A method with its integration, templates parsed.
pub(crate) struct Call {
    pub integration: Integration,
    pub target: Option<integration::Target>,
    pub request_templates: BTreeMap<String, Template>,
    /// By status code; the default response has no selection pattern.
    pub responses: Vec<Response>,
}

pub(crate) struct Response {
    pub status: u16,
    pub selection: Option<Regex>,
    pub templates: BTreeMap<String, Template>,
}

/// What a request's path and method lead to.
pub(crate) struct Found {
    pub call: Arc<Call>,
    pub resource_path: String,
    pub resource_id: String,
    pub path_parameters: BTreeMap<String, String>,
}

/// The stages that were called lately.
#[derive(Default)]
pub(crate) struct Stages(RwLock<HashMap<(String, String), Arc<Deployed>>>);

impl Stages {
    pub(crate) fn find(
        &self,
        cloud: &Cloud,
        api: &str,
        stage: &str,
    ) -> Result<Option<Arc<Deployed>>, ApiError> {
        let key = (api.to_owned(), stage.to_owned());
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(deployed) = &known
            && deployed.is_current(cloud)?
        {
            return Ok(known);
        }
        let loaded = load(cloud, api, stage)?;
        let mut stages = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if stages.len() >= KEPT {
            stages.clear();
        }
        match &loaded {
            Some(deployed) => stages.insert(key, Arc::clone(deployed)),
            None => stages.remove(&key),
        };
        Ok(loaded)
    }
}

fn load(cloud: &Cloud, api_id: &str, stage_name: &str) -> Result<Option<Arc<Deployed>>, ApiError> {
    let id = api_id.to_owned();
    let Some(owner) = OWNERS.find(&mut cloud.store().read(&Scope::global())?, &id)? else { return Ok(None) };
    let region = Region::parse(&owner.region).unwrap_or(cloud.settings().default_region);
    let mut snapshot = cloud.store().read(&tenant(owner.account, region))?;
    let Some(row) = APIS.bytes(&mut snapshot, &id)? else { return Ok(None) };
    let Some(api) = APIS.find(&mut snapshot, &id)? else { return Ok(None) };
    let Some(stage) = api.stages.get(stage_name) else { return Ok(None) };
    let Some(deployment) = DEPLOYMENTS.find(&mut snapshot, &(id, stage.deployment.clone()))? else {
        return Ok(None);
    };
    let routes = deployment.resources.values().map(Route::new).collect::<Result<_, ApiError>>()?;
    Ok(Some(Arc::new(Deployed {
        account: owner.account,
        region,
        api: api.id,
        name: api.name,
        stage: stage_name.to_owned(),
        variables: stage.variables.clone(),
        row,
        routes,
    })))
}

impl Deployed {
    /// Whether the API is as it was when this was made.
    fn is_current(&self, cloud: &Cloud) -> Result<bool, ApiError> {
        let mut snapshot = cloud.store().read(&tenant(self.account, self.region))?;
        let row = APIS.bytes(&mut snapshot, &self.api)?;
        Ok(row.is_some_and(|row| row == self.row))
    }

    /// An API that was not deployed: as the test button calls it.
    pub(crate) fn of_draft(
        account: AccountId,
        region: Region,
        api: RestApi,
        variables: BTreeMap<String, String>,
    ) -> Result<Self, ApiError> {
        let routes = api.resources.values().map(Route::new).collect::<Result<_, ApiError>>()?;
        Ok(Self {
            account,
            region,
            api: api.id,
            name: api.name,
            stage: "test-invoke-stage".to_owned(),
            variables,
            row: Bytes::new(),
            routes,
        })
    }

    /// A method of a resource, whatever path would lead to it.
    pub(crate) fn method(&self, resource_id: &str, method: &str, path: &str) -> Option<Found> {
        let route = self.routes.iter().find(|route| route.resource == resource_id)?;
        let call = route.methods.get(method).or_else(|| route.methods.get("ANY"))?;
        let asked: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let path_parameters = route.matches(&asked).map(|(_, parameters)| parameters).unwrap_or_default();
        Some(Found {
            call: Arc::clone(call),
            resource_path: route.path.clone(),
            resource_id: route.resource.clone(),
            path_parameters,
        })
    }

    /// `arn:aws:execute-api:us-east-1:123456789012:abc/prod`
    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:execute-api:{}:{}:{}/{}", self.region.as_str(), self.account, self.api, self.stage)
    }

    /// The method for a request: exact segments before variables, variables before greedy ones.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<Found> {
        let asked: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let mut best: Option<(Vec<u8>, &Route, BTreeMap<String, String>)> = None;
        for route in &self.routes {
            let Some((rank, parameters)) = route.matches(&asked) else { continue };
            let has_method = route.methods.contains_key(method) || route.methods.contains_key("ANY");
            if has_method && best.as_ref().is_none_or(|(other, ..)| rank < *other) {
                best = Some((rank, route, parameters));
            }
        }
        let (_, route, path_parameters) = best?;
        let call = route.methods.get(method).or_else(|| route.methods.get("ANY"))?;
        Some(Found {
            call: Arc::clone(call),
            resource_path: route.path.clone(),
            resource_id: route.resource.clone(),
            path_parameters,
        })
    }
}

impl Route {
    fn new(resource: &Resource) -> Result<Self, ApiError> {
        let segments = resource.path.split('/').filter(|part| !part.is_empty()).map(|part| {
            match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) => match name.strip_suffix('+') {
                    Some(name) => Segment::Greedy(name.to_owned()),
                    None => Segment::Variable(name.to_owned()),
                },
                None => Segment::Exact(part.to_owned()),
            }
        });
        let methods = resource.methods.iter().filter_map(|(name, method)| {
            let integration = method.integration.as_ref()?;
            Some(Call::new(integration).map(|call| (name.clone(), Arc::new(call))))
        });
        Ok(Self {
            segments: segments.collect(),
            path: resource.path.clone(),
            resource: resource.id.clone(),
            methods: methods.collect::<Result<_, ApiError>>()?,
        })
    }

    /// How exactly the path matches (smaller is more exact), and what its variables are.
    fn matches(&self, asked: &[&str]) -> Option<(Vec<u8>, BTreeMap<String, String>)> {
        let (mut rank, mut parameters) = (Vec::new(), BTreeMap::new());
        let mut rest = asked;
        for segment in &self.segments {
            let (first, tail) = rest.split_first()?;
            match segment {
                Segment::Exact(text) if text == first => rank.push(0),
                Segment::Exact(_) => return None,
                Segment::Variable(name) => {
                    rank.push(1);
                    parameters.insert(
                        name.clone(),
                        vtl::text_escape::url_decode(first).unwrap_or((*first).to_owned()),
                    );
                }
                Segment::Greedy(name) => {
                    rank.push(2);
                    parameters.insert(name.clone(), rest.join("/"));
                    return Some((rank, parameters));
                }
            }
            rest = tail;
        }
        rest.is_empty().then_some((rank, parameters))
    }
}

impl Call {
    fn new(integration: &Integration) -> Result<Self, ApiError> {
        let responses = integration.responses.iter().map(|(status, response)| {
            Ok(Response {
                status: status.parse().unwrap_or(200),
                selection: response.selection.as_deref().map(mapping::selection).transpose()?,
                templates: templates(&response.templates)?,
            })
        });
        Ok(Self {
            target: match &integration.uri {
                Some(uri) if integration.kind != "MOCK" => Some(integration::Target::parse(uri)?),
                _ => None,
            },
            request_templates: templates(&integration.request_templates)?,
            responses: responses.collect::<Result<_, ApiError>>()?,
            integration: integration.clone(),
        })
    }
}

fn templates(texts: &BTreeMap<String, String>) -> Result<BTreeMap<String, Template>, ApiError> {
    texts.iter().map(|(media_type, text)| Ok((media_type.clone(), parse_template(text)?))).collect()
}

fn parse_template(text: &str) -> Result<Template, ApiError> {
    Template::parse(text)
        .map_err(|error| errors::bad_request(format!("Invalid mapping template specified: {error}")))
}

/// Whether a mapping template can be parsed.
pub(crate) fn check_template(text: &str) -> Result<(), ApiError> {
    parse_template(text).map(|_| ())
}
