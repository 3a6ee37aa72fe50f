//! ListTopics: an account's topics by name, a hundred at a time.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use shapes::ApiError;
use sns_api::op::ListTopics;
use sns_api::{ListTopicsInput, ListTopicsOutput, Topic};
use store::Range;

use crate::topic::TopicArn;
use crate::{Sns, tables};

/// API Reference, ListTopics.
const PAGE: usize = 100;

impl Handle<ListTopics> for Sns {
    fn guard(&self, ctx: &Ctx, _: &ListTopicsInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(TopicArn::here(ctx, "*").to_string()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListTopicsInput,
    ) -> Result<ListTopicsOutput, ApiError> {
        let range = match input.next_token.filter(|token| !token.is_empty()) {
            Some(last) => Range::all().after(&last),
            None => Range::all(),
        };
        let mut topics = tables::TOPICS.list(&mut ctx.read()?, &range, PAGE + 1)?;
        let has_more = topics.len() > PAGE;
        topics.truncate(PAGE);
        let next_token = topics.last().filter(|_| has_more).map(|(name, _)| name.clone());
        let topics = topics
            .into_iter()
            .map(|(name, _)| Topic { topic_arn: Some(TopicArn::here(ctx, &name).to_string()) })
            .collect();
        Ok(ListTopicsOutput { topics: Some(topics), next_token })
    }
}
