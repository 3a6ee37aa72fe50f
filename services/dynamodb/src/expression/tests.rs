use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::item::Item;
use crate::key_schema::{KeyAttribute, KeySchema, KeyType};
use crate::value::Value;

/// A value from its short form: `1` a number, `'x'` a string, `[..]` a list, `{k:v,..}` a map, `<a,b>` a string
/// set, `<1,2>` a number set, `true`, `null`.
fn value(text: &str) -> Value {
    let inner = |text: &str| text[1..text.len() - 1].to_owned();
    match text.as_bytes()[0] {
        b'\'' => Value::S(inner(text)),
        b'[' => Value::L(split(&inner(text)).iter().map(|part| value(part)).collect()),
        b'{' => Value::M(
            split(&inner(text))
                .iter()
                .filter_map(|part| part.split_once(':'))
                .map(|(name, part)| (name.to_owned(), value(part)))
                .collect(),
        ),
        b'<' => {
            let parts = split(&inner(text));
            Value::number_set(&parts).or_else(|_| Value::string_set(parts)).unwrap()
        }
        _ if text == "null" => Value::Null,
        _ if text == "true" || text == "false" => Value::Bool(text == "true"),
        _ => Value::number(text).unwrap(),
    }
}

/// Splits at commas outside brackets.
fn split(text: &str) -> Vec<String> {
    let mut depth = 0;
    let mut parts = vec![String::new()];
    for c in text.chars() {
        match c {
            '[' | '{' | '<' => depth += 1,
            ']' | '}' | '>' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(c);
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// The short form of a value.
fn show(value: &Value) -> String {
    let join = |parts: Vec<String>| parts.join(",");
    match value {
        Value::S(text) => format!("'{text}'"),
        Value::N(number) => number.to_string(),
        Value::L(list) => format!("[{}]", join(list.iter().map(show).collect())),
        Value::M(map) => {
            format!(
                "{{{}}}",
                join(map.iter().map(|(name, value)| format!("{name}:{}", show(value))).collect())
            )
        }
        Value::Ss(set) => format!("<{}>", join(set.iter().cloned().collect())),
        Value::Ns(set) => format!("<{}>", join(set.iter().map(ToString::to_string).collect())),
        Value::Bool(value) => value.to_string(),
        Value::Null => "null".to_owned(),
        other => other.describe(),
    }
}

fn item(text: &str) -> Item {
    match value(text) {
        Value::M(map) => Item::from(map),
        _ => Item::new(),
    }
}

fn show_item(item: Item) -> String {
    show(&Value::M(item.into_attributes()))
}

const NAMES: [(&str, &str); 3] = [("#n", "name"), ("#d", "a.b"), ("#a", "a")];

fn values() -> BTreeMap<String, Value> {
    let texts = [
        (":one", "1"),
        (":two", "2"),
        (":s", "'s'"),
        (":hello", "'hello'"),
        (":empty", "''"),
        (":set", "<x,y>"),
        (":list", "[1,2]"),
        (":map", "{k:1}"),
        (":true", "true"),
        (":null", "null"),
        (":typeN", "'N'"),
        (":typeX", "'X'"),
    ];
    texts.into_iter().map(|(name, text)| (name.to_owned(), value(text))).collect()
}

fn placeholders(values: &BTreeMap<String, Value>) -> Placeholders<'_> {
    Placeholders::new(Some(NAMES), Some(values.iter().map(|(name, value)| (name.as_str(), value)))).unwrap()
}

#[track_caller]
fn check_condition(text: &str, on: &str, expected: &str) {
    let values = values();
    let placeholders = placeholders(&values);
    let actual = match Condition::parse(Kind::Condition, text, &placeholders) {
        Ok(condition) => condition.is_met_by(&item(on)).to_string(),
        Err(error) => error.to_string().replace("Invalid ConditionExpression: ", ""),
    };
    assert_eq!(actual, expected, "{text} on {on}");
}

#[test]
fn conditions_hold_or_do_not() {
    check_condition("a = :one", "{a:1.0}", "true");
    check_condition("a = :one", "{a:'1'}", "false");
    check_condition("a = :one", "{}", "false");
    check_condition("a <> :one", "{}", "true");
    check_condition("a < :two AND a >= :one", "{a:1}", "true");
    check_condition("a < :two", "{a:'1'}", "false");
    check_condition(":one < a", "{a:2}", "true");
    check_condition("a BETWEEN :one AND :two", "{a:1.5}", "true");
    check_condition("a between :one and :two and b = :one", "{a:1.5,b:2}", "false");
    check_condition("a IN (:one, :two, b)", "{a:7,b:7}", "true");
    check_condition("a IN (:one, :two)", "{a:3}", "false");
    check_condition("NOT a = :one OR b = :one", "{a:1,b:2}", "false");
    check_condition("NOT (a = :one OR b = :one)", "{a:2,b:2}", "true");
    check_condition("a = :one OR a = :two AND b = :one", "{a:1}", "true");
    check_condition("(a = :one OR a = :two) AND b = :one", "{a:1}", "false");
    check_condition("(a) = (:one)", "{a:1}", "true");
    check_condition("attribute_exists(a.b[1].c)", "{a:{b:[0,{c:null}]}}", "true");
    check_condition("attribute_not_exists(a.b[2])", "{a:{b:[0]}}", "true");
    check_condition("attribute_exists(#d)", "{a:{b:1}}", "false");
    check_condition("attribute_type(a, :typeN)", "{a:1}", "true");
    check_condition("begins_with(a, :hello)", "{a:'hello world'}", "true");
    check_condition("begins_with(a, :hello)", "{a:1}", "false");
    check_condition("contains(a, :s)", "{a:'as'}", "true");
    check_condition("contains(a, :one)", "{a:[2,1]}", "true");
    check_condition("contains(a, :one)", "{a:<1,2>}", "true");
    check_condition("contains(a, :one)", "{a:<x,y>}", "false");
    check_condition("size(a) = :two", "{a:<x,y>}", "true");
    check_condition("size(a) > :one", "{a:5}", "false");
    check_condition("a = :set", "{a:<y,x>}", "true");
    check_condition("#n = :s", "{name:'s'}", "true");
}

#[test]
fn condition_faults() {
    check_condition("", "{}", "The expression can not be empty;");
    check_condition("a x :one", "{}", "Syntax error; token: \"x\", near: \"a x :one\"");
    check_condition("a =", "{}", "Syntax error; token: \"<EOF>\", near: \"=\"");
    check_condition("a = :one)", "{}", "Syntax error; token: \")\", near: \":one)\"");
    check_condition("a = $b", "{}", "Syntax error; token: \"$\", near: \"= $b\"");
    check_condition("a", "{}", "Syntax error; token: \"<EOF>\", near: \"a\"");
    check_condition("name = :one", "{}", "Attribute name is a reserved keyword; reserved keyword: name");
    check_condition(
        "#x = :one",
        "{}",
        "An expression attribute name used in the document path is not defined; attribute name: #x",
    );
    check_condition(
        "a = :v",
        "{}",
        "An expression attribute value used in expression is not defined; attribute value: :v",
    );
    check_condition("((a = :one))", "{}", "The expression has redundant parentheses;");
    check_condition("f(a)", "{}", "Invalid function name; function: f");
    check_condition(
        "size(a)",
        "{}",
        "The function is not allowed to be used this way in an expression; function: size",
    );
    check_condition(
        "attribute_exists(a) = :one",
        "{}",
        "The function is not allowed to be used this way in an expression; function: attribute_exists",
    );
    check_condition(
        "begins_with(a, :one)",
        "{}",
        "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
    );
    check_condition(
        "a < :true",
        "{}",
        "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
    );
    check_condition(
        "contains(a)",
        "{}",
        "Incorrect number of operands for operator or function; operator or function: contains, number of operands: 1",
    );
    check_condition(
        "a = a",
        "{}",
        "The first operand must be distinct from the remaining operands for this operator or function; \
         operator: =, first operand: [a]",
    );
    check_condition(
        "attribute_exists(:one)",
        "{}",
        "Operator or function requires a document path; operator or function: attribute_exists",
    );
    check_condition(
        "attribute_type(a, :typeX)",
        "{}",
        "Invalid attribute type name found; type: X, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
    );
    check_condition(
        "a BETWEEN :two AND :one",
        "{}",
        "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound \
         operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}",
    );
    // Passes: a reserved word is told before a placeholder that is not defined.
    check_condition(
        "a = :v AND name = :one",
        "{}",
        "Attribute name is a reserved keyword; reserved keyword: name",
    );
}

#[test]
fn condition_limits() {
    let long = format!("a = {}", "b".repeat(MAX_LENGTH));
    check_condition(
        &long,
        "{}",
        "Expression size has exceeded the maximum allowed size; expression size: 4100",
    );
    let many = vec!["a<b"; MAX_OPERATORS + 1].join(" or ");
    check_condition(&many, "{}", "The expression contains too many operators; operator count: 301");
    check_condition(&vec!["a<b"; MAX_OPERATORS].join(" or "), "{}", "false");
    check_condition(
        &"(".repeat(4000),
        "{}",
        "The expression has too many nesting levels; nesting level: 151",
    );
    check_condition(
        &"not ".repeat(1000),
        "{}",
        "The expression has too many nesting levels; nesting level: 151",
    );
    let choices = vec![":one"; MAX_IN_OPERANDS + 1].join(",");
    check_condition(
        &format!("a IN ({choices})"),
        "{}",
        "The IN operator is provided with too many operands; number of operands: 101",
    );
}

#[track_caller]
fn check_update(text: &str, on: &str, expected: &str) {
    let values = values();
    let placeholders = placeholders(&values);
    let updated = Update::parse(text, &placeholders).and_then(|update| update.apply(&item(on)));
    let actual = match updated {
        Ok(item) => show_item(item),
        Err(error) => error.to_string().replace("Invalid UpdateExpression: ", ""),
    };
    assert_eq!(actual, expected, "{text} on {on}");
}

#[test]
fn updates_change_items() {
    check_update("SET a = :one", "{}", "{a:1}");
    check_update("set a = b, b = a", "{a:1,b:2}", "{a:2,b:1}");
    check_update("SET a = a + :one, b = :two - a", "{a:5}", "{a:6,b:-3}");
    check_update("SET a = if_not_exists(a, :one)", "{}", "{a:1}");
    check_update("SET a = if_not_exists(a, :one) + :two", "{a:5}", "{a:7}");
    check_update("SET a = list_append(a, :list)", "{a:['x']}", "{a:['x',1,2]}");
    check_update("SET a = list_append(if_not_exists(a, :list), :list)", "{}", "{a:[1,2,1,2]}");
    check_update("SET a.b = :one, a.c[0] = :two", "{a:{c:[0]}}", "{a:{b:1,c:[2]}}");
    check_update("SET a[9] = :two, a[7] = :one", "{a:[0]}", "{a:[0,1,2]}");
    check_update("SET #d = :one", "{}", "{a.b:1}");
    check_update("REMOVE a, b.c, d[0], d[2]", "{a:1,b:{c:1,x:2},d:[0,1,2]}", "{b:{x:2},d:[1]}");
    check_update("REMOVE a, b[7]", "{b:[1]}", "{b:[1]}");
    check_update("ADD a :one, b :set", "{a:1,b:<x,z>}", "{a:2,b:<x,y,z>}");
    check_update("ADD a :one", "{}", "{a:1}");
    check_update("DELETE a :set", "{a:<x,z>}", "{a:<z>}");
    check_update("DELETE a :set, b :set", "{a:<x,y>}", "{}");
    check_update("DELETE a[0] :set SET a[1] = :one", "{a:[<x,y>,0,2]}", "{a:[1,2]}");
    check_update("SET a = :one REMOVE b ADD c :one DELETE d :set", "{b:1,d:<x,q>}", "{a:1,c:1,d:<q>}");
}

#[test]
fn update_faults() {
    check_update("SET", "{}", "Syntax error; token: \"<EOF>\", near: \"SET\"");
    check_update("SET a = :one,", "{}", "Syntax error; token: \"<EOF>\", near: \",\"");
    check_update("ADD a b", "{}", "Syntax error; token: \"b\", near: \"a b\"");
    check_update(
        "SET a = :one SET b = :two",
        "{}",
        "The \"SET\" section can only be used once in an update expression;",
    );
    check_update(
        "SET a = :one, a.b = :two",
        "{}",
        "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, b]",
    );
    check_update(
        "SET a.b = :one REMOVE a[0]",
        "{}",
        "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [0]]",
    );
    check_update("SET status = :one", "{}", "Attribute name is a reserved keyword; reserved keyword: status");
    check_update("SET a = f(b)", "{}", "Invalid function name; function: f");
    check_update(
        "ADD a :s",
        "{}",
        "Incorrect operand type for operator or function; operator: ADD, operand type: STRING",
    );
    check_update(
        "DELETE a :one",
        "{}",
        "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER",
    );
    check_update(
        "SET a = a + :s",
        "{}",
        "Incorrect operand type for operator or function; operator or function: +, operand type: S",
    );
    check_update(
        "SET a.b = :one",
        "{}",
        "The document path provided in the update expression is invalid for update",
    );
    check_update(
        "SET a[0] = :one",
        "{a:{}}",
        "The document path provided in the update expression is invalid for update",
    );
    check_update(
        "REMOVE a.b",
        "{}",
        "The document path provided in the update expression is invalid for update",
    );
    check_update(
        "SET a = b",
        "{}",
        "The provided expression refers to an attribute that does not exist in the item",
    );
    check_update(
        "SET a = a + :one",
        "{a:'x'}",
        "An operand in the update expression has an incorrect data type",
    );
    check_update("ADD a :one", "{a:'x'}", "An operand in the update expression has an incorrect data type");
}

#[test]
fn updates_name_what_they_touch() {
    let values = values();
    let placeholders = placeholders(&values);
    let update = Update::parse("SET a.b = :one, c = :two REMOVE a.x", &placeholders).unwrap();
    assert_eq!(update.touched(), ["a", "c"]);
    let before = item("{a:{b:0,x:1,y:2},c:3,d:4}");
    assert_eq!(show_item(update.touched_parts(&before)), "{a:{b:0,x:1},c:3}");
    assert_eq!(show_item(update.touched_parts(&update.apply(&before).unwrap())), "{a:{b:1},c:2}");
}

#[track_caller]
fn check_projection(text: &str, expected: &str) {
    let values = values();
    let actual = match Projection::parse(text, &placeholders(&values)) {
        Ok(projection) => {
            show_item(projection.project(&item("{a:{b:[1,2,{c:3}],x:4},d:5,e:[1,2,3],name:'n'}")))
        }
        Err(error) => error.to_string(),
    };
    assert_eq!(actual, expected, "{text}");
}

#[test]
fn projections() {
    check_projection("d", "{d:5}");
    check_projection("d, absent, #n", "{d:5,name:'n'}");
    check_projection("a.b[2].c, a.x", "{a:{b:[{c:3}],x:4}}");
    check_projection("e[2], e[0], e[9]", "{e:[1,3]}");
    check_projection("a.b[0], a.absent", "{a:{b:[1]}}");
    check_projection("d.nothing", "{}");
    check_projection(
        "a, a.b",
        "Invalid ProjectionExpression: Two document paths overlap with each other; must remove or rewrite one of these \
         paths; path one: [a], path two: [a, b]",
    );
    check_projection("a b", "Invalid ProjectionExpression: Syntax error; token: \"b\", near: \"a b\"");
    check_projection("", "Invalid ProjectionExpression: The expression can not be empty;");
}

fn schema() -> KeySchema {
    KeySchema { hash: KeyAttribute::new("h", KeyType::S), range: Some(KeyAttribute::new("r", KeyType::N)) }
}

fn string_schema() -> KeySchema {
    KeySchema { hash: KeyAttribute::new("h", KeyType::S), range: Some(KeyAttribute::new("r", KeyType::S)) }
}

#[track_caller]
fn check_key_condition(schema: &KeySchema, text: &str, expected: &str) {
    let values = values();
    let actual = match KeyCondition::parse(text, &placeholders(&values), schema) {
        Ok(condition) => format!("{:?}", condition.range),
        Err(error) => error.to_string().replace("Invalid KeyConditionExpression: ", ""),
    };
    assert_eq!(actual, expected, "{text}");
}

#[test]
fn key_condition_faults() {
    let check = |text: &str, expected: &str| check_key_condition(&schema(), text, expected);
    check("h = :s", "None");
    check("r = :one AND :s = h", "Some(Compare(Equal, N(1)))");
    check(":one < r AND h = :s", "Some(Compare(Greater, N(1)))");
    check("r between :one and :two and (h = :s)", "Some(Between(N(1), N(2)))");
    check("r = :one", "Query condition missed key schema element: h");
    check("h = :s AND x = :one", "Query condition missed key schema element: r");
    check("h > :s", "Query key condition not supported");
    check(
        "h = :s AND begins_with(r, :s)",
        "One or more parameter values were invalid: Condition parameter type does not match schema type",
    );
    check(
        "h = :one",
        "One or more parameter values were invalid: Condition parameter type does not match schema type",
    );
    check("h = :s OR r = :one", "Invalid operator used in KeyConditionExpression: OR");
    check("NOT h = :s", "Invalid operator used in KeyConditionExpression: NOT");
    check("h = :s AND r <> :one", "Invalid operator used in KeyConditionExpression: <>");
    check(
        "h = :s AND r > :one AND r < :two",
        "KeyConditionExpressions must only contain one condition per key",
    );
    check("h = :s AND size(r) > :one", "KeyConditionExpressions cannot contain nested operations");
    check("h.x = :s", "KeyConditionExpressions cannot have conditions on nested attributes");
    check(
        "h = r",
        "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition",
    );
    check(":s = :s", "Invalid condition in KeyConditionExpression: No key attribute specified");
    check(
        "h = :s AND begins_with(:s, r)",
        "Invalid condition in KeyConditionExpression: begins_with operator must have the key attribute as its first operand",
    );
    check(
        "h = :empty",
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty \
         string value. Key: h",
    );
    let only_hash = KeySchema { range: None, ..schema() };
    check_key_condition(&only_hash, "h = :s AND r = :one", "Query key condition not supported");
}

#[test]
fn unused_and_malformed_placeholders_are_refused() {
    let values = BTreeMap::from([(":v".to_owned(), Value::Null), (":w".to_owned(), Value::Null)]);
    let pairs = || values.iter().map(|(name, value)| (name.as_str(), value));
    let placeholders = Placeholders::new(Some([("#n", "x"), ("#m", "y")]), Some(pairs())).unwrap();
    Condition::parse(Kind::Condition, "#n = :v", &placeholders).unwrap();
    assert_eq!(
        placeholders.check_used().unwrap_err().to_string(),
        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#m}"
    );
    Projection::parse("#m", &placeholders).unwrap();
    assert_eq!(
        placeholders.check_used().unwrap_err().to_string(),
        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}"
    );
    Condition::parse(Kind::Filter, "a = :w", &placeholders).unwrap();
    assert_eq!(placeholders.check_used(), Ok(()));

    let names =
        |key| Placeholders::new(Some(vec![(key, "x")]), None::<[(&str, &Value); 0]>).unwrap_err().to_string();
    assert_eq!(names("n"), "ExpressionAttributeNames contains invalid key: Syntax error; key: \"n\"");
    assert_eq!(names("#"), "ExpressionAttributeNames contains invalid key: Syntax error; key: \"#\"");
    let empty = Placeholders::new(Some([]), None::<[(&str, &Value); 0]>).unwrap_err();
    assert_eq!(empty.to_string(), "ExpressionAttributeNames must not be empty");
}

proptest! {
    #[test]
    fn parsers_never_panic(
        text in "( |\\(|\\)|a|b|name|#n|#x|:one|:s|:v|=|<|<>|,|\\.|\\[|\\]|0|99999999999|and|or|not|between|in|size|contains\
            |begins_with|attribute_exists|set|remove|add|delete|if_not_exists|list_append|\\+|-|\\$|é| ){0,24}|.{0,40}"
    ) {
        let values = values();
        let placeholders = placeholders(&values);
        let on = item("{a:1,b:{a:[1]}}");
        for kind in [Kind::Condition, Kind::Filter] {
            if let Ok(condition) = Condition::parse(kind, &text, &placeholders) {
                condition.is_met_by(&on);
            }
        }
        if let Ok(update) = Update::parse(&text, &placeholders) {
            let _ = update.apply(&on);
        }
        if let Ok(projection) = Projection::parse(&text, &placeholders) {
            projection.project(&on);
        }
        let _ = KeyCondition::parse(&text, &placeholders, &schema());
    }

    #[test]
    fn key_ranges_hold_the_keys_that_meet_the_condition(
        stored in "[ab\u{0}]{1,4}", given in "[ab\u{0}]{1,3}", upper in "[ab\u{0}]{1,3}", which in 0usize..7
    ) {
        let schema = string_schema();
        let (low, high) = if given <= upper { (given, upper) } else { (upper, given) };
        let values = BTreeMap::from([
            (":h".to_owned(), Value::string("h")), (":x".to_owned(), Value::S(low)), (":y".to_owned(), Value::S(high)),
        ]);
        let term = ["r = :x", "r < :x", "r <= :x", "r > :x", "r >= :x", "r BETWEEN :x AND :y", "begins_with(r, :x)"][which];
        let text = format!("h = :h AND {term}");
        let placeholders =
            Placeholders::new(None::<[(&str, &str); 0]>, Some(values.iter().map(|(k, v)| (k.as_str(), v)))).unwrap();
        let range = KeyCondition::parse(&text, &placeholders, &schema).unwrap().key_range(&[3]);
        let condition = Condition::parse(Kind::Filter, &text, &placeholders).unwrap();
        for hash in ["h", "g", "i", "h\u{0}"] {
            let on: Item =
                [("h".to_owned(), Value::string(hash)), ("r".to_owned(), Value::S(stored.clone()))].into_iter().collect();
            let mut key = vec![3];
            key.extend_from_slice(schema.key_of(&on).unwrap().as_bytes());
            // An index key has the table's key behind it.
            key.extend_from_slice(b"\xFFtail");
            prop_assert_eq!(range.contains(&key), condition.is_met_by(&on), "{} {:?}", text, on);
        }
    }
}
