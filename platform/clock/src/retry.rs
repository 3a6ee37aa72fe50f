//! How often and when a failed attempt is made again.

use std::time::Duration;

/// Exponential pauses: `first`, doubled each time up to `longest`, for `attempts` attempts in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    pub attempts: u32,
    pub first: Duration,
    pub longest: Duration,
}

impl RetryPolicy {
    /// For the region's own upkeep, which must happen in the end.
    pub const UNTIL_DONE: Self =
        Self { attempts: u32::MAX, first: Duration::from_secs(1), longest: Duration::from_secs(300) };

    /// The pause before the next attempt after `made` attempts have failed; `None` when there is to be none.
    pub fn pause_after(&self, made: u32) -> Option<Duration> {
        if made >= self.attempts {
            return None;
        }
        let doublings = made.saturating_sub(1).min(30);
        Some(self.first.saturating_mul(1 << doublings).min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::RetryPolicy;

    #[test]
    fn pauses_double_up_to_the_longest_and_end() {
        let policy =
            RetryPolicy { attempts: 5, first: Duration::from_secs(1), longest: Duration::from_secs(3) };
        let pauses: Vec<_> = (1..=5).map(|made| policy.pause_after(made).map(|p| p.as_secs())).collect();
        assert_eq!(pauses, [Some(1), Some(2), Some(3), Some(3), None]);
    }
}
