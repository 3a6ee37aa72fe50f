//! The Amazon DynamoDB Streams API: types, schemas and operations, generated from `model.json` for the operations with a handler.

#![allow(clippy::all, dead_code, unused_imports, unused_variables, non_upper_case_globals)]

include!(concat!(env!("OUT_DIR"), "/api.rs"));

/// The trace that a record's write was a part of, its id and the writing span: what an `eventID` carries, so that readers
/// inside the region can continue it. `None` for texts that are no such id.
pub fn trace_of_event(event_id: &str) -> Option<(u128, u64)> {
    let trace = u128::from_str_radix(event_id.get(16..48)?, 16).ok()?;
    let span = u64::from_str_radix(event_id.get(48..64)?, 16).ok()?;
    Some((trace, span))
}

/// The `eventID` of the record with this number in its stream, written in this trace by this span.
pub fn event_id(record: u64, trace: u128, span: u64) -> String {
    format!("{record:016x}{trace:032x}{span:016x}")
}
