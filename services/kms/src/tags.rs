//! Tags of keys (Developer Guide, "Tags in AWS KMS").

use std::collections::BTreeMap;

use cloud::Guard;
use kms_api::Tag;
use shapes::ApiError;

use crate::errors;

/// Developer Guide, "Resource quotas".
const MOST: usize = 50;

/// The tags of a request, checked.
pub(crate) fn parse(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, ApiError> {
    let mut parsed = BTreeMap::new();
    for Tag { tag_key, tag_value } in tags {
        if tag_key.to_ascii_lowercase().starts_with("aws:") {
            return Err(errors::invalid_tag("aws: prefixed tag key names are not allowed for external use."));
        }
        if parsed.insert(tag_key, tag_value).is_some() {
            return Err(errors::invalid_tag("Duplicate tag keys"));
        }
    }
    check_count(&parsed)?;
    Ok(parsed)
}

pub(crate) fn check_count(tags: &BTreeMap<String, String>) -> Result<(), ApiError> {
    if tags.len() > MOST { Err(errors::invalid_tag("Too many tags")) } else { Ok(()) }
}

/// The guard with the tags that a request brings.
pub(crate) fn asked(guard: Guard, tags: &[Tag]) -> Guard {
    if tags.is_empty() {
        return guard;
    }
    let names = tags.iter().map(|tag| tag.tag_key.clone()).collect();
    tags.iter().fold(guard.with("aws:tagkeys", names), |guard, tag| {
        guard.with(&format!("aws:requesttag/{}", tag.tag_key), vec![tag.tag_value.clone()])
    })
}
