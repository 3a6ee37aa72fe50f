//! Messages that go from one queue to another: to a dead-letter queue, and back.

use std::sync::Arc;

use cloud::Ctx;
use shapes::{ApiError, Timestamp};
use store::{Reader, Tx};

use crate::message::Message;
use crate::ops::Target;
use crate::queue::{self, Queue};
use crate::timeline::{Timeline, first_place};
use crate::{Sqs, tables};

/// A dead-letter queue that is there.
pub(crate) struct Grave {
    pub queue: Arc<Queue>,
    pub timeline: Arc<Timeline>,
    pub max_receives: u32,
}

/// A message on its way: where it lies, and what it becomes where it goes.
pub(crate) struct Passage {
    pub from: u64,
    pub to: Arc<Timeline>,
    pub message: Arc<Message>,
    pub row: Vec<u8>,
}

impl Sqs {
    /// Where a queue's messages go that were received too often. A dead-letter queue that is gone keeps nothing away
    /// from receivers.
    pub(crate) fn grave(&self, source: &Timeline, queue: &Queue) -> Result<Option<Grave>, ApiError> {
        let Some(redrive) = &queue.attributes.redrive else { return Ok(None) };
        let target = Target { scope: source.scope.clone(), url: source.url_of(&redrive.target_name) };
        let (found, timeline) = match self.open(&target) {
            Ok(found) => found,
            Err(error) if error.status() < 500 => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(Grave { queue: found, timeline, max_receives: redrive.max_receive_count }))
    }

    /// Moves messages that were received too often to the dead-letter queue. What cannot be moved becomes visible.
    pub(crate) async fn bury(
        &self,
        ctx: &Ctx,
        source: &Arc<Timeline>,
        grave: &Grave,
        places: Vec<u64>,
    ) -> Result<(), ApiError> {
        let outcome = self.bury_all(ctx, source, grave, &places).await;
        // Those that were moved or deleted are gone from here; the rest stays.
        source.change(|state| state.release(&places));
        outcome
    }

    async fn bury_all(
        &self,
        ctx: &Ctx,
        source: &Arc<Timeline>,
        grave: &Grave,
        places: &[u64],
    ) -> Result<(), ApiError> {
        let source_arn = queue::arn(ctx.region(), source.account, &source.name);
        let now = ctx.now();
        let mut passages = Vec::with_capacity(places.len());
        for (place, mut message) in source.messages(self.cloud.store(), places)? {
            let (receives, first) = source.change(|state| state.received(place));
            message.received_before += receives;
            message.first_received_before = message.first_received_before.or(first);
            message.dead_letter_source = Some(source_arn.clone());
            message.available = now;
            // Retention goes on counting from the first sending, but for FIFO queues (Developer Guide, "Using
            // dead-letter queues").
            if grave.timeline.is_fifo {
                message.sent = now;
            }
            let (message, row) = grave.timeline.encode(ctx, &grave.queue, message)?;
            passages.push(Passage { from: place, to: Arc::clone(&grave.timeline), message, row });
        }
        let (own, from) = (ctx.clone(), Arc::clone(source));
        ctx.store()
            .write(&source.scope, move |tx| {
                for passage in &passages {
                    passage.run(&own, tx, &from)?;
                }
                Ok(())
            })
            .await
    }
}

impl Passage {
    /// Moves the message as a part of `tx`. Returns whether it was still there.
    pub(crate) fn run(&self, ctx: &Ctx, tx: &mut Tx<'_>, source: &Arc<Timeline>) -> Result<bool, ApiError> {
        let key = (source.queue, self.from);
        let is_there = tx.with_scope(&source.scope, |tx| {
            let is_there = tables::MESSAGES.contains(tx, &key)?;
            if is_there {
                tables::MESSAGES.delete(tx, &key);
                tables::RECEIPTS.delete(tx, &key);
            }
            Ok::<_, ApiError>(is_there)
        })?;
        if !is_there {
            return Ok(false);
        }
        let now = ctx.now();
        tx.with_scope(&self.to.scope, |tx| {
            let place = if self.to.is_fifo || self.message.sent >= now {
                self.to.next_place(now)?
            } else {
                self.place_of_its_age(ctx, tx)?
            };
            self.to.store(tx, place, &self.message, &self.row, now);
            Ok::<_, ApiError>(())
        })?;
        let (source, from) = (Arc::clone(source), self.from);
        tx.after_commit(move || source.change(|state| state.leave(from)));
        Ok(true)
    }

    /// A free place by when the message was sent, so that it expires in its turn.
    fn place_of_its_age(&self, ctx: &Ctx, reader: &mut dyn Reader) -> Result<u64, ApiError> {
        let chance = u64::from(u32::from_le_bytes(ctx.ids().bytes()) & 0xF_FFFF);
        let mut wanted = first_place(self.message.sent) | chance;
        loop {
            let place = self.to.claim_place(wanted)?;
            if !tables::MESSAGES.contains(reader, &(self.to.queue, place))? {
                return Ok(place);
            }
            wanted = place + 1;
        }
    }
}

/// Makes a dead letter a new message, sent now (Developer Guide, "Dead-letter queue redrive").
pub(crate) fn renew(ctx: &Ctx, message: &mut Message, now: Timestamp) {
    message.id = ctx.ids().uuid();
    message.sent = now;
    message.available = now;
    message.dead_letter_source = None;
    message.received_before = 0;
    message.first_received_before = None;
}
