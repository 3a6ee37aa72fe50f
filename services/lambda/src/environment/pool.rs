//! Environments that wait for work, and the memory that all of them may use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cloud::tenant;
use shapes::{ApiError, Timestamp};
use store::Scope;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Command, Deployment, Environment};
use crate::errors::{self, Throttle};
use crate::{Config, PRINCIPAL};

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
        Self { idle: Mutex::default(), memory: Arc::new(Semaphore::new(memory_mb as usize)), memory_mb }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PoolKey, Pool>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An idle environment of this revision. Those of others have become useless and end.
    pub(crate) fn take(&self, key: &PoolKey, revision: &str, now: Timestamp) -> Option<Arc<Environment>> {
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

    /// Ends some idle environment; whether there was one.
    fn evict_one(&self) -> bool {
        let mut pools = self.lock();
        let evicted = pools.values_mut().find(|pool| !pool.idle.is_empty()).map(|pool| pool.idle.remove(0));
        drop(pools);
        evicted.is_some()
    }

    /// Room for an environment. Idle ones make way; otherwise it waits shortly for others to end.
    pub(crate) async fn reserve_memory(&self, memory_mb: u32) -> Result<OwnedSemaphorePermit, ApiError> {
        if memory_mb > self.memory_mb {
            return Err(errors::cannot_run(format!(
                "{PRINCIPAL} may use {} MB for all functions together on this host, and this one needs {memory_mb} MB",
                self.memory_mb
            )));
        }
        let reserve = || Arc::clone(&self.memory).try_acquire_many_owned(memory_mb);
        if let Ok(permit) = reserve() {
            return Ok(permit);
        }
        // What an evicted environment held comes free shortly after.
        let waiting = Arc::clone(&self.memory).acquire_many_owned(memory_mb);
        tokio::pin!(waiting);
        while self.evict_one() {
            if let Ok(permit) = tokio::time::timeout(Duration::from_millis(50), &mut waiting).await {
                return permit.map_err(ApiError::internal);
            }
        }
        match tokio::time::timeout(LONGEST_WAIT_FOR_MEMORY, waiting).await {
            Ok(permit) => permit.map_err(ApiError::internal),
            Err(_) => Err(errors::rate_exceeded(Throttle::Account)),
        }
    }
}
