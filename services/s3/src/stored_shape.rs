//! Generated structures as JSON, by the model's names, for keeping configurations as they were put.

use serde_json::{Map, Value};
use shapes::{Slot, Struct, Timestamp, View};

/// The members that are there.
pub(crate) fn to_json(value: &dyn Struct) -> Value {
    let mut object = Map::new();
    for (index, member) in value.shape().members.iter().enumerate() {
        if let Some(value) = view(&value.member(index).view()) {
            object.insert(member.name.to_owned(), value);
        }
    }
    Value::Object(object)
}

fn view(view_of: &View<'_>) -> Option<Value> {
    Some(match view_of {
        View::Boolean(value) => Value::Bool(*value),
        View::Integer(value) => Value::from(*value),
        View::Long(value) => Value::from(*value),
        View::Float(value) => Value::from(*value),
        View::Double(value) => Value::from(*value),
        View::String(value) => Value::from(*value),
        View::Timestamp(value) => Value::from(value.millis()),
        View::List(list) => (0..list.len()).filter_map(|index| view(&list.item(index).view())).collect(),
        View::Map(map) => {
            let entries = map.entries().filter_map(|(key, node)| Some((key.to_owned(), view(&node.view())?)));
            Value::Object(entries.collect())
        }
        View::Struct(value) => to_json(*value),
        View::Union(union) => {
            let (index, value) = union.variant()?;
            let name = union.shape().members[index].name.to_owned();
            Value::Object(Map::from_iter([(name, view(&value.view())?)]))
        }
        View::Absent | View::Blob(_) | View::Stream(_) | View::Document(_) => return None,
    })
}

/// Fills `target` with what [`to_json`] gave. Names that it does not know, and values of another type, are passed over.
pub(crate) fn from_json(json: &Value, target: &mut dyn Struct) {
    let Value::Object(object) = json else { return };
    for (name, value) in object {
        if let Some((index, _)) = target.shape().member_named(name) {
            fill(value, target.member_mut(index).slot());
        }
    }
}

fn fill(json: &Value, slot: Slot<'_>) {
    match (slot, json) {
        (Slot::Boolean(target), Value::Bool(value)) => *target = *value,
        (Slot::Integer(target), Value::Number(value)) => {
            *target = value.as_i64().and_then(|value| i32::try_from(value).ok()).unwrap_or_default();
        }
        (Slot::Long(target), Value::Number(value)) => *target = value.as_i64().unwrap_or_default(),
        (Slot::Double(target), Value::Number(value)) => *target = value.as_f64().unwrap_or_default(),
        (Slot::String(target), Value::String(value)) => target.clone_from(value),
        (Slot::Timestamp(target), Value::Number(value)) => {
            *target = Timestamp::from_millis(value.as_i64().unwrap_or_default());
        }
        (Slot::List(target), Value::Array(items)) => {
            for item in items {
                fill(item, target.push().slot());
            }
        }
        (Slot::Map(target), Value::Object(entries)) => {
            for (key, value) in entries {
                fill(value, target.insert(key.clone()).slot());
            }
        }
        (Slot::Struct(target), json) => from_json(json, target),
        (Slot::Union(target), Value::Object(object)) => {
            for (name, value) in object {
                if let Some((index, _)) = target.shape().member_named(name) {
                    fill(value, target.select(index).slot());
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use s3_api::{LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, Tag, Transition};
    use shapes::Timestamp;

    #[test]
    fn what_is_stored_comes_back() {
        let rule = LifecycleRule {
            id: Some("a".to_owned()),
            status: "Enabled".to_owned(),
            expiration: Some(LifecycleExpiration {
                date: Some(Timestamp::from_seconds(86_400)),
                expired_object_delete_marker: Some(true),
                ..Default::default()
            }),
            filter: Some(LifecycleRuleFilter {
                object_size_greater_than: Some(5_000_000_000),
                tag: Some(Tag { key: "k".to_owned(), value: "v".to_owned() }),
                ..Default::default()
            }),
            transitions: Some(vec![Transition { days: Some(30), ..Default::default() }]),
            ..Default::default()
        };
        let mut back = LifecycleRule::default();
        super::from_json(&super::to_json(&rule), &mut back);
        assert_eq!(back, rule);
    }
}
