//! A set finds exactly the patterns that match one by one, and does not grow slower with patterns that do not.

use event_pattern::{EventPattern, PatternSet};
use proptest::prelude::*;
use serde_json::{Value, json};

fn literal() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::sample::select(vec!["a", "ab", "b", "BA", ""]).prop_map(Value::from),
        (0..3_i64).prop_map(Value::from),
        Just(json!(1.0)),
        Just(json!(true)),
        Just(Value::Null),
    ]
}

fn comparison() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => literal(),
        1 => prop::sample::select(vec![
            json!({"prefix": "a"}), json!({"prefix": ""}), json!({"suffix": "b"}), json!({"equals-ignore-case": "ba"}),
            json!({"wildcard": "a*"}), json!({"wildcard": "*b*"}), json!({"wildcard": "*"}), json!({"exists": true}),
            json!({"exists": false}), json!({"anything-but": ["a"]}), json!({"numeric": [">", 0]}),
            json!({"numeric": ["=", 1]}), json!({"prefix": {"equals-ignore-case": "B"}}),
        ]),
    ]
}

fn pattern() -> impl Strategy<Value = Value> {
    let field = || prop::sample::select(vec!["x", "y", "z"]);
    let leaf = prop::collection::vec(comparison(), 1..3).prop_map(Value::from);
    leaf.prop_recursive(3, 12, 3, move |inner| {
        let object = prop::collection::btree_map(field(), inner, 1..3);
        prop_oneof![
            3 => object.clone().prop_map(|fields| json!(fields)),
            1 => prop::collection::vec(object, 2..3).prop_map(|choices| json!({"$or": choices})),
        ]
    })
    .prop_map(|value| if value.is_object() { value } else { json!({"x": value}) })
}

fn event() -> impl Strategy<Value = Value> {
    let field = || prop::sample::select(vec!["x", "y", "z"]);
    let tree = literal().prop_recursive(3, 12, 3, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(field(), inner, 0..3).prop_map(|fields| json!(fields)),
        ]
    });
    prop::collection::btree_map(field(), tree, 0..4).prop_map(|fields| json!(fields))
}

proptest! {
    #[test]
    fn a_set_finds_what_matches_one_by_one(
        patterns in prop::collection::vec(pattern(), 0..12),
        events in prop::collection::vec(event(), 1..6),
    ) {
        let patterns: Vec<EventPattern> =
            patterns.iter().filter_map(|pattern| EventPattern::from_value(pattern).ok()).collect();
        let set = PatternSet::new(patterns.clone());
        for event in &events {
            let wanted: Vec<usize> =
                (0..patterns.len()).filter(|index| patterns[*index].matches(event)).collect();
            prop_assert_eq!(set.matches(event), wanted, "{}", event);
        }
    }
}

/// Rules of one source that differ in their detail, each by another kind of comparison.
fn rule(index: usize) -> EventPattern {
    let name = format!("customer-{index}");
    let detail = match index % 4 {
        0 => json!([name]),
        1 => json!([{"prefix": format!("{name}/")}]),
        2 => json!([{"suffix": format!("/{name}")}]),
        _ => json!([{"equals-ignore-case": name}]),
    };
    let pattern = json!({
        "source": ["shop"],
        "detail-type": ["order"],
        "detail": {"customer": detail, "total": [{"numeric": [">", 0]}]},
    });
    EventPattern::from_value(&pattern).expect("the pattern is well formed")
}

#[test]
fn an_event_is_compared_with_few_of_many_patterns() {
    let set = PatternSet::new((0..10_000).map(rule).collect());
    let event = |customer: &str| json!({"source": "shop", "detail-type": "order", "detail": {"customer": customer, "total": 5}});
    assert_eq!(set.matches(&event("customer-400")), [400]);
    assert_eq!(set.matches(&event("customer-401/a")), [401]);
    assert_eq!(set.matches(&event("a/customer-402")), [402]);
    assert_eq!(set.matches(&event("CUSTOMER-403")), [403]);
    assert!(set.matches(&event("nobody")).is_empty());
}

/// `cargo test -p event-pattern --release --test sets -- --ignored --nocapture` prints what an event costs.
#[test]
#[ignore = "a measurement"]
#[allow(clippy::disallowed_methods, clippy::print_stdout)]
fn what_an_event_costs() {
    for count in [10, 100, 1000, 10_000] {
        let set = PatternSet::new((0..count).map(rule).collect());
        let events: Vec<Value> = (0..1000)
            .map(|turn| {
                let customer = format!("customer-{}", turn % count);
                json!({"source": "shop", "detail-type": "order", "detail": {"customer": customer, "total": 5}})
            })
            .collect();
        let started = std::time::Instant::now();
        let mut found = 0;
        for _ in 0..20 {
            found += events.iter().map(|event| set.matches(event).len()).sum::<usize>();
        }
        let nanos = started.elapsed().as_nanos() / 20_000;
        println!("{count} patterns: {nanos} ns per event, {found} matches");
    }
}
