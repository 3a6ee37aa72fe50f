use super::super::{ContextKeys, NamedPolicy, Policies, PolicyKind, Request, evaluate};
use crate::account::AccountId;
use crate::principal::Principal;

/// A context as `key=value` words; a key given twice has two values, `key=` has none.
pub(super) fn context(text: &str) -> ContextKeys {
    let mut keys = ContextKeys::default();
    for word in text.split_whitespace() {
        match word.split_once('=').unwrap() {
            (key, "") => keys.set_all(key, Vec::new()),
            (key, value) => keys.add(key, value),
        }
    }
    keys
}

fn holds(condition: &str, given: &str) -> bool {
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}}}"#
    );
    let policy = NamedPolicy::parse("p", &document, PolicyKind::Identity)
        .unwrap_or_else(|e| panic!("{document}: {e}"));
    let principal = Principal::user(AccountId::DEFAULT, "/", "u", "AIDAX");
    let context = context(given);
    let request = Request {
        principal: &principal,
        action: "a:B",
        resources: &["*"],
        resource_account: None,
        context: &context,
    };
    evaluate(&request, &Policies { identity: &[policy.into()], ..Policies::default() }).allowed
}

/// An operator over key `a:k` with one list of values: contexts under which it holds and does not.
fn check(operator: &str, values: &str, holding: &[&str], failing: &[&str]) {
    let condition = format!(r#"{{"{operator}":{{"a:K":{values}}}}}"#);
    for given in holding {
        assert!(holds(&condition, given), "{condition} should hold with '{given}'");
    }
    for given in failing {
        assert!(!holds(&condition, given), "{condition} should fail with '{given}'");
    }
}

/// The same operator in every form: values that fit, values that do not, and no value at all.
fn check_forms(operator: &str, values: &str, fits: &str, differs: &str) {
    let (yes, no) = (format!("a:k={fits}"), format!("a:k={differs}"));
    let (yes, no) = (yes.as_str(), no.as_str());
    let both = format!("{yes} {no}");
    let is_negated = operator.contains("Not");
    let missing: (&[&str], &[&str]) = if is_negated { (&["", "a:k="], &[]) } else { (&[], &["", "a:k="]) };
    check(operator, values, &[&[yes], missing.0].concat(), &[&[no], missing.1].concat());
    // Several values without a quantifier: one that fits suffices, and a negated operator wants none that equals.
    let (holding, failing): (&[&str], &[&str]) = if is_negated { (&[], &[&both]) } else { (&[&both], &[]) };
    check(operator, values, holding, failing);
    check(&format!("{operator}IfExists"), values, &[yes, "", "a:k="], &[no]);
    check(&format!("ForAnyValue:{operator}"), values, &[yes, &both], &[no, "", "a:k="]);
    check(&format!("ForAnyValue:{operator}IfExists"), values, &[yes, &both, ""], &[no]);
    check(&format!("ForAllValues:{operator}"), values, &[yes, "", "a:k="], &[no, &both]);
    check(&format!("ForAllValues:{operator}IfExists"), values, &[yes, ""], &[no, &both]);
}

#[test]
fn strings_compare() {
    check_forms("StringEquals", r#"["x","y"]"#, "y", "Y");
    check_forms("StringNotEquals", r#"["x","y"]"#, "z", "x");
    check_forms("StringEqualsIgnoreCase", r#""Xy""#, "xY", "z");
    check_forms("StringNotEqualsIgnoreCase", r#""Xy""#, "z", "xY");
    check_forms("StringLike", r#""a*b?""#, "aXbc", "aXb");
    check_forms("StringNotLike", r#""a*b?""#, "aXb", "aXbc");
    check("StringEquals", r#""a*""#, &["a:k=a*"], &["a:k=ab"]);
}

#[test]
fn numbers_compare() {
    check_forms("NumericEquals", r#""10""#, "10.0", "11");
    check_forms("NumericNotEquals", "10", "11", "10");
    check_forms("NumericLessThan", "10", "9.5", "10");
    check_forms("NumericLessThanEquals", "10", "10", "10.1");
    check_forms("NumericGreaterThan", "10", "11", "10");
    check_forms("NumericGreaterThanEquals", "10", "10", "9");
    check("NumericLessThan", "10", &[], &["a:k=many"]);
}

#[test]
fn dates_compare() {
    let noon = r#""2020-01-01T12:00:00Z""#;
    check_forms("DateEquals", noon, "2020-01-01T13:00:00+01:00", "2020-01-01T12:00:01Z");
    check_forms("DateNotEquals", noon, "2020-01-02", "1577880000");
    check_forms("DateLessThan", noon, "2020-01-01", "2020-01-01T12:00:00Z");
    check_forms("DateLessThanEquals", noon, "2020-01-01T12:00:00Z", "2020-01-02");
    check_forms("DateGreaterThan", noon, "2020-01-02", "2020-01-01T12:00:00Z");
    check_forms("DateGreaterThanEquals", noon, "1577880000", "1577879999");
}

#[test]
fn other_kinds_compare() {
    check_forms("Bool", r#""true""#, "True", "false");
    check_forms("Bool", "false", "false", "true");
    check_forms("BinaryEquals", r#""QmluYXJ5""#, "QmluYXJ5", "QmluYXJ6");
    check_forms("IpAddress", r#"["10.0.0.0/8","2001:db8::/32"]"#, "2001:db8::7", "11.0.0.1");
    check_forms("NotIpAddress", r#"["10.0.0.0/8","2001:db8::/32"]"#, "11.0.0.1", "10.1.1.1");
    check("IpAddress", r#""10.0.0.0/8""#, &[], &["a:k=host"]);
}

#[test]
fn arns_compare_part_by_part() {
    let topic = "arn:aws:sns:us-east-1:123456789012:orders";
    let other = "arn:aws:sns:us-east-1:999999999999:orders";
    for positive in ["ArnEquals", "ArnLike"] {
        check_forms(positive, r#""arn:aws:sns:*:123456789012:ord*""#, topic, other);
    }
    for negative in ["ArnNotEquals", "ArnNotLike"] {
        check_forms(negative, r#""arn:aws:sns:*:123456789012:ord*""#, other, topic);
    }
    let given = format!("a:k={topic}");
    check("ArnLike", r#""arn:aws:sns:*:orders""#, &[], &[&given]);
    check("ArnLike", r#""arn:aws:sns:*:*:*""#, &[&given], &["a:k=orders"]);
}

#[test]
fn null_asks_for_absence() {
    check("Null", r#""true""#, &["", "a:k="], &["a:k=x"]);
    check("Null", r#""false""#, &["a:k=x"], &["", "a:k="]);
    check("Null", "true", &[""], &["a:k=x"]);
}

#[test]
fn conditions_are_all_needed() {
    let two = r#"{"StringEquals":{"a:k":"x","a:l":"y"},"Bool":{"a:m":"true"}}"#;
    assert!(holds(two, "a:k=x a:l=y a:m=true"));
    for lacking in ["a:k=x a:l=y", "a:k=x a:m=true", "a:k=x a:l=z a:m=true"] {
        assert!(!holds(two, lacking), "{lacking}");
    }
    assert!(holds("{}", ""));
}

#[test]
fn values_may_be_variables() {
    let own = r#"{"StringEquals":{"a:k":"${aws:username}"}}"#;
    assert!(holds(own, "a:k=ann aws:username=ann"));
    assert!(!holds(own, "a:k=ann aws:username=bob"));
    assert!(!holds(own, "a:k=ann"));
    let tags = r#"{"StringLike":{"a:k":"${aws:PrincipalTag/team, 'none'}-*"}}"#;
    assert!(holds(tags, "a:k=blue-1 aws:principaltag/Team=blue"));
    assert!(holds(tags, "a:k=none-1"));
    let arn = r#"{"ArnEquals":{"a:k":"arn:aws:iam::*:user/${aws:username}"}}"#;
    assert!(holds(arn, "a:k=arn:aws:iam::123456789012:user/ann aws:username=ann"));
    assert!(!holds(arn, "a:k=arn:aws:iam::123456789012:user/ann aws:username=*"));
}
