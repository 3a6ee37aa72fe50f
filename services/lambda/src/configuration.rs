//! What a function's configuration may be (AWS Lambda Developer Guide, "Lambda quotas" and "Configuring functions").

use std::collections::BTreeMap;

use cloud::Ctx;
use lambda_api::{CreateFunctionInput, LoggingConfig, UpdateFunctionConfigurationInput};
use shapes::ApiError;

use crate::function::{Layer, Logging, Version};
use crate::runtime::RuntimeKind;
use crate::variables::Protected;
use crate::{errors, variables};

/// Of all variables together, names and values.
const MOST_ENVIRONMENT_BYTES: usize = 4096;

/// Set by Lambda itself (Developer Guide, "Defined runtime environment variables").
const RESERVED_VARIABLES: [&str; 20] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
];

/// The changes that a request asks for; `None` leaves what was there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    pub description: Option<String>,
    pub runtime: Option<String>,
    pub handler: Option<String>,
    pub role: Option<String>,
    pub memory_mb: Option<i32>,
    pub timeout_seconds: Option<i32>,
    pub storage_mb: Option<i32>,
    pub environment: Option<BTreeMap<String, String>>,
    pub kms_key_arn: Option<String>,
    /// What the two above come to, once KMS was asked.
    pub protected: Option<Protected>,
    /// An empty text takes the target away.
    pub dead_letter_target: Option<String>,
    pub tracing_mode: Option<String>,
    pub logging: Option<LoggingConfig>,
    /// ARNs of layers' versions, as they were asked for.
    pub layer_arns: Option<Vec<String>>,
    /// What those are, once somebody has looked.
    pub layers: Option<Vec<Layer>>,
}

impl Changes {
    pub(crate) fn of_create(input: &CreateFunctionInput) -> Result<Self, ApiError> {
        refuse("Package type Image", input.package_type.as_deref() == Some("Image"))?;
        refuse("Image configuration", input.image_config.is_some())?;
        refuse("File systems", input.file_system_configs.as_ref().is_some_and(|list| !list.is_empty()))?;
        refuse("Code signing", input.code_signing_config_arn.is_some())?;
        let runtime = input.runtime.clone();
        let runtime = runtime.ok_or_else(|| {
            errors::invalid("Runtime is mandatory for functions created with deployment packages.")
        })?;
        let handler = match (&input.handler, RuntimeKind::parse(&runtime)) {
            (Some(handler), _) => handler.clone(),
            (None, Some(RuntimeKind::Provided)) => "bootstrap".to_owned(),
            (None, _) => {
                let message = "Handler is mandatory for functions created with deployment packages.";
                return Err(errors::invalid(message));
            }
        };
        Ok(Self {
            description: input.description.clone(),
            runtime: Some(runtime),
            handler: Some(handler),
            role: Some(input.role.clone()),
            memory_mb: input.memory_size,
            timeout_seconds: input.timeout,
            storage_mb: input.ephemeral_storage.as_ref().map(|storage| storage.size),
            environment: input
                .environment
                .clone()
                .map(|environment| environment.variables.unwrap_or_default()),
            kms_key_arn: input.kms_key_arn.clone(),
            protected: None,
            dead_letter_target: input.dead_letter_config.clone().and_then(|config| config.target_arn),
            tracing_mode: input.tracing_config.clone().and_then(|config| config.mode),
            logging: input.logging_config.clone(),
            layer_arns: input.layers.clone(),
            layers: None,
        })
    }

    pub(crate) fn of_update(input: &UpdateFunctionConfigurationInput) -> Result<Self, ApiError> {
        refuse("Image configuration", input.image_config.is_some())?;
        refuse("File systems", input.file_system_configs.as_ref().is_some_and(|list| !list.is_empty()))?;
        Ok(Self {
            description: input.description.clone(),
            runtime: input.runtime.clone(),
            handler: input.handler.clone(),
            role: input.role.clone(),
            memory_mb: input.memory_size,
            timeout_seconds: input.timeout,
            storage_mb: input.ephemeral_storage.as_ref().map(|storage| storage.size),
            environment: input
                .environment
                .clone()
                .map(|environment| environment.variables.unwrap_or_default()),
            kms_key_arn: input.kms_key_arn.clone(),
            protected: None,
            dead_letter_target: input
                .dead_letter_config
                .clone()
                .map(|config| config.target_arn.unwrap_or_default()),
            tracing_mode: input.tracing_config.clone().and_then(|config| config.mode),
            logging: input.logging_config.clone(),
            layer_arns: input.layers.clone(),
            layers: None,
        })
    }

    /// Has the variables sealed where a KMS key is asked for or there already.
    pub(crate) async fn protect(
        &mut self,
        ctx: &Ctx,
        function_arn: &str,
        before: Option<&Version>,
    ) -> Result<(), ApiError> {
        let asked = (self.kms_key_arn.as_deref(), self.environment.as_ref());
        self.protected = variables::protect(ctx, function_arn, before, asked).await?;
        Ok(())
    }

    /// Checks the changes and makes them.
    pub(crate) fn apply(&self, version: &mut Version) -> Result<(), ApiError> {
        if let Some(runtime) = &self.runtime {
            RuntimeKind::parse(runtime).ok_or_else(|| errors::unknown_runtime(runtime))?;
            version.runtime.clone_from(runtime);
        }
        set(&mut version.description, &self.description);
        set(&mut version.handler, &self.handler);
        set(&mut version.role, &self.role);
        set(&mut version.tracing_mode, &self.tracing_mode);
        version.memory_mb = within("memorySize", self.memory_mb, 128, 10_240, version.memory_mb)?;
        version.timeout_seconds = within("timeout", self.timeout_seconds, 1, 900, version.timeout_seconds)?;
        version.storage_mb =
            within("ephemeralStorage.size", self.storage_mb, 512, 10_240, version.storage_mb)?;
        if let Some(environment) = &self.environment {
            check_environment(environment)?;
            version.environment.clone_from(environment);
        }
        if let Some(protected) = &self.protected {
            version.kms_key_arn.clone_from(&protected.kms_key_arn);
            version.environment.clone_from(&protected.environment);
            version.sealed_environment.clone_from(&protected.sealed);
        }
        if let Some(target) = &self.dead_letter_target {
            version.dead_letter_target = (!target.is_empty()).then(|| target.clone());
        }
        if let Some(logging) = &self.logging {
            change_logging(&mut version.logging, logging)?;
        }
        if let Some(layers) = &self.layers {
            version.layers.clone_from(layers);
        }
        Ok(())
    }
}

/// Developer Guide, "Configuring advanced logging controls for Lambda functions".
fn change_logging(logging: &mut Logging, given: &LoggingConfig) -> Result<(), ApiError> {
    if let Some(group) = &given.log_group {
        logging.group = (!group.is_empty()).then(|| group.clone());
    }
    if let Some(format) = &given.log_format {
        logging.is_json = format == "JSON";
    }
    if !logging.is_json {
        if given.application_log_level.is_some() || given.system_log_level.is_some() {
            return Err(errors::invalid("ApplicationLogLevel and SystemLogLevel need LogFormat JSON."));
        }
        (logging.application_level, logging.system_level) = (None, None);
        return Ok(());
    }
    let level = |given: &Option<String>, before: &Option<String>| {
        given.clone().or_else(|| before.clone()).or_else(|| Some("INFO".to_owned()))
    };
    logging.application_level = level(&given.application_log_level, &logging.application_level);
    logging.system_level = level(&given.system_log_level, &logging.system_level);
    Ok(())
}

fn refuse(what: &str, is_asked_for: bool) -> Result<(), ApiError> {
    if is_asked_for { Err(errors::not_here_yet(&format!("{what} of a Lambda function"))) } else { Ok(()) }
}

fn set(place: &mut String, value: &Option<String>) {
    if let Some(value) = value {
        place.clone_from(value);
    }
}

fn within(name: &str, value: Option<i32>, least: u32, most: u32, before: u32) -> Result<u32, ApiError> {
    match value {
        None => Ok(before),
        Some(value) => match u32::try_from(value) {
            Ok(value) if (least..=most).contains(&value) => Ok(value),
            _ => Err(errors::invalid(format!(
                "'{name}' value failed to satisfy constraint: Member must have value between {least} and {most}, \
                 not {value}"
            ))),
        },
    }
}

fn check_environment(variables: &BTreeMap<String, String>) -> Result<(), ApiError> {
    let reserved: Vec<&str> =
        variables.keys().map(String::as_str).filter(|name| RESERVED_VARIABLES.contains(name)).collect();
    if !reserved.is_empty() {
        return Err(errors::invalid(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided contains reserved keys that are currently not supported for modification. Reserved keys used in \
             this request: {}",
            reserved.join(", ")
        )));
    }
    let is_name = |name: &str| {
        let mut bytes = name.bytes();
        bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if let Some(name) = variables.keys().find(|name| !is_name(name)) {
        return Err(errors::invalid(format!(
            "The environment variable name '{name}' is invalid: it has to begin with a letter and have only letters, \
             digits and underscores"
        )));
    }
    if let Some((name, _)) = variables.iter().find(|(_, value)| value.contains('\0')) {
        return Err(errors::invalid(format!(
            "The environment variable '{name}' has a zero byte in its value"
        )));
    }
    let size: usize = variables.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > MOST_ENVIRONMENT_BYTES {
        return Err(errors::invalid(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided exceeded the 4KB limit. String measured: {size} bytes"
        )));
    }
    Ok(())
}
