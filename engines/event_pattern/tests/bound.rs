//! What many patterns cost: hardly more than few.

use std::hint::black_box;
use std::time::{Duration, Instant};

use event_pattern::{EventPattern, PatternSet};
use serde_json::{Value, json};

const ROUNDS: usize = 41;
const EVENTS_IN_A_ROUND: usize = 100;

/// A rule as each customer of a shop might have one: what they have in common, what is their own, and a comparison.
fn pattern(number: usize) -> EventPattern {
    let text = match number % 4 {
        0 => json!({"source": ["shop"], "detail": {"customer": [format!("c-{number}")]}}),
        1 => json!({"detail-type": ["order"], "detail": {"sku": [{"prefix": format!("sku-{number}-")}]}}),
        2 => {
            json!({"source": ["shop"], "detail": {"city": [format!("city {number}"), format!("town {number}")],
            "total": [{"numeric": [">", 10]}]}})
        }
        _ => json!({"source": [format!("shop.{number}")], "detail": {"state": [{"anything-but": "new"}]}}),
    };
    EventPattern::parse(&text.to_string()).expect("the pattern is well formed")
}

fn set(count: usize) -> PatternSet {
    PatternSet::new((0..count).map(pattern).collect())
}

/// An event that a pattern of both sets matches.
fn event(number: usize) -> Value {
    json!({
        "id": number.to_string(), "source": "shop", "detail-type": "order", "account": "000000000000",
        "detail": {"customer": "c-4", "sku": "sku-5-blue", "city": "Bern", "total": number, "state": "new"},
    })
}

fn time(set: &PatternSet, events: &[Value]) -> Duration {
    let begin = Instant::now();
    for event in events {
        black_box(set.matches(black_box(event)));
    }
    begin.elapsed()
}

#[test]
fn an_event_is_compared_with_no_more_of_many_patterns_than_of_few() {
    let (few, many) = (set(10), set(10_000));
    for number in 0..100 {
        let event = event(number);
        assert_eq!(few.matches(&event), [4, 5]);
        assert_eq!(many.matches(&event), [4, 5]);
        assert_eq!(few.candidates(&event).len(), many.candidates(&event).len());
    }
    let own = json!({"source": "shop.9999", "detail": {"state": "paid"}});
    assert_eq!(many.matches(&own), [9999]);
    assert_eq!(many.candidates(&own).len(), 1);
}

/// Runs of both take turns, and each pair is compared, so that what else the machine does meets both alike; half of the
/// pairs may be disturbed before the median is.
#[test]
fn ten_thousand_patterns_cost_less_than_three_times_what_ten_do() {
    let (few, many) = (set(10), set(10_000));
    let events: Vec<Value> = (0..EVENTS_IN_A_ROUND).map(event).collect();
    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let of_few = time(&few, &events);
            time(&many, &events).as_secs_f64() / of_few.as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ROUNDS / 2];
    assert!(median < 3.0, "10,000 patterns cost {median:.2} times what 10 cost");
}
