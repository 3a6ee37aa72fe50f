//! Public cases of patterns and events, where they are at hand: `EVENT_PATTERN_VECTORS` names their folder. No verdicts
//! are recorded with them; what is checked is that each pattern is read or refused as its file says, and that a set of
//! all of them finds what matches one by one.

use event_pattern::{EventPattern, PatternSet};
use serde_json::Value;

fn cases(file: &str) -> Option<Vec<Value>> {
    let folder = std::env::var_os("EVENT_PATTERN_VECTORS")?;
    let text = std::fs::read_to_string(std::path::Path::new(&folder).join(file)).ok()?;
    serde_json::from_str(&text).ok()
}

#[test]
fn patterns_with_or_are_read_and_wrong_ones_refused() {
    for file in ["orRelationshipRules.json", "normalRulesWithOrWording.json"] {
        for pattern in cases(file).into_iter().flatten() {
            assert!(EventPattern::from_value(&pattern).is_ok(), "{file}: {pattern}");
        }
    }
    for pattern in cases("wrongOrRelationshipRules.json").into_iter().flatten() {
        assert!(EventPattern::from_value(&pattern).is_err(), "{pattern}");
    }
}

#[test]
fn a_set_of_all_rules_agrees_with_each() {
    let cases = cases("correctness-cases.json").unwrap_or_default();
    let patterns: Vec<EventPattern> = cases
        .iter()
        .map(|case| {
            EventPattern::from_value(&case["rule"])
                .unwrap_or_else(|wrong| panic!("{}: {wrong}", case["name"]))
        })
        .collect();
    let set = PatternSet::new(patterns.clone());
    for case in &cases {
        let wanted: Vec<usize> =
            (0..patterns.len()).filter(|index| patterns[*index].matches(&case["event"])).collect();
        assert_eq!(set.matches(&case["event"]), wanted, "{}", case["name"]);
    }
}

/// The names of cases say how they end. What an empty list of values is to `exists` they leave open.
#[test]
fn rules_match_as_the_names_of_their_cases_say() {
    const REFUSED: &[&str] = &[
        "missing",
        "mismatch",
        "split",
        "no match",
        "fail",
        "empty object",
        "empty array",
        "exists-false: present",
    ];
    for case in cases("correctness-cases.json").unwrap_or_default() {
        let name = case["name"].as_str().unwrap_or_default();
        if name == "primarray: empty prim array" {
            continue;
        }
        let pattern = EventPattern::from_value(&case["rule"]).expect("the case is well formed");
        let is_refused = REFUSED.iter().any(|word| name.contains(word));
        assert_eq!(pattern.matches(&case["event"]), !is_refused, "{name}");
    }
}
