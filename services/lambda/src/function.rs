//! A function: its name in its many forms, its versions and aliases.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cloud::{Ctx, tenant};
use identity::{AccountId, Region, arn};
use kms_envelope::Sealed;
use lambda_api::{
    AliasConfiguration, AliasRoutingConfiguration, DeadLetterConfig, EnvironmentResponse, EphemeralStorage,
    FunctionConfiguration, LoggingConfig, RuntimeVersionConfig, SnapStartResponse, TracingConfigResponse,
};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Reader, Scope};

use crate::earlier_rows::{SecondFunction, SecondVersion};
use crate::{errors, tables};

pub(crate) const LATEST: &str = "$LATEST";

/// A function's row: what is common to all its versions, and the one that is being worked on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Function {
    pub latest: Version,
    /// The number of the newest published version; 0 when there is none.
    pub last_version: u64,
    pub reserved_concurrency: Option<u32>,
    pub tags: BTreeMap<String, String>,
}

store::row!(Function, 3, SecondFunction);

/// One version of a function: code and configuration. Published ones never change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub name: String,
    /// `$LATEST` or a number.
    pub version: String,
    pub description: String,
    pub runtime: String,
    pub handler: String,
    pub role: String,
    pub memory_mb: u32,
    pub timeout_seconds: u32,
    /// The size of `/tmp`.
    pub storage_mb: u32,
    pub environment: BTreeMap<String, String>,
    pub architecture: String,
    pub code: Code,
    pub dead_letter_target: Option<String>,
    pub tracing_mode: String,
    pub logging: Logging,
    /// Later ones win.
    pub layers: Vec<Layer>,
    pub modified: Timestamp,
    /// Changes with everything that makes an environment stale.
    pub revision: String,
    /// The customer's KMS key for the variables.
    pub kms_key_arn: Option<String>,
    /// The variables under that key, in place of `environment`.
    pub sealed_environment: Option<Sealed>,
}

store::row!(Version, 3, SecondVersion);

/// A layer's version as a function refers to it. It stays with the function when the layer is deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Layer {
    pub arn: String,
    pub code: Code,
}

/// Where a function's log goes, and in which form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Logging {
    pub group: Option<String>,
    pub is_json: bool,
    /// Of what the function writes; only of logs in JSON.
    pub application_level: Option<String>,
    /// Of what Lambda writes; only of logs in JSON.
    pub system_level: Option<String>,
}

/// A deployment package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Code {
    /// SHA-256 of the zip file, which is its name among the blobs.
    pub digest: [u8; 32],
    pub zipped_bytes: u64,
}

/// An alias: a name for one version, or for two by weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alias {
    pub name: String,
    pub description: String,
    pub version: String,
    /// Another version and its share of invocations.
    pub second: Option<(String, f64)>,
    pub revision: String,
}

store::row!(Alias, 1);

/// A function as a request names it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    pub account: AccountId,
    pub region: Region,
    pub name: String,
    /// A version's number, an alias or `$LATEST`; `None` when the request leaves it out.
    pub qualifier: Option<String>,
}

impl Target {
    /// Reads a name, `name:qualifier`, a partial ARN or a full one (API Reference, "FunctionName").
    pub(crate) fn parse(ctx: &Ctx, text: &str, qualifier: Option<&str>) -> Result<Self, ApiError> {
        let (account, region, resource) = match arn::split(text) {
            Some(parts) => {
                let region = Region::parse(parts.region)
                    .ok_or_else(|| errors::invalid(format!("Invalid ARN: {text}")))?;
                (parts.account_id(), region, parts.resource)
            }
            None => match text.split_once(":function:") {
                Some((account, _)) => (AccountId::parse(account), ctx.region(), &text[account.len() + 1..]),
                None => (None, ctx.region(), text),
            },
        };
        let resource = resource.strip_prefix("function:").unwrap_or(resource);
        let (name, own_qualifier) = match resource.split_once(':') {
            Some((name, own)) => (name, Some(own)),
            None => (resource, None),
        };
        if region != ctx.region() {
            let message =
                format!("Functions from '{region}' are not reachable in this region ('{}')", ctx.region());
            return Err(errors::invalid(message));
        }
        check_name(name)?;
        if let (Some(own), Some(given)) = (own_qualifier, qualifier)
            && own != given
        {
            let message = format!(
                "The derived qualifier from the function name does not match the specified qualifier: {given}"
            );
            return Err(errors::invalid(message));
        }
        let qualifier = qualifier.or(own_qualifier).filter(|qualifier| !qualifier.is_empty());
        Ok(Self {
            account: account.unwrap_or(ctx.account()),
            region,
            name: name.to_owned(),
            qualifier: qualifier.map(str::to_owned),
        })
    }

    pub(crate) fn scope(&self) -> Scope {
        tenant(self.account, self.region)
    }

    /// The function's ARN without a qualifier.
    pub(crate) fn arn(&self) -> String {
        function_arn(self.account, self.region, &self.name)
    }

    /// The ARN as the request qualified it.
    pub(crate) fn qualified_arn(&self) -> String {
        match &self.qualifier {
            Some(qualifier) => format!("{}:{qualifier}", self.arn()),
            None => self.arn(),
        }
    }

    pub(crate) fn function(&self, reader: &mut dyn Reader) -> Result<Function, ApiError> {
        tables::FUNCTIONS
            .find(reader, &self.name)?
            .ok_or_else(|| errors::function_not_found(&self.qualified_arn()))
    }

    /// The version that the qualifier stands for. `chance` in [0, 1) decides for weighted aliases.
    pub(crate) fn version(&self, reader: &mut dyn Reader, chance: f64) -> Result<Version, ApiError> {
        let function = self.function(reader)?;
        self.version_of(function, reader, chance)
    }

    /// As [`Self::version`], of a function that is at hand.
    pub(crate) fn version_of(
        &self,
        function: Function,
        reader: &mut dyn Reader,
        chance: f64,
    ) -> Result<Version, ApiError> {
        let not_found = || errors::function_not_found(&self.qualified_arn());
        let qualifier = match self.qualifier.as_deref() {
            None | Some(LATEST) => return Ok(function.latest),
            Some(qualifier) => qualifier,
        };
        let number = match qualifier.parse::<u64>() {
            Ok(number) => number,
            Err(_) => {
                let key = (self.name.clone(), qualifier.to_owned());
                let alias = tables::ALIASES.find(reader, &key)?.ok_or_else(not_found)?;
                let version = alias.choose(chance);
                if version == LATEST {
                    return Ok(function.latest);
                }
                version.parse().map_err(|_| not_found())?
            }
        };
        tables::VERSIONS.find(reader, &(self.name.clone(), number))?.ok_or_else(not_found)
    }
}

pub(crate) fn function_arn(account: AccountId, region: Region, name: &str) -> String {
    format!("arn:aws:lambda:{region}:{account}:function:{name}")
}

/// A function's name has 1 to 64 letters, digits, hyphens and underscores.
pub(crate) fn check_name(name: &str) -> Result<(), ApiError> {
    let is_valid = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if is_valid {
        return Ok(());
    }
    Err(errors::invalid(format!(
        "1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: Member must have \
         1 to 64 letters, digits, hyphens or underscores"
    )))
}

/// `2026-01-02T03:04:05.000+0000`
pub(crate) fn last_modified(time: Timestamp) -> String {
    time.iso8601_millis().replace('Z', "+0000")
}

impl Code {
    pub(crate) fn sha256_base64(&self) -> String {
        STANDARD.encode(self.digest)
    }
}

impl Version {
    /// The version's ARN; that of `$LATEST` is unqualified unless it was asked for by that name.
    pub(crate) fn arn(&self, account: AccountId, region: Region) -> String {
        let arn = function_arn(account, region, &self.name);
        if self.version == LATEST { arn } else { format!("{arn}:{}", self.version) }
    }

    pub(crate) fn log_group_name(&self) -> String {
        self.logging.group.clone().unwrap_or_else(|| format!("/aws/lambda/{}", self.name))
    }

    pub(crate) fn to_api(&self, arn: String) -> FunctionConfiguration {
        let region_of_arn = arn::split(&arn).map(|parts| parts.region.to_owned()).unwrap_or_default();
        let runtime_arn = format!("arn:aws:lambda:{region_of_arn}::runtime:{}", self.runtime);
        FunctionConfiguration {
            function_name: Some(self.name.clone()),
            function_arn: Some(arn),
            runtime: Some(self.runtime.clone()),
            role: Some(self.role.clone()),
            handler: Some(self.handler.clone()),
            code_size: Some(self.code.zipped_bytes as i64),
            code_sha256: Some(self.code.sha256_base64()),
            description: Some(self.description.clone()),
            timeout: Some(self.timeout_seconds as i32),
            memory_size: Some(self.memory_mb as i32),
            last_modified: Some(last_modified(self.modified)),
            version: Some(self.version.clone()),
            environment: (!self.environment.is_empty())
                .then(|| EnvironmentResponse { variables: Some(self.environment.clone()), error: None }),
            kms_key_arn: self.kms_key_arn.clone(),
            dead_letter_config: self
                .dead_letter_target
                .clone()
                .map(|target| DeadLetterConfig { target_arn: Some(target) }),
            tracing_config: Some(TracingConfigResponse { mode: Some(self.tracing_mode.clone()) }),
            revision_id: Some(self.revision.clone()),
            state: Some("Active".to_owned()),
            last_update_status: Some("Successful".to_owned()),
            package_type: Some("Zip".to_owned()),
            architectures: Some(vec![self.architecture.clone()]),
            ephemeral_storage: Some(EphemeralStorage { size: self.storage_mb as i32 }),
            snap_start: Some(SnapStartResponse {
                apply_on: Some("None".to_owned()),
                optimization_status: Some("Off".to_owned()),
            }),
            runtime_version_config: Some(RuntimeVersionConfig {
                runtime_version_arn: Some(runtime_arn),
                error: None,
            }),
            logging_config: Some(LoggingConfig {
                log_format: Some(if self.logging.is_json { "JSON" } else { "Text" }.to_owned()),
                log_group: Some(self.log_group_name()),
                application_log_level: self.logging.application_level.clone(),
                system_log_level: self.logging.system_level.clone(),
            }),
            layers: (!self.layers.is_empty()).then(|| self.layers.iter().map(Layer::to_api).collect()),
            ..Default::default()
        }
    }
}

impl Layer {
    fn to_api(&self) -> lambda_api::Layer {
        let code_size = Some(self.code.zipped_bytes as i64);
        lambda_api::Layer { arn: Some(self.arn.clone()), code_size, ..Default::default() }
    }
}

impl Alias {
    /// The version that an invocation goes to.
    fn choose(&self, chance: f64) -> &str {
        match &self.second {
            Some((version, weight)) if chance < *weight => version,
            _ => &self.version,
        }
    }

    pub(crate) fn to_api(&self, function_arn: &str) -> AliasConfiguration {
        AliasConfiguration {
            alias_arn: Some(format!("{function_arn}:{}", self.name)),
            name: Some(self.name.clone()),
            function_version: Some(self.version.clone()),
            description: Some(self.description.clone()),
            revision_id: Some(self.revision.clone()),
            routing_config: self.second.clone().map(|(version, weight)| AliasRoutingConfiguration {
                additional_version_weights: Some([(version, weight)].into()),
            }),
        }
    }
}
