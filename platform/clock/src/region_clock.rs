//! The clock that everything in the region goes by.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use shapes::Timestamp;
use tokio::sync::watch;

/// The region's time: the system's plus what it was advanced by, or a stepped time in tests. Cheap to clone.
#[derive(Clone)]
pub struct Clock {
    source: Source,
    /// Milliseconds ahead of the source.
    offset: Arc<AtomicI64>,
    /// Tells sleepers that the time jumped.
    jumps: watch::Sender<()>,
}

#[derive(Clone, Copy)]
enum Source {
    System,
    /// Stands still but for [`Clock::advance`].
    Stepped(Timestamp),
}

impl Clock {
    /// The system's clock, `offset` ahead.
    pub fn system(offset: Duration) -> Self {
        Self::new(Source::System, offset)
    }

    /// A clock for tests: begins at `start` and moves only by [`Clock::advance`].
    pub fn stepped(start: Timestamp) -> Self {
        Self::new(Source::Stepped(start), Duration::ZERO)
    }

    fn new(source: Source, offset: Duration) -> Self {
        let offset = Arc::new(AtomicI64::new(offset.as_millis() as i64));
        Self { source, offset, jumps: watch::Sender::new(()) }
    }

    pub fn now(&self) -> Timestamp {
        let base = match self.source {
            Source::Stepped(start) => start,
            Source::System => system_time(),
        };
        Timestamp::from_millis(base.millis() + self.offset.load(Ordering::Acquire))
    }

    /// How far the clock is ahead of its source.
    pub fn offset(&self) -> Duration {
        Duration::from_millis(self.offset.load(Ordering::Acquire).max(0) as u64)
    }

    /// Moves the time forward and wakes everyone whose time has come. Time never goes back.
    pub fn advance(&self, by: Duration) -> Timestamp {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
        self.offset.fetch_add(millis, Ordering::AcqRel);
        self.jumps.send_replace(());
        self.now()
    }

    /// Returns when the region's time is `deadline` or later.
    pub async fn sleep_until(&self, deadline: Timestamp) {
        let mut jumps = self.jumps.subscribe();
        loop {
            let now = self.now();
            if now >= deadline {
                return;
            }
            let jumped = jumps.changed();
            match self.source {
                Source::System => {
                    tokio::select! {
                        () = tokio::time::sleep(deadline.since(now)) => {}
                        _ = jumped => {}
                    }
                }
                Source::Stepped(_) => {
                    let _ = jumped.await;
                }
            }
        }
    }

    pub async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now() + duration).await;
    }
}

/// The one place that asks the system for the time.
#[allow(clippy::disallowed_methods)]
fn system_time() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(since_epoch.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shapes::Timestamp;

    use super::Clock;

    #[tokio::test]
    async fn sleepers_follow_the_advanced_clock() {
        let clock = Clock::stepped(Timestamp::from_seconds(100));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move {
                clock.sleep(Duration::from_secs(3600)).await;
                clock.now()
            }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(3599));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        assert_eq!(sleeper.await.unwrap(), Timestamp::from_seconds(3700));
    }
}
