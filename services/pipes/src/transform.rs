//! What of an event an enrichment or a target gets (EventBridge User Guide, "Amazon EventBridge Pipes input
//! transformation").

use std::borrow::Cow;

use input_template::{JsonPath, Template};
use serde_json::Value;
use shapes::ApiError;
use targets::HttpParameters;

use crate::errors::validation;
use crate::pipe::Pipe;

/// What templates may ask of an event beside its own fields.
pub(crate) struct Facts<'f> {
    pub pipe: &'f Pipe,
    pub pipe_arn: &'f str,
    pub ingested: String,
}

/// A template, or none: then the event goes as it is.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    Event,
    /// Text without variables, or with; it need not be JSON.
    Template(Template),
}

const RESERVED: [&str; 7] = [
    "aws.pipes.pipe-arn",
    "aws.pipes.pipe-name",
    "aws.pipes.source-arn",
    "aws.pipes.enrichment-arn",
    "aws.pipes.target-arn",
    "aws.pipes.event.ingestion-time",
    "aws.pipes.event",
];

impl Payload {
    pub(crate) fn check(template: Option<&str>) -> Result<(), ApiError> {
        let Some(template) = template else { return Ok(()) };
        for name in Template::split(template).variables() {
            if name.starts_with('$') {
                check_path(name)?;
            } else if name.starts_with("aws.") && !RESERVED.contains(&name) && name != "aws.pipes.event.json"
            {
                return Err(validation(format!("{name} is no variable that an InputTemplate can use.")));
            }
        }
        Ok(())
    }

    pub(crate) fn new(template: Option<&str>) -> Self {
        template.map_or(Self::Event, |text| Self::Template(Template::split(text)))
    }

    /// The payload for an event: JSON when the template's text is, and text otherwise.
    pub(crate) fn of(&self, event: &Value, facts: &Facts<'_>) -> Value {
        let Self::Template(template) = self else { return event.clone() };
        let parsed = parsed(event);
        let text = template.render(&mut |name| value_of(name, event, &parsed, facts));
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }
}

fn value_of<'v>(
    name: &str,
    event: &'v Value,
    parsed: &'v Value,
    facts: &Facts<'_>,
) -> Option<Cow<'v, Value>> {
    let text = |text: &str| Some(Cow::Owned(Value::String(text.to_owned())));
    let pipe = facts.pipe;
    match name {
        "aws.pipes.pipe-arn" => text(facts.pipe_arn),
        "aws.pipes.pipe-name" => text(&pipe.name),
        "aws.pipes.source-arn" => text(&pipe.source),
        "aws.pipes.enrichment-arn" => {
            text(pipe.enrichment.as_ref().map_or("", |enrichment| enrichment.arn.as_str()))
        }
        "aws.pipes.target-arn" => text(&pipe.target.arn),
        "aws.pipes.event.ingestion-time" => text(&facts.ingested),
        "aws.pipes.event" => Some(Cow::Borrowed(event)),
        "aws.pipes.event.json" => Some(Cow::Borrowed(parsed)),
        // What is no path stands for itself.
        name => match JsonPath::parse(name) {
            Ok(path) => selected(&path, parsed),
            Err(_) => text(&format!("<{name}>")),
        },
    }
}

fn selected<'v>(path: &JsonPath, document: &'v Value) -> Option<Cow<'v, Value>> {
    path.select(document)
}

/// The event with the body of a message as JSON where it is JSON ("Implicit body data parsing").
fn parsed(event: &Value) -> Value {
    let mut event = event.clone();
    if let Some(body) = event.get_mut("body")
        && let Value::String(text) = body
        && let Ok(parsed @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str::<Value>(text)
    {
        *body = parsed;
    }
    event
}

/// Whether a text that looks like a path is one.
pub(crate) fn check_path(text: &str) -> Result<(), ApiError> {
    if text == "$" || text.starts_with("$.") || text.starts_with("$[") {
        JsonPath::parse(text).map_err(|error| validation(format!("Invalid JSON path: {error}.")))?;
    }
    Ok(())
}

/// Finds what the dynamic paths of an event's target lead to.
pub(crate) struct Dynamic(Value);

impl Dynamic {
    pub(crate) fn of(event: &Value) -> Self {
        Self(parsed(event))
    }

    /// The text itself, or what it leads to as a path; nothing where it leads nowhere.
    pub(crate) fn text(&self, text: &str) -> Option<String> {
        let is_path = text == "$" || text.starts_with("$.") || text.starts_with("$[");
        let Some(path) = is_path.then(|| JsonPath::parse(text).ok()).flatten() else {
            return Some(text.to_owned());
        };
        Some(match path.select(&self.0)?.into_owned() {
            Value::String(text) => text,
            Value::Null => return None,
            other => other.to_string(),
        })
    }

    pub(crate) fn optional(&self, text: Option<&String>) -> Option<String> {
        text.and_then(|text| self.text(text))
    }

    pub(crate) fn http(&self, http: &HttpParameters) -> HttpParameters {
        let pairs = |pairs: &std::collections::BTreeMap<String, String>| {
            pairs.iter().filter_map(|(name, value)| Some((name.clone(), self.text(value)?))).collect()
        };
        HttpParameters {
            path_values: http.path_values.iter().filter_map(|value| self.text(value)).collect(),
            headers: pairs(&http.headers),
            query: pairs(&http.query),
        }
    }

    /// Milliseconds since the epoch, of a number of seconds or of milliseconds.
    pub(crate) fn time(&self, path: Option<&String>) -> Option<i64> {
        let number = self.optional(path)?.parse::<f64>().ok()?;
        // Seconds reach this number in the year 5138, milliseconds had it in 1973.
        Some(if number.abs() < 1e11 { (number * 1000.0) as i64 } else { number as i64 })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Dynamic, Facts, Payload};
    use crate::pipe::Pipe;

    fn event() -> Value {
        json!({"messageId": "m", "body": "{\"id\": 7, \"name\": \"Ann\", \"at\": 1700000000}", "attributes": {"SentTimestamp": "1700000000123"}})
    }

    #[test]
    fn templates_see_into_the_bodies_of_messages() {
        let pipe = Pipe { name: "orders".to_owned(), ..Pipe::default() };
        let facts = Facts { pipe: &pipe, pipe_arn: "arn:pipe", ingested: "now".to_owned() };
        for (template, wanted) in [
            (r#"{"id": <$.body.id>, "who": <$.body.name>}"#, json!({"id": 7, "who": "Ann"})),
            (r#"{"text": "order <$.body.id> of <$.body.name>"}"#, json!({"text": "order 7 of Ann"})),
            (
                r#"{"pipe": <aws.pipes.pipe-name>, "gone": <$.body.nothing>}"#,
                json!({"pipe": "orders", "gone": ""}),
            ),
            ("order <$.body.id>", json!("order 7")),
            ("<$.messageId>", json!("m")),
        ] {
            assert_eq!(Payload::new(Some(template)).of(&event(), &facts), wanted, "{template}");
        }
        assert_eq!(Payload::new(None).of(&event(), &facts), event());
    }

    #[test]
    fn parameters_may_be_paths_into_the_event() {
        let dynamic = Dynamic::of(&event());
        assert_eq!(dynamic.text("$.body.name").as_deref(), Some("Ann"));
        assert_eq!(dynamic.text("$.body.id").as_deref(), Some("7"));
        assert_eq!(dynamic.text("$.body.nothing"), None);
        assert_eq!(dynamic.text("plain $.text").as_deref(), Some("plain $.text"));
        assert_eq!(dynamic.time(Some(&"$.body.at".to_owned())), Some(1_700_000_000_000));
        assert_eq!(dynamic.time(Some(&"$.attributes.SentTimestamp".to_owned())), Some(1_700_000_000_123));
    }

    #[test]
    fn what_is_no_template_is_refused() {
        assert!(Payload::check(Some("<$.a..b>")).is_err());
        assert!(Payload::check(Some("<aws.pipes.unknown>")).is_err());
        assert!(Payload::check(Some("<aws.pipes.event.json> and <$.a[0].b>")).is_ok());
    }
}
