//! Answers of the services' operations as JSON documents that may be shown: what the models call sensitive is left out,
//! and what is long is cut.

use cloud::Ctx;
use serde_json::{Map, Value};
use shapes::{ApiError, Kind, Member, Node, Op, Struct, View};

/// What stands in the place of a value that is not shown.
pub(super) const HIDDEN: &str = "(not shown)";
/// Characters of one text, and of a whole document as text.
pub(super) const LONGEST_TEXT: usize = 20_000;
/// Entries of one list or map.
const MOST_ENTRIES: usize = 1000;

/// Calls an operation and hands out its answer as a document. Members have the model's names.
pub(super) async fn look<O: Op>(ctx: &Ctx, input: O::Input) -> Result<Value, ApiError> {
    Ok(document(&ctx.call::<O>(input).await?))
}

pub(super) fn document(value: &dyn Struct) -> Value {
    let members = value.shape().members.iter().enumerate();
    let shown = members.filter_map(|(index, member)| {
        let value = shown(value.member(index), member);
        (!value.is_null()).then(|| (member.name.to_owned(), value))
    });
    Value::Object(shown.collect())
}

fn shown(node: &dyn Node, member: &'static Member) -> Value {
    let is_hidden = member.shape.sensitive;
    match node.view() {
        View::Absent => Value::Null,
        // The names in a map are those of settings, which may be seen where their values may not.
        View::Map(map) => {
            let Kind::Map(_, item) = member.shape.kind else { return Value::Null };
            let entries = map.entries().take(MOST_ENTRIES);
            let hide = |value| if is_hidden { HIDDEN.into() } else { value };
            Value::Object(entries.map(|(name, node)| (name.to_owned(), hide(shown(node, item)))).collect())
        }
        _ if is_hidden => HIDDEN.into(),
        View::Boolean(value) => value.into(),
        View::Integer(value) => value.into(),
        View::Long(value) => value.into(),
        View::Float(value) => f64::from(value).into(),
        View::Double(value) => value.into(),
        View::String(value) => cut(value).into(),
        View::Blob(value) => blob(value).into(),
        View::Stream(_) => "(a stream)".into(),
        View::Timestamp(value) => value.iso8601().into(),
        View::Document(value) => free(value),
        View::List(list) => {
            let Kind::List(item) = member.shape.kind else { return Value::Null };
            (0..list.len().min(MOST_ENTRIES)).map(|index| shown(list.item(index), item)).collect()
        }
        View::Struct(value) => document(value),
        View::Union(value) => {
            let mut entry = Map::new();
            if let Some((index, node)) = value.variant() {
                let member = &value.shape().members[index];
                entry.insert(member.name.to_owned(), shown(node, member));
            }
            Value::Object(entry)
        }
    }
}

fn blob(bytes: &[u8]) -> String {
    use base64::Engine;
    let shown = &bytes[..bytes.len().min(LONGEST_TEXT / 4 * 3)];
    let text = base64::engine::general_purpose::STANDARD.encode(shown);
    if shown.len() == bytes.len() { text } else { format!("{text}… ({} bytes)", bytes.len()) }
}

fn free(value: &shapes::Document) -> Value {
    use shapes::Document;
    match value {
        Document::Null => Value::Null,
        Document::Bool(value) => (*value).into(),
        Document::Integer(value) => (*value).into(),
        Document::Float(value) => (*value).into(),
        Document::String(value) => cut(value).into(),
        Document::List(items) => items.iter().take(MOST_ENTRIES).map(free).collect(),
        Document::Map(entries) => {
            let entries = entries.iter().take(MOST_ENTRIES);
            Value::Object(entries.map(|(name, value)| (name.clone(), free(value))).collect())
        }
    }
}

/// The beginning of a text that is long, with how long it is.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… ({} bytes in all)", &text[..end], text.len()),
    }
}

/// A document as text over several lines.
pub(super) fn pretty(document: &Value) -> String {
    cut(&serde_json::to_string_pretty(document).unwrap_or_default())
}

/// What lies at a path of names (`Target/Arn`) as text; empty when nothing does.
pub(super) fn at(document: &Value, path: &str) -> String {
    let found = path.split('/').try_fold(document, |value, name| value.get(name));
    match found {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The list that a member holds.
pub(super) fn items<'a>(document: &'a Value, name: &str) -> &'a [Value] {
    document.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A text that holds a JSON document, over several lines; other texts as they are.
pub(super) fn laid_out(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(json) if json.is_object() || json.is_array() => pretty(&json),
        _ => cut(text),
    }
}

/// A size as people read it, with the exact figure.
pub(super) fn size(bytes: i64) -> String {
    const UNITS: [&str; 5] = ["KB", "MB", "GB", "TB", "PB"];
    let mut value = bytes as f64;
    let mut unit = "B";
    for next in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{HIDDEN, at, cut, document, laid_out, size};

    #[test]
    fn values_that_the_model_calls_sensitive_are_not_shown() {
        let variables = [("TOKEN".to_owned(), "s3cret".to_owned())].into_iter().collect();
        let answer = lambda_api::GetFunctionConfigurationOutput {
            handler: Some("index.handler".to_owned()),
            environment: Some(lambda_api::EnvironmentResponse {
                variables: Some(variables),
                ..Default::default()
            }),
            ..Default::default()
        };
        let shown = document(&answer);
        assert_eq!(at(&shown, "Handler"), "index.handler");
        assert_eq!(shown["Environment"]["Variables"], json!({ "TOKEN": HIDDEN }));
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let text = "é".repeat(400_000);
        let shown = cut(&text);
        assert!(shown.len() < 41_000 && shown.ends_with("(800000 bytes in all)"));
        assert_eq!(cut("short"), "short");
    }

    #[test]
    fn documents_in_texts_are_laid_out_and_other_texts_left_alone() {
        assert_eq!(laid_out(r#"{"a":1}"#), "{\n  \"a\": 1\n}");
        assert_eq!(laid_out("12"), "12");
        assert_eq!(laid_out("{no"), "{no");
    }

    #[test]
    fn sizes_are_readable() {
        assert_eq!(
            [0, 1023, 1024, 5 << 20, i64::MAX].map(size),
            ["0 B", "1023 B", "1.0 KB", "5.0 MB", "8192.0 PB"]
        );
    }
}
