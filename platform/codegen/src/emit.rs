//! Writes the Rust source of an api crate.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::model::{Member, Model, Namespace, Operation, Shape};
use crate::names::{field, snake_case, type_name, variant};
use crate::reach::{contains_inline, reachable};

/// The whole of `api.rs`.
pub(crate) fn rust(service: &str, model: &Model, handled: &BTreeSet<String>) -> String {
    let emitter = Emitter { service, model, handled };
    let shapes = reachable(model, handled);
    let mut out = String::new();
    out.push_str(
        "use ::shapes::{Constraints, ErrorShape, Kind, Location, Member, Node, OperationSchema, Protocol, \
         ServiceSchema, Shape, Slot, Struct, StructShape, TimestampFormat, Union, View, XmlNamespace};\n",
    );
    emitter.service(&mut out);
    for name in &shapes {
        let shape = model.shape(name);
        emitter.shape_statics(&mut out, shape);
        if shape.kind == "structure" && !shape.is_document {
            if shape.is_union {
                emitter.union(&mut out, shape);
            } else {
                emitter.structure(&mut out, shape);
            }
        }
    }
    emitter.operations(&mut out);
    emitter.errors(&mut out);
    out
}

struct Emitter<'a> {
    service: &'a str,
    model: &'a Model,
    handled: &'a BTreeSet<String>,
}

impl Emitter<'_> {
    fn service(&self, out: &mut String) {
        let metadata = &self.model.metadata;
        let protocols: Vec<String> = metadata
            .protocols
            .iter()
            .filter_map(|protocol| protocol_name(protocol, &metadata.json_version))
            .map(|name| format!("Protocol::{name}"))
            .collect();
        put(
            out,
            format_args!(
                "pub static SERVICE: ServiceSchema = ServiceSchema {{ name: {:?}, service_id: {:?}, signing_name: {:?}, \
                 endpoint_prefix: {:?}, action_prefix: {:?}, api_version: {:?}, target_prefix: {:?}, protocols: &[{}], \
                 xml_namespace: {:?}, query_compatible: {}, operations: OPERATIONS }};",
                self.service,
                metadata.service_id,
                metadata.signing_name,
                metadata.endpoint_prefix,
                metadata.signing_name,
                metadata.api_version,
                metadata.target_prefix,
                protocols.join(", "),
                metadata.xml_namespace,
                metadata.query_compatible,
            ),
        );
        out.push_str("pub static OPERATIONS: &[OperationSchema] = &[\n");
        for operation in self.model.operations.values() {
            self.operation_schema(out, operation);
        }
        out.push_str("];\n");
    }

    fn operation_schema(&self, out: &mut String, operation: &Operation) {
        let has_handler = self.handled.contains(&operation.name);
        let body = |shape: &Option<String>| match shape {
            Some(shape) if has_handler => format!("&STRUCT_{}", constant(shape)),
            _ => "&StructShape::EMPTY".to_owned(),
        };
        let errors: Vec<String> = operation
            .errors
            .iter()
            .filter(|error| has_handler && self.model.shape(error).error.is_some())
            .map(|error| format!("&ERROR_{}", constant(error)))
            .collect();
        put(
            out,
            format_args!(
                "    OperationSchema {{ name: {:?}, method: {:?}, uri: {:?}, status: {}, has_handler: {has_handler}, \
                 input: {}, output: {}, result_wrapper: {:?}, input_element: {:?}, input_namespace: {}, errors: &[{}], \
                 is_unsigned: {} }},",
                operation.name,
                operation.method,
                operation.uri,
                operation.status,
                body(&operation.input),
                body(&operation.output),
                operation.result_wrapper,
                operation.input_location_name,
                namespace(operation.input_namespace.as_ref()),
                errors.join(", "),
                operation.is_unsigned,
            ),
        );
    }

    fn shape_statics(&self, out: &mut String, shape: &Shape) {
        let constant = constant(&shape.name);
        let kind = match shape.kind.as_str() {
            "structure" if shape.is_document => "Kind::Document".to_owned(),
            "structure" => format!("Kind::Struct(&STRUCT_{constant})"),
            "list" => format!("Kind::List(&ITEM_{constant})"),
            "map" => format!("Kind::Map(&KEY_{constant}, &ITEM_{constant})"),
            "boolean" => "Kind::Boolean".to_owned(),
            "integer" => "Kind::Integer".to_owned(),
            "long" => "Kind::Long".to_owned(),
            "float" => "Kind::Float".to_owned(),
            "double" => "Kind::Double".to_owned(),
            "blob" => "Kind::Blob".to_owned(),
            "timestamp" => "Kind::Timestamp".to_owned(),
            _ => "Kind::String".to_owned(),
        };
        let mut rest = String::new();
        let constraints = constraints(shape);
        if let Some(constraints) = &constraints {
            write_to(&mut rest, format_args!(" constraints: {constraints},"));
        }
        if let Some(format) = timestamp_format(shape.timestamp_format.as_deref()) {
            write_to(&mut rest, format_args!(" timestamp_format: Some({format}),"));
        }
        for (is_set, name) in [
            (shape.is_flattened, "flattened"),
            (shape.is_streaming, "streaming"),
            (shape.is_sensitive, "sensitive"),
        ] {
            if is_set {
                write_to(&mut rest, format_args!(" {name}: true,"));
            }
        }
        let plain = format!("Shape::plain({:?}, {kind})", shape.name);
        if rest.is_empty() {
            put(out, format_args!("static SHAPE_{constant}: Shape = {plain};"));
        } else {
            put(out, format_args!("static SHAPE_{constant}: Shape = Shape {{{rest} ..{plain} }};"));
        }
        if let Some(key) = &shape.key {
            put(out, format_args!("static KEY_{constant}: Member = {};", member_schema(key, self.model)));
        }
        if let Some(item) = &shape.item {
            put(out, format_args!("static ITEM_{constant}: Member = {};", member_schema(item, self.model)));
        }
        if shape.kind == "structure" && !shape.is_document {
            self.struct_schema(out, shape);
        }
    }

    fn struct_schema(&self, out: &mut String, shape: &Shape) {
        let constant = constant(&shape.name);
        if let Some(error) = &shape.error {
            put(
                out,
                format_args!(
                    "pub static ERROR_{constant}: ErrorShape = ErrorShape {{ name: {:?}, code: {:?}, status: {}, sender: {} }};",
                    shape.name, error.code, error.status, error.sender
                ),
            );
        }
        let members: Vec<String> =
            shape.members.iter().map(|member| member_schema(member, self.model)).collect();
        let payload = shape
            .payload
            .as_ref()
            .and_then(|payload| shape.members.iter().position(|member| member.name == *payload));
        let error = match &shape.error {
            Some(_) => format!("Some(&ERROR_{constant})"),
            None => "None".to_owned(),
        };
        put(
            out,
            format_args!(
                "static STRUCT_{constant}: StructShape = StructShape {{ name: {:?}, members: &[{}], is_union: {}, \
                 payload: {payload:?}, error: {error}, xml_name: {:?}, xml_namespace: {}, event_stream: {} }};",
                shape.name,
                members.join(", "),
                shape.is_union,
                shape.location_name,
                namespace(shape.xml_namespace.as_ref()),
                shape.is_event_stream,
            ),
        );
    }

    fn structure(&self, out: &mut String, shape: &Shape) {
        let name = type_name(&shape.name);
        put(out, format_args!("#[derive(Clone, Debug, Default, PartialEq)]\npub struct {name} {{"));
        for member in &shape.members {
            put(out, format_args!("    pub {}: {},", field(&member.name), self.member_type(shape, member)));
        }
        out.push_str("}\n");
        self.struct_impls(out, shape, &name);
    }

    fn struct_impls(&self, out: &mut String, shape: &Shape, name: &str) {
        node_impl(out, name, "Struct");
        let arms = |borrow: &str| {
            let mut arms = String::new();
            for (index, member) in shape.members.iter().enumerate() {
                write_to(&mut arms, format_args!("{index} => {borrow}self.{}, ", field(&member.name)));
            }
            arms
        };
        put(
            out,
            format_args!(
                "impl Struct for {name} {{\n    fn shape(&self) -> &'static StructShape {{ &STRUCT_{} }}\n    \
                 fn member(&self, index: usize) -> &dyn Node {{ match index {{ {}_ => no_member(index) }} }}\n    \
                 fn member_mut(&mut self, index: usize) -> &mut dyn Node {{ match index {{ {}_ => no_member(index) }} }}\n}}",
                constant(&shape.name),
                arms("&"),
                arms("&mut "),
            ),
        );
    }

    fn union(&self, out: &mut String, shape: &Shape) {
        let name = type_name(&shape.name);
        put(
            out,
            format_args!(
                "#[derive(Clone, Debug, Default, PartialEq)]\npub enum {name} {{\n    #[default]\n    Unset,"
            ),
        );
        for member in &shape.members {
            put(out, format_args!("    {}({}),", variant(&member.name), self.value_type(shape, member)));
        }
        out.push_str("}\n");
        node_impl(out, &name, "Union");
        let (mut views, mut selects) = (String::new(), String::new());
        for (index, member) in shape.members.iter().enumerate() {
            let variant = variant(&member.name);
            write_to(&mut views, format_args!("Self::{variant}(value) => Some(({index}, value)), "));
            write_to(
                &mut selects,
                format_args!(
                    "{index} => {{ *self = Self::{variant}(Default::default()); \
                     match self {{ Self::{variant}(value) => value, _ => no_member(index) }} }} "
                ),
            );
        }
        put(
            out,
            format_args!(
                "impl Union for {name} {{\n    fn shape(&self) -> &'static StructShape {{ &STRUCT_{} }}\n    \
                 fn variant(&self) -> Option<(usize, &dyn Node)> {{ match self {{ Self::Unset => None, {views} }} }}\n    \
                 fn select(&mut self, index: usize) -> &mut dyn Node {{ match index {{ {selects} _ => no_member(index) }} }}\n}}",
                constant(&shape.name),
            ),
        );
    }

    fn member_type(&self, parent: &Shape, member: &Member) -> String {
        let value = self.value_type(parent, member);
        // A required structure that contains its parent would have no end, so it is an option as well.
        if member.required && !value.starts_with("Box<") { value } else { format!("Option<{value}>") }
    }

    fn value_type(&self, parent: &Shape, member: &Member) -> String {
        let target = self.model.shape(&member.shape);
        if member.streaming && target.kind == "blob" {
            return "::shapes::Body".to_owned();
        }
        let value = self.shape_type(&member.shape);
        let is_inline = target.kind == "structure" && !target.is_document;
        if is_inline && contains_inline(self.model, &member.shape, &parent.name) {
            return format!("Box<{value}>");
        }
        value
    }

    fn shape_type(&self, name: &str) -> String {
        let shape = self.model.shape(name);
        let item = || shape.item.as_ref().map(|item| self.shape_type(&item.shape)).unwrap_or_default();
        match shape.kind.as_str() {
            "structure" if shape.is_document => "::shapes::Document".to_owned(),
            "structure" => type_name(name),
            "list" => format!("Vec<{}>", item()),
            "map" => format!("::shapes::Map<{}>", item()),
            "boolean" => "bool".to_owned(),
            "integer" => "i32".to_owned(),
            "long" => "i64".to_owned(),
            "float" => "f32".to_owned(),
            "double" => "f64".to_owned(),
            "blob" => "::shapes::Blob".to_owned(),
            "timestamp" => "::shapes::Timestamp".to_owned(),
            _ => "String".to_owned(),
        }
    }

    /// Aliases `SendMessageInput` and `SendMessageOutput` whatever the model calls them, and one type per operation.
    fn operations(&self, out: &mut String) {
        let mut ops = String::new();
        for (index, operation) in self.model.operations.values().enumerate() {
            if !self.handled.contains(&operation.name) {
                continue;
            }
            let name = type_name(&operation.name);
            for (suffix, shape) in [("Input", &operation.input), ("Output", &operation.output)] {
                self.body_type(out, &format!("{name}{suffix}"), shape.as_deref());
            }
            put(
                &mut ops,
                format_args!(
                    "    #[derive(Debug)]\n    pub enum {name} {{}}\n    impl ::shapes::Op for {name} {{\n        \
                     const SERVICE: &'static super::ServiceSchema = &super::SERVICE;\n        \
                     const SCHEMA: &'static super::OperationSchema = &super::OPERATIONS[{index}];\n        \
                     type Input = super::{name}Input;\n        type Output = super::{name}Output;\n    }}"
                ),
            );
        }
        put(out, format_args!("/// One empty type per operation with a handler.\npub mod op {{\n{ops}}}"));
        out.push_str(
            "#[allow(dead_code)]\n#[cold]\nfn no_member(index: usize) -> ! { panic!(\"the schema has no member {index}\") }\n",
        );
    }

    fn body_type(&self, out: &mut String, alias: &str, shape: Option<&str>) {
        match shape {
            Some(shape) if type_name(shape) == alias => {}
            Some(shape) => put(out, format_args!("pub type {alias} = {};", type_name(shape))),
            None => {
                put(
                    out,
                    format_args!("#[derive(Clone, Debug, Default, PartialEq)]\npub struct {alias} {{}}"),
                );
                node_impl(out, alias, "Struct");
                put(
                    out,
                    format_args!(
                        "impl Struct for {alias} {{\n    fn shape(&self) -> &'static StructShape {{ &StructShape::EMPTY }}\n    \
                         fn member(&self, index: usize) -> &dyn Node {{ no_member(index) }}\n    \
                         fn member_mut(&mut self, index: usize) -> &mut dyn Node {{ no_member(index) }}\n}}"
                    ),
                );
            }
        }
    }

    /// A constructor per modelled error that an operation with a handler declares.
    fn errors(&self, out: &mut String) {
        let names: BTreeSet<&String> = self
            .handled
            .iter()
            .flat_map(|operation| &self.model.operations[operation].errors)
            .filter(|name| self.model.shape(name).error.is_some())
            .collect();
        out.push_str("/// Constructors of the errors that the model declares.\npub mod error {\n");
        for name in names {
            put(
                out,
                format_args!(
                    "    pub fn {}(message: impl Into<String>) -> ::shapes::ApiError {{ ::shapes::ApiError::modelled(&super::ERROR_{}, message) }}",
                    snake_case(name),
                    constant(name)
                ),
            );
        }
        out.push_str("}\n");
    }
}

fn node_impl(out: &mut String, name: &str, kind: &str) {
    put(
        out,
        format_args!(
            "impl Node for {name} {{\n    fn view(&self) -> View<'_> {{ View::{kind}(self) }}\n    \
             fn slot(&mut self) -> Slot<'_> {{ Slot::{kind}(self) }}\n}}"
        ),
    );
}

fn member_schema(member: &Member, model: &Model) -> String {
    let mut rest = String::new();
    let location = match member.location.as_str() {
        "uri" => Some("Uri"),
        "querystring" => Some("QueryString"),
        "header" => Some("Header"),
        "headers" => Some("Headers"),
        "statusCode" => Some("StatusCode"),
        _ => None,
    };
    if let Some(location) = location {
        write_to(&mut rest, format_args!(" location: Location::{location},"));
    }
    for (name, value) in [("location_name", &member.location_name), ("query_name", &member.query_name)] {
        if value.is_some() {
            write_to(&mut rest, format_args!(" {name}: {value:?},"));
        }
    }
    if member.xml_namespace.is_some() {
        write_to(&mut rest, format_args!(" xml_namespace: {},", namespace(member.xml_namespace.as_ref())));
    }
    let format = member.timestamp_format.as_deref();
    if let Some(format) = timestamp_format(format) {
        write_to(&mut rest, format_args!(" timestamp_format: Some({format}),"));
    }
    for (is_set, name) in [
        (member.required, "required"),
        (member.flattened || model.shape(&member.shape).is_flattened, "flattened"),
        (member.xml_attribute, "xml_attribute"),
        (member.json_value, "json_value"),
        (member.idempotency_token, "idempotency_token"),
        (member.event_header, "event_header"),
        (member.event_payload, "event_payload"),
    ] {
        if is_set {
            write_to(&mut rest, format_args!(" {name}: true,"));
        }
    }
    let plain = format!("Member::plain({:?}, &SHAPE_{})", member.name, constant(&member.shape));
    if rest.is_empty() { plain } else { format!("Member {{{rest} ..{plain} }}") }
}

fn constraints(shape: &Shape) -> Option<String> {
    let has_any = shape.min.is_some()
        || shape.max.is_some()
        || shape.pattern.is_some()
        || !shape.enum_values.is_empty();
    has_any.then(|| {
        format!(
            "Constraints {{ min: {:?}, max: {:?}, pattern: {:?}, enum_values: &{:?} }}",
            shape.min, shape.max, shape.pattern, shape.enum_values
        )
    })
}

fn namespace(namespace: Option<&Namespace>) -> String {
    match namespace {
        Some(Namespace { uri, prefix }) => {
            format!("Some(XmlNamespace {{ uri: {uri:?}, prefix: {prefix:?} }})")
        }
        None => "None".to_owned(),
    }
}

fn timestamp_format(format: Option<&str>) -> Option<&'static str> {
    match format? {
        "iso8601" => Some("TimestampFormat::Iso8601"),
        "rfc822" => Some("TimestampFormat::HttpDate"),
        "unixTimestamp" => Some("TimestampFormat::EpochSeconds"),
        _ => None,
    }
}

fn protocol_name(protocol: &str, json_version: &str) -> Option<&'static str> {
    match protocol {
        "json" if json_version == "1.0" => Some("AwsJson10"),
        "json" => Some("AwsJson11"),
        "query" => Some("AwsQuery"),
        "ec2" => Some("Ec2Query"),
        "rest-json" => Some("RestJson"),
        "rest-xml" => Some("RestXml"),
        "smithy-rpc-v2-cbor" => Some("RpcV2Cbor"),
        _ => None,
    }
}

/// Shape names differ by case in some models, so constants keep the case.
fn constant(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

fn put(out: &mut String, line: std::fmt::Arguments<'_>) {
    write_to(out, line);
    out.push('\n');
}

fn write_to(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a string cannot fail");
}
