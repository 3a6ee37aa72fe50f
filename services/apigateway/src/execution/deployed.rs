//! Deployments ready to be called: routes found, templates, mappings and schemas parsed once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use cloud::{Cloud, tenant};
use identity::policy::NamedPolicy;
use identity::{AccountId, Region};
use regex::Regex;
use serde_json::Value;
use shapes::ApiError;
use store::Scope;
use vtl::Template;

use super::authorizer::Authorizers;
use super::failures::{Failures, Refusal};
use super::integration::Target;
use super::log::AccessLog;
use super::parameters::{Given, RequestParameter, RequestTarget, ResponseTarget, Source};
use super::reply::Reply;
use super::request::MethodRequest;
use super::responses::selection;
use super::throttle::Buckets;
use crate::json_schema::Schema;
use crate::rows::{Definition, Integration, Method, MethodSetting, Resource, RestApi, Stage};
use crate::tables::{APIS, DEPLOYMENTS, OWNERS};
use crate::{errors, policy};

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
    pub policy: Option<Arc<NamedPolicy>>,
    pub failures: Failures,
    pub authorizers: Authorizers,
    pub buckets: Buckets,
    /// Whether keys of clients come in a header, and not from authorizers.
    pub keys_in_header: bool,
    pub(super) access_log: Option<AccessLog>,
    /// Whether any method's settings ask for an execution log.
    pub(super) logs_execution: bool,
    settings: BTreeMap<String, MethodSetting>,
    binary_media_types: Vec<String>,
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

/// A method with its integration, everything parsed.
pub(crate) struct Call {
    pub method: Method,
    pub integration: Integration,
    pub target: Option<Target>,
    pub time: Duration,
    pub request_parameters: Vec<(RequestTarget, Source)>,
    pub request_templates: BTreeMap<String, Template>,
    /// By status code; the default response has no selection pattern.
    pub responses: Vec<Response>,
    /// What a request must have.
    pub required: Vec<RequestParameter>,
    /// What bodies must be like, by content type; nothing when they are not looked at.
    pub models: BTreeMap<String, Arc<Schema>>,
}

pub(crate) struct Response {
    pub status: u16,
    pub selection: Option<Regex>,
    pub templates: BTreeMap<String, Template>,
    pub parameters: Vec<(ResponseTarget, Source)>,
    pub content_handling: Option<String>,
}

/// What a request's path and method lead to.
pub(crate) struct Found {
    pub call: Arc<Call>,
    /// `GET`, or `ANY` where the method is that.
    pub verb: String,
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
    let Some(stage) = api.stages.get(stage_name).cloned() else { return Ok(None) };
    let Some(deployment) = DEPLOYMENTS.find(&mut snapshot, &(id, stage.deployment_id.clone()))? else {
        return Ok(None);
    };
    let mut deployed = Deployed::new(owner.account, region, &api, &deployment.definition, &stage)?;
    deployed.row = row;
    Ok(Some(Arc::new(deployed)))
}

impl Deployed {
    fn new(
        account: AccountId,
        region: Region,
        api: &RestApi,
        definition: &Definition,
        stage: &Stage,
    ) -> Result<Self, ApiError> {
        let schemas = schemas(definition);
        let routes = definition.resources.values().map(|resource| Route::new(resource, definition, &schemas));
        let arn = format!("arn:aws:execute-api:{}:{account}:{}", region.as_str(), api.id);
        let policy = definition.policy.as_deref().filter(|policy| !policy.is_empty());
        Ok(Self {
            account,
            region,
            api: api.id.clone(),
            name: api.name.clone(),
            stage: stage.stage_name.clone(),
            variables: stage.variables.clone(),
            policy: policy.map(|policy| policy::parse(policy, &arn)).transpose()?,
            failures: Failures::new(&definition.gateway_responses)?,
            authorizers: Authorizers::new(&definition.authorizers)?,
            buckets: Buckets::default(),
            keys_in_header: definition.api_key_source.as_deref() != Some("AUTHORIZER"),
            access_log: AccessLog::of(stage),
            logs_execution: stage.method_settings.values().any(|setting| setting.logging_level != "OFF"),
            settings: stage.method_settings.clone(),
            binary_media_types: definition.binary_media_types.clone(),
            row: Bytes::new(),
            routes: routes.collect::<Result<_, ApiError>>()?,
        })
    }

    /// An API that was not deployed: as the test button calls it.
    pub(crate) fn of_draft(
        account: AccountId,
        region: Region,
        api: &RestApi,
        variables: BTreeMap<String, String>,
    ) -> Result<Self, ApiError> {
        let stage = Stage { stage_name: "test-invoke-stage".to_owned(), variables, ..Stage::default() };
        Self::new(account, region, api, &api.definition, &stage)
    }

    /// The answer to a request that got no further.
    pub(crate) fn refused(&self, refusal: &Refusal, request: &MethodRequest, found: &Found) -> Reply {
        let given = Given { request, deployed: self, found: Some(found), answer: None, extra: &[] };
        self.failures.reply(refusal, &given)
    }

    /// Whether the API is as it was when this was made.
    fn is_current(&self, cloud: &Cloud) -> Result<bool, ApiError> {
        let mut snapshot = cloud.store().read(&tenant(self.account, self.region))?;
        let row = APIS.bytes(&mut snapshot, &self.api)?;
        Ok(row.is_some_and(|row| row == self.row))
    }

    /// Whether bodies of a media type are bytes and no text.
    pub(crate) fn is_binary(&self, media_type: &str) -> bool {
        self.binary_media_types.iter().any(|binary| {
            binary == "*/*"
                || binary.eq_ignore_ascii_case(media_type)
                || binary.strip_suffix("/*").is_some_and(|kind| {
                    media_type.split_once('/').is_some_and(|(own, _)| own.eq_ignore_ascii_case(kind))
                })
        })
    }

    /// The stage's settings for a method, or those for all.
    pub(crate) fn settings(&self, found: &Found) -> Option<(&str, &MethodSetting)> {
        let path = found.resource_path.trim_start_matches('/');
        let own = [format!("{path}/{}", found.verb), format!("/{path}/{}", found.verb)];
        let mut names = own.iter().map(String::as_str).chain(["*/*"]);
        names
            .find_map(|name| self.settings.get_key_value(name))
            .map(|(name, setting)| (name.as_str(), setting))
    }

    /// A method of a resource, whatever path would lead to it.
    pub(crate) fn method(&self, resource_id: &str, method: &str, path: &str) -> Option<Found> {
        let route = self.routes.iter().find(|route| route.resource == resource_id)?;
        let asked: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let path_parameters = route.matches(&asked).map(|(_, parameters)| parameters).unwrap_or_default();
        route.found(method, path_parameters)
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
        route.found(method, path_parameters)
    }
}

/// The models of a definition, parsed. One that cannot be is none: it was refused when it was put.
fn schemas(definition: &Definition) -> BTreeMap<String, Arc<Schema>> {
    let documents: BTreeMap<&str, Arc<Value>> = definition
        .models
        .values()
        .filter_map(|model| {
            let document = serde_json::from_str(model.schema.as_deref()?).ok()?;
            Some((model.name.as_str(), Arc::new(document)))
        })
        .collect();
    let other = |name: &str| documents.get(name).cloned();
    let parsed = documents.iter().filter_map(|(name, document)| {
        Some(((*name).to_owned(), Arc::new(Schema::parse_with(document, &other).ok()?)))
    });
    parsed.collect()
}

impl Route {
    fn new(
        resource: &Resource,
        definition: &Definition,
        schemas: &BTreeMap<String, Arc<Schema>>,
    ) -> Result<Self, ApiError> {
        let segments = resource.path.split('/').filter(|part| !part.is_empty()).map(|part| {
            match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) => match name.strip_suffix('+') {
                    Some(name) => Segment::Greedy(name.to_owned()),
                    None => Segment::Variable(name.to_owned()),
                },
                None => Segment::Exact(part.to_owned()),
            }
        });
        let methods = resource.resource_methods.iter().filter_map(|(verb, method)| {
            let integration = method.method_integration.as_ref()?;
            let call = Call::new(method, integration, definition, schemas);
            Some(call.map(|call| (verb.clone(), Arc::new(call))))
        });
        Ok(Self {
            segments: segments.collect(),
            path: resource.path.clone(),
            resource: resource.id.clone(),
            methods: methods.collect::<Result<_, ApiError>>()?,
        })
    }

    fn found(&self, method: &str, path_parameters: BTreeMap<String, String>) -> Option<Found> {
        let known = self.methods.get_key_value(method).or_else(|| self.methods.get_key_value("ANY"));
        let (verb, call) = known?;
        Some(Found {
            call: Arc::clone(call),
            verb: verb.clone(),
            resource_path: self.path.clone(),
            resource_id: self.resource.clone(),
            path_parameters,
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
    fn new(
        method: &Method,
        integration: &Integration,
        definition: &Definition,
        schemas: &BTreeMap<String, Arc<Schema>>,
    ) -> Result<Self, ApiError> {
        let responses = integration.integration_responses.values().map(|response| {
            let parameters = response
                .response_parameters
                .iter()
                .filter_map(|(to, from)| Some((ResponseTarget::parse(to)?, Source::of_response(from)?)));
            Ok(Response {
                status: response.status_code.parse().unwrap_or(200),
                selection: response.selection_pattern.as_deref().map(selection).transpose()?,
                templates: templates(&response.response_templates)?,
                parameters: parameters.collect(),
                content_handling: response.content_handling.clone().filter(|handling| !handling.is_empty()),
            })
        });
        let validator =
            method.request_validator_id.as_ref().and_then(|id| definition.request_validators.get(id));
        let required = method.request_parameters.iter().filter(|(_, is_required)| {
            **is_required && validator.is_some_and(|validator| validator.validate_request_parameters)
        });
        let models = method.request_models.iter().filter_map(|(content_type, name)| {
            validator.filter(|validator| validator.validate_request_body)?;
            Some((content_type.clone(), Arc::clone(schemas.get(name)?)))
        });
        let parameters = integration.request_parameters.iter();
        let millis = integration.timeout_in_millis.unwrap_or(29_000);
        Ok(Self {
            target: match &integration.uri {
                Some(uri) if integration.r#type != "MOCK" => Some(Target::parse(&integration.r#type, uri)?),
                _ => None,
            },
            time: Duration::from_millis(u64::from(millis.unsigned_abs())),
            request_parameters: parameters
                .filter_map(|(to, from)| Some((RequestTarget::parse(to)?, Source::of_request(from)?)))
                .collect(),
            request_templates: templates(&integration.request_templates)?,
            responses: responses.collect::<Result<_, ApiError>>()?,
            required: required.filter_map(|(name, _)| RequestParameter::parse(name)).collect(),
            models: models.collect(),
            method: Method { method_integration: None, ..method.clone() },
            integration: integration.clone(),
        })
    }
}

pub(super) fn templates(texts: &BTreeMap<String, String>) -> Result<BTreeMap<String, Template>, ApiError> {
    let invalid = |error| errors::bad_request(format!("Invalid mapping template specified: {error}"));
    let parse = |text: &String| Template::parse(text).map_err(invalid);
    texts.iter().map(|(media_type, text)| Ok((media_type.clone(), parse(text)?))).collect()
}
