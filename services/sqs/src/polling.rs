//! Receivers that wait for messages.
//!
//! Each waits for a word of its queue's timeline, which wakes as many as there are messages. For as long as somebody
//! polls a queue, one alarm makes visible what falls due, by the region's clock.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use clock::Clock;
use shapes::Timestamp;

use crate::timeline::Timeline;

/// Counts a poller for as long as it lives.
pub(crate) struct Poller {
    timeline: Arc<Timeline>,
}

impl Poller {
    pub(crate) fn new(timeline: &Arc<Timeline>, clock: &Clock) -> Self {
        timeline.pollers.fetch_add(1, Ordering::SeqCst);
        if !timeline.has_alarm.swap(true, Ordering::SeqCst) {
            tokio::spawn(alarm(Arc::clone(timeline), clock.clone()));
        }
        Self { timeline: Arc::clone(timeline) }
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        if self.timeline.pollers.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.timeline.rescheduled.notify_one();
        }
    }
}

/// Makes messages visible as they fall due, while anybody polls.
async fn alarm(timeline: Arc<Timeline>, clock: Clock) {
    loop {
        let next = timeline.change(|state| {
            state.promote(clock.now());
            state.next_due()
        });
        if timeline.pollers.load(Ordering::SeqCst) == 0 {
            timeline.has_alarm.store(false, Ordering::SeqCst);
            // One that came since has seen an alarm and relies on it.
            let has_pollers = timeline.pollers.load(Ordering::SeqCst) > 0;
            if !has_pollers || timeline.has_alarm.swap(true, Ordering::SeqCst) {
                return;
            }
        }
        tokio::select! {
            () = clock.sleep_until(next.unwrap_or(Timestamp::MAX)) => {}
            () = timeline.rescheduled.notified() => {}
        }
    }
}
