//! DescribeEvents.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use cloud::{Ctx, Handle};
use dax_api::op::DescribeEvents;
use dax_api::{DescribeEventsInput, DescribeEventsOutput};
use shapes::ApiError;
use store::{Order, Range};

use super::EVENTS_KEPT;
use crate::tables::EVENTS;
use crate::{Dax, errors};

/// Events of the last hour are told when no time is named (API Reference, DescribeEvents).
const HOUR: Duration = Duration::from_secs(3600);
/// Events that one request looks through.
const MOST: usize = 10_000;

impl Handle<DescribeEvents> for Dax {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeEventsInput,
    ) -> Result<DescribeEventsOutput, ApiError> {
        let minutes =
            input.duration.map(|minutes| Duration::from_secs(60 * u64::from(minutes.unsigned_abs())));
        let end = input.end_time.unwrap_or(ctx.now());
        let start =
            input.start_time.unwrap_or_else(|| end - minutes.unwrap_or(HOUR)).max(ctx.now() - EVENTS_KEPT);
        let most = match input.max_results {
            None => 100,
            Some(most @ 20..=100) => most as usize,
            Some(_) => return Err(errors::invalid_value("MaxResults must be between 20 and 100")),
        };
        let skipped = match &input.next_token {
            None => 0,
            Some(token) => {
                token.parse::<usize>().map_err(|_| errors::invalid_value("The NextToken is not valid"))?
            }
        };
        let (mut events, mut seen) = (Vec::new(), 0);
        let range = Range::all().starting_at(&start);
        EVENTS.visit(&mut ctx.read()?, &range, Order::Ascending, |(date, _), event| {
            if date > end || seen >= MOST || events.len() > most {
                return ControlFlow::Break(());
            }
            let is_wanted = input.source_name.as_ref().is_none_or(|name| *name == event.source)
                && input.source_type.as_ref().is_none_or(|kind| *kind == event.source_type);
            if is_wanted {
                seen += 1;
                if seen > skipped {
                    events.push(dax_api::Event {
                        source_name: Some(event.source),
                        source_type: Some(event.source_type),
                        message: Some(event.message),
                        date: Some(date),
                    });
                }
            }
            ControlFlow::Continue(())
        })?;
        let has_more = events.len() > most;
        events.truncate(most);
        let next_token = has_more.then(|| (skipped + most).to_string());
        Ok(DescribeEventsOutput { events: Some(events), next_token })
    }
}
