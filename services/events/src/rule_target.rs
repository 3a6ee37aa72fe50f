//! A rule's targets.

use events_api::{
    DeadLetterConfig, HttpParameters, InputTransformer, RetryPolicy, SqsParameters, Target as ApiTarget,
};
use identity::arn;
use serde::{Deserialize, Serialize};
use shapes::ApiError;
use targets::{Kind, QueueFields, Retry, Target, TargetError};

use crate::errors;
use crate::input::{CompiledInput, Input};

/// EventBridge quotas.
pub(crate) const MOST_PER_RULE: usize = 5;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RuleTarget {
    pub id: String,
    pub target: Target,
    pub input: Input,
    /// Attempts and age as they were given; both may be missing.
    pub retry: Option<(Option<i32>, Option<i32>)>,
    pub dead_letter_queue: Option<String>,
    pub has_dead_letter_config: bool,
    pub has_http_parameters: bool,
}

store::row!(RuleTarget, 1);

impl RuleTarget {
    /// Checks what a request gives.
    pub(crate) fn parse(given: ApiTarget) -> Result<Self, ApiError> {
        let id = given.id;
        check_arn(&id, &given.arn)?;
        let unused = [
            ("KinesisParameters", given.kinesis_parameters.is_some()),
            ("RunCommandParameters", given.run_command_parameters.is_some()),
            ("EcsParameters", given.ecs_parameters.is_some()),
            ("BatchParameters", given.batch_parameters.is_some()),
            ("RedshiftDataParameters", given.redshift_data_parameters.is_some()),
            ("SageMakerPipelineParameters", given.sage_maker_pipeline_parameters.is_some()),
            ("AppSyncParameters", given.app_sync_parameters.is_some()),
        ];
        if let Some((name, _)) = unused.iter().find(|(_, is_given)| *is_given) {
            return Err(errors::validation(format!("Parameter(s) {name} not supported for target: {id}.")));
        }
        let group = given.sqs_parameters.and_then(|parameters| parameters.message_group_id);
        let is_fifo = given.arn.ends_with(".fifo");
        if Kind::of(&given.arn) == Ok(Kind::Queue) && is_fifo != group.is_some() {
            let message = match is_fifo {
                true => format!("Parameter(s) SqsParameters must be specified for target: {id}."),
                false => format!("Parameter(s) SqsParameters not supported for target: {id}."),
            };
            return Err(errors::validation(message));
        }
        let inputs = [given.input.is_some(), given.input_path.is_some(), given.input_transformer.is_some()];
        if inputs.iter().filter(|is_given| **is_given).count() > 1 {
            return Err(errors::validation(format!(
                "Only one of Input, InputPath, or InputTransformer must be provided for target {id}."
            )));
        }
        let input = match (given.input, given.input_path, given.input_transformer) {
            (Some(text), _, _) => Input::Constant(text),
            (None, Some(path), _) => Input::Path(path),
            (None, None, Some(transformer)) => Input::Transformer {
                paths: transformer.input_paths_map.unwrap_or_default(),
                template: transformer.input_template,
            },
            (None, None, None) => Input::Event,
        };
        input.compile(&id)?;
        let dead_letter_queue = given.dead_letter_config.as_ref().and_then(|config| config.arn.clone());
        if let Some(queue) = &dead_letter_queue {
            check_dead_letter_queue(queue)?;
        }
        let has_http_parameters = given.http_parameters.is_some();
        let http = given.http_parameters.unwrap_or_default();
        let target = Target {
            arn: given.arn,
            role_arn: given.role_arn,
            queue: QueueFields { message_group_id: group, deduplication_id: None },
            http: targets::HttpParameters {
                path_values: http.path_parameter_values.unwrap_or_default(),
                headers: http.header_parameters.unwrap_or_default(),
                query: http.query_string_parameters.unwrap_or_default(),
            },
            ..Target::default()
        };
        Ok(Self {
            id,
            target,
            input,
            retry: given
                .retry_policy
                .map(|policy| (policy.maximum_retry_attempts, policy.maximum_event_age_in_seconds)),
            dead_letter_queue,
            has_dead_letter_config: given.dead_letter_config.is_some(),
            has_http_parameters,
        })
    }

    pub(crate) fn to_api(&self) -> ApiTarget {
        let Target { arn, role_arn, queue, http, .. } = &self.target;
        let mut target = ApiTarget {
            id: self.id.clone(),
            arn: arn.clone(),
            role_arn: role_arn.clone(),
            sqs_parameters: queue
                .message_group_id
                .clone()
                .map(|group| SqsParameters { message_group_id: Some(group) }),
            retry_policy: self.retry.map(|(attempts, age)| RetryPolicy {
                maximum_retry_attempts: attempts,
                maximum_event_age_in_seconds: age,
            }),
            dead_letter_config: self
                .has_dead_letter_config
                .then(|| DeadLetterConfig { arn: self.dead_letter_queue.clone() }),
            http_parameters: self.has_http_parameters.then(|| HttpParameters {
                path_parameter_values: Some(http.path_values.clone()),
                header_parameters: Some(http.headers.clone()),
                query_string_parameters: Some(http.query.clone()),
            }),
            ..Default::default()
        };
        match &self.input {
            Input::Event => {}
            Input::Constant(text) => target.input = Some(text.clone()),
            Input::Path(path) => target.input_path = Some(path.clone()),
            Input::Transformer { paths, template } => {
                target.input_transformer = Some(InputTransformer {
                    input_paths_map: (!paths.is_empty()).then(|| paths.clone()),
                    input_template: template.clone(),
                });
            }
        }
        target
    }

    pub(crate) fn compiled_input(&self) -> Result<CompiledInput, ApiError> {
        self.input.compile(&self.id)
    }

    pub(crate) fn retry(&self) -> Retry {
        let usual = Retry::default();
        let (attempts, age) = self.retry.unwrap_or_default();
        let number =
            |given: Option<i32>, usual| given.and_then(|given| u32::try_from(given).ok()).unwrap_or(usual);
        Retry { attempts: number(attempts, usual.attempts), age_seconds: number(age, usual.age_seconds) }
    }
}

fn check_arn(id: &str, target: &str) -> Result<(), ApiError> {
    match Kind::of(target) {
        // Universal targets are for schedules.
        Ok(Kind::Operation) | Err(TargetError::NotAnArn) => Err(errors::invalid_parameter(
            target,
            format!("Provided Arn of target {id} is not in correct format."),
        )),
        Ok(_) => Ok(()),
        Err(TargetError::NotHere(service)) => Err(errors::is_not_here_yet(&format!(
            "Target {id}: targets of the service {service} ({target}) are"
        ))),
    }
}

pub(crate) fn check_dead_letter_queue(queue: &str) -> Result<(), ApiError> {
    let parts = arn::split(queue).filter(|parts| parts.service == "sqs");
    let parts = parts.ok_or_else(|| errors::invalid_arn("DeadLetterConfig.Arn", queue))?;
    if parts.resource.ends_with(".fifo") {
        return Err(errors::validation("A dead-letter queue has to be a standard queue."));
    }
    Ok(())
}
