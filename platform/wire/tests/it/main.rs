//! What protocols do beyond the published vectors: wording of errors, constraints, and malformed input.

#[path = "../vectors/dynamic.rs"]
mod dynamic;

mod constraints;
mod identify;
mod json_wording;
mod malformed;
mod query_names;
mod rest_bindings;
mod sample;
