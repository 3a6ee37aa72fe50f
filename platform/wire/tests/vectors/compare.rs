//! Comparisons of what means the same though it is spelt differently.

use quick_xml::events::{BytesStart, Event};
use serde_json::Value as Json;

/// JSON with numbers as floats, without nulls; with `without_empty` also without empty lists and maps, which some
/// protocols cannot tell from absent ones.
pub(crate) fn normal_json(json: &Json, without_empty: bool) -> Json {
    match json {
        Json::Number(number) => Json::from(number.as_f64()),
        Json::Array(items) => items.iter().map(|item| normal_json(item, without_empty)).collect(),
        Json::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), normal_json(value, without_empty)))
            .filter(|(_, value)| !(value.is_null() || without_empty && is_empty(value)))
            .collect(),
        other => other.clone(),
    }
}

fn is_empty(json: &Json) -> bool {
    json.as_array().is_some_and(Vec::is_empty) || json.as_object().is_some_and(serde_json::Map::is_empty)
}

/// An XML text with attributes and children sorted and without white space between elements.
pub(crate) fn normal_xml(text: &str) -> String {
    let mut reader = quick_xml::Reader::from_str(text.trim());
    let mut open: Vec<Element> = vec![Element::default()];
    loop {
        match reader.read_event().expect("well-formed XML") {
            Event::Start(start) => open.push(Element::new(&start)),
            Event::Empty(start) => {
                let element = Element::new(&start);
                open.last_mut().expect("the root").children.push(element.render());
            }
            Event::End(_) => {
                let element = open.pop().expect("an open element");
                open.last_mut().expect("the root").children.push(element.render());
            }
            Event::Text(text) => open.last_mut().expect("the root").text.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let text = format!("&{};", &*reference);
                open.last_mut().expect("the root").text.push_str(&text);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    open.pop().expect("the root").children.concat()
}

#[derive(Default)]
struct Element {
    name: String,
    attributes: Vec<String>,
    children: Vec<String>,
    text: String,
}

impl Element {
    fn new(start: &BytesStart<'_>) -> Self {
        let mut attributes: Vec<String> = start
            .attributes()
            .map(|attribute| attribute.expect("an attribute"))
            .map(|attribute| format!(" {}={:?}", attribute.key.as_ref(), attribute.value))
            .collect();
        attributes.sort();
        Self { name: start.name().as_ref().to_owned(), attributes, ..Self::default() }
    }

    fn render(mut self) -> String {
        self.children.sort();
        let text = if self.children.is_empty() { &*self.text } else { "" };
        let Self { name, attributes, children, .. } = &self;
        format!("<{name}{}>{text}{}</{name}>", attributes.concat(), children.concat())
    }
}

/// The pairs of a form or query string, sorted; `hello` and `hello=` are the same.
pub(crate) fn normal_pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = text
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (name.replace("%20", "+"), value.replace("%20", "+")))
        .collect();
    pairs.sort();
    pairs
}
