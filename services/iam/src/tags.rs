//! Tags of identities, and the boundary that stands beside them in answers.

use iam_api::{AttachedPermissionsBoundary, Tag};
use shapes::ApiError;

use crate::errors;
use crate::tables::Tags;

/// Tags of one resource at most ("IAM and AWS STS quotas").
const MOST: usize = 50;

pub(crate) fn tags_of(tags: Option<Vec<Tag>>) -> Tags {
    tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
}

pub(crate) fn tags_to_api(tags: &Tags) -> Option<Vec<Tag>> {
    (!tags.is_empty()).then(|| tag_list(tags))
}

pub(crate) fn tag_list(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

/// Adds tags to those that are there.
pub(crate) fn add(tags: &mut Tags, more: &[Tag]) -> Result<(), ApiError> {
    for tag in more {
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            return Err(errors::invalid_input("Tag keys may not begin with aws:."));
        }
        tags.insert(tag.key.clone(), tag.value.clone());
    }
    check(tags)
}

pub(crate) fn check(tags: &Tags) -> Result<(), ApiError> {
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
