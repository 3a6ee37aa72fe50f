//! Interpreter of the Apache Velocity Template Language (1.7 semantics) as mapping templates use it.
//!
//! Parse once with [`Template::parse`], render as often as wanted against a [`Scope`] of named values and
//! host objects. Pure and deterministic: no clock, no files, no network, so `#include` and `#parse` are
//! refused. It knows nothing of the objects a service offers to its templates; the service supplies them
//! as [`Object`]s, with [`json_path`] and [`text_escape`] for the pure parts of what they do.

mod ast;
mod error;
mod eval;
mod expression;
mod json;
pub mod json_path;
mod limits;
mod methods;
mod ordered;
mod parser;
mod reference;
mod render;
pub mod text_escape;
mod value;

pub use error::VtlError;
pub use limits::Limits;
pub use ordered::Entries;
pub use render::{Rendered, Scope, Template};
pub use value::{List, Map, Object, Value};
