//! What patterns match and what they refuse.

use event_pattern::{EventPattern, Fault, ValuePattern};
use serde_json::json;

#[track_caller]
fn check(pattern: &str, matching: &[&str], others: &[&str]) {
    let pattern = EventPattern::parse(pattern).expect("the case is well formed");
    for event in matching {
        assert!(
            pattern.matches(&serde_json::from_str(event).expect("the case is well formed")),
            "{event} has to match"
        );
    }
    for event in others {
        assert!(
            !pattern.matches(&serde_json::from_str(event).expect("the case is well formed")),
            "{event} must not match"
        );
    }
}

#[test]
fn fields_are_all_needed_and_entries_are_a_choice() {
    check(
        r#"{"source": ["a", "b"], "detail": {"n": [1, null, true]}}"#,
        &[
            r#"{"source":"a","detail":{"n":1}}"#,
            r#"{"source":"b","detail":{"n":null},"x":2}"#,
            r#"{"source":["z","a"],"detail":{"n":[5,true]}}"#,
        ],
        &[
            r#"{"source":"c","detail":{"n":1}}"#,
            r#"{"source":"a"}"#,
            r#"{"source":"a","detail":{"n":"1"}}"#,
            r#"{"source":"a","detail":7}"#,
        ],
    );
    check(r#"{"n": [300]}"#, &[r#"{"n":3.0e2}"#], &[r#"{"n":301}"#]);
}

#[test]
fn text_is_compared_by_its_ends_its_case_and_wildcards() {
    check(r#"{"a":[{"prefix":"eu-"}]}"#, &[r#"{"a":"eu-west"}"#], &[r#"{"a":"us"}"#, r#"{"a":1}"#, "{}"]);
    check(r#"{"a":[{"suffix":".png"}]}"#, &[r#"{"a":"x.png"}"#], &[r#"{"a":"x.PNG"}"#]);
    check(r#"{"a":[{"suffix":{"equals-ignore-case":".png"}}]}"#, &[r#"{"a":"x.PNG"}"#], &[r#"{"a":"png"}"#]);
    check(r#"{"a":[{"prefix":{"equals-ignore-case":"EU"}}]}"#, &[r#"{"a":"eu-west"}"#], &[r#"{"a":"e"}"#]);
    check(r#"{"a":[{"equals-ignore-case":"Abc"}]}"#, &[r#"{"a":"aBC"}"#], &[r#"{"a":"abcd"}"#]);
    check(
        r#"{"a":[{"wildcard":"a*b*c"}]}"#,
        &[r#"{"a":"abc"}"#, r#"{"a":"axxbyyc"}"#],
        &[r#"{"a":"acb"}"#, r#"{"a":"abcd"}"#],
    );
    check(r#"{"a":[{"wildcard":"a\\*"}]}"#, &[r#"{"a":"a*"}"#], &[r#"{"a":"ab"}"#]);
    check(r#"{"a":[{"wildcard":"ab*ba"}]}"#, &[r#"{"a":"abba"}"#], &[r#"{"a":"aba"}"#]);
}

#[test]
fn anything_but_needs_a_value() {
    check(
        r#"{"a":[{"anything-but":["x",1]}]}"#,
        &[r#"{"a":"y"}"#, r#"{"a":2}"#],
        &[r#"{"a":"x"}"#, r#"{"a":1.0}"#, "{}"],
    );
    check(r#"{"a":[{"anything-but":{"prefix":"x"}}]}"#, &[r#"{"a":"y"}"#], &[r#"{"a":"xy"}"#]);
    check(r#"{"a":[{"anything-but":{"wildcard":["*1","*2"]}}]}"#, &[r#"{"a":"3"}"#], &[r#"{"a":"12"}"#]);
}

#[test]
fn numbers_addresses_and_presence() {
    check(
        r#"{"n":[{"numeric":[">",0,"<=",5]}]}"#,
        &[r#"{"n":5}"#, r#"{"n":0.1}"#],
        &[r#"{"n":0}"#, r#"{"n":5.1}"#, r#"{"n":"3"}"#],
    );
    check(r#"{"n":[{"numeric":["=",3]}]}"#, &[r#"{"n":3.0}"#], &[r#"{"n":4}"#]);
    check(
        r#"{"ip":[{"cidr":"10.0.0.0/8"}]}"#,
        &[r#"{"ip":"10.1.2.3"}"#],
        &[r#"{"ip":"11.0.0.1"}"#, r#"{"ip":"::1"}"#],
    );
    check(r#"{"ip":[{"cidr":"::/0"}]}"#, &[r#"{"ip":"2001:db8::1"}"#], &[r#"{"ip":"x"}"#]);
    check(r#"{"a":{"b":[{"exists":false}]}}"#, &["{}", r#"{"a":{}}"#], &[r#"{"a":{"b":null}}"#]);
    check(r#"{"a":[{"exists":true}]}"#, &[r#"{"a":null}"#, r#"{"a":[]}"#], &["{}"]);
}

#[test]
fn choices_stand_beside_fields() {
    check(
        r#"{"s":["a"],"$or":[{"x":[1]},{"y":{"z":[2]}}]}"#,
        &[r#"{"s":"a","x":1}"#, r#"{"s":"a","y":{"z":2}}"#],
        &[r#"{"s":"a"}"#, r#"{"s":"b","x":1}"#],
    );
}

#[test]
fn objects_of_a_list_match_as_a_whole() {
    check(r#"{"l":{"a":[1],"b":[2]}}"#, &[r#"{"l":[{"a":1,"b":2}]}"#], &[r#"{"l":[{"a":1},{"b":2}]}"#]);
}

#[test]
fn only_the_ends_of_branches_are_values() {
    check(r#"{"a":[{"exists":true}]}"#, &[r#"{"a":1}"#], &[r#"{"a":{"b":1}}"#]);
    check(r#"{"a":[{"exists":false}]}"#, &[r#"{"a":{"b":1}}"#], &[r#"{"a":1}"#]);
    check(r#"{"a":[{"anything-but":"x"}]}"#, &[r#"{"a":[{"b":1},"y"]}"#], &[r#"{"a":{"b":1}}"#]);
}

#[test]
fn faults_are_told_apart() {
    let fault = |pattern: &str| EventPattern::parse(pattern).unwrap_err().fault;
    assert_eq!(fault(r#"{"a":[{"near":1}]}"#), Fault::UnknownComparison("near".to_owned()));
    assert_eq!(fault(r#"{"a":[]}"#), Fault::EmptyList);
    assert_eq!(fault(r#"{"a":[[1]]}"#), Fault::ListInList);
    assert_eq!(fault(r#"{"a":[{"numeric":["~",1]}]}"#), Fault::UnknownOperator("~".to_owned()));
    let wrong = EventPattern::parse(r#"{"a":{"b":[{"exists":1}]}}"#).unwrap_err();
    assert_eq!(wrong.to_string(), "exists takes true or false at a.b");
}

#[test]
fn wrong_patterns_say_where() {
    for (pattern, place) in [
        ("[]", "the top"),
        ("{}", "the top"),
        ("{", "the top"),
        (r#"{"a":1}"#, "a"),
        (r#"{"a":[]}"#, "a"),
        (r#"{"a":{"b":[{"perfix":"x"}]}}"#, "a.b"),
        (r#"{"a":[{"numeric":[">",5,"<",1]}]}"#, "a"),
        (r#"{"a":[{"numeric":["~",5]}]}"#, "a"),
        (r#"{"a":[{"wildcard":"**"}]}"#, "a"),
        (r#"{"a":[{"cidr":"10.0.0.0/33"}]}"#, "a"),
        (r#"{"a":[{"prefix":1}]}"#, "a"),
        (r#"{"a":[[1]]}"#, "a"),
        (r#"{"$or":[{"a":[1]}]}"#, "$or"),
    ] {
        assert_eq!(EventPattern::parse(pattern).unwrap_err().place, place, "{pattern}");
    }
    let deep = format!("{}[1]{}", r#"{"a":"#.repeat(100), "}".repeat(100));
    assert!(EventPattern::parse(&deep).is_err());
}

#[test]
fn a_single_value_has_patterns_too() {
    let pattern = ValuePattern::parse(&json!(["a", {"numeric": [">", 1]}])).unwrap();
    assert!(pattern.matches(Some(&json!(2))) && pattern.matches(Some(&json!(["b", "a"]))));
    assert!(!pattern.matches(Some(&json!("b"))) && !pattern.matches(None));
}
