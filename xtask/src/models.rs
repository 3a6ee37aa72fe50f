//! `cargo xtask models`: writes each service's `api/model.json` from a pinned botocore release.
//!
//! A model keeps the facts of an API (operations, bindings, shapes, constraints, error codes) and drops its prose.
//! `api/patches.json` beside it is a JSON merge patch (RFC 7396) for what the release does not tell: unions that are
//! not marked as such, names that only an older protocol of the service uses.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value};

/// The release that the models are taken from.
const BOTOCORE: &str = "1.43.11";

/// Api folders below `services/`, with the name of their model in botocore.
pub(crate) const MODELS: &[(&str, &str)] = &[
    ("apigateway/api", "apigateway"),
    ("application_autoscaling/api", "application-autoscaling"),
    ("dax/api", "dax"),
    ("dynamodb/api", "dynamodb"),
    ("dynamodb/streams-api", "dynamodbstreams"),
    ("events/api", "events"),
    ("glacier/api", "glacier"),
    ("iam/api", "iam"),
    ("iam/sts-api", "sts"),
    ("kms/api", "kms"),
    ("lambda/api", "lambda"),
    ("logs/api", "logs"),
    ("pipes/api", "pipes"),
    ("s3/api", "s3"),
    ("s3/control-api", "s3control"),
    ("scheduler/api", "scheduler"),
    ("secretsmanager/api", "secretsmanager"),
    ("sns/api", "sns"),
    ("sqs/api", "sqs"),
    ("ssm/api", "ssm"),
];

/// Keys that hold prose or what only documentation and client generators use.
const PROSE: &[&str] =
    &["documentation", "documentationUrl", "deprecatedMessage", "deprecatedSince", "examples", "smokeTests"];

/// Writes the models of the services named, or of all.
pub(crate) fn write(services: &[&str]) -> Result<(), String> {
    let wheel = download()?;
    let file = fs::File::open(&wheel).map_err(|error| format!("{}: {error}", wheel.display()))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| format!("{}: {error}", wheel.display()))?;
    for (folder, model) in MODELS {
        if !services.is_empty() && !services.iter().any(|name| folder.starts_with(&format!("{name}/"))) {
            continue;
        }
        let folder = Path::new("services").join(folder);
        let mut json = trimmed(read_model(&mut archive, model)?);
        let patches = folder.join("patches.json");
        if let Ok(text) = fs::read_to_string(&patches) {
            let patch: Value =
                serde_json::from_str(&text).map_err(|error| format!("{}: {error}", patches.display()))?;
            merge(&mut json, &patch);
        }
        let mut text = serde_json::to_string_pretty(&json).map_err(|error| error.to_string())?;
        text.push('\n');
        let path = folder.join("model.json");
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

fn download() -> Result<PathBuf, String> {
    let folder = std::env::temp_dir().join(format!("brume-botocore-{BOTOCORE}"));
    let wheel = folder.join(format!("botocore-{BOTOCORE}-py3-none-any.whl"));
    if wheel.exists() {
        return Ok(wheel);
    }
    let status = Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"])
        .arg("--dest")
        .arg(&folder)
        .arg(format!("botocore=={BOTOCORE}"))
        .status()
        .map_err(|error| format!("cannot start python3: {error}"))?;
    if status.success() { Ok(wheel) } else { Err(format!("pip could not download botocore {BOTOCORE}")) }
}

/// The newest `service-2.json` that the release has for `model`.
fn read_model(archive: &mut zip::ZipArchive<fs::File>, model: &str) -> Result<Value, String> {
    let prefix = format!("botocore/data/{model}/");
    let mut names: Vec<String> = archive
        .file_names()
        .filter_map(|name| name.ok().map(std::borrow::Cow::into_owned))
        .filter(|name| name.starts_with(&prefix) && name.ends_with("/service-2.json.gz"))
        .collect();
    names.sort();
    let name = names.pop().ok_or_else(|| format!("botocore {BOTOCORE} has no model of {model}"))?;
    let entry = archive.by_name(&name).map_err(|error| format!("{name}: {error}"))?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(entry)
        .read_to_string(&mut text)
        .map_err(|error| format!("{name}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{name}: {error}"))
}

/// The model without its prose. Names under `shapes`, `members` and `operations` are never taken for keys of prose.
fn trimmed(model: Value) -> Value {
    fn trim(value: Value, keys_are_names: bool) -> Value {
        match value {
            Value::Object(entries) => Value::Object(
                entries
                    .into_iter()
                    .filter(|(key, _)| keys_are_names || !PROSE.contains(&key.as_str()))
                    .map(|(key, value)| {
                        let names =
                            !keys_are_names && matches!(key.as_str(), "shapes" | "members" | "operations");
                        (key, trim(value, names))
                    })
                    .collect(),
            ),
            Value::Array(items) => Value::Array(items.into_iter().map(|item| trim(item, false)).collect()),
            scalar => scalar,
        }
    }
    let mut model = trim(model, false);
    if let Value::Object(top) = &mut model {
        top.retain(|key, _| matches!(key.as_str(), "metadata" | "operations" | "shapes"));
    }
    model
}

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}
