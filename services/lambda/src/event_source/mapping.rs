//! An event source mapping: which source's records a function is invoked with, and how.

use event_pattern::EventPattern;
use lambda_api::{
    DestinationConfig, EventSourceMappingConfiguration, Filter, FilterCriteria, OnFailure, ScalingConfig,
};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use sources::{Source, SourceError, SourceKind};

use crate::{destination, errors};

/// Of one pattern (AWS Lambda Developer Guide, "Control which events Lambda sends to your function").
const LONGEST_PATTERN: usize = 4096;
const MOST_PATTERNS: usize = 5;

/// What kind of source an ARN names.
pub(crate) fn source_kind(source_arn: &str) -> Result<SourceKind, ApiError> {
    SourceKind::of(source_arn).map_err(|error| match error {
        SourceError::NotHere(service) => {
            errors::not_here_yet(&format!("An event source of the service {service}"))
        }
        SourceError::NotAnArn => errors::invalid(format!("Unrecognized event source ARN: {source_arn}")),
    })
}

/// A mapping's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mapping {
    pub uuid: String,
    pub function: String,
    pub qualifier: Option<String>,
    /// As the request qualified it.
    pub function_arn: String,
    pub source_arn: String,
    pub is_enabled: bool,
    pub settings: Settings,
    pub modified: Timestamp,
    /// Changes with every update: whoever polls for an older one stops.
    pub revision: u64,
}

store::row!(Mapping, 1);

/// What can be changed later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub batch_size: u32,
    pub window_seconds: u32,
    pub filters: Vec<String>,
    pub reports_item_failures: bool,
    pub maximum_concurrency: Option<u32>,
    /// `TRIM_HORIZON`, `LATEST`; empty for queues.
    pub starting_position: String,
    pub bisects: bool,
    /// -1 is for ever.
    pub maximum_retries: i32,
    /// -1 is for ever.
    pub maximum_age_seconds: i32,
    pub parallelization: u32,
    pub on_failure: Option<String>,
}

/// What a request gives of the settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    pub batch_size: Option<i32>,
    pub window_seconds: Option<i32>,
    pub filters: Option<FilterCriteria>,
    pub response_types: Option<Vec<String>>,
    pub scaling: Option<ScalingConfig>,
    pub starting_position: Option<String>,
    pub bisects: Option<bool>,
    pub maximum_retries: Option<i32>,
    pub maximum_age_seconds: Option<i32>,
    pub parallelization: Option<i32>,
    pub destination: Option<DestinationConfig>,
    pub tumbling_window_seconds: Option<i32>,
}

impl Settings {
    pub(crate) fn defaults(kind: SourceKind) -> Self {
        Self {
            batch_size: if kind == SourceKind::Queue { 10 } else { 100 },
            window_seconds: 0,
            filters: Vec::new(),
            reports_item_failures: false,
            maximum_concurrency: None,
            starting_position: String::new(),
            bisects: false,
            maximum_retries: -1,
            maximum_age_seconds: -1,
            parallelization: 1,
            on_failure: None,
        }
    }

    /// Checks what is given and takes it over (API Reference, CreateEventSourceMapping).
    pub(crate) fn change(&mut self, kind: SourceKind, given: Given) -> Result<(), ApiError> {
        if given.tumbling_window_seconds.is_some_and(|seconds| seconds > 0) {
            return Err(errors::not_here_yet("TumblingWindowInSeconds"));
        }
        self.batch_size = within("BatchSize", given.batch_size, 1, 10_000)?.unwrap_or(self.batch_size);
        let window = within("MaximumBatchingWindowInSeconds", given.window_seconds, 0, 300)?;
        self.window_seconds = window.unwrap_or(self.window_seconds);
        if kind == SourceKind::Queue && self.batch_size > 10 && self.window_seconds == 0 {
            return Err(errors::invalid(
                "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
            ));
        }
        if let Some(criteria) = given.filters {
            self.filters = filters(criteria)?;
        }
        if let Some(types) = given.response_types {
            self.reports_item_failures = types.iter().any(|kind| kind == "ReportBatchItemFailures");
        }
        if let Some(scaling) = given.scaling {
            self.maximum_concurrency = within("MaximumConcurrency", scaling.maximum_concurrency, 2, 1000)?;
        }
        self.change_stream(kind, &given.starting_position)?;
        self.bisects = given.bisects.unwrap_or(self.bisects);
        self.maximum_retries =
            signed("MaximumRetryAttempts", given.maximum_retries, 0, 10_000)?.unwrap_or(self.maximum_retries);
        self.maximum_age_seconds =
            signed("MaximumRecordAgeInSeconds", given.maximum_age_seconds, 60, 604_800)?
                .unwrap_or(self.maximum_age_seconds);
        self.parallelization =
            within("ParallelizationFactor", given.parallelization, 1, 10)?.unwrap_or(self.parallelization);
        if let Some(config) = given.destination {
            let arn = config.on_failure.and_then(|failure| failure.destination).filter(|arn| !arn.is_empty());
            arn.as_deref().map(destination::check).transpose()?;
            self.on_failure = arn;
        }
        Ok(())
    }

    fn change_stream(&mut self, kind: SourceKind, starting: &Option<String>) -> Result<(), ApiError> {
        match (kind, starting.as_deref()) {
            (SourceKind::Queue, Some(_)) => {
                Err(errors::invalid("StartingPosition is not valid for SQS event sources."))
            }
            (SourceKind::TableStream, Some(position @ ("TRIM_HORIZON" | "LATEST"))) => {
                position.clone_into(&mut self.starting_position);
                Ok(())
            }
            (SourceKind::TableStream, Some(other)) => Err(errors::invalid(format!(
                "Unsupported starting position {other} for a DynamoDB stream: it has to be TRIM_HORIZON or LATEST"
            ))),
            (SourceKind::TableStream, None) if self.starting_position.is_empty() => Err(errors::invalid(
                "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.",
            )),
            (_, None) => Ok(()),
        }
    }
}

fn within(name: &str, value: Option<i32>, least: u32, most: u32) -> Result<Option<u32>, ApiError> {
    let Some(value) = value else { return Ok(None) };
    match u32::try_from(value) {
        Ok(value) if (least..=most).contains(&value) => Ok(Some(value)),
        _ => Err(errors::invalid(format!("{name} has to be between {least} and {most}, not {value}"))),
    }
}

/// As `within`, with -1 for no bound.
fn signed(name: &str, value: Option<i32>, least: i32, most: i32) -> Result<Option<i32>, ApiError> {
    match value {
        Some(value) if value != -1 && !(least..=most).contains(&value) => {
            Err(errors::invalid(format!("{name} has to be -1 or between {least} and {most}, not {value}")))
        }
        value => Ok(value),
    }
}

fn filters(criteria: FilterCriteria) -> Result<Vec<String>, ApiError> {
    let patterns: Vec<String> =
        criteria.filters.unwrap_or_default().into_iter().filter_map(|filter| filter.pattern).collect();
    if patterns.len() > MOST_PATTERNS {
        return Err(errors::invalid(format!("An event source mapping has at most {MOST_PATTERNS} filters")));
    }
    for pattern in &patterns {
        if pattern.len() > LONGEST_PATTERN {
            return Err(errors::invalid(format!("A filter pattern has at most {LONGEST_PATTERN} bytes")));
        }
        EventPattern::parse(pattern)
            .map_err(|error| errors::invalid(format!("Invalid filter pattern definition. ({error})")))?;
    }
    Ok(patterns)
}

impl Mapping {
    pub(crate) fn source(&self) -> Source {
        let settings = &self.settings;
        Source {
            arn: self.source_arn.clone(),
            batch_size: settings.batch_size,
            window_seconds: settings.window_seconds,
            // They were checked when they were stored.
            patterns: settings.filters.iter().filter_map(|text| EventPattern::parse(text).ok()).collect(),
            maximum_concurrency: settings.maximum_concurrency,
            from_latest: settings.starting_position == "LATEST",
            bisects: settings.bisects,
            maximum_retries: settings.maximum_retries,
            maximum_age_seconds: settings.maximum_age_seconds,
            parallelization: settings.parallelization,
        }
    }

    pub(crate) fn arn(&self) -> String {
        let prefix = self.function_arn.split(":function:").next().unwrap_or_default();
        format!("{prefix}:event-source-mapping:{}", self.uuid)
    }

    pub(crate) fn to_api(&self, state: &str, last_result: Option<String>) -> EventSourceMappingConfiguration {
        let settings = &self.settings;
        let is_stream = !settings.starting_position.is_empty();
        let for_streams = |value: i32| is_stream.then_some(value);
        let types = if settings.reports_item_failures {
            vec!["ReportBatchItemFailures".to_owned()]
        } else {
            Vec::new()
        };
        let filters = settings.filters.iter().map(|text| Filter { pattern: Some(text.clone()) }).collect();
        let destination = settings.on_failure.clone().map(|arn| DestinationConfig {
            on_failure: Some(OnFailure { destination: Some(arn) }),
            on_success: None,
        });
        EventSourceMappingConfiguration {
            uuid: Some(self.uuid.clone()),
            event_source_mapping_arn: Some(self.arn()),
            event_source_arn: Some(self.source_arn.clone()),
            function_arn: Some(self.function_arn.clone()),
            state: Some(state.to_owned()),
            state_transition_reason: Some("USER_INITIATED".to_owned()),
            last_modified: Some(self.modified),
            last_processing_result: last_result,
            batch_size: Some(settings.batch_size as i32),
            maximum_batching_window_in_seconds: Some(settings.window_seconds as i32),
            function_response_types: Some(types),
            filter_criteria: (!settings.filters.is_empty())
                .then_some(FilterCriteria { filters: Some(filters) }),
            scaling_config: settings
                .maximum_concurrency
                .map(|most| ScalingConfig { maximum_concurrency: Some(most as i32) }),
            starting_position: is_stream.then(|| settings.starting_position.clone()),
            bisect_batch_on_function_error: is_stream.then_some(settings.bisects),
            maximum_retry_attempts: for_streams(settings.maximum_retries),
            maximum_record_age_in_seconds: for_streams(settings.maximum_age_seconds),
            parallelization_factor: for_streams(settings.parallelization as i32),
            destination_config: destination,
            ..Default::default()
        }
    }
}
