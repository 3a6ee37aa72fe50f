//! TestEventPattern: whether an event would match.

use std::sync::Arc;

use cloud::{Ctx, Handle};
use events_api::op::TestEventPattern;
use events_api::{TestEventPatternInput, TestEventPatternOutput};
use serde_json::Value;
use shapes::ApiError;

use crate::rule::parse_pattern;
use crate::{Events, errors};

/// API Reference, TestEventPattern: what an event has to have.
const FIELDS: [&str; 7] = ["id", "account", "source", "time", "region", "resources", "detail-type"];

impl Handle<TestEventPattern> for Events {
    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: TestEventPatternInput,
    ) -> Result<TestEventPatternOutput, ApiError> {
        let pattern = parse_pattern(&input.event_pattern)?;
        let event: Value = serde_json::from_str(&input.event)
            .map_err(|error| errors::invalid_parameter("Event", format!("it is not JSON: {error}")))?;
        if !event.is_object() {
            return Err(errors::invalid_parameter("Event", "it has to be a JSON object"));
        }
        if let Some(missing) = FIELDS.iter().find(|field| event.get(**field).is_none()) {
            return Err(errors::invalid_parameter("Event", format!("the field {missing} is missing")));
        }
        Ok(TestEventPatternOutput { result: Some(pattern.matches(&event)) })
    }
}
