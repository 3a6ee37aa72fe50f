//! Which objects a rule is about.

use s3_api::{LifecycleRule, LifecycleRuleFilter};

use crate::object::Version;

/// Transitions leave smaller objects where they are, unless a rule asks for their size.
pub(super) const LEAST_MOVED_BYTES: u64 = 128 * 1024;

/// The prefix that a rule asks for; empty when it asks for none.
pub(super) fn prefix(rule: &LifecycleRule) -> &str {
    let filter = rule.filter.as_ref();
    let and = filter.and_then(|filter| filter.and.as_ref());
    let named = rule
        .prefix
        .as_deref()
        .or_else(|| filter.and_then(|filter| filter.prefix.as_deref()))
        .or_else(|| and.and_then(|and| and.prefix.as_deref()));
    named.unwrap_or_default()
}

pub(super) fn fits(rule: &LifecycleRule, key: &str, version: &Version) -> bool {
    key.starts_with(prefix(rule)) && rule.filter.as_ref().is_none_or(|filter| fits_filter(filter, version))
}

fn fits_filter(filter: &LifecycleRuleFilter, version: &Version) -> bool {
    let and = filter.and.as_ref();
    let greater =
        filter.object_size_greater_than.or_else(|| and.and_then(|and| and.object_size_greater_than));
    let less = filter.object_size_less_than.or_else(|| and.and_then(|and| and.object_size_less_than));
    let wanted = filter.tag.iter().chain(and.iter().flat_map(|and| and.tags.iter().flatten()));
    let size = i64::try_from(version.size).unwrap_or(i64::MAX);
    let has =
        |tag: &s3_api::Tag| version.tags.iter().any(|(key, value)| *key == tag.key && *value == tag.value);
    greater.is_none_or(|least| size > least)
        && less.is_none_or(|most| size < most)
        && wanted.into_iter().all(has)
}

/// Whether a rule asks for sizes, so that it moves small objects too.
pub(super) fn asks_size(rule: &LifecycleRule) -> bool {
    let filter = rule.filter.as_ref();
    let and = filter.and_then(|filter| filter.and.as_ref());
    filter.is_some_and(|filter| {
        filter.object_size_greater_than.is_some() || filter.object_size_less_than.is_some()
    }) || and.is_some_and(|and| and.object_size_greater_than.is_some() || and.object_size_less_than.is_some())
}
