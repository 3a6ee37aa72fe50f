//! The facts of an API, read from a model in botocore's JSON format (`service-2.json` without its prose).

use std::collections::BTreeMap;

use serde_json::Value;

/// A whole API.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub metadata: Metadata,
    pub operations: BTreeMap<String, Operation>,
    pub shapes: BTreeMap<String, Shape>,
}

/// The service's own facts.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    pub service_id: String,
    pub api_version: String,
    pub endpoint_prefix: String,
    pub signing_name: String,
    pub target_prefix: String,
    pub json_version: String,
    /// As the model spells them: `json`, `query`, `rest-json`, `rest-xml`, `ec2`, `smithy-rpc-v2-cbor`.
    pub protocols: Vec<String>,
    pub xml_namespace: Option<String>,
    pub query_compatible: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Operation {
    pub name: String,
    pub method: String,
    pub uri: String,
    pub status: u16,
    pub input: Option<String>,
    pub input_location_name: Option<String>,
    pub input_namespace: Option<Namespace>,
    pub output: Option<String>,
    pub result_wrapper: Option<String>,
    pub errors: Vec<String>,
    pub is_unsigned: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Namespace {
    pub uri: String,
    pub prefix: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Shape {
    pub name: String,
    /// `structure`, `list`, `map`, `string`, `integer`, `long`, `float`, `double`, `boolean`, `blob`, `timestamp`.
    pub kind: String,
    /// Members of a structure in the model's order.
    pub members: Vec<Member>,
    /// Item of a list, or value of a map.
    pub item: Option<Box<Member>>,
    pub key: Option<Box<Member>>,
    pub payload: Option<String>,
    pub is_union: bool,
    pub is_document: bool,
    pub is_event_stream: bool,
    pub is_streaming: bool,
    pub is_sensitive: bool,
    pub is_flattened: bool,
    pub error: Option<ErrorFacts>,
    pub timestamp_format: Option<String>,
    pub location_name: Option<String>,
    pub xml_namespace: Option<Namespace>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub pattern: Option<String>,
    pub enum_values: Vec<String>,
}

/// A member of a structure, an item, key or value.
#[derive(Debug, Clone, Default)]
pub struct Member {
    pub name: String,
    /// The name of its shape.
    pub shape: String,
    pub required: bool,
    /// `uri`, `querystring`, `header`, `headers`, `statusCode`; empty for the body.
    pub location: String,
    pub location_name: Option<String>,
    pub query_name: Option<String>,
    pub flattened: bool,
    pub xml_attribute: bool,
    pub xml_namespace: Option<Namespace>,
    pub timestamp_format: Option<String>,
    pub json_value: bool,
    pub idempotency_token: bool,
    pub streaming: bool,
    pub event_header: bool,
    pub event_payload: bool,
}

#[derive(Debug, Clone, Default)]
pub struct ErrorFacts {
    pub code: String,
    pub status: u16,
    pub sender: bool,
}

impl Model {
    /// Reads a model; the error says what is missing or wrong.
    pub fn parse(json: &Value) -> Result<Self, String> {
        let metadata = Metadata::parse(json.get("metadata").ok_or("no metadata")?);
        let mut operations = BTreeMap::new();
        for (name, operation) in entries(json, "operations") {
            operations.insert(name.clone(), Operation::parse(name, operation));
        }
        let mut shapes = BTreeMap::new();
        for (name, shape) in entries(json, "shapes") {
            shapes.insert(name.clone(), Shape::parse(name, shape));
        }
        let model = Self { metadata, operations, shapes };
        model.check_references()?;
        Ok(model)
    }

    /// The shape called `name`, which [`Model::parse`] has made sure is there for every reference.
    pub fn shape(&self, name: &str) -> &Shape {
        &self.shapes[name]
    }

    fn check_references(&self) -> Result<(), String> {
        let members = self.shapes.values().flat_map(|shape| {
            let inner = shape.item.iter().chain(&shape.key).map(AsRef::as_ref);
            shape.members.iter().chain(inner).map(move |member| (&shape.name, &member.shape))
        });
        let bodies = self.operations.values().flat_map(|operation| {
            let shapes = operation.input.iter().chain(&operation.output).chain(&operation.errors);
            shapes.map(move |shape| (&operation.name, shape))
        });
        match members.chain(bodies).find(|(_, target)| !self.shapes.contains_key(*target)) {
            Some((from, target)) => Err(format!("{from} refers to {target}, which is not there")),
            None => Ok(()),
        }
    }
}

impl Metadata {
    fn parse(json: &Value) -> Self {
        let endpoint_prefix = text(json, "endpointPrefix").unwrap_or_default();
        let mut protocols: Vec<String> = json
            .get("protocols")
            .and_then(Value::as_array)
            .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default();
        if protocols.is_empty() {
            protocols.extend(text(json, "protocol"));
        }
        Self {
            service_id: text(json, "serviceId").unwrap_or_default(),
            api_version: text(json, "apiVersion").unwrap_or_default(),
            signing_name: text(json, "signingName").unwrap_or_else(|| endpoint_prefix.clone()),
            endpoint_prefix,
            target_prefix: text(json, "targetPrefix").unwrap_or_default(),
            json_version: text(json, "jsonVersion").unwrap_or_default(),
            protocols,
            xml_namespace: text(json, "xmlNamespace"),
            query_compatible: json.get("awsQueryCompatible").is_some(),
        }
    }
}

impl Operation {
    fn parse(name: &str, json: &Value) -> Self {
        let http = json.get("http").unwrap_or(&Value::Null);
        let input = json.get("input");
        let output = json.get("output");
        Self {
            name: name.to_owned(),
            method: text(http, "method").unwrap_or_else(|| "POST".to_owned()),
            uri: text(http, "requestUri").unwrap_or_else(|| "/".to_owned()),
            status: http.get("responseCode").and_then(Value::as_u64).unwrap_or(200) as u16,
            input: input.and_then(|input| text(input, "shape")),
            input_location_name: input.and_then(|input| text(input, "locationName")),
            input_namespace: input.and_then(Namespace::parse),
            output: output.and_then(|output| text(output, "shape")),
            result_wrapper: output.and_then(|output| text(output, "resultWrapper")),
            errors: json
                .get("errors")
                .and_then(Value::as_array)
                .map(|errors| errors.iter().filter_map(|error| text(error, "shape")).collect())
                .unwrap_or_default(),
            is_unsigned: text(json, "authtype").as_deref() == Some("none"),
        }
    }
}

impl Namespace {
    fn parse(parent: &Value) -> Option<Self> {
        match parent.get("xmlNamespace")? {
            Value::String(uri) => Some(Self { uri: uri.clone(), prefix: None }),
            namespace => Some(Self {
                uri: text(namespace, "uri").unwrap_or_default(),
                prefix: text(namespace, "prefix"),
            }),
        }
    }
}

impl Shape {
    fn parse(name: &str, json: &Value) -> Self {
        let required: Vec<&str> = json
            .get("required")
            .and_then(Value::as_array)
            .map(|list| list.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let members = entries(json, "members")
            .map(|(name, member)| Member::parse(name, member, required.contains(&name.as_str())))
            .collect();
        let inner = |key: &str| json.get(key).map(|member| Box::new(Member::parse(key, member, false)));
        Self {
            name: name.to_owned(),
            kind: text(json, "type").unwrap_or_else(|| "structure".to_owned()),
            members,
            item: inner("member").or_else(|| inner("value")),
            key: inner("key"),
            payload: text(json, "payload"),
            is_union: flag(json, "union"),
            is_document: flag(json, "document"),
            is_event_stream: flag(json, "eventstream"),
            is_streaming: flag(json, "streaming"),
            is_sensitive: flag(json, "sensitive"),
            is_flattened: flag(json, "flattened"),
            error: ErrorFacts::parse(name, json),
            timestamp_format: text(json, "timestampFormat"),
            location_name: text(json, "locationName"),
            xml_namespace: Namespace::parse(json),
            min: json.get("min").and_then(Value::as_f64),
            max: json.get("max").and_then(Value::as_f64),
            pattern: text(json, "pattern"),
            enum_values: json
                .get("enum")
                .and_then(Value::as_array)
                .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
                .unwrap_or_default(),
        }
    }
}

impl Member {
    fn parse(name: &str, json: &Value, required: bool) -> Self {
        Self {
            name: name.to_owned(),
            shape: text(json, "shape").unwrap_or_default(),
            required,
            location: text(json, "location").unwrap_or_default(),
            location_name: text(json, "locationName"),
            query_name: text(json, "queryName"),
            flattened: flag(json, "flattened"),
            xml_attribute: flag(json, "xmlAttribute"),
            xml_namespace: Namespace::parse(json),
            timestamp_format: text(json, "timestampFormat"),
            json_value: flag(json, "jsonvalue"),
            idempotency_token: flag(json, "idempotencyToken"),
            streaming: flag(json, "streaming"),
            event_header: flag(json, "eventheader"),
            event_payload: flag(json, "eventpayload"),
        }
    }
}

impl ErrorFacts {
    fn parse(name: &str, json: &Value) -> Option<Self> {
        let facts = json.get("error");
        if !flag(json, "exception") && facts.is_none() {
            return None;
        }
        let facts = facts.unwrap_or(&Value::Null);
        let is_fault = flag(json, "fault");
        let status = facts.get("httpStatusCode").and_then(Value::as_u64);
        let status = status.unwrap_or(if is_fault { 500 } else { 400 }) as u16;
        Some(Self {
            code: text(facts, "code").unwrap_or_else(|| name.to_owned()),
            status,
            sender: !is_fault && status < 500,
        })
    }
}

fn text(json: &Value, key: &str) -> Option<String> {
    json.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn flag(json: &Value, key: &str) -> bool {
    json.get(key).and_then(Value::as_bool).unwrap_or(false)
}

fn entries<'a>(json: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    json.get(key).and_then(Value::as_object).into_iter().flatten()
}
