//! How many invocations run at once: of an account, and of functions that reserve a part of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cloud::tenant;
use identity::{AccountId, Region};
use store::Scope;

use crate::errors::Throttle;

/// What has to stay for functions without a reservation (API Reference, PutFunctionConcurrency).
pub(crate) const LEAST_UNRESERVED: u32 = 100;

/// Counts invocations under way on this node.
pub(crate) struct Limiter {
    limit: u32,
    running: Arc<Mutex<HashMap<Scope, Running>>>,
}

#[derive(Default)]
struct Running {
    /// Of functions without a reservation.
    unreserved: u32,
    by_function: HashMap<String, u32>,
}

/// One invocation that was let in. Dropping it lets the next one in.
pub(crate) struct Permit {
    running: Arc<Mutex<HashMap<Scope, Running>>>,
    scope: Scope,
    function: String,
    is_reserved: bool,
    /// Invocations of the function under way with this one.
    pub(crate) concurrent: u32,
}

impl Limiter {
    pub(crate) fn new(limit: u32) -> Self {
        Self { limit, running: Arc::default() }
    }

    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    /// Lets an invocation in. `all_reserved` is what the account's functions reserve together.
    pub(crate) fn enter(
        &self,
        account: AccountId,
        region: Region,
        function: &str,
        reserved: Option<u32>,
        all_reserved: impl FnOnce() -> u32,
    ) -> Result<Permit, Throttle> {
        let scope = tenant(account, region);
        let mut all = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let running = all.entry(scope.clone()).or_default();
        let own = running.by_function.get(function).copied().unwrap_or(0);
        match reserved {
            Some(reserved) if own >= reserved => return Err(Throttle::Reserved),
            Some(_) => {}
            None => {
                // Reservations are asked for only when they can matter.
                let is_close = running.unreserved >= LEAST_UNRESERVED.min(self.limit);
                if is_close && running.unreserved >= self.limit.saturating_sub(all_reserved()) {
                    return Err(Throttle::Account);
                }
                running.unreserved += 1;
            }
        }
        running.by_function.insert(function.to_owned(), own + 1);
        drop(all);
        Ok(Permit {
            running: Arc::clone(&self.running),
            scope,
            function: function.to_owned(),
            is_reserved: reserved.is_some(),
            concurrent: own + 1,
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut all = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(running) = all.get_mut(&self.scope) else { return };
        if !self.is_reserved {
            running.unreserved = running.unreserved.saturating_sub(1);
        }
        let is_last = match running.by_function.get_mut(&self.function) {
            Some(count) => {
                *count = count.saturating_sub(1);
                *count == 0
            }
            None => false,
        };
        if is_last {
            running.by_function.remove(&self.function);
        }
        if running.by_function.is_empty() && running.unreserved == 0 {
            all.remove(&self.scope);
        }
    }
}

#[cfg(test)]
mod tests {
    use identity::{AccountId, Region};

    use super::Limiter;
    use crate::errors::Throttle;

    #[test]
    fn reservations_and_the_rest_are_counted_apart() {
        let limiter = Limiter::new(2);
        let enter = |function: &str, reserved| {
            limiter.enter(AccountId::DEFAULT, Region::US_EAST_1, function, reserved, || 1)
        };
        let first = enter("a", Some(1)).unwrap();
        assert_eq!(enter("a", Some(1)).err(), Some(Throttle::Reserved));
        let other = enter("b", None).unwrap();
        assert_eq!(other.concurrent, 1);
        let second = enter("b", None).unwrap();
        assert_eq!(enter("c", None).err(), Some(Throttle::Account), "one of two is reserved");
        drop((first, second, other));
        assert!(enter("a", Some(1)).is_ok());
        assert_eq!(enter("a", Some(0)).err(), Some(Throttle::Reserved));
    }
}
