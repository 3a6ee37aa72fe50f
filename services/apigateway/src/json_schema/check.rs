//! Asking a schema about a document.

use serde_json::{Map, Value};

use super::{Dependency, Items, Node, Rest, Schema, Type};

/// Errors told of one document; more help nobody.
const MOST_ERRORS: usize = 50;
/// Steps of one check: references may lead in circles, and combinations multiply.
const MOST_STEPS: usize = 200_000;

pub(super) fn errors(schema: &Schema, document: &Value) -> Vec<String> {
    let mut check = Check { schema, errors: Vec::new(), steps: 0 };
    check.node(schema.root, document);
    check.errors.truncate(MOST_ERRORS);
    check.errors
}

struct Check<'a> {
    schema: &'a Schema,
    errors: Vec<String>,
    steps: usize,
}

impl Check<'_> {
    fn node(&mut self, place: usize, value: &Value) {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            self.errors.push("the document is too complex for its schema".to_owned());
            return;
        }
        let schema = self.schema;
        let node = &schema.nodes[place];
        if let Some(target) = node.reference {
            return self.node(target, value);
        }
        let found = Type::of(value);
        if !node.types.is_empty() && !node.types.iter().any(|allowed| allowed.allows(found)) {
            let allowed: Vec<&str> = node.types.iter().map(|allowed| allowed.name()).collect();
            let (found, allowed) = (found.name(), quoted(&allowed));
            self.errors.push(format!(
                "instance type ({found}) does not match any allowed primitive type (allowed: {allowed})"
            ));
            return;
        }
        if let Some(allowed) = &node.allowed
            && !allowed.iter().any(|allowed| is_same(allowed, value))
        {
            let possible = Value::Array(allowed.clone());
            self.errors
                .push(format!("instance value ({value}) not found in enum (possible values: {possible})"));
        }
        match value {
            Value::Number(number) => self.number(node, number.as_f64().unwrap_or_default(), value),
            Value::String(text) => self.string(node, text),
            Value::Array(items) => self.array(node, items),
            Value::Object(members) => self.object(node, members, value),
            _ => {}
        }
        self.combinations(node, value);
    }

    fn number(&mut self, node: &Node, number: f64, value: &Value) {
        let numbers = &node.numbers;
        if let Some(minimum) = numbers.minimum {
            if numbers.is_minimum_exclusive && number <= minimum {
                let text = "numeric instance is not strictly greater than the required minimum";
                self.errors.push(format!("{text} {minimum}"));
            } else if number < minimum {
                self.errors.push(format!(
                    "numeric instance is lower than the required minimum (minimum: {minimum}, found: {value})"
                ));
            }
        }
        if let Some(maximum) = numbers.maximum {
            if numbers.is_maximum_exclusive && number >= maximum {
                let text = "numeric instance is not strictly lower than the required maximum";
                self.errors.push(format!("{text} {maximum}"));
            } else if number > maximum {
                self.errors.push(format!(
                    "numeric instance is greater than the required maximum (maximum: {maximum}, found: {value})"
                ));
            }
        }
        if let Some(factor) = numbers.multiple_of {
            let times = number / factor;
            if (times - times.round()).abs() > 1e-9 {
                self.errors.push(format!("remainder of division is not zero ({value} / {factor})"));
            }
        }
    }

    fn string(&mut self, node: &Node, text: &str) {
        let strings = &node.strings;
        if strings.min_length.is_some() || strings.max_length.is_some() {
            let length = text.chars().count();
            if let Some(least) = strings.min_length.filter(|least| length < *least) {
                self.errors.push(format!(
                    "string \"{text}\" is too short (length: {length}, required minimum: {least})"
                ));
            }
            if let Some(most) = strings.max_length.filter(|most| length > *most) {
                self.errors.push(format!(
                    "string \"{text}\" is too long (length: {length}, maximum allowed: {most})"
                ));
            }
        }
        if let Some(pattern) = strings.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
            self.errors.push(format!("ECMA 262 regex \"{pattern}\" does not match input string \"{text}\""));
        }
    }

    fn array(&mut self, node: &Node, items: &[Value]) {
        let (arrays, count) = (&node.arrays, items.len());
        if let Some(least) = arrays.min_items.filter(|least| count < *least) {
            self.errors.push(format!(
                "array is too short: must have at least {least} elements but instance has {count} elements"
            ));
        }
        if let Some(most) = arrays.max_items.filter(|most| count > *most) {
            self.errors.push(format!(
                "array is too long: must have at most {most} elements but instance has {count} elements"
            ));
        }
        if arrays.are_unique && has_repeated(items) {
            self.errors.push("array must not contain duplicate elements".to_owned());
        }
        match &arrays.items {
            Items::Any => {}
            Items::Each(place) => items.iter().for_each(|item| self.node(*place, item)),
            Items::Listed(places, rest) => {
                for (place, item) in places.iter().zip(items) {
                    self.node(*place, item);
                }
                let beyond = items.get(places.len()..).unwrap_or_default();
                match rest {
                    Rest::None if !beyond.is_empty() => {
                        let allowed = places.len();
                        self.errors.push(format!("array is too long: must have at most {allowed} elements but instance has {count} elements"));
                    }
                    Rest::Like(place) => beyond.iter().for_each(|item| self.node(*place, item)),
                    Rest::None | Rest::Any => {}
                }
            }
        }
    }

    fn object(&mut self, node: &Node, members: &Map<String, Value>, value: &Value) {
        let (objects, count) = (&node.objects, members.len());
        let mut missing: Vec<&str> =
            objects.required.iter().map(String::as_str).filter(|name| !members.contains_key(*name)).collect();
        if !missing.is_empty() {
            missing.sort_unstable();
            self.errors.push(format!("object has missing required properties ({})", quoted(&missing)));
        }
        if let Some(least) = objects.min_properties.filter(|least| count < *least) {
            self.errors.push(format!(
                "object has too few properties (found {count} but schema requires at least {least})"
            ));
        }
        if let Some(most) = objects.max_properties.filter(|most| count > *most) {
            self.errors.push(format!(
                "object has too many properties (found {count} but schema requires at most {most})"
            ));
        }
        let is_additional = |name: &str| {
            !objects.properties.contains_key(name)
                && !objects.patterns.iter().any(|(pattern, _)| pattern.is_match(name))
        };
        if matches!(objects.additional, Rest::None) {
            let unknown: Vec<&str> =
                members.keys().map(String::as_str).filter(|name| is_additional(name)).collect();
            if !unknown.is_empty() {
                let unknown = quoted(&unknown);
                self.errors.push(format!(
                    "object instance has properties which are not allowed by the schema: {unknown}"
                ));
            }
        }
        for (name, member) in members {
            if let Some(place) = objects.properties.get(name) {
                self.node(*place, member);
            }
            for (_, place) in objects.patterns.iter().filter(|(pattern, _)| pattern.is_match(name)) {
                self.node(*place, member);
            }
            if let Rest::Like(place) = objects.additional
                && is_additional(name)
            {
                self.node(place, member);
            }
        }
        for (name, dependency) in objects.dependencies.iter().filter(|(name, _)| members.contains_key(*name))
        {
            match dependency {
                Dependency::Schema(place) => self.node(*place, value),
                Dependency::Properties(wanted) => {
                    let missing: Vec<&str> = wanted
                        .iter()
                        .map(String::as_str)
                        .filter(|name| !members.contains_key(*name))
                        .collect();
                    if !missing.is_empty() {
                        let missing = quoted(&missing);
                        self.errors.push(format!(
                            "property \"{name}\" of object has missing property dependencies ({missing})"
                        ));
                    }
                }
            }
        }
    }

    fn combinations(&mut self, node: &Node, value: &Value) {
        for place in &node.all_of {
            if !self.holds(*place, value) {
                let (matched, count) = (self.count(&node.all_of, value), node.all_of.len());
                self.errors.push(format!(
                    "instance failed to match all required schemas (matched only {matched} out of {count})"
                ));
                break;
            }
        }
        if !node.any_of.is_empty() && self.count(&node.any_of, value) == 0 {
            let count = node.any_of.len();
            self.errors.push(format!("instance failed to match at least one required schema among {count}"));
        }
        if !node.one_of.is_empty() {
            let (count, matched) = (node.one_of.len(), self.count(&node.one_of, value));
            if matched != 1 {
                self.errors.push(format!(
                    "instance failed to match exactly one schema (matched {matched} out of {count})"
                ));
            }
        }
        if let Some(place) = node.not
            && self.holds(place, value)
        {
            self.errors.push("instance matched a schema which it should not have".to_owned());
        }
    }

    fn count(&mut self, places: &[usize], value: &Value) -> usize {
        places.iter().filter(|place| self.holds(**place, value)).count()
    }

    fn holds(&mut self, place: usize, value: &Value) -> bool {
        let known = self.errors.len();
        self.node(place, value);
        let holds = self.errors.len() == known;
        self.errors.truncate(known);
        holds
    }
}

/// Equality of draft 4: numbers by their value.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        _ => one == other,
    }
}

/// Texts are looked up, so that long lists of them cost no more than their length.
fn has_repeated(items: &[Value]) -> bool {
    let mut texts = std::collections::HashSet::new();
    let mut others: Vec<&Value> = Vec::new();
    for item in items {
        let is_repeated = match item {
            Value::String(text) => !texts.insert(text.as_str()),
            // A limit as for the errors: lists of a thousand different objects are not compared any more.
            other if others.len() < 1000 => others.iter().any(|known| is_same(known, other)),
            _ => false,
        };
        if is_repeated {
            return true;
        }
        if !item.is_string() {
            others.push(item);
        }
    }
    false
}

fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| Value::from(*name).to_string()).collect();
    format!("[{}]", names.join(","))
}
