//! TagResource, UntagResource, GetTags: on APIs, stages, API keys and usage plans.

use std::collections::BTreeMap;

use apigateway_api as api;
use cloud::Ctx;
use shapes::ApiError;
use store::Tx;

use super::{change, change_api, find_api, tell};
use crate::errors;
use crate::tables::{KEYS, PLANS};

/// Developer Guide, "Tagging API Gateway resources".
const MOST_TAGS: usize = 50;

type Tags = BTreeMap<String, String>;

/// What has tags, as its ARN names it: `arn:aws:apigateway:us-east-1::/restapis/abc/stages/prod`.
enum Tagged {
    Api(String),
    Stage(String, String),
    Key(String),
    Plan(String),
}

impl Tagged {
    fn parse(arn: &str) -> Result<Self, ApiError> {
        let invalid = || errors::invalid_arn(arn);
        let path = arn.split_once("::/").filter(|(head, _)| head.starts_with("arn:")).ok_or_else(invalid)?.1;
        let parts: Vec<&str> = path.split('/').collect();
        match parts.as_slice() {
            ["restapis", id] => Ok(Self::Api((*id).to_owned())),
            ["restapis", id, "stages", stage] => Ok(Self::Stage((*id).to_owned(), (*stage).to_owned())),
            ["apikeys", id] => Ok(Self::Key((*id).to_owned())),
            ["usageplans", id] => Ok(Self::Plan((*id).to_owned())),
            _ => Err(invalid()),
        }
    }

    fn change(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        change: impl FnOnce(&mut Tags) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        match self {
            Self::Api(id) => change_api(ctx, tx, id, |row| change(&mut row.tags)),
            Self::Stage(id, stage) => change_api(ctx, tx, id, |row| change(&mut row.stage_mut(stage)?.tags)),
            Self::Key(id) => {
                let mut key = KEYS.find(tx, id)?.ok_or_else(errors::no_such_key)?;
                change(&mut key.tags)?;
                KEYS.put(tx, id, &key);
                Ok(())
            }
            Self::Plan(id) => {
                let mut plan = PLANS.find(tx, id)?.ok_or_else(errors::no_such_plan)?;
                change(&mut plan.tags)?;
                PLANS.put(tx, id, &plan);
                Ok(())
            }
        }
    }

    fn find(&self, ctx: &Ctx) -> Result<Tags, ApiError> {
        match self {
            Self::Api(id) => Ok(find_api(ctx, id)?.tags),
            Self::Stage(id, stage) => Ok(find_api(ctx, id)?.stage(stage)?.tags.clone()),
            Self::Key(id) => Ok(KEYS.find(&mut ctx.read()?, id)?.ok_or_else(errors::no_such_key)?.tags),
            Self::Plan(id) => Ok(PLANS.find(&mut ctx.read()?, id)?.ok_or_else(errors::no_such_plan)?.tags),
        }
    }
}

change!(TagResource, |ctx, tx, input| {
    Tagged::parse(&input.resource_arn)?.change(ctx, tx, |tags| {
        tags.extend(input.tags.iter().map(|(name, value)| (name.clone(), value.clone())));
        if tags.len() > MOST_TAGS {
            return Err(errors::too_many("tags", "resource"));
        }
        Ok(())
    })?;
    Ok(api::TagResourceOutput::default())
});

change!(UntagResource, |ctx, tx, input| {
    Tagged::parse(&input.resource_arn)?.change(ctx, tx, |tags| {
        tags.retain(|name, _| !input.tag_keys.contains(name));
        Ok(())
    })?;
    Ok(api::UntagResourceOutput::default())
});

tell!(GetTags, |ctx, input| {
    Ok(api::GetTagsOutput { tags: Some(Tagged::parse(&input.resource_arn)?.find(ctx)?) })
});
