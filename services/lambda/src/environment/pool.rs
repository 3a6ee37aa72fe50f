//! Environments that wait for work, and the memory that all of them may use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cloud::tenant;
use shapes::{ApiError, Timestamp};
use store::Scope;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::{Command, Deployment, Environment};
use crate::Config;
use crate::errors::{self, Throttle};

/// How long an invocation waits for memory that others hold.
const LONGEST_WAIT_FOR_MEMORY: Duration = Duration::from_secs(10);

/// Which environments can stand in for each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PoolKey {
    scope: Scope,
    name: String,
    version: String,
}

impl PoolKey {
    pub(crate) fn of(deployment: &Deployment) -> Self {
        Self {
            scope: tenant(deployment.account, deployment.region),
            name: deployment.version.name.clone(),
            version: deployment.version.version.clone(),
        }
    }
}

/// All idle environments.
pub(crate) struct Pools {
    idle: Mutex<HashMap<PoolKey, Pool>>,
    memory: Arc<Semaphore>,
    memory_mb: u32,
    /// Wakes those who wait for an environment or for memory.
    given_back: Notify,
}

/// Where an invocation runs.
pub(crate) enum Room {
    /// In an environment that was idle.
    Taken(Arc<Environment>),
    /// In a new one with this memory.
    Free(OwnedSemaphorePermit),
}

#[derive(Default)]
struct Pool {
    revision: String,
    /// The one used last comes last, and is used again first: those that are not needed grow old.
    idle: Vec<Arc<Environment>>,
}

impl Pools {
    pub(crate) fn new(config: &Config) -> Self {
        let memory_mb = config.memory_mb.max(128);
        let memory = Arc::new(Semaphore::new(memory_mb as usize));
        Self { idle: Mutex::default(), memory, memory_mb, given_back: Notify::new() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PoolKey, Pool>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An idle environment of this revision. Those of others have become useless and end.
    fn take(&self, key: &PoolKey, revision: &str, now: Timestamp) -> Option<Arc<Environment>> {
        let mut stale = Vec::new();
        let mut pools = self.lock();
        let pool = pools.entry(key.clone()).or_default();
        if pool.revision != revision {
            stale = std::mem::take(&mut pool.idle);
            revision.clone_into(&mut pool.revision);
        }
        while let Some(environment) = pool.idle.pop() {
            if environment.is_fresh(now) {
                drop(pools);
                return Some(environment);
            }
            stale.push(environment);
        }
        drop(pools);
        drop(stale);
        None
    }

    /// Takes an environment back after its work.
    pub(crate) fn give_back(&self, key: &PoolKey, environment: Arc<Environment>) {
        let mut pools = self.lock();
        if let Some(pool) = pools.get_mut(key)
            && pool.revision == environment.revision
            && environment.exit().is_none()
        {
            environment.tell(Command::Idle);
            pool.idle.push(environment);
            drop(pools);
            self.given_back.notify_waiters();
        }
    }

    /// Ends an environment if it is idle.
    pub(crate) fn remove(&self, key: &PoolKey, id: u128) {
        let mut pools = self.lock();
        let Some(pool) = pools.get_mut(key) else { return };
        let index = pool.idle.iter().position(|environment| environment.id == id);
        let removed = index.map(|index| pool.idle.remove(index));
        drop(pools);
        drop(removed);
    }

    /// Takes in an environment that was started without an event.
    pub(crate) fn adopt(&self, key: &PoolKey, environment: Arc<Environment>) {
        let mut pools = self.lock();
        let pool = pools.entry(key.clone()).or_default();
        let mut stale = Vec::new();
        if pool.revision != environment.revision {
            stale = std::mem::take(&mut pool.idle);
            pool.revision.clone_from(&environment.revision);
        }
        drop(pools);
        drop(stale);
        self.give_back(key, environment);
    }

    /// Ends the idle environments of what is being worked on, and those at work once they are done. Published versions
    /// do not change.
    pub(crate) fn retire_latest(&self, scope: &Scope, name: &str) {
        let key = PoolKey {
            scope: scope.clone(),
            name: name.to_owned(),
            version: crate::function::LATEST.to_owned(),
        };
        let removed = self.lock().remove(&key);
        drop(removed);
    }

    /// Ends the idle environments of a function, and those at work once they are done.
    pub(crate) fn retire(&self, scope: &Scope, name: &str) {
        let mut pools = self.lock();
        let is_of = |key: &PoolKey| key.scope == *scope && key.name == name;
        let removed: Vec<Pool> = pools.extract_if(|key, _| is_of(key)).map(|(_, pool)| pool).collect();
        drop(pools);
        drop(removed);
    }

    /// Ends all idle environments.
    pub(crate) fn clear(&self) {
        let removed = std::mem::take(&mut *self.lock());
        drop(removed);
    }

    /// Ends some idle environment, if there is one.
    fn evict_one(&self) {
        let mut pools = self.lock();
        let evicted = pools.values_mut().find_map(|pool| {
            let index = pool.idle.iter().position(|environment| !environment.is_kept())?;
            Some(pool.idle.remove(index))
        });
        drop(pools);
        drop(evicted);
    }

    fn check_memory(&self, memory_mb: u32) -> Result<(), ApiError> {
        if memory_mb > self.memory_mb {
            return Err(errors::cannot_run(format!(
                "All functions together may use {} MB on this host, and this one needs {memory_mb} MB",
                self.memory_mb
            )));
        }
        Ok(())
    }

    /// Room for an environment that no event waits for. Idle ones of others make way.
    pub(crate) async fn memory(&self, memory_mb: u32) -> Result<OwnedSemaphorePermit, ApiError> {
        self.check_memory(memory_mb)?;
        if let Ok(permit) = Arc::clone(&self.memory).try_acquire_many_owned(memory_mb) {
            return Ok(permit);
        }
        self.evict_one();
        let permit = Arc::clone(&self.memory).acquire_many_owned(memory_mb);
        match tokio::time::timeout(LONGEST_WAIT_FOR_MEMORY, permit).await {
            Ok(permit) => permit.map_err(ApiError::internal),
            Err(_) => Err(errors::rate_exceeded(Throttle::Account)),
        }
    }

    /// An environment, or room for one. Idle ones of others make way; otherwise it waits shortly for what comes
    /// first: room, or an environment of its own.
    pub(crate) async fn room(
        &self,
        key: &PoolKey,
        revision: &str,
        memory_mb: u32,
        now: impl Fn() -> Timestamp,
    ) -> Result<Room, ApiError> {
        self.check_memory(memory_mb)?;
        let deadline = Instant::now() + LONGEST_WAIT_FOR_MEMORY;
        loop {
            let given_back = self.given_back.notified();
            tokio::pin!(given_back);
            given_back.as_mut().enable();
            if let Some(environment) = self.take(key, revision, now()) {
                return Ok(Room::Taken(environment));
            }
            if let Ok(permit) = Arc::clone(&self.memory).try_acquire_many_owned(memory_mb) {
                return Ok(Room::Free(permit));
            }
            // What it held comes free shortly after.
            self.evict_one();
            tokio::select! {
                permit = Arc::clone(&self.memory).acquire_many_owned(memory_mb) => {
                    return permit.map(Room::Free).map_err(ApiError::internal);
                }
                () = given_back => {}
                () = tokio::time::sleep_until(deadline) => return Err(errors::rate_exceeded(Throttle::Account)),
            }
        }
    }
}
