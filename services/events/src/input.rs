//! What of an event a target gets (EventBridge User Guide, "Amazon EventBridge input transformation").

use std::borrow::Cow;
use std::collections::BTreeMap;

use input_template::{JsonPath, Template};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shapes::ApiError;
use targets::{Failure, code};

use crate::errors;
use crate::event::Event;
use crate::rule::RuleArn;

/// API Reference, InputTransformer.
const MOST_VARIABLES: usize = 100;

/// As it is stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) enum Input {
    #[default]
    Event,
    Constant(String),
    Path(String),
    Transformer {
        paths: BTreeMap<String, String>,
        template: String,
    },
}

/// As it is used.
#[derive(Clone, Debug)]
pub(crate) enum CompiledInput {
    Event,
    Constant(String),
    Path(JsonPath),
    Transformer { paths: BTreeMap<String, JsonPath>, template: Template },
}

impl Input {
    /// Reads everything that is to be read; errors name the target.
    pub(crate) fn compile(&self, target: &str) -> Result<CompiledInput, ApiError> {
        Ok(match self {
            Self::Event => CompiledInput::Event,
            Self::Constant(text) => {
                serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|error| {
                    errors::validation(format!("JSON syntax error in input for target {target} : {error}"))
                })?;
                CompiledInput::Constant(text.clone())
            }
            Self::Path(path) => CompiledInput::Path(parse_path("InputPath", path, target)?),
            Self::Transformer { paths, template } => {
                if paths.len() > MOST_VARIABLES {
                    return Err(errors::invalid_parameter(
                        "InputPathsMap",
                        format!("target {target} has more than {MOST_VARIABLES} variables"),
                    ));
                }
                if let Some(name) = paths.keys().find(|name| name.to_ascii_lowercase().starts_with("aws.")) {
                    return Err(errors::invalid_parameter(
                        "InputPathsMap",
                        format!("the variable {name} of target {target} begins with AWS., which is reserved"),
                    ));
                }
                let parse = |(name, path): (&String, &String)| {
                    Ok((name.clone(), parse_path("InputPathsMap", path, target)?))
                };
                let template = Template::parse(template).map_err(|error| {
                    errors::validation(format!("Invalid InputTemplate for target {target} : {error}."))
                })?;
                let paths = paths.iter().map(parse).collect::<Result<_, ApiError>>()?;
                CompiledInput::Transformer { paths, template }
            }
        })
    }
}

fn parse_path(parameter: &str, path: &str, target: &str) -> Result<JsonPath, ApiError> {
    JsonPath::parse(path)
        .map_err(|error| errors::validation(format!("Invalid {parameter} for target {target} : {error}.")))
}

impl CompiledInput {
    /// The payload for a target of a rule.
    pub(crate) fn payload(&self, event: &Event, rule: &RuleArn) -> Result<String, Failure> {
        match self {
            Self::Event => Ok(event.text()),
            Self::Constant(text) => Ok(text.clone()),
            // A path that leads nowhere gives an empty object, as on AWS.
            Self::Path(path) => {
                Ok(path.select(&event.value).map_or("{}".to_owned(), |part| part.to_string()))
            }
            Self::Transformer { paths, template } => {
                let text = template.render(&mut |name| value_of(name, paths, event, rule));
                let is_json = serde_json::Deserializer::from_str(&text)
                    .into_iter::<serde::de::IgnoredAny>()
                    .all(|value| value.is_ok());
                if is_json {
                    return Ok(text);
                }
                Err(Failure::permanent(code::INVALID_JSON, "The transformed input is not valid JSON."))
            }
        }
    }
}

fn value_of<'e>(
    name: &str,
    paths: &BTreeMap<String, JsonPath>,
    event: &'e Event,
    rule: &RuleArn,
) -> Option<Cow<'e, Value>> {
    let text = |text: String| Some(Cow::Owned(Value::String(text)));
    match name {
        "aws.events.rule-arn" => text(rule.to_string()),
        "aws.events.rule-name" => text(rule.name.clone()),
        "aws.events.event.ingestion-time" => text(event.ingested.iso8601()),
        "aws.events.event" => Some(Cow::Owned(event.value_without_detail())),
        "aws.events.event.json" => Some(Cow::Borrowed(&*event.value)),
        name => paths.get(name)?.select(&event.value),
    }
}
