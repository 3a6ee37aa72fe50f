//! Events as rules see them and targets get them.

use std::sync::Arc;

use cloud::Ctx;
use identity::{AccountId, Region};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shapes::Timestamp;

/// What an event is made of (EventBridge User Guide, "EventBridge event structure").
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub id: String,
    pub detail_type: String,
    pub source: String,
    pub account: AccountId,
    pub region: Region,
    pub time: Timestamp,
    pub resources: Vec<String>,
    /// JSON without needless blanks, as it was sent otherwise.
    pub detail: String,
}

/// An event on its way through rules.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub facts: Arc<Facts>,
    /// The whole event, for patterns and paths.
    pub value: Arc<Value>,
    /// When it came in here.
    pub ingested: Timestamp,
    /// The tracing header that its sender gave.
    pub trace: Option<String>,
    pub replay: Option<Replayed>,
    /// How many rules have passed it from bus to bus.
    pub hops: u8,
}

/// Marks an event that comes from an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replayed {
    pub replay: String,
    /// The rules that it is for; all when empty.
    pub rules: Vec<String>,
}

impl Event {
    /// `detail` is what the text of the facts' detail says.
    pub(crate) fn new(ctx: &Ctx, facts: Facts, detail: Value, replay: Option<Replayed>) -> Self {
        let mut value = Map::new();
        for (name, part) in [
            ("version", json!("0")),
            ("id", json!(facts.id)),
            ("detail-type", json!(facts.detail_type)),
            ("source", json!(facts.source)),
            ("account", json!(facts.account)),
            ("time", json!(whole_seconds(facts.time))),
            ("region", json!(facts.region)),
            ("resources", json!(facts.resources)),
            ("detail", detail),
        ] {
            value.insert(name.to_owned(), part);
        }
        if let Some(replay) = &replay {
            value.insert("replay-name".to_owned(), json!(replay.replay));
        }
        let (facts, value) = (Arc::new(facts), Arc::new(Value::Object(value)));
        Self { facts, value, ingested: ctx.now(), trace: None, replay, hops: 0 }
    }

    /// The whole event as targets get it, its fields in AWS's order.
    pub(crate) fn text(&self) -> String {
        let mut text = self.head();
        text.push_str(",\"detail\":");
        text.push_str(&self.facts.detail);
        text.push('}');
        text
    }

    /// The event without its detail: `<aws.events.event>` of templates.
    pub(crate) fn value_without_detail(&self) -> Value {
        let mut value = Value::clone(&self.value);
        if let Value::Object(fields) = &mut value {
            fields.remove("detail");
        }
        value
    }

    fn head(&self) -> String {
        let facts = &*self.facts;
        let mut head = format!(
            r#"{{"version":"0","id":{},"detail-type":{},"source":{},"account":"{}","time":"{}","region":"{}","resources":{}"#,
            json!(facts.id),
            json!(facts.detail_type),
            json!(facts.source),
            facts.account,
            whole_seconds(facts.time),
            facts.region.as_str(),
            json!(facts.resources),
        );
        if let Some(replayed) = &self.replay {
            head.push_str(&format!(r#","replay-name":{}"#, json!(replayed.replay)));
        }
        head
    }
}

/// Times of events have no fractions.
pub(crate) fn whole_seconds(time: Timestamp) -> String {
    Timestamp::from_seconds(time.seconds()).iso8601()
}

/// JSON text without the blanks between its parts.
pub(crate) fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut is_quoted, mut is_escaped) = (false, false);
    for char in json.chars() {
        if is_quoted {
            out.push(char);
            match char {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => is_quoted = false,
                _ => {}
            }
        } else if !matches!(char, ' ' | '\t' | '\n' | '\r') {
            out.push(char);
            is_quoted = char == '"';
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::compact;

    #[test]
    fn blanks_go_but_not_inside_of_text() {
        assert_eq!(compact("{ \"a b\" :\n [1, \"x \\\" y\"] }"), r#"{"a b":[1,"x \" y"]}"#);
    }
}
