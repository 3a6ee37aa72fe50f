//! Paths into JSON documents, and templates that put what they find into new ones.
//!
//! A path such as `$.detail.items[0].name` selects a part of a document. A template is JSON text with variables in angle
//! brackets: `{"name": <name>, "note": "seen by <name>"}`. Where a variable stands alone its value goes in as JSON, and
//! inside of quotes as text. The crate knows JSON and nothing of where documents come from.

mod path;
mod template;

pub use path::{InvalidPath, JsonPath};
pub use template::{InvalidTemplate, Template};
