use super::*;
use crate::item::Item;
use crate::key_schema::{KeyAttribute, KeyType};

fn n(text: &str) -> Value {
    Value::number(text).unwrap()
}

fn item() -> Item {
    [("a".to_owned(), n("5")), ("s".to_owned(), Value::string("hello"))].into_iter().collect()
}

#[track_caller]
fn check(attribute: &str, operator: &str, values: &[Value], expected: &str) {
    let operator = ComparisonOperator::from_name(operator).unwrap();
    let filter = [AttributeCondition { attribute, operator, values: values.iter().collect() }];
    let actual = match conditions(&filter, ConditionalOperator::And) {
        Ok(condition) => condition.is_met_by(&item()).to_string(),
        Err(error) => error.to_string().replace("One or more parameter values were invalid: ", ""),
    };
    assert_eq!(actual, expected, "{attribute} {operator:?}");
}

#[test]
fn filters() {
    check("a", "EQ", &[n("5.0")], "true");
    check("a", "NE", &[n("5")], "false");
    check("a", "LT", &[n("6")], "true");
    check("a", "GE", &[n("6")], "false");
    check("a", "BETWEEN", &[n("1"), n("5")], "true");
    check("a", "IN", &[n("1"), n("5")], "true");
    check("s", "BEGINS_WITH", &[Value::string("he")], "true");
    check("s", "NOT_CONTAINS", &[Value::string("x")], "true");
    check("z", "NOT_CONTAINS", &[Value::string("x")], "false");
    check("z", "NULL", &[], "true");
    check("a", "NOT_NULL", &[], "true");
}

#[test]
fn filter_faults() {
    check("a", "EQ", &[], "Invalid number of argument(s) for the EQ ComparisonOperator");
    check("a", "LT", &[Value::Bool(true)], "ComparisonOperator LT is not valid for BOOL AttributeValue type");
    check(
        "a",
        "IN",
        &[n("1"), Value::Null],
        "AttributeValues inside AttributeValueList must be of same type",
    );
    check(
        "a",
        "BETWEEN",
        &[n("2"), n("1")],
        "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound",
    );
}

#[test]
fn expectations() {
    let five = n("5");
    let met = |entry: ExpectedAttribute<'_>| {
        expected(&[entry], ConditionalOperator::And)
            .map(|condition| condition.is_met_by(&item()))
            .map_err(|error| error.to_string())
    };
    let a = ExpectedAttribute { attribute: "a", ..ExpectedAttribute::default() };
    assert_eq!(met(ExpectedAttribute { value: Some(&five), ..a.clone() }), Ok(true));
    assert_eq!(met(ExpectedAttribute { exists: Some(false), ..a.clone() }), Ok(false));
    assert_eq!(
        met(ExpectedAttribute {
            operator: Some(ComparisonOperator::Gt),
            values: Some(vec![&five]),
            ..a.clone()
        }),
        Ok(false)
    );
    assert_eq!(
        met(a.clone()),
        Err("One or more parameter values were invalid: Value must be provided when Exists is null for Attribute: a"
            .to_owned())
    );
    assert_eq!(
        met(ExpectedAttribute { exists: Some(false), value: Some(&five), ..a }),
        Err("One or more parameter values were invalid: Value cannot be used when Exists is false for Attribute: a"
            .to_owned())
    );
}

#[test]
fn attribute_updates_become_actions() {
    let (one, list) = (n("1"), Value::L(vec![n("1")]));
    let update = |attribute, action, value| AttributeUpdate { attribute, action, value };
    let updated = attribute_updates(&[
        update("a", UpdateAction::Add, Some(&one)),
        update("b", UpdateAction::Put, Some(&one)),
        update("l", UpdateAction::Add, Some(&list)),
        update("s", UpdateAction::Delete, None),
    ])
    .unwrap()
    .apply(&item())
    .unwrap();
    let wanted: Item = [("a", n("6")), ("b", n("1")), ("l", list.clone())]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    assert_eq!(updated, wanted);
    assert!(attribute_updates(&[update("a", UpdateAction::Put, None)]).is_err());
}

#[test]
fn key_conditions_become_ranges() {
    let schema = KeySchema { hash: KeyAttribute::new("h", KeyType::N), range: None };
    let one = n("1");
    let condition = |operator| [AttributeCondition { attribute: "h", operator, values: vec![&one] }];
    let parsed = key_conditions(&condition(ComparisonOperator::Eq), &schema).unwrap();
    assert_eq!(parsed, KeyCondition { hash: &one, range: None });
    assert_eq!(
        key_conditions(&condition(ComparisonOperator::Ne), &schema).unwrap_err().to_string(),
        "Attempted conditional constraint is not an indexable operation"
    );
}
