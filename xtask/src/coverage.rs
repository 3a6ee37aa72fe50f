//! `cargo xtask coverage`: writes COVERAGE.md, what is implemented of every API, from the models and operation tables.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::models::MODELS;

pub(crate) const FILE: &str = "COVERAGE.md";

pub(crate) fn write() -> Result<(), String> {
    fs::write(FILE, table()?).map_err(|error| format!("{FILE}: {error}"))
}

/// The whole page.
pub(crate) fn table() -> Result<String, String> {
    let mut rows = String::new();
    let mut details = String::new();
    let (mut all_here, mut all_total) = (0, 0);
    for (folder, _) in MODELS {
        let folder = Path::new("services").join(folder);
        let model = read(&folder.join("model.json"))?;
        let model: Value =
            serde_json::from_str(&model).map_err(|error| format!("{}: {error}", folder.display()))?;
        let name = model["metadata"]["serviceId"].as_str().unwrap_or_default().to_owned();
        let operations: BTreeSet<String> =
            model["operations"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        let handled = handled(&folder)?;
        let missing: Vec<&str> =
            operations.iter().filter(|name| !handled.contains(*name)).map(String::as_str).collect();
        let here: Vec<&str> =
            operations.iter().filter(|name| handled.contains(*name)).map(String::as_str).collect();
        all_here += here.len();
        all_total += operations.len();
        put(&mut rows, format_args!("| {name} | {} | {} |", here.len(), operations.len()));
        put(
            &mut details,
            format_args!("\n## {name}\n\nHere: {}.\n\nNot yet: {}.", listed(&here), listed(&missing)),
        );
    }
    put(&mut rows, format_args!("| **all** | **{all_here}** | **{all_total}** |"));
    Ok(format!(
        "# What is implemented\n\nWritten by `cargo xtask coverage` from the models and the operation tables. An operation \
         that is not here answers `NotImplemented` and says its name.\n\n| API | implemented | of |\n|---|---:|---:|\n{rows}{details}"
    ))
}

/// The operations in the table that the api crate's build script names.
fn handled(api: &Path) -> Result<BTreeSet<String>, String> {
    let script = read(&api.join("build.rs"))?;
    let path =
        script.split('"').nth(3).ok_or_else(|| format!("{}: names no operation table", api.display()))?;
    let table = read(&api.join(path))?;
    Ok(table
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .flat_map(|line| line.split("Operation::").skip(1))
        .filter_map(|entry| entry.split_once("::<").map(|(_, rest)| rest))
        .filter_map(|rest| rest.split('>').next())
        .map(|path| path.rsplit("::").next().unwrap_or(path).trim().to_owned())
        .collect())
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn put(out: &mut String, line: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(line);
    out.push('\n');
}
