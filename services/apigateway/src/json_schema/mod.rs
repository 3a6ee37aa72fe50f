//! JSON Schema, draft 4, as far as API Gateway's models use it, with the sentences that its validator says
//! (Developer Guide, "Data models for REST APIs").
//!
//! A schema is parsed once and then only asked. References lead into the same document, or to other models by
//! `https://apigateway.amazonaws.com/restapis/API/models/NAME`.

mod check;
mod parse;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use regex::Regex;
use serde_json::Value;

/// A parsed schema with all that it refers to.
#[derive(Debug)]
pub(crate) struct Schema {
    nodes: Vec<Node>,
    root: usize,
}

/// What one (sub)schema demands. Others are named by their place in [`Schema::nodes`].
#[derive(Debug, Default)]
struct Node {
    reference: Option<usize>,
    types: Vec<Type>,
    allowed: Option<Vec<Value>>,
    numbers: Numbers,
    strings: Strings,
    arrays: Arrays,
    objects: Objects,
    all_of: Vec<usize>,
    any_of: Vec<usize>,
    one_of: Vec<usize>,
    not: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Array,
    Boolean,
    Integer,
    Null,
    Number,
    Object,
    String,
}

#[derive(Debug, Default)]
struct Numbers {
    minimum: Option<f64>,
    is_minimum_exclusive: bool,
    maximum: Option<f64>,
    is_maximum_exclusive: bool,
    multiple_of: Option<f64>,
}

#[derive(Debug, Default)]
struct Strings {
    min_length: Option<usize>,
    max_length: Option<usize>,
    pattern: Option<Regex>,
}

#[derive(Debug, Default)]
struct Arrays {
    items: Items,
    min_items: Option<usize>,
    max_items: Option<usize>,
    are_unique: bool,
}

#[derive(Debug, Default)]
enum Items {
    #[default]
    Any,
    Each(usize),
    /// One by one, and what may follow them.
    Listed(Vec<usize>, Rest),
}

#[derive(Clone, Copy, Debug, Default)]
enum Rest {
    #[default]
    Any,
    None,
    Like(usize),
}

#[derive(Debug, Default)]
struct Objects {
    properties: HashMap<String, usize>,
    patterns: Vec<(Regex, usize)>,
    additional: Rest,
    required: Vec<String>,
    min_properties: Option<usize>,
    max_properties: Option<usize>,
    dependencies: BTreeMap<String, Dependency>,
}

#[derive(Debug)]
enum Dependency {
    Properties(Vec<String>),
    Schema(usize),
}

impl Schema {
    /// Parses a schema that refers to nothing but itself; references to models count as anything.
    pub(crate) fn parse(schema: &Value) -> Result<Self, String> {
        Self::parse_with(schema, &|_| None)
    }

    /// Parses a schema; `models` knows the schemas of other models.
    pub(crate) fn parse_with(
        schema: &Value,
        models: &dyn Fn(&str) -> Option<Arc<Value>>,
    ) -> Result<Self, String> {
        parse::schema(schema, models)
    }

    /// What is wrong with a document, in the words of API Gateway's validator; empty when nothing is.
    pub(crate) fn errors(&self, document: &Value) -> Vec<String> {
        check::errors(self, document)
    }
}

impl Type {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "array" => Self::Array,
            "boolean" => Self::Boolean,
            "integer" => Self::Integer,
            "null" => Self::Null,
            "number" => Self::Number,
            "object" => Self::Object,
            "string" => Self::String,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Null => "null",
            Self::Number => "number",
            Self::Object => "object",
            Self::String => "string",
        }
    }

    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_i64() || number.is_u64() => Self::Integer,
            Value::Number(number) if number.as_f64().is_some_and(|n| n.fract() == 0.0) => Self::Integer,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }

    /// Integers are numbers.
    fn allows(self, other: Self) -> bool {
        self == other || (self == Self::Number && other == Self::Integer)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::Schema;

    #[track_caller]
    fn check(schema: &Value, document: Value, expected: &[&str]) {
        let schema = Schema::parse(schema).unwrap();
        assert_eq!(schema.errors(&document), expected, "{document}");
    }

    #[test]
    fn objects_have_the_properties_that_they_must() {
        let schema = json!({
            "type": "object",
            "required": ["item", "count"],
            "properties": {"item": {"type": "string", "minLength": 2}, "count": {"type": "integer", "minimum": 1}},
            "additionalProperties": false,
        });
        check(&schema, json!({"item": "gloves", "count": 2}), &[]);
        check(&schema, json!({}), &[r#"object has missing required properties (["count","item"])"#]);
        check(
            &schema,
            json!({"item": "g", "count": 0, "x": 1}),
            &[
                r#"object instance has properties which are not allowed by the schema: ["x"]"#,
                "numeric instance is lower than the required minimum (minimum: 1, found: 0)",
                r#"string "g" is too short (length: 1, required minimum: 2)"#,
            ],
        );
        check(
            &schema,
            json!([]),
            &[r#"instance type (array) does not match any allowed primitive type (allowed: ["object"])"#],
        );
    }

    #[test]
    fn combinations_patterns_and_lists() {
        let schema = json!({
            "definitions": {"name": {"type": "string", "pattern": "^[a-z]+$"}},
            "type": "array", "minItems": 1, "uniqueItems": true,
            "items": {"oneOf": [{"$ref": "#/definitions/name"}, {"enum": [1, 2]}, {"type": "integer", "multipleOf": 5, "maximum": 20, "exclusiveMaximum": true}]},
        });
        for (document, is_valid) in [
            (json!(["a", 1, 15]), true),
            (json!([]), false),
            (json!([1, 1.0]), false),
            (json!(["A"]), false),
            (json!([20]), false),
            (json!([3]), false),
        ] {
            let found = Schema::parse(&schema).unwrap().errors(&document);
            assert_eq!(found.is_empty(), is_valid, "{document}: {found:?}");
        }
    }

    #[test]
    fn models_refer_to_models_and_to_themselves() {
        let tree = json!({"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "https://apigateway.amazonaws.com/restapis/abc/models/Tree"}}}});
        let other = Arc::new(tree.clone());
        let schema = Schema::parse_with(&tree, &|name| (name == "Tree").then(|| Arc::clone(&other))).unwrap();
        assert!(schema.errors(&json!({"children": [{"children": []}]})).is_empty());
        assert_eq!(schema.errors(&json!({"children": [{"children": [1]}]})).len(), 1);
    }

    #[test]
    fn wrong_schemas_are_told() {
        for wrong in
            [json!({"type": "text"}), json!({"pattern": "("}), json!({"$ref": "#/nowhere"}), json!([])]
        {
            assert!(Schema::parse(&wrong).is_err(), "{wrong}");
        }
    }
}
