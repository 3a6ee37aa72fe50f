//! ListQueues: the URLs of an account's queues, in the order of their names.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use shapes::ApiError;
use sqs_api::op::ListQueues;
use sqs_api::{ListQueuesInput, ListQueuesOutput};
use store::Range;

use crate::{Sqs, errors, queue, tables};

/// API Reference, ListQueues: at most 1,000, with or without paging.
const MOST: usize = 1000;

impl Handle<ListQueues> for Sqs {
    fn guard(&self, ctx: &Ctx, _: &ListQueuesInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(queue::arn(ctx.region(), ctx.account(), "*")))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListQueuesInput,
    ) -> Result<ListQueuesOutput, ApiError> {
        let limit = match input.max_results {
            None => MOST,
            Some(limit) if (1..=MOST as i32).contains(&limit) => limit.unsigned_abs() as usize,
            Some(limit) => return Err(errors::out_of_range("MaxResults", limit.into(), 1, MOST as i64)),
        };
        let prefix = input.queue_name_prefix.unwrap_or_default();
        let mut range = Range::all().starting_at(&prefix);
        if let Some(last) = input.next_token {
            range = range.after(&last);
        }
        let mut names: Vec<String> = tables::QUEUES
            .list(&mut ctx.read()?, &range, limit + 1)?
            .into_iter()
            .map(|(name, _)| name)
            .take_while(|name| name.starts_with(&prefix))
            .collect();
        let has_more = names.len() > limit;
        names.truncate(limit);
        let next_token = (has_more && input.max_results.is_some()).then(|| names.last().cloned()).flatten();
        let urls: Vec<String> = names.iter().map(|name| self.queue_url(ctx.account(), name)).collect();
        Ok(ListQueuesOutput { queue_urls: (!urls.is_empty()).then_some(urls), next_token })
    }
}
