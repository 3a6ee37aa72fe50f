//! Turns an API's model into Rust: types, static schemas and one [`shapes::Op`] per operation with a handler.
//!
//! Runs in the build scripts of the api crates, so that a model and its code cannot drift apart, and generates
//! only what the service's operation table names and what those operations reach. It writes no codecs:
//! those are in `wire`, once for all shapes.

mod emit;
pub mod model;
mod names;
mod reach;

use std::collections::BTreeSet;
use std::path::Path;

use model::Model;

/// What went wrong while generating, with the file it concerns.
#[derive(Debug, thiserror::Error)]
pub enum CodegenError {
    #[error("{path}: {source}")]
    File { path: String, source: std::io::Error },
    #[error("{path}: not an API model: {reason}")]
    Model { path: String, reason: String },
    #[error("{table} lists {operation}, which {model} does not have")]
    UnknownOperation { table: String, operation: String, model: String },
}

/// Generates `$OUT_DIR/api.rs` from `model.json` for the operations that `operation_table` names. For build scripts: prints cargo's rerun lines.
///
/// `service` is our own name for the service, as in the folder's name.
pub fn generate(service: &str, operation_table: &str) -> Result<(), CodegenError> {
    let table = read(operation_table)?;
    let model = read("model.json")?;
    println!("cargo::rerun-if-changed=model.json");
    println!("cargo::rerun-if-changed={operation_table}");

    let model_error = |reason: String| CodegenError::Model { path: "model.json".to_owned(), reason };
    let json = serde_json::from_str(&model).map_err(|error| model_error(error.to_string()))?;
    let model = Model::parse(&json).map_err(model_error)?;
    let handled = handled_operations(&table);
    if let Some(unknown) = handled.iter().find(|name| !model.operations.contains_key(*name)) {
        return Err(CodegenError::UnknownOperation {
            table: operation_table.to_owned(),
            operation: unknown.clone(),
            model: "model.json".to_owned(),
        });
    }
    let code = emit::rust(service, &model, &handled);
    let out = std::env::var_os("OUT_DIR").unwrap_or_else(|| ".".into());
    let path = Path::new(&out).join("api.rs");
    std::fs::write(&path, code)
        .map_err(|source| CodegenError::File { path: path.display().to_string(), source })
}

fn read(path: &str) -> Result<String, CodegenError> {
    std::fs::read_to_string(path).map_err(|source| CodegenError::File { path: path.to_owned(), source })
}

/// The operations that a table of `Operation::of::<op::Name>()` and `Operation::transaction::<op::Name>()` lines
/// names.
fn handled_operations(table: &str) -> BTreeSet<String> {
    table
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .flat_map(|line| line.split("Operation::").skip(1))
        .filter_map(|entry| entry.split_once("::<").map(|(_, rest)| rest))
        .filter_map(|rest| rest.split('>').next())
        .map(|path| path.rsplit("::").next().unwrap_or(path).trim().to_owned())
        .collect()
}
