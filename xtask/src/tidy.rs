//! `cargo xtask tidy`: the rules of the layout that a machine can check.
//!
//! Dependencies point down; every operation's file is in its table; files are named for what they hold; every crate says
//! what it is for and keeps to the workspace's lints; COVERAGE.md is that of the tables.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::coverage;

/// Names that say nothing of what a file holds.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc", "manager"];
/// Written source of more lines holds two subjects.
const LONGEST_FILE: usize = 1000;

/// Checks everything and reports all that is wrong at once.
pub(crate) fn check() -> Result<(), String> {
    let mut faults = Vec::new();
    let crates = crates()?;
    for krate in crates.values() {
        check_dependencies(krate, &crates, &mut faults);
        check_crate(krate, &mut faults);
    }
    for file in sources(Path::new("."))? {
        check_file(&file, &mut faults)?;
    }
    let wanted = coverage::table()?;
    if fs::read_to_string(coverage::FILE).unwrap_or_default() != wanted {
        faults.push(format!(
            "{} is not that of the operation tables: run `cargo xtask coverage`",
            coverage::FILE
        ));
    }
    if faults.is_empty() { Ok(()) } else { Err(format!("the layout has faults:\n  {}", faults.join("\n  "))) }
}

struct Crate {
    folder: PathBuf,
    manifest: String,
    /// Folders of the workspace's crates that it depends on outside tests.
    depends_on: Vec<PathBuf>,
}

fn crates() -> Result<BTreeMap<PathBuf, Crate>, String> {
    let mut crates = BTreeMap::new();
    for group in ["platform", "engines", "services", "testing"] {
        for folder in folders(Path::new(group))? {
            let inner = folders(&folder)?;
            for folder in std::iter::once(folder).chain(inner) {
                if let Ok(manifest) = fs::read_to_string(folder.join("Cargo.toml")) {
                    let depends_on = dependencies(&folder, &manifest);
                    crates.insert(folder.clone(), Crate { folder, manifest, depends_on });
                }
            }
        }
    }
    for folder in ["server", "bench", "xtask"].map(PathBuf::from) {
        let manifest = read(&folder.join("Cargo.toml"))?;
        let depends_on = dependencies(&folder, &manifest);
        crates.insert(folder.clone(), Crate { folder, manifest, depends_on });
    }
    Ok(crates)
}

/// The path dependencies of a manifest's `[dependencies]` and `[build-dependencies]`.
fn dependencies(folder: &Path, manifest: &str) -> Vec<PathBuf> {
    let mut is_counted = false;
    let mut found = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_counted = matches!(line.trim(), "[dependencies]" | "[build-dependencies]");
        }
        let path = line.split("path = \"").nth(1).and_then(|rest| rest.split('"').next());
        if let (true, Some(path)) = (is_counted, path) {
            found.push(normal(&folder.join(path)));
        }
    }
    found
}

fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

fn is_api(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name.to_string_lossy().ends_with("api"))
}

/// What services share, or one keeps apart, in a crate of its own that holds no state and no operation.
const SHARED: &[&str] = &[
    "services/dax/wire",
    "services/dynamodb/changes",
    "services/events/targets",
    "services/kms/envelope",
    "services/pipes/sources",
];

fn is_shared(folder: &Path) -> bool {
    SHARED.iter().any(|shared| folder == Path::new(shared))
}

fn check_dependencies(krate: &Crate, crates: &BTreeMap<PathBuf, Crate>, faults: &mut Vec<String>) {
    for target in &krate.depends_on {
        let (from, to) = (&krate.folder, target);
        if !crates.contains_key(to) {
            continue;
        }
        let is_allowed = match group(from) {
            "engines" => group(to) == "engines",
            "platform" => matches!(group(to), "platform" | "engines"),
            "services" if is_api(from) => group(to) == "platform",
            "services" => group(to) != "services" || is_api(to) || is_shared(to),
            "bench" => group(to) == "platform" || is_api(to),
            _ => true,
        };
        if !is_allowed {
            faults.push(format!("{} may not depend on {}", from.display(), to.display()));
        }
    }
}

fn group(folder: &Path) -> &str {
    folder.iter().next().and_then(|first| first.to_str()).unwrap_or_default()
}

fn check_crate(krate: &Crate, faults: &mut Vec<String>) {
    let folder = krate.folder.display();
    if !is_api(&krate.folder) && !krate.manifest.contains("[lints]\nworkspace = true") {
        faults.push(format!("{folder}/Cargo.toml does not keep to the workspace's lints"));
    }
    let root = ["src/lib.rs", "src/main.rs"].map(|file| krate.folder.join(file));
    let text = root.iter().find_map(|file| fs::read_to_string(file).ok()).unwrap_or_default();
    if !text.starts_with("//! ") || text.starts_with("//! Placeholder") {
        faults.push(format!("{folder} does not begin with a paragraph on what it is for"));
    }
    let is_service =
        group(&krate.folder) == "services" && !is_api(&krate.folder) && !is_shared(&krate.folder);
    if is_service && !krate.folder.join("README.md").exists() {
        faults.push(format!("{folder} has no README.md"));
    }
}

fn check_file(file: &Path, faults: &mut Vec<String>) -> Result<(), String> {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if EMPTY_NAMES.contains(&stem) {
        faults.push(format!("{} is named for nothing: what does it hold?", file.display()));
    }
    let text = read(file)?;
    let lines = text.lines().count();
    if lines > LONGEST_FILE {
        faults.push(format!(
            "{} has {lines} lines: find its second subject and give it a file",
            file.display()
        ));
    }
    Ok(())
}

/// All Rust source that people wrote.
fn sources(root: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let mut pending = vec![root.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in entries(&folder)? {
            let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if entry.is_dir() && !matches!(name.as_str(), "target" | "node_modules") && !name.starts_with('.')
            {
                pending.push(entry);
            } else if name.ends_with(".rs") {
                found.push(entry);
            }
        }
    }
    Ok(found)
}

fn folders(parent: &Path) -> Result<Vec<PathBuf>, String> {
    Ok(entries(parent)?.into_iter().filter(|entry| entry.is_dir()).collect())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn only_dependencies_of_the_program_count() {
        let manifest = "[dependencies]\na = { path = \"../../platform/a\" }\n[dev-dependencies]\nb = { path = \"../b\" }\n";
        let found = super::dependencies(Path::new("services/x"), manifest);
        assert_eq!(found, [Path::new("platform/a")]);
    }
}
