//! Paths into JSON documents.

use std::borrow::Cow;

use serde_json::Value;

/// Steps of one path at most.
const MOST_STEPS: usize = 100;

/// A path such as `$.detail.items[0].name`, `$['detail-type']` or `$.items[*].name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(usize),
    /// `*`
    Every,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} is not a path: {reason}")]
pub struct InvalidPath {
    pub path: String,
    pub reason: &'static str,
}

impl JsonPath {
    pub fn parse(text: &str) -> Result<Self, InvalidPath> {
        let invalid = |reason| InvalidPath { path: text.to_owned(), reason };
        let mut rest = text.strip_prefix('$').ok_or_else(|| invalid("it has to begin with $"))?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if steps.len() == MOST_STEPS {
                return Err(invalid("it has too many steps"));
            }
            let (step, after) = match rest.strip_prefix('.') {
                Some(name) => dotted(name).ok_or_else(|| invalid("a field's name is missing after a dot"))?,
                None => bracketed(rest).ok_or_else(|| invalid("a step is .name, ['name'], [0] or [*]"))?,
            };
            steps.push(step);
            rest = after;
        }
        Ok(Self(steps))
    }

    /// What the path leads to; `None` when there is nothing. With `*` it is the list of all that it leads to.
    pub fn select<'v>(&self, document: &'v Value) -> Option<Cow<'v, Value>> {
        let mut found = vec![document];
        let mut is_list = false;
        for step in &self.0 {
            let step_from = |part: &'v Value| -> Vec<&'v Value> {
                match step {
                    Step::Field(name) => part.get(name).into_iter().collect(),
                    Step::Index(index) => part.get(*index).into_iter().collect(),
                    Step::Every => match part {
                        Value::Array(parts) => parts.iter().collect(),
                        Value::Object(fields) => fields.values().collect(),
                        _ => Vec::new(),
                    },
                }
            };
            is_list |= *step == Step::Every;
            found = found.into_iter().flat_map(step_from).collect();
        }
        if is_list {
            return Some(Cow::Owned(found.into_iter().cloned().collect()));
        }
        found.first().copied().map(Cow::Borrowed)
    }
}

fn dotted(text: &str) -> Option<(Step, &str)> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    match name {
        "" => None,
        "*" => Some((Step::Every, rest)),
        name => Some((Step::Field(name.to_owned()), rest)),
    }
}

fn bracketed(text: &str) -> Option<(Step, &str)> {
    let inner = text.strip_prefix('[')?;
    for quote in ['\'', '"'] {
        if let Some(name) = inner.strip_prefix(quote) {
            let (name, rest) = name.split_once(quote)?;
            return Some((Step::Field(name.to_owned()), rest.strip_prefix(']')?));
        }
    }
    let (index, rest) = inner.split_once(']')?;
    match index {
        "*" => Some((Step::Every, rest)),
        index => Some((Step::Index(index.parse().ok()?), rest)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::JsonPath;

    #[test]
    fn paths_lead_to_parts() {
        let document = json!({"detail-type": "t", "a": {"b": [{"c": 1}, {"c": null}]}, "x.y": 3});
        for (path, wanted) in [
            ("$", Some(document.clone())),
            ("$.detail-type", Some(json!("t"))),
            ("$.a.b[0].c", Some(json!(1))),
            ("$.a.b[1].c", Some(json!(null))),
            ("$.a.b[*].c", Some(json!([1, null]))),
            ("$['x.y']", Some(json!(3))),
            ("$.a.*[0]", Some(json!([{"c": 1}]))),
            ("$.a.b[2]", None),
            ("$.gone.further", None),
        ] {
            let parsed = JsonPath::parse(path).unwrap();
            assert_eq!(parsed.select(&document).map(std::borrow::Cow::into_owned), wanted, "{path}");
        }
        for path in ["", "a.b", "$.", "$..a", "$a", "$[", "$['a]", "$[x]"] {
            assert!(JsonPath::parse(path).is_err(), "{path}");
        }
    }
}
