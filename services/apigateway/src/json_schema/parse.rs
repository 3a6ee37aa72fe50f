//! Reading a schema.

use std::collections::HashMap;
use std::sync::Arc;

use regex::RegexBuilder;
use serde_json::{Map, Value};

use super::{Dependency, Items, Node, Rest, Schema, Type};

/// Subschemas that a schema may have; a model's own limit is 400 KB of text.
const MOST_NODES: usize = 20_000;
const MOST_DEPTH: usize = 60;
/// What a compiled pattern may take.
const MOST_PATTERN_BYTES: usize = 1 << 20;

type Members = Map<String, Value>;

pub(super) fn schema(schema: &Value, models: &dyn Fn(&str) -> Option<Arc<Value>>) -> Result<Schema, String> {
    let mut parser = Parser { nodes: Vec::new(), models, known: HashMap::new(), depth: 0 };
    let root = parser.node(schema, schema)?;
    Ok(Schema { nodes: parser.nodes, root })
}

struct Parser<'a> {
    nodes: Vec<Node>,
    models: &'a dyn Fn(&str) -> Option<Arc<Value>>,
    /// Targets of references, by document and pointer: they may lead back to what is being read.
    known: HashMap<(String, usize), usize>,
    depth: usize,
}

impl Parser<'_> {
    fn node(&mut self, value: &Value, document: &Value) -> Result<usize, String> {
        let members = value.as_object().ok_or("a schema must be a JSON object")?;
        if self.nodes.len() >= MOST_NODES || self.depth >= MOST_DEPTH {
            return Err("the schema is too large".to_owned());
        }
        let place = self.nodes.len();
        self.nodes.push(Node::default());
        self.fill(place, members, document)?;
        Ok(place)
    }

    fn fill(&mut self, place: usize, members: &Members, document: &Value) -> Result<(), String> {
        self.depth += 1;
        let mut node = Node::default();
        if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
            node.reference = Some(self.reference(reference, document)?);
        } else {
            self.demands(&mut node, members, document)?;
        }
        self.nodes[place] = node;
        self.depth -= 1;
        Ok(())
    }

    fn reference(&mut self, reference: &str, document: &Value) -> Result<usize, String> {
        let unresolved = || format!("the reference {reference} leads nowhere");
        if let Some(pointer) = reference.strip_prefix('#') {
            let target = document.pointer(pointer).ok_or_else(unresolved)?;
            return self.target(
                (pointer.to_owned(), std::ptr::from_ref(document) as usize),
                target,
                document,
            );
        }
        let (_, name) = reference.rsplit_once("/models/").ok_or_else(unresolved)?;
        match (self.models)(name) {
            Some(model) => self.target((name.to_owned(), 0), &model, &model),
            // Checked when it is known: a model may be made before the one that it refers to.
            None => {
                self.nodes.push(Node::default());
                Ok(self.nodes.len() - 1)
            }
        }
    }

    fn target(&mut self, key: (String, usize), target: &Value, document: &Value) -> Result<usize, String> {
        if let Some(place) = self.known.get(&key) {
            return Ok(*place);
        }
        let members = target.as_object().ok_or("a schema must be a JSON object")?;
        if self.nodes.len() >= MOST_NODES || self.depth >= MOST_DEPTH {
            return Err("the schema is too large".to_owned());
        }
        let place = self.nodes.len();
        self.nodes.push(Node::default());
        self.known.insert(key, place);
        self.fill(place, members, document)?;
        Ok(place)
    }

    fn demands(&mut self, node: &mut Node, members: &Members, document: &Value) -> Result<(), String> {
        node.types = types(members.get("type"))?;
        node.allowed = members.get("enum").and_then(Value::as_array).cloned();
        let number = |name: &str| members.get(name).and_then(Value::as_f64);
        let flag = |name: &str| members.get(name).and_then(Value::as_bool).unwrap_or(false);
        node.numbers.minimum = number("minimum");
        node.numbers.is_minimum_exclusive = flag("exclusiveMinimum");
        node.numbers.maximum = number("maximum");
        node.numbers.is_maximum_exclusive = flag("exclusiveMaximum");
        node.numbers.multiple_of = number("multipleOf").filter(|n| *n > 0.0);
        node.strings.min_length = size(members, "minLength");
        node.strings.max_length = size(members, "maxLength");
        node.strings.pattern = members.get("pattern").and_then(Value::as_str).map(pattern).transpose()?;
        self.arrays(node, members, document)?;
        self.objects(node, members, document)?;
        node.all_of = self.list(members.get("allOf"), document)?;
        node.any_of = self.list(members.get("anyOf"), document)?;
        node.one_of = self.list(members.get("oneOf"), document)?;
        node.not = members.get("not").map(|not| self.node(not, document)).transpose()?;
        // Read so that mistakes in them are told; used by references.
        for definition in
            members.get("definitions").and_then(Value::as_object).into_iter().flat_map(Map::values)
        {
            self.node(definition, document)?;
        }
        Ok(())
    }

    fn arrays(&mut self, node: &mut Node, members: &Members, document: &Value) -> Result<(), String> {
        node.arrays.min_items = size(members, "minItems");
        node.arrays.max_items = size(members, "maxItems");
        node.arrays.are_unique = members.get("uniqueItems").and_then(Value::as_bool).unwrap_or(false);
        node.arrays.items = match members.get("items") {
            None => Items::Any,
            Some(Value::Array(_)) => {
                let rest = self.rest(members.get("additionalItems"), document)?;
                Items::Listed(self.list(members.get("items"), document)?, rest)
            }
            Some(each) => Items::Each(self.node(each, document)?),
        };
        Ok(())
    }

    fn objects(&mut self, node: &mut Node, members: &Members, document: &Value) -> Result<(), String> {
        let objects = &mut node.objects;
        for (name, property) in members.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let place = self.node(property, document)?;
            objects.properties.insert(name.clone(), place);
        }
        for (text, property) in
            members.get("patternProperties").and_then(Value::as_object).into_iter().flatten()
        {
            objects.patterns.push((pattern(text)?, self.node(property, document)?));
        }
        objects.additional = self.rest(members.get("additionalProperties"), document)?;
        objects.required = names(members.get("required"));
        objects.min_properties = size(members, "minProperties");
        objects.max_properties = size(members, "maxProperties");
        for (name, dependency) in members.get("dependencies").and_then(Value::as_object).into_iter().flatten()
        {
            let dependency = match dependency {
                Value::Array(_) => Dependency::Properties(names(Some(dependency))),
                schema => Dependency::Schema(self.node(schema, document)?),
            };
            objects.dependencies.insert(name.clone(), dependency);
        }
        Ok(())
    }

    fn rest(&mut self, value: Option<&Value>, document: &Value) -> Result<Rest, String> {
        Ok(match value {
            None | Some(Value::Bool(true)) => Rest::Any,
            Some(Value::Bool(false)) => Rest::None,
            Some(schema) => Rest::Like(self.node(schema, document)?),
        })
    }

    fn list(&mut self, value: Option<&Value>, document: &Value) -> Result<Vec<usize>, String> {
        value
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|schema| self.node(schema, document))
            .collect()
    }
}

fn types(value: Option<&Value>) -> Result<Vec<Type>, String> {
    let names = match value {
        None => return Ok(Vec::new()),
        Some(Value::String(name)) => vec![name.clone()],
        Some(value) => names(Some(value)),
    };
    let named = |name: &String| Type::named(name).ok_or_else(|| format!("{name} is no type of JSON"));
    names.iter().map(named).collect()
}

fn names(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn size(members: &Members, name: &str) -> Option<usize> {
    members.get(name).and_then(Value::as_u64).and_then(|size| size.try_into().ok())
}

fn pattern(text: &str) -> Result<regex::Regex, String> {
    let built = RegexBuilder::new(text).size_limit(MOST_PATTERN_BYTES).build();
    built.map_err(|_| format!("{text} is no regular expression"))
}
