//! A look at what lies in a queue, for the operator's console. It receives nothing and changes nothing.

use std::ops::ControlFlow;

use identity::{AccountId, Region};
use shapes::{ApiError, Timestamp};
use store::{Order, Range};

use crate::message::Body;
use crate::ops::Target;
use crate::ops::receive_message::expired_below;
use crate::timeline::Seen;
use crate::{Sqs, SqsService, tables};

/// Messages that one look shows at most.
const MOST: usize = 100;

/// A message as it lies in its queue.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitingMessage {
    pub id: String,
    pub sent: Timestamp,
    pub state: WaitingState,
    /// How often it was received, in this queue and in those that it came from.
    pub receives: u32,
    pub group: Option<String>,
    pub body: String,
    /// Name and value; what is binary is left out.
    pub attributes: Vec<(String, String)>,
    /// The tracing header that it was sent with.
    pub trace: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitingState {
    Visible,
    /// Received, and hidden until then.
    InFlight(Timestamp),
    /// Not available before then.
    Delayed(Timestamp),
}

impl SqsService {
    /// The oldest messages of a queue, a hundred at most.
    ///
    /// # Errors
    /// When there is no such queue, or the store cannot be read.
    pub fn peek(
        &self,
        account: AccountId,
        region: Region,
        queue: &str,
        limit: usize,
    ) -> Result<Vec<WaitingMessage>, ApiError> {
        self.0.peek(&Target::new(account, region, queue), limit.min(MOST))
    }
}

impl Sqs {
    fn peek(&self, target: &Target, limit: usize) -> Result<Vec<WaitingMessage>, ApiError> {
        let (queue, timeline) = self.open(target)?;
        let now = self.cloud.clock().now();
        let beginning = timeline.change(|state| {
            state.promote(now);
            state.beginning()
        });
        let from = beginning.max(expired_below(&queue, now));
        let range = Range::prefix(&queue.id).starting_at(&(queue.id, from));
        let mut rows = Vec::with_capacity(limit);
        let mut snapshot = self.cloud.store().read(&target.scope)?;
        tables::MESSAGES.visit(&mut snapshot, &range, Order::Ascending, |(_, place), message| {
            rows.push((place, message));
            if rows.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let seen: Vec<Option<Seen>> =
            timeline.change(|state| rows.iter().map(|(place, _)| state.see(*place)).collect());
        let mut waiting = Vec::with_capacity(rows.len());
        for ((_, message), seen) in rows.into_iter().zip(seen) {
            let message = timeline.opened(message)?;
            let text = |value: &crate::content::Attribute| value.to_api().string_value;
            let attributes = message.attributes.iter();
            waiting.push(WaitingMessage {
                state: seen.as_ref().map_or(WaitingState::Visible, |seen| seen.state),
                receives: message.received_before + seen.map_or(0, |seen| seen.receives),
                attributes: attributes
                    .filter_map(|(name, value)| Some((name.clone(), text(value)?)))
                    .collect(),
                body: match &message.body {
                    Body::Kms(_) => "(sealed under a key of KMS)".to_owned(),
                    Body::Plain(_) | Body::Sealed(_) => message.text().to_owned(),
                },
                id: message.id,
                sent: message.sent,
                group: message.group,
                trace: message.trace,
            });
        }
        Ok(waiting)
    }
}
