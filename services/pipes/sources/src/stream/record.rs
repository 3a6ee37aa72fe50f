//! One record of a table's stream, as functions and filters see it.

use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cloud::TraceContext;
use dynamodb_streams_api::{AttributeValue, Record, trace_of_event};
use serde_json::{Map, Value, json};
use shapes::Timestamp;

/// A record with what Lambda itself asks of it.
#[derive(Clone, Debug)]
pub(super) struct StreamRecord {
    /// As the function gets it (Developer Guide, "Using AWS Lambda with Amazon DynamoDB", "Example event").
    pub event: Value,
    pub sequence_number: String,
    pub created: Timestamp,
    /// Of the write that the record tells of.
    pub trace: Option<TraceContext>,
}

impl StreamRecord {
    pub(super) fn of(record: Record, source_arn: &str) -> Self {
        let trace = record.event_id.as_deref().and_then(trace_of_event);
        let trace = trace.map(|(trace, parent)| TraceContext { trace, parent });
        let change = record.dynamodb.unwrap_or_default();
        let sequence_number = change.sequence_number.clone().unwrap_or_default();
        let created = change.approximate_creation_date_time.unwrap_or_default();
        let mut event = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                event.insert(name.to_owned(), value);
            }
        };
        put("eventID", record.event_id.map(Value::String));
        put("eventName", record.event_name.map(Value::String));
        put("eventVersion", record.event_version.map(Value::String));
        put("eventSource", record.event_source.map(Value::String));
        put("awsRegion", record.aws_region.map(Value::String));
        let identity = record.user_identity;
        put(
            "userIdentity",
            identity.map(|who| json!({ "principalId": who.principal_id, "type": who.r#type })),
        );
        put("eventSourceARN", Some(source_arn.into()));
        let mut of_change = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                of_change.insert(name.to_owned(), value);
            }
        };
        put("ApproximateCreationDateTime", change.approximate_creation_date_time.map(seconds));
        put("Keys", change.keys.map(item));
        put("NewImage", change.new_image.map(item));
        put("OldImage", change.old_image.map(item));
        put("SequenceNumber", change.sequence_number.map(Value::String));
        put("SizeBytes", change.size_bytes.map(Value::from));
        put("StreamViewType", change.stream_view_type.map(Value::String));
        event.insert("dynamodb".to_owned(), Value::Object(of_change));
        Self { event: Value::Object(event), sequence_number, created, trace }
    }

    /// The same for all changes of one item.
    pub(super) fn item_hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.event["dynamodb"]["Keys"].to_string().hash(&mut hasher);
        hasher.finish()
    }
}

/// Seconds since 1970; a whole number where there is nothing after the point.
fn seconds(time: Timestamp) -> Value {
    match time.subsecond_millis() {
        0 => json!(time.seconds()),
        _ => json!(time.millis() as f64 / 1000.0),
    }
}

fn item(attributes: shapes::Map<AttributeValue>) -> Value {
    attributes.into_iter().map(|(name, value)| (name, attribute(value))).collect::<Map<_, _>>().into()
}

/// `{"S": "text"}`
fn attribute(value: AttributeValue) -> Value {
    let blob = |bytes: shapes::Blob| Value::String(STANDARD.encode(bytes));
    match value {
        AttributeValue::Unset => json!({}),
        AttributeValue::B(bytes) => json!({ "B": blob(bytes) }),
        AttributeValue::Bool(value) => json!({ "BOOL": value }),
        AttributeValue::Bs(set) => json!({ "BS": set.into_iter().map(blob).collect::<Vec<_>>() }),
        AttributeValue::L(list) => json!({ "L": list.into_iter().map(attribute).collect::<Vec<_>>() }),
        AttributeValue::M(map) => json!({ "M": item(map) }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Ns(set) => json!({ "NS": set }),
        AttributeValue::Null(value) => json!({ "NULL": value }),
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::Ss(set) => json!({ "SS": set }),
    }
}
