//! Which shapes a set of operations reaches, and which structures contain themselves.

use std::collections::BTreeSet;

use crate::model::{Model, Shape};

/// Names of all shapes that the operations' inputs, outputs and errors reach.
pub(crate) fn reachable(model: &Model, operations: &BTreeSet<String>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut pending: Vec<String> = operations
        .iter()
        .map(|name| &model.operations[name])
        .flat_map(|operation| operation.input.iter().chain(&operation.output).chain(&operation.errors))
        .cloned()
        .collect();
    while let Some(name) = pending.pop() {
        if seen.insert(name.clone()) {
            pending.extend(targets(model.shape(&name)).cloned());
        }
    }
    seen
}

fn targets(shape: &Shape) -> impl Iterator<Item = &String> {
    let inner = shape.item.iter().chain(&shape.key).map(AsRef::as_ref);
    shape.members.iter().chain(inner).map(|member| &member.shape)
}

/// Whether a value of `from` holds one of `to` in place, so that a field must be boxed.
/// Lists and maps keep their items elsewhere already.
pub(crate) fn contains_inline(model: &Model, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut pending = vec![from.to_owned()];
    while let Some(name) = pending.pop() {
        if name == to {
            return true;
        }
        let shape = model.shape(&name);
        if shape.kind == "structure" && seen.insert(name) {
            pending.extend(shape.members.iter().map(|member| member.shape.clone()));
        }
    }
    false
}
