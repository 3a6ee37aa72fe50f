//! A region with API Gateway, SQS, and functions that are closures of the test; and short words for building an API.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ::kit::TestRegion;
use bytes::Bytes;
use cloud::{Cloud, Ctx, Guard, Handle, HttpEndpoint, Operation, RawCalls, Service};
use gateway::{Gateway, Limits};
use http::Request;
use lambda_api::op::Invoke;
use lambda_api::{InvokeInput, InvokeOutput};
use serde_json::{Value, json};
use shapes::ApiError;
use sqs::SqsService;

use crate::document::{fill, of_struct};

type Function = Box<dyn Fn(&Value) -> Result<Value, String> + Send>;

/// Lambda as far as API Gateway uses it.
#[derive(Default)]
pub(crate) struct Functions {
    known: Mutex<BTreeMap<String, Function>>,
    /// Name and event of every invocation.
    pub invoked: Mutex<Vec<(String, Value)>>,
    /// ARNs of those who invoked.
    callers: Mutex<Vec<String>>,
}

impl Handle<Invoke> for Functions {
    fn guard(&self, _: &Ctx, _: &InvokeInput) -> Result<Guard, ApiError> {
        Ok(Guard::open())
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: InvokeInput) -> Result<InvokeOutput, ApiError> {
        let name = input.function_name.rsplit(':').next().unwrap_or_default().to_owned();
        let event = input.payload.unwrap_or_default();
        let event = serde_json::from_slice(&event).unwrap_or(Value::Null);
        let outcome = match self.known.lock().unwrap().get(&name) {
            Some(function) => function(&event),
            None => return Err(lambda_api::error::resource_not_found_exception("Function not found")),
        };
        self.invoked.lock().unwrap().push((name, event));
        self.callers.lock().unwrap().push(ctx.principal().arn());
        let (payload, function_error) = match outcome {
            Ok(answer) => (answer, None),
            Err(message) => (json!({"errorMessage": message}), Some("Unhandled".to_owned())),
        };
        let payload = Some(Bytes::from(payload.to_string()));
        Ok(InvokeOutput { status_code: Some(200), payload, function_error, ..Default::default() })
    }
}

static INVOKE: &[Operation<Functions>] = &[Operation::of::<Invoke>()];

pub(crate) struct World {
    pub region: TestRegion,
    pub functions: Arc<Functions>,
    _raw_calls: Arc<dyn RawCalls>,
    execution: Arc<dyn HttpEndpoint>,
}

/// What a caller of an API gets.
#[derive(Debug)]
pub(crate) struct Answered {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: String,
}

impl Answered {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and the message of the body.
    pub(crate) fn refusal(&self) -> (u16, String) {
        (self.status, self.json()["message"].as_str().unwrap_or_default().to_owned())
    }
}

impl World {
    pub(crate) fn start() -> Self {
        let functions = Arc::new(Functions::default());
        let region = TestRegion::start(|cloud| services(cloud, &functions));
        let gateway = Gateway::new(region.cloud.clone(), Vec::new(), Limits::default());
        let raw_calls: Arc<dyn RawCalls> = gateway.expect("the routes are plain");
        region.cloud.set_raw_calls(Arc::downgrade(&raw_calls));
        let execution = apigateway::execution(region.cloud.clone());
        Self { region, functions, _raw_calls: raw_calls, execution }
    }

    pub(crate) fn function(
        &self,
        name: &str,
        body: impl Fn(&Value) -> Result<Value, String> + Send + 'static,
    ) -> String {
        self.functions.known.lock().unwrap().insert(name.to_owned(), Box::new(body));
        format!(
            "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/\
             arn:aws:lambda:us-east-1:000000000000:function:{name}/invocations"
        )
    }

    pub(crate) fn invocations(&self) -> Vec<(String, Value)> {
        self.functions.invoked.lock().unwrap().clone()
    }

    pub(crate) fn callers(&self) -> Vec<String> {
        self.functions.callers.lock().unwrap().clone()
    }

    /// An operation of a service by its name, with its input as a document.
    pub(crate) async fn ask(&self, service: &str, operation: &str, input: Value) -> Result<Value, ApiError> {
        let registry = self.region.cloud.registry()?;
        let schema = registry.services().find(|known| known.name == service).expect("the service is there");
        let known = schema.operations.iter().find(|known| known.name == operation);
        let handler = registry.find(schema, known.expect("the model has the operation"));
        let handler = handler.ok_or_else(|| cloud::registry::not_implemented(schema, operation))?;
        let mut document = registry.new_input(handler);
        fill(&mut *document, &input);
        let answer = registry.call(&self.region.ctx(), handler, document).await?;
        Ok(of_struct(&*answer))
    }

    /// An operation of API Gateway that must succeed.
    #[track_caller]
    pub(crate) fn call(&self, operation: &'static str, input: Value) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        async move {
            let shown = input.to_string();
            let answer = self.ask("apigateway", operation, input).await;
            answer.unwrap_or_else(|error| panic!("{place}: {operation} {shown}: {error:?}"))
        }
    }

    /// Code and message of an operation that must be refused.
    #[track_caller]
    pub(crate) fn refused(
        &self,
        operation: &'static str,
        input: Value,
    ) -> impl Future<Output = (String, String)> {
        let place = std::panic::Location::caller();
        async move {
            match self.ask("apigateway", operation, input).await {
                Ok(answer) => panic!("{place}: {operation} was not refused: {answer}"),
                Err(error) => (error.code().to_owned(), error.message().to_owned()),
            }
        }
    }

    /// A request to an API's URL.
    pub(crate) async fn send(
        &self,
        verb: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answered {
        let mut request = Request::builder().method(verb).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, body) = request.body(body.into()).expect("the request is one").into_parts();
        assert!(self.execution.claims(&head), "nobody is at {url}");
        let request = Request::from_parts(head, body);
        let peer = "192.0.2.7".parse().ok();
        let request_id = self.region.cloud.ids().uuid();
        let (head, body) = self.execution.serve(request, peer, &request_id).await.into_parts();
        Answered {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }
}

fn services(cloud: &Cloud, functions: &Arc<Functions>) -> Vec<Service> {
    vec![
        apigateway::service(cloud.clone()),
        logs::service(cloud.clone()),
        SqsService::new(cloud.clone()).service(),
        Service::new(&lambda_api::SERVICE, Arc::clone(functions), INVOKE),
    ]
}

/// An API with one resource, whose methods a test adds.
pub(crate) struct Api {
    pub world: World,
    pub id: String,
    pub root: String,
    pub resource: String,
}

impl Api {
    /// An API with a resource `/part`.
    pub(crate) async fn new(part: &str) -> Self {
        Self::of(World::start(), part, json!({})).await
    }

    pub(crate) async fn of(world: World, part: &str, settings: Value) -> Self {
        let input = merged(json!({"name": "orders"}), settings);
        let api = world.call("CreateRestApi", input).await;
        let (id, root) = (text(&api["id"]), text(&api["rootResourceId"]));
        let resource =
            world.call("CreateResource", json!({"restApiId": id, "parentId": root, "pathPart": part})).await;
        Self { world, id, root, resource: text(&resource["id"]) }
    }

    /// Names the method, and adds what else an operation says of it.
    pub(crate) fn at(&self, verb: &str, more: Value) -> Value {
        merged(json!({"restApiId": self.id, "resourceId": self.resource, "httpMethod": verb}), more)
    }

    /// The API, and what else an operation says of it.
    pub(crate) fn with(&self, more: Value) -> Value {
        merged(json!({"restApiId": self.id}), more)
    }

    /// A method with an integration and its responses by status.
    pub(crate) async fn method(&self, verb: &str, method: Value, integration: Value, responses: Value) {
        let method = merged(json!({"authorizationType": "NONE"}), method);
        self.world.call("PutMethod", self.at(verb, method)).await;
        self.world.call("PutIntegration", self.at(verb, integration)).await;
        for (status, response) in responses.as_object().into_iter().flatten() {
            let mapped = response["responseParameters"].as_object().into_iter().flatten();
            let declared: Value = mapped.map(|(name, _)| (name.clone(), json!(false))).collect();
            let declared = json!({"statusCode": status, "responseParameters": declared});
            self.world.call("PutMethodResponse", self.at(verb, declared)).await;
            let response = merged(json!({"statusCode": status}), response.clone());
            self.world.call("PutIntegrationResponse", self.at(verb, response)).await;
        }
    }

    /// A mock that answers 200 with a template's text.
    pub(crate) async fn mock(&self, verb: &str, method: Value, template: &str) {
        let integration =
            json!({"type": "MOCK", "requestTemplates": {"application/json": r#"{"statusCode": 200}"#}});
        let responses = json!({"200": {"responseTemplates": {"application/json": template}}});
        self.method(verb, method, integration, responses).await;
    }

    /// Deploys to the stage `prod`; the deployment's id.
    pub(crate) async fn deploy(&self) -> String {
        let deployed = self.world.call("CreateDeployment", self.with(json!({"stageName": "prod"}))).await;
        text(&deployed["id"])
    }

    pub(crate) async fn patch_stage(&self, operations: Value) -> Value {
        let input = self.with(json!({"stageName": "prod", "patchOperations": operations}));
        self.world.call("UpdateStage", input).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}.execute-api.us-east-1.amazonaws.com/prod{path}", self.id)
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answered {
        self.world.send("GET", &self.url(path), headers, "").await
    }

    pub(crate) async fn post(&self, path: &str, content_type: &str, body: &str) -> Answered {
        let headers = [("content-type", content_type)];
        self.world.send("POST", &self.url(path), &headers, body.to_owned()).await
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

pub(crate) fn merged(mut value: Value, more: Value) -> Value {
    if let (Value::Object(members), Value::Object(more)) = (&mut value, more) {
        members.extend(more);
    }
    value
}

/// A patch operation.
pub(crate) fn patch(op: &str, path: &str, value: &str) -> Value {
    match op {
        "remove" if value.is_empty() => json!({"op": op, "path": path}),
        _ => json!({"op": op, "path": path, "value": value}),
    }
}
