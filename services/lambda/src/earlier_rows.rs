//! Rows as they were stored before, for regions that were made then.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shapes::Timestamp;

use crate::function::{Code, Function, Layer, Logging, Version};

/// Without layers and forms of logs.
#[derive(Serialize, Deserialize)]
pub(crate) struct FirstVersion {
    name: String,
    version: String,
    description: String,
    runtime: String,
    handler: String,
    role: String,
    memory_mb: u32,
    timeout_seconds: u32,
    storage_mb: u32,
    environment: BTreeMap<String, String>,
    architecture: String,
    code: Code,
    dead_letter_target: Option<String>,
    tracing_mode: String,
    log_group: Option<String>,
    modified: Timestamp,
    revision: String,
}

store::row!(FirstVersion, 1);

#[derive(Serialize, Deserialize)]
pub(crate) struct FirstFunction {
    latest: FirstVersion,
    last_version: u64,
    reserved_concurrency: Option<u32>,
    tags: BTreeMap<String, String>,
}

store::row!(FirstFunction, 1);

/// Without a KMS key.
#[derive(Serialize, Deserialize)]
pub(crate) struct SecondVersion {
    name: String,
    version: String,
    description: String,
    runtime: String,
    handler: String,
    role: String,
    memory_mb: u32,
    timeout_seconds: u32,
    storage_mb: u32,
    environment: BTreeMap<String, String>,
    architecture: String,
    code: Code,
    dead_letter_target: Option<String>,
    tracing_mode: String,
    logging: Logging,
    layers: Vec<Layer>,
    modified: Timestamp,
    revision: String,
}

store::row!(SecondVersion, 2, FirstVersion);

#[derive(Serialize, Deserialize)]
pub(crate) struct SecondFunction {
    latest: SecondVersion,
    last_version: u64,
    reserved_concurrency: Option<u32>,
    tags: BTreeMap<String, String>,
}

store::row!(SecondFunction, 2, FirstFunction);

impl From<FirstVersion> for SecondVersion {
    fn from(first: FirstVersion) -> Self {
        Self {
            name: first.name,
            version: first.version,
            description: first.description,
            runtime: first.runtime,
            handler: first.handler,
            role: first.role,
            memory_mb: first.memory_mb,
            timeout_seconds: first.timeout_seconds,
            storage_mb: first.storage_mb,
            environment: first.environment,
            architecture: first.architecture,
            code: first.code,
            dead_letter_target: first.dead_letter_target,
            tracing_mode: first.tracing_mode,
            logging: Logging { group: first.log_group, ..Logging::default() },
            layers: Vec::new(),
            modified: first.modified,
            revision: first.revision,
        }
    }
}

impl From<FirstFunction> for SecondFunction {
    fn from(first: FirstFunction) -> Self {
        Self {
            latest: first.latest.into(),
            last_version: first.last_version,
            reserved_concurrency: first.reserved_concurrency,
            tags: first.tags,
        }
    }
}

impl From<SecondVersion> for Version {
    fn from(second: SecondVersion) -> Self {
        Self {
            name: second.name,
            version: second.version,
            description: second.description,
            runtime: second.runtime,
            handler: second.handler,
            role: second.role,
            memory_mb: second.memory_mb,
            timeout_seconds: second.timeout_seconds,
            storage_mb: second.storage_mb,
            environment: second.environment,
            architecture: second.architecture,
            code: second.code,
            dead_letter_target: second.dead_letter_target,
            tracing_mode: second.tracing_mode,
            logging: second.logging,
            layers: second.layers,
            modified: second.modified,
            revision: second.revision,
            kms_key_arn: None,
            sealed_environment: None,
        }
    }
}

impl From<SecondFunction> for Function {
    fn from(second: SecondFunction) -> Self {
        Self {
            latest: second.latest.into(),
            last_version: second.last_version,
            reserved_concurrency: second.reserved_concurrency,
            tags: second.tags,
        }
    }
}

#[cfg(test)]
mod tests {
    use shapes::Timestamp;
    use store::Row;

    use super::{FirstFunction, FirstVersion};
    use crate::function::{Code, Function};

    #[test]
    fn functions_of_the_first_form_are_read() {
        let latest = FirstVersion {
            name: "f".to_owned(),
            version: "$LATEST".to_owned(),
            description: String::new(),
            runtime: "python3.12".to_owned(),
            handler: "index.handler".to_owned(),
            role: "r".to_owned(),
            memory_mb: 128,
            timeout_seconds: 3,
            storage_mb: 512,
            environment: [("A".to_owned(), "b".to_owned())].into(),
            architecture: "x86_64".to_owned(),
            code: Code { digest: [7; 32], zipped_bytes: 9 },
            dead_letter_target: None,
            tracing_mode: "PassThrough".to_owned(),
            log_group: Some("g".to_owned()),
            modified: Timestamp::EPOCH,
            revision: "1".to_owned(),
        };
        let first = FirstFunction { latest, last_version: 2, reserved_concurrency: Some(5), tags: [].into() };
        let mut bytes = Vec::new();
        first.encode(&mut bytes);
        let read = Function::decode(&bytes).unwrap();
        assert_eq!((read.last_version, read.reserved_concurrency), (2, Some(5)));
        assert_eq!((read.latest.logging.group.as_deref(), read.latest.layers.len()), (Some("g"), 0));
        assert_eq!(read.latest.revision, "1");
    }
}
