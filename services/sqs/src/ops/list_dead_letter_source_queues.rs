//! ListDeadLetterSourceQueues: the queues whose dead letters come here.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use shapes::ApiError;
use sqs_api::op::ListDeadLetterSourceQueues;
use sqs_api::{ListDeadLetterSourceQueuesInput, ListDeadLetterSourceQueuesOutput};
use store::{Order, Range};

use super::Target;
use crate::{Sqs, errors, tables};

const MOST: usize = 1000;

impl Handle<ListDeadLetterSourceQueues> for Sqs {
    fn guard(&self, ctx: &Ctx, input: &ListDeadLetterSourceQueuesInput) -> Result<Guard, ApiError> {
        self.queue_guard(ctx, &input.queue_url)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListDeadLetterSourceQueuesInput,
    ) -> Result<ListDeadLetterSourceQueuesOutput, ApiError> {
        let limit = match input.max_results {
            None => MOST,
            Some(limit) if (1..=MOST as i32).contains(&limit) => limit.unsigned_abs() as usize,
            Some(limit) => return Err(errors::out_of_range("MaxResults", limit.into(), 1, MOST as i64)),
        };
        let target = Target::parse(ctx, &input.queue_url)?;
        let mut snapshot = ctx.store().read(&target.scope)?;
        target.find(&mut snapshot)?;
        let range = match &input.next_token {
            Some(last) => Range::all().after(last),
            None => Range::all(),
        };
        let arn = target.arn(ctx);
        let mut names = Vec::new();
        tables::QUEUES.visit(&mut snapshot, &range, Order::Ascending, |name, queue| {
            if queue.attributes.redrive.is_some_and(|redrive| redrive.target_arn == arn) {
                names.push(name);
            }
            if names.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let has_more = names.len() > limit;
        names.truncate(limit);
        let next_token = if has_more { names.last().cloned() } else { None };
        let queue_urls = names.iter().map(|name| self.queue_url(target.url.account, name)).collect();
        Ok(ListDeadLetterSourceQueuesOutput { queue_urls, next_token })
    }
}
