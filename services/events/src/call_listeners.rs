//! Rules and archives of the default bus that may match events of API calls, kept beside them so that a call finds out
//! quickly whether anybody listens.

use std::ops::ControlFlow;

use cloud::{API_CALL, CallInterest};
use serde_json::Value;
use store::{Order, Range, Reader, StoreError, Tx};

use crate::archive::Archive;
use crate::bus::DEFAULT;
use crate::rule::Rule;
use crate::tables::CALL_LISTENERS;

/// What an event of a call has to be for a listener.
const CHANGES: u8 = 0;
const ALL: u8 = 1;

/// Notes what a rule of a bus wants now. `tx` is in the bus's scope.
pub(crate) fn note_rule(tx: &mut Tx<'_>, bus: &str, rule: &Rule) {
    let pattern = rule.pattern.as_deref().filter(|_| rule.is_enabled());
    let wanted =
        pattern.filter(|pattern| may_match(pattern)).map(|_| if rule.hears_reads() { ALL } else { CHANGES });
    note(tx, bus, format!("rule/{}", rule.name), wanted);
}

pub(crate) fn forget_rule(tx: &mut Tx<'_>, bus: &str, name: &str) {
    note(tx, bus, format!("rule/{name}"), None);
}

pub(crate) fn note_archive(tx: &mut Tx<'_>, archive: &Archive) {
    let wants = archive.pattern.as_deref().is_none_or(may_match);
    note(tx, &archive.bus, format!("archive/{}", archive.name), wants.then_some(CHANGES));
}

pub(crate) fn forget_archive(tx: &mut Tx<'_>, archive: &Archive) {
    note(tx, &archive.bus, format!("archive/{}", archive.name), None);
}

/// The reader is in the scope of an account and region.
pub(crate) fn interest(reader: &mut dyn Reader) -> Result<CallInterest, StoreError> {
    // Those of reads come last.
    let mut interest = CallInterest::Nothing;
    CALL_LISTENERS.visit(reader, &Range::all(), Order::Descending, |(wanted, _), ()| {
        interest = if wanted == ALL { CallInterest::All } else { CallInterest::Changes };
        ControlFlow::Break(())
    })?;
    Ok(interest)
}

fn note(tx: &mut Tx<'_>, bus: &str, name: String, wanted: Option<u8>) {
    if bus != DEFAULT {
        return;
    }
    for kind in [CHANGES, ALL] {
        let key = (kind, name.clone());
        match wanted == Some(kind) {
            true => CALL_LISTENERS.put(tx, &key, &()),
            false => CALL_LISTENERS.delete(tx, &key),
        }
    }
}

/// Whether a pattern can match the event of some call. When it is not plain to see that it cannot, it may.
fn may_match(pattern: &str) -> bool {
    let Ok(Value::Object(fields)) = serde_json::from_str(pattern) else { return true };
    let admits = |field: &str, is_possible: fn(&str) -> bool| {
        let Some(Value::Array(wanted)) = fields.get(field) else { return true };
        wanted.iter().any(|wanted| wanted.as_str().is_none_or(is_possible))
    };
    admits("source", |source| source.starts_with("aws.")) && admits("detail-type", |kind| kind == API_CALL)
}

#[cfg(test)]
mod tests {
    use super::may_match;

    #[test]
    fn patterns_that_cannot_match_a_call_are_told_from_those_that_may() {
        for pattern in [
            r#"{"source":["aws.sqs"]}"#,
            r#"{"source":[{"prefix":"aws."}]}"#,
            r#"{"source":["shop","aws.iam"],"detail-type":["AWS API Call via CloudTrail"]}"#,
            r#"{"detail":{"eventName":["CreateQueue"]}}"#,
            r#"{"detail-type":[{"anything-but":"order"}]}"#,
            r#"{"$or":[{"source":["aws.sqs"]},{"source":["shop"]}]}"#,
        ] {
            assert!(may_match(pattern), "{pattern}");
        }
        for pattern in [
            r#"{"source":["shop"]}"#,
            r#"{"source":["aws.s3"],"detail-type":["Object Created"]}"#,
            r#"{"source":["shop"],"detail":{"eventName":["CreateQueue"]}}"#,
        ] {
            assert!(!may_match(pattern), "{pattern}");
        }
    }
}
