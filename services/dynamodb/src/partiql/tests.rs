use super::parse;
use super::render::Rendering;
use super::syntax::{Condition, Statement};
use crate::value::Value;

/// The condition of a SELECT as an expression, with its placeholders filled in.
#[track_caller]
fn check(condition: &str, expected: &str) {
    let parsed = parse(&format!("SELECT * FROM \"t\" WHERE {condition}"), vec![Value::string("given")]);
    let parsed = match parsed {
        Ok(Statement::Select(select)) => select.condition.unwrap_or(Condition::And(Vec::new())),
        other => panic!("{condition}: {other:?}"),
    };
    let mut rendering = Rendering::default();
    let mut text = rendering.condition(&parsed);
    for (key, name) in rendering.names().unwrap_or_default() {
        text = text.replace(&key, &name);
    }
    for (key, value) in rendering.values().unwrap_or_default().iter() {
        text = text.replace(key, &value.describe());
    }
    assert_eq!(text, expected);
}

#[test]
fn conditions_become_expressions() {
    check("a = ? AND b != -1.5", "a = {S:given} AND b <> {N:-1.5}");
    check("(a = 1 OR b = ?) AND NOT c < 3", "(a = {N:1} OR b = {S:given}) AND (NOT c < {N:3})");
    check("\"a b\".c[2] IS MISSING OR d = ?", "attribute_not_exists(a b.c[2]) OR d = {S:given}");
    check("a IS NOT NULL AND b = ?", "(NOT attribute_type(a, {S:NULL})) AND b = {S:given}");
    check("begins_with(\"a\", ?)", "begins_with(a, {S:given})");
    check("size(a) > 3 and contains(b, ?)", "size(a) > {N:3} AND contains(b, {S:given})");
    check("a IN ['x', ?]", "a IN ({S:x}, {S:given})");
    check("a NOT IN (1, 2) AND b = ?", "(NOT a IN ({N:1}, {N:2})) AND b = {S:given}");
    check("a BETWEEN 1 AND 2 AND b = ?", "(a BETWEEN {N:1} AND {N:2}) AND b = {S:given}");
    check("a = 'it''s' AND b = ?", "a = {S:it's} AND b = {S:given}");
}

#[test]
fn literals_of_all_types() {
    let text = "INSERT INTO t VALUE {'s': 'x', 'n': 1e3, 'l': [1, TRUE, null], 'm': {'a': {}}, 'ss': <<'a', 'b'>>, 'ns': <<1, 2>>}";
    let Ok(Statement::Insert { table, item }) = parse(text, vec![]) else { panic!("it is an INSERT") };
    assert_eq!(table, "t");
    let types: Vec<_> = item.iter().map(|(_, value)| value.value_type().name()).collect();
    assert_eq!(types, ["L", "M", "N", "NS", "S", "SS"]);
}

#[test]
fn what_is_no_statement_is_refused() {
    for text in [
        "",
        "DROP TABLE t",
        "SELECT * FROM",
        "SELECT * FROM t WHERE",
        "SELECT * FROM t WHERE a =",
        "SELECT * FROM t WHERE a = 'open",
        "SELECT * FROM t WHERE a = 1 garbage",
        "UPDATE t WHERE a = 1",
        "UPDATE t SET a = set_add(b, <<1>>) WHERE a = 1",
        "DELETE FROM t WHERE a = 1 RETURNING ALL NEW *",
        "INSERT INTO t VALUE [1]",
        "SELECT * FROM t WHERE a = <<>>",
        "SELECT * FROM t WHERE a = §",
    ] {
        let error = parse(text, vec![]).expect_err(text);
        assert_eq!(error.name(), "ValidationException");
        assert!(
            error.message().starts_with("Statement wasn't well formed, can't be processed"),
            "{text}: {error}"
        );
    }
    let deep = format!("SELECT * FROM t WHERE {}a = 1{}", "(".repeat(500), ")".repeat(500));
    assert!(parse(&deep, vec![]).is_err());
    let message = "Number of parameters in request and statement don't match.";
    assert_eq!(parse("SELECT * FROM t WHERE a = ?", vec![]).unwrap_err().message(), message);
    assert_eq!(parse("SELECT * FROM t", vec![Value::Null]).unwrap_err().message(), message);
}

proptest::proptest! {
    #[test]
    fn any_text_parses_or_not_without_panic(text in ".{0,60}", tail in "[a-z'\"<>=()\\[\\]{}?., 0-9]{0,40}") {
        let _ = parse(&text, vec![]);
        let _ = parse(&format!("SELECT * FROM t WHERE {tail}"), vec![Value::Null]);
    }
}
