//! Free-form JSON-like values, for members whose shape the model leaves open.

use std::collections::BTreeMap;

/// A document value as Smithy's document type has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Document {
    #[default]
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    String(String),
    List(Vec<Document>),
    Map(BTreeMap<String, Document>),
}
