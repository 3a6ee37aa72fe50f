//! Schemas made at run time from a model, and values of them.

use std::collections::BTreeMap;

use codegen::model;
use serde_json::Value as Json;
use shapes::{
    Blob, Constraints, Document, ErrorShape, Kind, Location, MapNode, Member, Node, OperationSchema,
    Protocol, SequenceNode, ServiceSchema, Shape, Slot, Struct, StructShape, Timestamp, TimestampFormat,
    Union, View, XmlNamespace,
};

/// Recursive shapes are unrolled, because leaked data cannot refer to itself; no vector nests deeper.
const MOST_UNROLLED: usize = 4;

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn text(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn optional(value: &Option<String>) -> Option<&'static str> {
    value.as_deref().map(text)
}

fn namespace(namespace: &Option<model::Namespace>) -> Option<XmlNamespace> {
    namespace
        .as_ref()
        .map(|namespace| XmlNamespace { uri: text(&namespace.uri), prefix: optional(&namespace.prefix) })
}

fn timestamp_format(format: &Option<String>) -> Option<TimestampFormat> {
    match format.as_deref()? {
        "iso8601" => Some(TimestampFormat::Iso8601),
        "rfc822" => Some(TimestampFormat::HttpDate),
        "unixTimestamp" => Some(TimestampFormat::EpochSeconds),
        _ => None,
    }
}

/// The schema of a whole model.
pub(crate) fn service(model: &model::Model) -> &'static ServiceSchema {
    let metadata = &model.metadata;
    let protocols: Vec<Protocol> =
        metadata.protocols.iter().map(|protocol| protocol_named(protocol, &metadata.json_version)).collect();
    let operations: Vec<OperationSchema> =
        model.operations.values().map(|schema| operation(model, schema)).collect();
    leak(ServiceSchema {
        name: "vectors",
        service_id: text(&metadata.service_id),
        signing_name: "vectors",
        endpoint_prefix: "vectors",
        action_prefix: "vectors",
        api_version: text(&metadata.api_version),
        target_prefix: text(&metadata.target_prefix),
        protocols: Vec::leak(protocols),
        xml_namespace: optional(&metadata.xml_namespace),
        query_compatible: metadata.query_compatible,
        operations: Vec::leak(operations),
    })
}

fn protocol_named(name: &str, json_version: &str) -> Protocol {
    match name {
        "json" if json_version == "1.0" => Protocol::AwsJson10,
        "json" => Protocol::AwsJson11,
        "query" => Protocol::AwsQuery,
        "ec2" => Protocol::Ec2Query,
        "rest-json" => Protocol::RestJson,
        "rest-xml" => Protocol::RestXml,
        "smithy-rpc-v2-cbor" => Protocol::RpcV2Cbor,
        other => panic!("no protocol {other}"),
    }
}

fn operation(model: &model::Model, operation: &model::Operation) -> OperationSchema {
    let body = |shape: &Option<String>| match shape {
        Some(name) => structure(model, name),
        None => &StructShape::EMPTY,
    };
    let errors: Vec<&'static ErrorShape> =
        operation.errors.iter().filter_map(|name| structure(model, name).error).collect();
    OperationSchema {
        name: text(&operation.name),
        method: text(&operation.method),
        uri: text(&operation.uri),
        status: operation.status,
        has_handler: true,
        input: body(&operation.input),
        output: body(&operation.output),
        result_wrapper: optional(&operation.result_wrapper),
        input_element: optional(&operation.input_location_name),
        input_namespace: namespace(&operation.input_namespace),
        errors: Vec::leak(errors),
        is_unsigned: operation.is_unsigned,
    }
}

/// The schema of the structure called `name`.
pub(crate) fn structure(model: &model::Model, name: &str) -> &'static StructShape {
    match shape(model, name, &mut Vec::new()).kind {
        Kind::Struct(shape) => shape,
        _ => panic!("{name} is no structure"),
    }
}

fn shape(model: &model::Model, name: &str, within: &mut Vec<String>) -> &'static Shape {
    let source = model.shape(name);
    let is_cut = within.iter().filter(|outer| *outer == name).count() >= MOST_UNROLLED;
    within.push(name.to_owned());
    let mut inner = |source: &Option<Box<model::Member>>| {
        let source = source.as_ref().expect("lists have items, maps keys and values");
        leak(member(model, source, within))
    };
    let kind = match source.kind.as_str() {
        "structure" if source.is_document => Kind::Document,
        "structure" if is_cut => Kind::Struct(&StructShape::EMPTY),
        "structure" => Kind::Struct(struct_shape(model, source, within)),
        "list" => Kind::List(inner(&source.item)),
        "map" => Kind::Map(inner(&source.key), inner(&source.item)),
        "boolean" => Kind::Boolean,
        "integer" => Kind::Integer,
        "long" => Kind::Long,
        "float" => Kind::Float,
        "double" => Kind::Double,
        "blob" => Kind::Blob,
        "timestamp" => Kind::Timestamp,
        _ => Kind::String,
    };
    within.pop();
    let enum_values: Vec<&'static str> = source.enum_values.iter().map(|value| text(value)).collect();
    let constraints = Constraints {
        min: source.min,
        max: source.max,
        pattern: optional(&source.pattern),
        enum_values: Vec::leak(enum_values),
    };
    leak(Shape {
        name: text(name),
        kind,
        constraints,
        timestamp_format: timestamp_format(&source.timestamp_format),
        flattened: source.is_flattened,
        streaming: source.is_streaming,
        sensitive: source.is_sensitive,
    })
}

fn struct_shape(
    model: &model::Model,
    source: &model::Shape,
    within: &mut Vec<String>,
) -> &'static StructShape {
    let members: Vec<Member> = source.members.iter().map(|source| member(model, source, within)).collect();
    let payload = source
        .payload
        .as_ref()
        .and_then(|payload| source.members.iter().position(|member| member.name == *payload));
    let error = source.error.as_ref().map(|error| -> &'static ErrorShape {
        leak(ErrorShape {
            name: text(&source.name),
            code: text(&error.code),
            status: error.status,
            sender: error.sender,
        })
    });
    leak(StructShape {
        name: text(&source.name),
        members: Vec::leak(members),
        is_union: source.is_union,
        payload,
        error,
        xml_name: optional(&source.location_name),
        xml_namespace: namespace(&source.xml_namespace),
        event_stream: source.is_event_stream,
    })
}

fn member(model: &model::Model, source: &model::Member, within: &mut Vec<String>) -> Member {
    Member {
        name: text(&source.name),
        shape: shape(model, &source.shape, within),
        required: source.required,
        location: match source.location.as_str() {
            "uri" => Location::Uri,
            "querystring" => Location::QueryString,
            "header" => Location::Header,
            "headers" => Location::Headers,
            "statusCode" => Location::StatusCode,
            _ => Location::Body,
        },
        location_name: optional(&source.location_name),
        query_name: optional(&source.query_name),
        flattened: source.flattened || model.shape(&source.shape).is_flattened,
        xml_attribute: source.xml_attribute,
        xml_namespace: namespace(&source.xml_namespace),
        timestamp_format: timestamp_format(&source.timestamp_format),
        json_value: source.json_value,
        idempotency_token: source.idempotency_token,
        event_header: source.event_header,
        event_payload: source.event_payload,
    }
}

/// A value of any shape; absent until it is filled.
pub(crate) struct Dynamic {
    shape: &'static Shape,
    value: Option<Value>,
}

enum Value {
    Boolean(bool),
    Integer(i32),
    Long(i64),
    Float(f32),
    Double(f64),
    String(String),
    Blob(Blob),
    Timestamp(Timestamp),
    Document(Document),
    List(List),
    Map(Map),
    Struct(Structure),
    Union(Variant),
}

pub(crate) struct Structure {
    shape: &'static StructShape,
    members: Vec<Dynamic>,
}

struct Variant {
    shape: &'static StructShape,
    set: Option<(usize, Box<Dynamic>)>,
}

struct List {
    item: &'static Shape,
    items: Vec<Dynamic>,
}

struct Map {
    item: &'static Shape,
    entries: BTreeMap<String, Dynamic>,
}

impl Value {
    fn empty(shape: &'static Shape) -> Self {
        match shape.kind {
            Kind::Boolean => Self::Boolean(false),
            Kind::Integer => Self::Integer(0),
            Kind::Long => Self::Long(0),
            Kind::Float => Self::Float(0.0),
            Kind::Double => Self::Double(0.0),
            Kind::String => Self::String(String::new()),
            Kind::Blob => Self::Blob(Blob::new()),
            Kind::Timestamp => Self::Timestamp(Timestamp::EPOCH),
            Kind::Document => Self::Document(Document::Null),
            Kind::List(item) => Self::List(List { item: item.shape, items: Vec::new() }),
            Kind::Map(_, item) => Self::Map(Map { item: item.shape, entries: BTreeMap::new() }),
            Kind::Struct(shape) if shape.is_union => Self::Union(Variant { shape, set: None }),
            Kind::Struct(shape) => Self::Struct(Structure::new(shape)),
        }
    }
}

impl Dynamic {
    fn absent(shape: &'static Shape) -> Self {
        Self { shape, value: None }
    }

    fn empty(shape: &'static Shape) -> Self {
        Self { shape, value: Some(Value::empty(shape)) }
    }
}

impl Node for Dynamic {
    fn view(&self) -> View<'_> {
        match &self.value {
            None => View::Absent,
            Some(Value::Boolean(value)) => View::Boolean(*value),
            Some(Value::Integer(value)) => View::Integer(*value),
            Some(Value::Long(value)) => View::Long(*value),
            Some(Value::Float(value)) => View::Float(*value),
            Some(Value::Double(value)) => View::Double(*value),
            Some(Value::String(value)) => View::String(value),
            Some(Value::Blob(value)) => View::Blob(value),
            Some(Value::Timestamp(value)) => View::Timestamp(*value),
            Some(Value::Document(value)) => View::Document(value),
            Some(Value::List(value)) => View::List(value),
            Some(Value::Map(value)) => View::Map(value),
            Some(Value::Struct(value)) => View::Struct(value),
            Some(Value::Union(value)) => View::Union(value),
        }
    }

    fn slot(&mut self) -> Slot<'_> {
        match self.value.get_or_insert_with(|| Value::empty(self.shape)) {
            Value::Boolean(value) => Slot::Boolean(value),
            Value::Integer(value) => Slot::Integer(value),
            Value::Long(value) => Slot::Long(value),
            Value::Float(value) => Slot::Float(value),
            Value::Double(value) => Slot::Double(value),
            Value::String(value) => Slot::String(value),
            Value::Blob(value) => Slot::Blob(value),
            Value::Timestamp(value) => Slot::Timestamp(value),
            Value::Document(value) => Slot::Document(value),
            Value::List(value) => Slot::List(value),
            Value::Map(value) => Slot::Map(value),
            Value::Struct(value) => Slot::Struct(value),
            Value::Union(value) => Slot::Union(value),
        }
    }
}

impl Structure {
    pub(crate) fn new(shape: &'static StructShape) -> Self {
        Self { shape, members: shape.members.iter().map(|member| Dynamic::absent(member.shape)).collect() }
    }

    /// A structure with the members that `json` has, as the vectors write them.
    pub(crate) fn from_json(shape: &'static StructShape, json: &Json) -> Self {
        let mut structure = Self::new(shape);
        fill_struct(&mut structure, json);
        structure
    }
}

impl Struct for Structure {
    fn shape(&self) -> &'static StructShape {
        self.shape
    }
    fn member(&self, index: usize) -> &dyn Node {
        &self.members[index]
    }
    fn member_mut(&mut self, index: usize) -> &mut dyn Node {
        &mut self.members[index]
    }
}

impl Union for Variant {
    fn shape(&self) -> &'static StructShape {
        self.shape
    }
    fn variant(&self) -> Option<(usize, &dyn Node)> {
        self.set.as_ref().map(|(index, node)| (*index, &**node as &dyn Node))
    }
    fn select(&mut self, index: usize) -> &mut dyn Node {
        let node = Box::new(Dynamic::empty(self.shape.members[index].shape));
        &mut *self.set.insert((index, node)).1
    }
}

impl SequenceNode for List {
    fn len(&self) -> usize {
        self.items.len()
    }
    fn item(&self, index: usize) -> &dyn Node {
        &self.items[index]
    }
    fn push(&mut self) -> &mut dyn Node {
        self.items.push(Dynamic::empty(self.item));
        self.items.last_mut().expect("an item was just pushed")
    }
}

impl MapNode for Map {
    fn len(&self) -> usize {
        self.entries.len()
    }
    fn entries(&self) -> Box<dyn Iterator<Item = (&str, &dyn Node)> + '_> {
        Box::new(self.entries.iter().map(|(key, node)| (key.as_str(), node as &dyn Node)))
    }
    fn insert(&mut self, key: String) -> &mut dyn Node {
        let node = self.entries.entry(key).or_insert_with(|| Dynamic::absent(self.item));
        *node = Dynamic::empty(self.item);
        node
    }
}

fn fill_struct(target: &mut dyn Struct, json: &Json) {
    for (name, value) in json.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        let (index, _) = target.shape().member_named(name).unwrap_or_else(|| panic!("no member {name}"));
        fill(target.member_mut(index).slot(), value);
    }
}

fn fill(slot: Slot<'_>, json: &Json) {
    let number = || match json.as_str() {
        Some("NaN") => f64::NAN,
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        _ => json.as_f64().unwrap_or_else(|| panic!("{json} is no number")),
    };
    match slot {
        Slot::Boolean(target) => *target = json.as_bool().expect("a boolean"),
        Slot::Integer(target) => *target = json.as_i64().expect("an integer") as i32,
        Slot::Long(target) => *target = json.as_i64().expect("an integer"),
        Slot::Float(target) => *target = number() as f32,
        Slot::Double(target) => *target = number(),
        Slot::String(target) => json.as_str().expect("a string").clone_into(target),
        Slot::Blob(target) => *target = Blob::from(json.as_str().expect("a blob").to_owned()),
        Slot::Stream(target) => *target = json.as_str().expect("a blob").to_owned().into(),
        Slot::Timestamp(target) => *target = Timestamp::from_millis((number() * 1000.0).round() as i64),
        Slot::Document(target) => *target = document(json),
        Slot::List(target) => {
            for item in json.as_array().expect("a list") {
                fill(target.push().slot(), item);
            }
        }
        Slot::Map(target) => {
            for (key, item) in json.as_object().expect("a map") {
                fill(target.insert(key.clone()).slot(), item);
            }
        }
        Slot::Struct(target) => fill_struct(target, json),
        Slot::Union(target) => {
            for (name, value) in json.as_object().expect("a union") {
                let (index, _) = target.shape().member_named(name).expect("a member of the union");
                fill(target.select(index).slot(), value);
            }
        }
    }
}

fn document(json: &Json) -> Document {
    match json {
        Json::Null => Document::Null,
        Json::Bool(value) => Document::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(value) => Document::Integer(value),
            None => Document::Float(number.as_f64().expect("a number")),
        },
        Json::String(value) => Document::String(value.clone()),
        Json::Array(items) => Document::List(items.iter().map(document).collect()),
        Json::Object(entries) => {
            Document::Map(entries.iter().map(|(key, value)| (key.clone(), document(value))).collect())
        }
    }
}

/// A structure as the vectors write it.
pub(crate) fn to_json(value: &dyn Struct) -> Json {
    let members = value.shape().members.iter().enumerate();
    let present = members.filter(|(index, _)| !matches!(value.member(*index).view(), View::Absent));
    present.map(|(index, member)| (member.name.to_owned(), view_json(&value.member(index).view()))).collect()
}

fn number_json(number: f64) -> Json {
    serde_json::Number::from_f64(number)
        .map_or_else(|| Json::String(format!("{number}").replace("inf", "Infinity")), Json::Number)
}

fn view_json(view: &View<'_>) -> Json {
    match view {
        View::Absent => Json::Null,
        View::Boolean(value) => Json::Bool(*value),
        View::Integer(value) => Json::from(*value),
        View::Long(value) => Json::from(*value),
        View::Float(value) => number_json(value.to_string().parse().expect("a number")),
        View::Double(value) => number_json(*value),
        View::String(value) => Json::from(*value),
        View::Blob(value) => Json::from(String::from_utf8_lossy(value).into_owned()),
        View::Stream(value) => {
            Json::from(String::from_utf8_lossy(value.whole().expect("in memory")).into_owned())
        }
        View::Timestamp(value) => number_json(value.millis() as f64 / 1000.0),
        View::Document(value) => document_json(value),
        View::List(list) => (0..list.len()).map(|index| view_json(&list.item(index).view())).collect(),
        View::Map(map) => {
            map.entries().map(|(key, node)| (key.to_owned(), view_json(&node.view()))).collect()
        }
        View::Struct(value) => to_json(*value),
        View::Union(value) => value
            .variant()
            .map(|(index, node)| (value.shape().members[index].name.to_owned(), view_json(&node.view())))
            .into_iter()
            .collect(),
    }
}

fn document_json(document: &Document) -> Json {
    match document {
        Document::Null => Json::Null,
        Document::Bool(value) => Json::Bool(*value),
        Document::Integer(value) => Json::from(*value),
        Document::Float(value) => number_json(*value),
        Document::String(value) => Json::from(value.as_str()),
        Document::List(items) => items.iter().map(document_json).collect(),
        Document::Map(entries) => {
            entries.iter().map(|(key, value)| (key.clone(), document_json(value))).collect()
        }
    }
}
