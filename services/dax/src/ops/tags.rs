//! TagResource, UntagResource and ListTags.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use dax_api::op::{ListTags, TagResource, UntagResource};
use dax_api::{
    ListTagsInput, ListTagsOutput, Tag, TagResourceInput, TagResourceOutput, UntagResourceInput,
    UntagResourceOutput,
};
use shapes::ApiError;
use store::{Reader, Tx};

use super::find_cluster;
use crate::cluster::Cluster;
use crate::tables::CLUSTERS;
use crate::{Dax, errors};

/// Tags of one resource (API Reference, TagResource).
const MAXIMUM_TAGS: usize = 50;

pub(super) fn parse(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, ApiError> {
    let mut parsed = BTreeMap::new();
    for tag in tags {
        let key = tag.key.filter(|key| (1..=128).contains(&key.chars().count()) && !key.starts_with("aws:"));
        let key = key.ok_or_else(|| errors::invalid_value("A tag's key has 1 to 128 characters"))?;
        let value = tag.value.unwrap_or_default();
        if value.chars().count() > 256 {
            return Err(errors::invalid_value("A tag's value has at most 256 characters"));
        }
        parsed.insert(key, value);
    }
    check_count(&parsed)?;
    Ok(parsed)
}

fn check_count(tags: &BTreeMap<String, String>) -> Result<(), ApiError> {
    if tags.len() <= MAXIMUM_TAGS {
        return Ok(());
    }
    Err(dax_api::error::tag_quota_per_resource_exceeded(format!(
        "A cluster can have at most {MAXIMUM_TAGS} tags"
    )))
}

fn listed(tags: &BTreeMap<String, String>) -> Option<Vec<Tag>> {
    Some(tags.iter().map(|(key, value)| Tag { key: Some(key.clone()), value: Some(value.clone()) }).collect())
}

fn find(ctx: &Ctx, reader: &mut dyn Reader, arn: &str) -> Result<Cluster, ApiError> {
    let parts = identity::arn::split(arn).filter(|parts| parts.service == "dax");
    let name = parts.and_then(|parts| parts.resource.strip_prefix("cache/"));
    let cluster = find_cluster(reader, name.ok_or_else(|| errors::invalid_arn(arn))?)?;
    if cluster.arn != super::arn(ctx, &cluster.name) || cluster.arn != arn {
        return Err(errors::invalid_arn(arn));
    }
    Ok(cluster)
}

impl Transact<TagResource> for Dax {
    type Draft = (String, BTreeMap<String, String>);

    fn guard(&self, _: &Ctx, input: &TagResourceInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.resource_name.clone()))
    }

    fn prepare(&self, _: &Ctx, input: TagResourceInput) -> Result<Self::Draft, ApiError> {
        Ok((input.resource_name, parse(input.tags)?))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (arn, tags): &Self::Draft,
    ) -> Result<TagResourceOutput, ApiError> {
        let mut cluster = find(ctx, tx, arn)?;
        cluster.tags.extend(tags.clone());
        check_count(&cluster.tags)?;
        CLUSTERS.put(tx, &cluster.name, &cluster);
        Ok(TagResourceOutput { tags: listed(&cluster.tags) })
    }
}

impl Transact<UntagResource> for Dax {
    type Draft = UntagResourceInput;

    fn guard(&self, _: &Ctx, input: &UntagResourceInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.resource_name.clone()))
    }

    fn prepare(&self, _: &Ctx, input: UntagResourceInput) -> Result<Self::Draft, ApiError> {
        Ok(input)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        input: &Self::Draft,
    ) -> Result<UntagResourceOutput, ApiError> {
        let mut cluster = find(ctx, tx, &input.resource_name)?;
        for key in &input.tag_keys {
            cluster.tags.remove(key).ok_or_else(|| errors::tag_not_found(key))?;
        }
        CLUSTERS.put(tx, &cluster.name, &cluster);
        Ok(UntagResourceOutput { tags: listed(&cluster.tags) })
    }
}

impl Handle<ListTags> for Dax {
    fn guard(&self, _: &Ctx, input: &ListTagsInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.resource_name.clone()))
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: ListTagsInput) -> Result<ListTagsOutput, ApiError> {
        let cluster = find(ctx, &mut ctx.read()?, &input.resource_name)?;
        Ok(ListTagsOutput { tags: listed(&cluster.tags), next_token: None })
    }
}
