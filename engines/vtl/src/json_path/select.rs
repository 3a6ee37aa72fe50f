//! Applying a path to a value.

use super::{Function, Path, PathError, Segment};
use crate::value::Value;

/// How deep `..` goes; JSON that was parsed is never deeper.
const MAX_DESCENT: usize = 130;

pub(super) fn find(
    path: &Path,
    from: &Value,
    root: &Value,
    visits: &mut usize,
) -> Result<Option<Value>, PathError> {
    let mut current = vec![from.clone()];
    let mut is_definite = true;
    let last = path.segments.len().saturating_sub(1);
    let mut after_descent = false;
    for (at, segment) in path.segments.iter().enumerate() {
        if let Segment::Function(function) = segment {
            // Of several values each has its own length, as in Jayway.
            current = current.iter().filter_map(|on| apply(*function, on)).collect();
            continue;
        }
        let mut next = Vec::new();
        for value in &current {
            step(segment, value, root, at == last, after_descent, &mut next, visits)?;
        }
        after_descent = matches!(segment, Segment::Descend);
        is_definite &= match segment {
            Segment::Names(names) => names.len() == 1 || at == last,
            Segment::Indexes(indexes) => indexes.len() == 1,
            _ => false,
        };
        current = next;
    }
    Ok(if is_definite { current.pop() } else { Some(Value::list(current)) })
}

fn step(
    segment: &Segment,
    value: &Value,
    root: &Value,
    is_last: bool,
    after_descent: bool,
    next: &mut Vec<Value>,
    visits: &mut usize,
) -> Result<(), PathError> {
    spend(visits)?;
    match (segment, value) {
        (Segment::Names(names), Value::Map(map)) => {
            let entries = map.lock();
            let found =
                names.iter().filter_map(|name| entries.get(name).map(|value| (name.as_str(), value.clone())));
            if names.len() > 1 && is_last {
                next.push(Value::map(found));
            } else {
                next.extend(found.map(|(_, value)| value));
            }
        }
        (Segment::Indexes(indexes), Value::List(list)) => {
            let values = list.lock();
            let places = indexes.iter().filter_map(|at| place(*at, values.len()));
            next.extend(places.filter_map(|place| values.get(place).cloned()));
        }
        (Segment::Slice(from, to), Value::List(list)) => {
            let values = list.lock();
            let from = from.map_or(0, |at| bound(at, values.len()));
            let to = to.map_or(values.len(), |at| bound(at, values.len()));
            next.extend(values.get(from..to.max(from)).unwrap_or_default().iter().cloned());
        }
        (Segment::All, _) => next.extend(children(value)),
        (Segment::Descend, _) => descend(value, next, visits, 0)?,
        (Segment::Filter(filter), Value::List(list)) => {
            for item in list.snapshot() {
                spend(visits)?;
                let is_seen_by_descent = after_descent && matches!(item, Value::Map(_));
                if !is_seen_by_descent && filter.accepts(&item, root, visits)? {
                    next.push(item);
                }
            }
        }
        // A descent offers each map by itself, so they are not taken once more from the list around them.
        (Segment::Filter(filter), Value::Map(_)) if filter.accepts(value, root, visits)? => {
            next.push(value.clone());
        }
        _ => {}
    }
    Ok(())
}

fn spend(visits: &mut usize) -> Result<(), PathError> {
    *visits = visits.checked_sub(1).ok_or_else(|| PathError {
        at: 1,
        message: format!("the path visits more than {} values, expected fewer", super::MAX_VISITS),
    })?;
    Ok(())
}

fn children(value: &Value) -> Vec<Value> {
    match value {
        Value::List(list) => list.snapshot(),
        Value::Map(map) => map.snapshot().into_iter().map(|(_, value)| value).collect(),
        _ => Vec::new(),
    }
}

fn descend(value: &Value, next: &mut Vec<Value>, visits: &mut usize, depth: usize) -> Result<(), PathError> {
    spend(visits)?;
    if depth > MAX_DESCENT || !matches!(value, Value::List(_) | Value::Map(_)) {
        return Ok(());
    }
    next.push(value.clone());
    children(value).iter().try_for_each(|child| descend(child, next, visits, depth + 1))
}

fn place(at: i64, length: usize) -> Option<usize> {
    let place = if at < 0 { i64::try_from(length).ok()?.checked_add(at)? } else { at };
    usize::try_from(place).ok().filter(|place| *place < length)
}

fn bound(at: i64, length: usize) -> usize {
    let length_signed = i64::try_from(length).unwrap_or(i64::MAX);
    let place = if at < 0 { length_signed.saturating_add(at) } else { at };
    usize::try_from(place.clamp(0, length_signed)).unwrap_or_default()
}

fn apply(function: Function, on: &Value) -> Option<Value> {
    if function == Function::Length {
        let length = match on {
            Value::List(list) => list.lock().len(),
            Value::Map(map) => map.lock().len(),
            Value::String(text) => text.chars().count(),
            _ => return None,
        };
        return i64::try_from(length).ok().map(Value::Int);
    }
    let numbers: Vec<f64> = children(on).iter().filter_map(Value::as_number).collect();
    if numbers.is_empty() {
        return None;
    }
    let sum: f64 = numbers.iter().sum();
    #[allow(clippy::cast_precision_loss)]
    Some(Value::Float(match function {
        Function::Min => numbers.iter().copied().fold(f64::INFINITY, f64::min),
        Function::Max => numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        Function::Average => sum / numbers.len() as f64,
        _ => sum,
    }))
}
