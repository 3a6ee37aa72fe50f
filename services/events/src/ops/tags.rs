//! TagResource, UntagResource and ListTagsForResource: of buses and rules.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use events_api::op::{ListTagsForResource, TagResource, UntagResource};
use events_api::{
    ListTagsForResourceInput, ListTagsForResourceOutput, Tag, TagResourceInput, TagResourceOutput,
    UntagResourceInput, UntagResourceOutput,
};
use shapes::ApiError;
use store::{Reader, Scope, Tx};

use crate::bus::BusArn;
use crate::rule::RuleArn;
use crate::tags::{self, Tags};
use crate::{Events, errors, tables};

/// What has tags.
pub(crate) enum Tagged {
    Bus(BusArn),
    Rule(RuleArn),
}

impl Tagged {
    fn parse(arn: &str) -> Result<Self, ApiError> {
        if let Some(rule) = RuleArn::parse(arn) {
            return Ok(Self::Rule(rule));
        }
        BusArn::parse(arn).map(Self::Bus).map_err(|_| errors::invalid_arn("ResourceARN", arn))
    }

    fn scope(&self) -> Scope {
        match self {
            Self::Bus(bus) => bus.scope(),
            Self::Rule(rule) => rule.bus.scope(),
        }
    }

    fn read(&self, reader: &mut dyn Reader) -> Result<Tags, ApiError> {
        Ok(match self {
            Self::Bus(bus) => bus.get(reader)?.tags,
            Self::Rule(rule) => rule.get(reader)?.tags,
        })
    }

    fn change(
        &self,
        tx: &mut Tx<'_>,
        change: impl FnOnce(&mut Tags) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        match self {
            Self::Bus(arn) => {
                let mut bus = arn.get(tx)?;
                change(&mut bus.tags)?;
                tables::BUSES.put(tx, &arn.name, &bus);
            }
            Self::Rule(arn) => {
                let mut rule = arn.get(tx)?;
                change(&mut rule.tags)?;
                tables::RULES.put(tx, &arn.key(), &rule);
            }
        }
        Ok(())
    }
}

impl Transact<TagResource> for Events {
    type Draft = (Tagged, Vec<Tag>);

    fn guard(&self, _: &Ctx, input: &TagResourceInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.resource_arn.clone()))
    }

    fn prepare(&self, _: &Ctx, input: TagResourceInput) -> Result<Self::Draft, ApiError> {
        Ok((Tagged::parse(&input.resource_arn)?, input.tags))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (tagged, given): &Self::Draft,
    ) -> Result<TagResourceOutput, ApiError> {
        tx.with_scope(&tagged.scope(), |tx| {
            tagged.change(tx, |tags| {
                tags.extend(given.iter().map(|tag| (tag.key.clone(), tag.value.clone())));
                tags::check(tags)
            })
        })?;
        Ok(TagResourceOutput {})
    }
}

impl Transact<UntagResource> for Events {
    type Draft = (Tagged, Vec<String>);

    fn guard(&self, _: &Ctx, input: &UntagResourceInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.resource_arn.clone()))
    }

    fn prepare(&self, _: &Ctx, input: UntagResourceInput) -> Result<Self::Draft, ApiError> {
        Ok((Tagged::parse(&input.resource_arn)?, input.tag_keys))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (tagged, keys): &Self::Draft,
    ) -> Result<UntagResourceOutput, ApiError> {
        tx.with_scope(&tagged.scope(), |tx| {
            tagged.change(tx, |tags| {
                tags.retain(|key, _| !keys.contains(key));
                Ok(())
            })
        })?;
        Ok(UntagResourceOutput {})
    }
}

impl Handle<ListTagsForResource> for Events {
    fn guard(&self, _: &Ctx, input: &ListTagsForResourceInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.resource_arn.clone()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListTagsForResourceInput,
    ) -> Result<ListTagsForResourceOutput, ApiError> {
        let tagged = Tagged::parse(&input.resource_arn)?;
        let tags = tagged.read(&mut ctx.store().read(&tagged.scope())?)?;
        Ok(ListTagsForResourceOutput { tags: Some(tags::to_api(&tags)) })
    }
}
