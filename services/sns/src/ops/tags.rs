//! TagResource, UntagResource and ListTagsForResource. The resource is a topic.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use shapes::ApiError;
use sns_api::op::{ListTagsForResource, TagResource, UntagResource};
use sns_api::{
    ListTagsForResourceInput, ListTagsForResourceOutput, Tag, TagResourceInput, TagResourceOutput,
    UntagResourceInput, UntagResourceOutput,
};
use store::{Reader, Tx};

use crate::topic::{Topic, TopicArn, check_tags};
use crate::{Sns, errors, tables};

fn parse(arn: &str) -> Result<TopicArn, ApiError> {
    TopicArn::parse_parameter("ResourceArn", arn)
}

fn find(reader: &mut dyn Reader, arn: &TopicArn) -> Result<Topic, ApiError> {
    tables::TOPICS.find(reader, &arn.name)?.ok_or_else(errors::resource_does_not_exist)
}

impl Transact<TagResource> for Sns {
    type Draft = (TopicArn, Vec<Tag>);

    fn guard(&self, _: &Ctx, input: &TagResourceInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(parse(&input.resource_arn)?.to_string()))
    }

    fn prepare(&self, _: &Ctx, input: TagResourceInput) -> Result<Self::Draft, ApiError> {
        Ok((parse(&input.resource_arn)?, input.tags))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (arn, tags): &Self::Draft,
    ) -> Result<TagResourceOutput, ApiError> {
        tx.with_scope(&arn.scope(), |tx| {
            let mut topic = find(tx, arn)?;
            topic.tags.extend(tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())));
            check_tags(&topic.tags)?;
            tables::TOPICS.put(tx, &arn.name, &topic);
            Ok(TagResourceOutput {})
        })
    }
}

impl Transact<UntagResource> for Sns {
    type Draft = (TopicArn, Vec<String>);

    fn guard(&self, _: &Ctx, input: &UntagResourceInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(parse(&input.resource_arn)?.to_string()))
    }

    fn prepare(&self, _: &Ctx, input: UntagResourceInput) -> Result<Self::Draft, ApiError> {
        Ok((parse(&input.resource_arn)?, input.tag_keys))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (arn, keys): &Self::Draft,
    ) -> Result<UntagResourceOutput, ApiError> {
        tx.with_scope(&arn.scope(), |tx| {
            let mut topic = find(tx, arn)?;
            topic.tags.retain(|key, _| !keys.contains(key));
            tables::TOPICS.put(tx, &arn.name, &topic);
            Ok(UntagResourceOutput {})
        })
    }
}

impl Handle<ListTagsForResource> for Sns {
    fn guard(&self, _: &Ctx, input: &ListTagsForResourceInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(parse(&input.resource_arn)?.to_string()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListTagsForResourceInput,
    ) -> Result<ListTagsForResourceOutput, ApiError> {
        let arn = parse(&input.resource_arn)?;
        let topic = find(&mut ctx.store().read(&arn.scope())?, &arn)?;
        let tags = topic.tags.into_iter().map(|(key, value)| Tag { key, value }).collect();
        Ok(ListTagsForResourceOutput { tags: Some(tags) })
    }
}
