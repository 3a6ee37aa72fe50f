//! Tags of buses and rules.

use std::collections::BTreeMap;

use events_api::Tag;
use shapes::ApiError;

use crate::errors;

/// EventBridge User Guide, "Tagging EventBridge resources".
const MOST_TAGS: usize = 50;

pub(crate) type Tags = BTreeMap<String, String>;

pub(crate) fn parse(tags: Option<Vec<Tag>>) -> Result<Tags, ApiError> {
    let tags = tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
    check(&tags)?;
    Ok(tags)
}

pub(crate) fn check(tags: &Tags) -> Result<(), ApiError> {
    if tags.len() > MOST_TAGS {
        return Err(errors::too_many_tags(MOST_TAGS));
    }
    match tags.keys().find(|key| key.starts_with("aws:")) {
        Some(key) => Err(errors::validation(format!("Tag key {key} is reserved: it begins with aws:."))),
        None => Ok(()),
    }
}

pub(crate) fn to_api(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}
