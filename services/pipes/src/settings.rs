//! What a request says of a pipe's source, enrichment, target and log, checked and in the form in which it is stored.

use std::collections::BTreeMap;

use event_pattern::EventPattern;
use identity::arn;
use pipes_api as api;
use serde::{Deserialize, Serialize};
use shapes::ApiError;
use sources::{Source, SourceError, SourceKind};
use targets::{EventFields, HttpParameters, Kind, TargetError};

use crate::errors::{not_here_yet, validation};
use crate::transform::{Payload, check_path};

/// How a source is read (API Reference, PipeSourceParameters).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SourceSettings {
    pub filters: Vec<String>,
    pub batch_size: Option<u32>,
    pub window_seconds: Option<u32>,
    /// `TRIM_HORIZON` or `LATEST`; of streams alone.
    pub starting_position: Option<String>,
    pub bisects: bool,
    pub maximum_retries: Option<i32>,
    pub maximum_age_seconds: Option<i32>,
    pub parallelization: Option<u32>,
    pub dead_letter: Option<String>,
}

/// What a request gives of it, whether a pipe is made or changed.
#[derive(Default)]
pub(crate) struct GivenStream {
    pub batch_size: Option<i32>,
    pub window_seconds: Option<i32>,
    pub bisects: Option<String>,
    pub maximum_retries: Option<i32>,
    pub maximum_age_seconds: Option<i32>,
    pub parallelization: Option<i32>,
    pub dead_letter: Option<api::DeadLetterConfig>,
}

pub(crate) fn source_kind(source: &str) -> Result<SourceKind, ApiError> {
    SourceKind::of(source).map_err(|error| match error {
        SourceError::NotHere(service) => not_here_yet(&format!("A source of the service {service}")),
        SourceError::NotAnArn if source.starts_with("smk://") => {
            not_here_yet("A self managed Apache Kafka stream as a source")
        }
        SourceError::NotAnArn => validation(format!("{source} is not the ARN of a source.")),
    })
}

impl SourceSettings {
    pub(crate) fn set_filters(&mut self, criteria: Option<api::FilterCriteria>) -> Result<(), ApiError> {
        let Some(criteria) = criteria else { return Ok(()) };
        let filters = criteria.filters.unwrap_or_default().into_iter();
        self.filters = filters.filter_map(|filter| filter.pattern).collect();
        for filter in &self.filters {
            EventPattern::parse(filter)
                .map_err(|error| validation(format!("Invalid filter pattern: {error}")))?;
        }
        Ok(())
    }

    pub(crate) fn set_batch(&mut self, size: Option<i32>, window: Option<i32>) {
        self.batch_size = size.map(i32::unsigned_abs).or(self.batch_size);
        self.window_seconds = window.map(i32::unsigned_abs).or(self.window_seconds);
    }

    pub(crate) fn set_stream(&mut self, given: GivenStream) -> Result<(), ApiError> {
        self.set_batch(given.batch_size, given.window_seconds);
        if let Some(choice) = given.bisects {
            self.bisects = choice == "AUTOMATIC_BISECT";
        }
        self.maximum_retries = given.maximum_retries.or(self.maximum_retries);
        self.maximum_age_seconds = given.maximum_age_seconds.or(self.maximum_age_seconds);
        self.parallelization = given.parallelization.map(i32::unsigned_abs).or(self.parallelization);
        if let Some(queue) = given.dead_letter.map(|config| config.arn) {
            if let Some(arn) = queue.as_deref().filter(|arn| !arn.is_empty()) {
                match arn::split(arn).map(|parts| parts.service) {
                    Some("sqs" | "sns") => {}
                    _ => {
                        return Err(validation(format!(
                            "The dead-letter target {arn} is neither a queue nor a topic."
                        )));
                    }
                }
            }
            self.dead_letter = queue.filter(|arn| !arn.is_empty());
        }
        Ok(())
    }

    /// Checks what has to fit together.
    pub(crate) fn check(&self, kind: SourceKind) -> Result<(), ApiError> {
        match kind {
            SourceKind::TableStream if self.starting_position.is_none() => Err(validation(
                "DynamoDBStreamParameters with a StartingPosition are required for the stream of a table.",
            )),
            SourceKind::Queue if self.starting_position.is_some() => {
                Err(validation("DynamoDBStreamParameters are not valid for a queue."))
            }
            SourceKind::Queue if self.batch_size.is_some_and(|size| size > 10) && self.window() == 0 => {
                Err(validation(
                    "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
                ))
            }
            _ => Ok(()),
        }
    }

    fn window(&self) -> u32 {
        self.window_seconds.unwrap_or(0)
    }

    /// Checks that a batch is no larger than what enrichment and target take at once (User Guide, "Amazon EventBridge
    /// Pipes batching and concurrency").
    pub(crate) fn check_batch(&self, most: Option<u32>) -> Result<(), ApiError> {
        match self.batch_size.zip(most) {
            Some((size, most)) if size > most => Err(validation(format!(
                "The batch size {size} of the source is larger than the {most} that the enrichment or the target supports."
            ))),
            _ => Ok(()),
        }
    }

    /// How the source is read; a batch has `most` records at most where enrichment or target have a bound.
    pub(crate) fn source(&self, arn: &str, kind: SourceKind, most: Option<u32>) -> Source {
        let usual_size = if kind == SourceKind::Queue { 10 } else { 100 };
        Source {
            arn: arn.to_owned(),
            batch_size: self.batch_size.unwrap_or(usual_size).min(most.unwrap_or(u32::MAX)),
            window_seconds: self.window(),
            // They were checked when they were stored.
            patterns: self.filters.iter().filter_map(|text| EventPattern::parse(text).ok()).collect(),
            maximum_concurrency: None,
            from_latest: self.starting_position.as_deref() == Some("LATEST"),
            bisects: self.bisects,
            maximum_retries: self.maximum_retries.unwrap_or(-1),
            maximum_age_seconds: self.maximum_age_seconds.unwrap_or(-1),
            parallelization: self.parallelization.unwrap_or(1),
        }
    }

    /// From the parameters of CreatePipe.
    pub(crate) fn parse(given: Option<api::PipeSourceParameters>) -> Result<Self, ApiError> {
        let given = given.unwrap_or_default();
        let absent = [
            ("KinesisStreamParameters", given.kinesis_stream_parameters.is_some()),
            ("ActiveMQBrokerParameters", given.active_mq_broker_parameters.is_some()),
            ("RabbitMQBrokerParameters", given.rabbit_mq_broker_parameters.is_some()),
            ("ManagedStreamingKafkaParameters", given.managed_streaming_kafka_parameters.is_some()),
            ("SelfManagedKafkaParameters", given.self_managed_kafka_parameters.is_some()),
        ];
        refuse(&absent)?;
        let mut settings = Self::default();
        settings.set_filters(given.filter_criteria)?;
        if let Some(queue) = given.sqs_queue_parameters {
            settings.set_batch(queue.batch_size, queue.maximum_batching_window_in_seconds);
        }
        if let Some(stream) = given.dynamo_db_stream_parameters {
            settings.starting_position = Some(stream.starting_position);
            settings.set_stream(GivenStream {
                batch_size: stream.batch_size,
                window_seconds: stream.maximum_batching_window_in_seconds,
                bisects: stream.on_partial_batch_item_failure,
                maximum_retries: stream.maximum_retry_attempts,
                maximum_age_seconds: stream.maximum_record_age_in_seconds,
                parallelization: stream.parallelization_factor,
                dead_letter: stream.dead_letter_config,
            })?;
        }
        Ok(settings)
    }

    /// Takes the parameters of UpdatePipe over.
    pub(crate) fn update(&mut self, given: api::UpdatePipeSourceParameters) -> Result<(), ApiError> {
        self.set_filters(given.filter_criteria)?;
        if let Some(queue) = given.sqs_queue_parameters {
            self.set_batch(queue.batch_size, queue.maximum_batching_window_in_seconds);
        }
        if let Some(stream) = given.dynamo_db_stream_parameters {
            self.set_stream(GivenStream {
                batch_size: stream.batch_size,
                window_seconds: stream.maximum_batching_window_in_seconds,
                bisects: stream.on_partial_batch_item_failure,
                maximum_retries: stream.maximum_retry_attempts,
                maximum_age_seconds: stream.maximum_record_age_in_seconds,
                parallelization: stream.parallelization_factor,
                dead_letter: stream.dead_letter_config,
            })?;
        }
        Ok(())
    }

    pub(crate) fn to_api(&self, kind: SourceKind, most: Option<u32>) -> api::PipeSourceParameters {
        let source = self.source("", kind, most);
        let (batch_size, window) = (Some(source.batch_size as i32), self.window_seconds.map(|it| it as i32));
        let filters = self.filters.iter().map(|text| api::Filter { pattern: Some(text.clone()) }).collect();
        api::PipeSourceParameters {
            filter_criteria: (!self.filters.is_empty())
                .then_some(api::FilterCriteria { filters: Some(filters) }),
            sqs_queue_parameters: (kind == SourceKind::Queue).then_some(api::PipeSourceSqsQueueParameters {
                batch_size,
                maximum_batching_window_in_seconds: window,
            }),
            dynamo_db_stream_parameters: (kind == SourceKind::TableStream).then(|| {
                api::PipeSourceDynamoDBStreamParameters {
                    batch_size,
                    maximum_batching_window_in_seconds: window,
                    starting_position: self.starting_position.clone().unwrap_or_default(),
                    on_partial_batch_item_failure: self.bisects.then(|| "AUTOMATIC_BISECT".to_owned()),
                    maximum_retry_attempts: Some(source.maximum_retries),
                    maximum_record_age_in_seconds: Some(source.maximum_age_seconds),
                    parallelization_factor: Some(source.parallelization as i32),
                    dead_letter_config: self
                        .dead_letter
                        .clone()
                        .map(|arn| api::DeadLetterConfig { arn: Some(arn) }),
                }
            }),
            ..Default::default()
        }
    }
}

/// What enriches events, and how it is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Enrichment {
    pub arn: String,
    pub template: Option<String>,
    pub http: HttpParameters,
}

impl Enrichment {
    pub(crate) fn parse(
        arn: Option<String>,
        given: Option<api::PipeEnrichmentParameters>,
    ) -> Result<Option<Self>, ApiError> {
        let given = given.unwrap_or_default();
        let Some(arn) = arn.filter(|arn| !arn.is_empty()) else { return Ok(None) };
        match Kind::of(&arn) {
            Ok(Kind::Function | Kind::ApiDestination | Kind::RestApi) => {}
            Err(TargetError::NotHere(service)) => {
                return Err(not_here_yet(&format!("An enrichment by the service {service}")));
            }
            _ => return Err(validation(format!("{arn} cannot be an enrichment."))),
        }
        let http = given.http_parameters.unwrap_or_default();
        let http = http_parameters(
            http.path_parameter_values,
            http.header_parameters,
            http.query_string_parameters,
        )?;
        let template = given.input_template.filter(|template| !template.is_empty());
        Payload::check(template.as_deref())?;
        Ok(Some(Self { arn, template, http }))
    }

    /// As [`TargetSettings::most_events`]: only functions take batches.
    pub(crate) fn most_events(&self) -> Option<u32> {
        (Kind::of(&self.arn) != Ok(Kind::Function)).then_some(1)
    }

    pub(crate) fn to_api(&self) -> api::PipeEnrichmentParameters {
        let http = &self.http;
        api::PipeEnrichmentParameters {
            input_template: self.template.clone(),
            http_parameters: (*http != HttpParameters::default()).then(|| {
                api::PipeEnrichmentHttpParameters {
                    path_parameter_values: Some(http.path_values.clone()),
                    header_parameters: Some(http.headers.clone()),
                    query_string_parameters: Some(http.query.clone()),
                }
            }),
        }
    }
}

/// The target and what it is called with. Any text of it may be a path into the event (User Guide, "Amazon EventBridge
/// Pipes target parameters", dynamic paths).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TargetSettings {
    pub arn: String,
    pub template: Option<String>,
    /// `REQUEST_RESPONSE` or `FIRE_AND_FORGET`.
    pub invocation_type: Option<String>,
    pub message_group_id: Option<String>,
    pub deduplication_id: Option<String>,
    pub http: HttpParameters,
    pub event: EventFields,
    /// The path of an event's time or a log event's.
    pub time: Option<String>,
    pub log_stream: Option<String>,
}

impl TargetSettings {
    pub(crate) fn parse(arn: String, given: Option<api::PipeTargetParameters>) -> Result<Self, ApiError> {
        match Kind::of(&arn) {
            Ok(Kind::Operation) | Err(TargetError::NotAnArn) => {
                return Err(validation(format!("{arn} cannot be a target.")));
            }
            Err(TargetError::NotHere(service)) => {
                return Err(not_here_yet(&format!("A target of the service {service}")));
            }
            Ok(_) => {}
        }
        let given = given.unwrap_or_default();
        refuse(&[
            ("BatchJobParameters", given.batch_job_parameters.is_some()),
            ("EcsTaskParameters", given.ecs_task_parameters.is_some()),
            ("KinesisStreamParameters", given.kinesis_stream_parameters.is_some()),
            ("RedshiftDataParameters", given.redshift_data_parameters.is_some()),
            ("SageMakerPipelineParameters", given.sage_maker_pipeline_parameters.is_some()),
            ("StepFunctionStateMachineParameters", given.step_function_state_machine_parameters.is_some()),
            ("TimestreamParameters", given.timestream_parameters.is_some()),
        ])?;
        let queue = given.sqs_queue_parameters.unwrap_or_default();
        let http = given.http_parameters.unwrap_or_default();
        let bus = given.event_bridge_event_bus_parameters.unwrap_or_default();
        let logs = given.cloud_watch_logs_parameters.unwrap_or_default();
        refuse(&[("EndpointId", bus.endpoint_id.is_some())])?;
        let settings = Self {
            template: given.input_template.filter(|template| !template.is_empty()),
            invocation_type: given.lambda_function_parameters.and_then(|function| function.invocation_type),
            message_group_id: queue.message_group_id,
            deduplication_id: queue.message_deduplication_id,
            http: http_parameters(
                http.path_parameter_values,
                http.header_parameters,
                http.query_string_parameters,
            )?,
            event: EventFields {
                source: bus.source.unwrap_or_default(),
                detail_type: bus.detail_type.unwrap_or_default(),
                resources: bus.resources.unwrap_or_default(),
                time_millis: None,
            },
            time: bus.time.or(logs.timestamp),
            log_stream: logs.log_stream_name,
            arn,
        };
        Payload::check(settings.template.as_deref())?;
        if settings.event.source.starts_with("aws.") {
            return Err(validation("The Source of EventBridgeEventBusParameters must not begin with aws."));
        }
        for text in settings.dynamic() {
            check_path(text)?;
        }
        if arn::split(&settings.arn)
            .is_some_and(|parts| parts.service == "sqs" && parts.resource.ends_with(".fifo"))
            && settings.message_group_id.is_none()
        {
            return Err(validation("MessageGroupId is required for a FIFO queue as a target."));
        }
        Ok(settings)
    }

    /// Events of one call at most; nothing where only their size matters (User Guide, "Supported batchable targets").
    pub(crate) fn most_events(&self) -> Option<u32> {
        match Kind::of(&self.arn) {
            Ok(Kind::Queue | Kind::Topic | Kind::EventBus) => Some(10),
            Ok(Kind::LogGroup) => Some(10_000),
            Ok(Kind::ApiDestination | Kind::RestApi) => Some(1),
            _ => None,
        }
    }

    /// Everything that may be a path.
    fn dynamic(&self) -> impl Iterator<Item = &String> {
        let single = [&self.message_group_id, &self.deduplication_id, &self.time, &self.log_stream];
        let event = [&self.event.source, &self.event.detail_type];
        single.into_iter().flatten().chain(event).chain(&self.event.resources)
    }

    pub(crate) fn to_api(&self) -> api::PipeTargetParameters {
        let kind = Kind::of(&self.arn).ok();
        let text = |text: &String| (!text.is_empty()).then(|| text.clone());
        let http = &self.http;
        let queue = api::PipeTargetSqsQueueParameters {
            message_group_id: self.message_group_id.clone(),
            message_deduplication_id: self.deduplication_id.clone(),
        };
        let bus = api::PipeTargetEventBridgeEventBusParameters {
            source: text(&self.event.source),
            detail_type: text(&self.event.detail_type),
            resources: (!self.event.resources.is_empty()).then(|| self.event.resources.clone()),
            time: self.time.clone(),
            endpoint_id: None,
        };
        let logs = api::PipeTargetCloudWatchLogsParameters {
            log_stream_name: self.log_stream.clone(),
            timestamp: self.time.clone(),
        };
        api::PipeTargetParameters {
            input_template: self.template.clone(),
            lambda_function_parameters: self
                .invocation_type
                .clone()
                .map(|kind| api::PipeTargetLambdaFunctionParameters { invocation_type: Some(kind) }),
            sqs_queue_parameters: (kind == Some(Kind::Queue) && queue != Default::default()).then_some(queue),
            event_bridge_event_bus_parameters: (kind == Some(Kind::EventBus) && bus != Default::default())
                .then_some(bus),
            cloud_watch_logs_parameters: (kind == Some(Kind::LogGroup) && logs != Default::default())
                .then_some(logs),
            http_parameters: (*http != HttpParameters::default()).then(|| api::PipeTargetHttpParameters {
                path_parameter_values: Some(http.path_values.clone()),
                header_parameters: Some(http.headers.clone()),
                query_string_parameters: Some(http.query.clone()),
            }),
            ..Default::default()
        }
    }
}

fn http_parameters(
    path_values: Option<Vec<String>>,
    headers: Option<BTreeMap<String, String>>,
    query: Option<BTreeMap<String, String>>,
) -> Result<HttpParameters, ApiError> {
    let http = HttpParameters {
        path_values: path_values.unwrap_or_default(),
        headers: headers.unwrap_or_default(),
        query: query.unwrap_or_default(),
    };
    if http.path_values.iter().any(|value| value.trim().is_empty()) {
        return Err(validation("The values of PathParameterValues must not be empty."));
    }
    for text in http.path_values.iter().chain(http.headers.values()).chain(http.query.values()) {
        check_path(text)?;
    }
    Ok(http)
}

/// Refuses parameters of what is not here, by their names.
fn refuse(parameters: &[(&str, bool)]) -> Result<(), ApiError> {
    match parameters.iter().find(|(_, is_given)| *is_given) {
        Some((name, _)) => Err(not_here_yet(name)),
        None => Ok(()),
    }
}
