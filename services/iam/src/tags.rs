//! Tags of identities, and the boundary that stands beside them in answers.

use cloud::Guard;
use iam_api::{AttachedPermissionsBoundary, Tag};
use shapes::ApiError;

use crate::errors;
use crate::tables::Tags;

/// Tags of one resource at most ("IAM and AWS STS quotas").
const MOST: usize = 50;

/// The tags of something new.
pub(crate) fn tags_of(tags: Option<&Vec<Tag>>) -> Result<Tags, ApiError> {
    let mut all = Tags::new();
    add(&mut all, tags.map(Vec::as_slice).unwrap_or_default())?;
    Ok(all)
}

/// Lets policies ask about the tags that a request brings.
pub(crate) fn asked(mut guard: Guard, tags: Option<&Vec<Tag>>) -> Guard {
    let Some(tags) = tags.filter(|tags| !tags.is_empty()) else { return guard };
    for tag in tags {
        guard = guard.with(&format!("aws:RequestTag/{}", tag.key), vec![tag.value.clone()]);
    }
    guard.with("aws:TagKeys", tags.iter().map(|tag| tag.key.clone()).collect())
}

pub(crate) fn tags_to_api(tags: &Tags) -> Option<Vec<Tag>> {
    (!tags.is_empty()).then(|| tag_list(tags))
}

pub(crate) fn tag_list(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

/// Adds tags to those that are there. Keys that differ in case alone are one key, in its latest spelling ("Tagging IAM
/// resources").
pub(crate) fn add(tags: &mut Tags, more: &[Tag]) -> Result<(), ApiError> {
    for (index, tag) in more.iter().enumerate() {
        if more[..index].iter().any(|other| other.key.eq_ignore_ascii_case(&tag.key)) {
            return Err(errors::invalid_input(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            return Err(errors::invalid_input("Tag keys may not begin with aws:."));
        }
        tags.retain(|key, _| !key.eq_ignore_ascii_case(&tag.key));
        tags.insert(tag.key.clone(), tag.value.clone());
    }
    if tags.len() > MOST {
        return Err(errors::limit_exceeded(format!("Cannot exceed quota for TagsPerResource: {MOST}")));
    }
    Ok(())
}

pub(crate) fn boundary_to_api(arn: Option<&str>) -> Option<AttachedPermissionsBoundary> {
    arn.map(|arn| AttachedPermissionsBoundary {
        permissions_boundary_type: Some("Policy".to_owned()),
        permissions_boundary_arn: Some(arn.to_owned()),
    })
}
