//! Environments that wait for work, the memory that all of them may use, and how many may start at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cloud::tenant;
use shapes::{ApiError, Timestamp};
use store::Scope;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::{Command, Deployment, Environment};
use crate::Config;
use crate::errors::{self, Throttle};

/// How long an invocation waits for memory that others hold.
const LONGEST_WAIT_FOR_MEMORY: Duration = Duration::from_secs(10);
/// How long an invocation waits for its turn to start an environment: about as long as clients wait for an answer.
const LONGEST_WAIT_FOR_TURN: Duration = Duration::from_secs(60);
/// A program that takes longer until it asks for work is not busy but waits for something, maybe for another function.
const LONGEST_TURN: Duration = Duration::from_secs(3);
/// Whoever had to wait for its turn does not take it while environments of its own come free one after the other.
const FLOW: Duration = Duration::from_millis(50);
/// Two, since a start both computes and waits for the disk.
const STARTS_PER_CORE: usize = 2;

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
    /// Turns of environments that start. A hundred at once would all be too late, and few are needed once they work.
    turns: Arc<Semaphore>,
    /// Wakes those who wait for an environment or for memory.
    given_back: Notify,
}

/// Where an invocation runs.
pub(crate) enum Room {
    /// In an environment that was idle.
    Taken(Arc<Environment>),
    /// In a new one.
    Free(Place),
}

/// What an environment needs to start.
pub(crate) struct Place {
    /// Held as long as the environment uses memory.
    pub memory: OwnedSemaphorePermit,
    pub turn: Turn,
}

/// The turn of one environment to start: over when this is dropped, and after [`LONGEST_TURN`] at the latest.
pub(crate) struct Turn(AbortHandle);

impl Turn {
    fn new(permit: OwnedSemaphorePermit) -> Self {
        let hold = async move {
            tokio::time::sleep(LONGEST_TURN).await;
            drop(permit);
        };
        Self(tokio::spawn(hold).abort_handle())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[derive(Default)]
struct Pool {
    revision: String,
    /// The one used last comes last, and is used again first: those that are not needed grow old.
    idle: Vec<Arc<Environment>>,
    /// When one came free last.
    given_back: Option<Instant>,
}

impl Pools {
    pub(crate) fn new(config: &Config) -> Self {
        let memory_mb = config.memory_mb.max(128);
        let memory = Arc::new(Semaphore::new(memory_mb as usize));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let turns = Arc::new(Semaphore::new(STARTS_PER_CORE * cores));
        Self { idle: Mutex::default(), memory, memory_mb, turns, given_back: Notify::new() }
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
            pool.given_back = Some(Instant::now());
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

    /// A place for an environment that no event waits for. Idle ones of others make way.
    pub(crate) async fn place(&self, memory_mb: u32) -> Result<Place, ApiError> {
        self.check_memory(memory_mb)?;
        let turn = self.turn(Instant::now() + LONGEST_WAIT_FOR_TURN).await?;
        let memory = self.memory(memory_mb, Instant::now() + LONGEST_WAIT_FOR_MEMORY).await?;
        Ok(Place { memory, turn: Turn::new(turn) })
    }

    /// An environment, or a place for a new one. Idle ones of others make way; otherwise it waits for what comes
    /// first: its turn and memory, or an environment of its own.
    pub(crate) async fn room(
        &self,
        key: &PoolKey,
        revision: &str,
        memory_mb: u32,
        now: impl Fn() -> Timestamp,
    ) -> Result<Room, ApiError> {
        self.check_memory(memory_mb)?;
        let deadline = Instant::now() + LONGEST_WAIT_FOR_TURN;
        let mut turn = Arc::clone(&self.turns).try_acquire_owned().ok();
        let mut has_waited = turn.is_none();
        loop {
            let given_back = self.given_back.notified();
            tokio::pin!(given_back);
            given_back.as_mut().enable();
            if let Some(environment) = self.take(key, revision, now()) {
                return Ok(Room::Taken(environment));
            }
            let place = async {
                let turn = match turn.take() {
                    Some(turn) => turn,
                    None => self.turn(deadline).await?,
                };
                if has_waited && self.is_flowing(key) {
                    return Ok(None);
                }
                let memory = self.memory(memory_mb, Instant::now() + LONGEST_WAIT_FOR_MEMORY).await?;
                Ok::<_, ApiError>(Some(Place { memory, turn: Turn::new(turn) }))
            };
            tokio::select! {
                place = place => match place? {
                    Some(place) => return Ok(Room::Free(place)),
                    None => {
                        let _ = tokio::time::timeout(FLOW, given_back).await;
                    }
                },
                () = &mut given_back => has_waited = true,
            }
        }
    }

    async fn turn(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, ApiError> {
        let turn = tokio::time::timeout_at(deadline, Arc::clone(&self.turns).acquire_owned());
        turn.await.map_err(|_| errors::rate_exceeded(Throttle::Account))?.map_err(ApiError::internal)
    }

    /// Whether an environment of these came free a moment ago, so that the next will soon.
    fn is_flowing(&self, key: &PoolKey) -> bool {
        let pools = self.lock();
        let given_back = pools.get(key).and_then(|pool| pool.given_back);
        given_back.is_some_and(|at| at.elapsed() < FLOW)
    }

    /// Memory for an environment. Idle environments of others make way.
    async fn memory(&self, memory_mb: u32, deadline: Instant) -> Result<OwnedSemaphorePermit, ApiError> {
        loop {
            if let Ok(permit) = Arc::clone(&self.memory).try_acquire_many_owned(memory_mb) {
                return Ok(permit);
            }
            let given_back = self.given_back.notified();
            // What it held comes free shortly after.
            self.evict_one();
            tokio::select! {
                permit = Arc::clone(&self.memory).acquire_many_owned(memory_mb) => {
                    return permit.map_err(ApiError::internal);
                }
                // One more may make way.
                () = given_back => {}
                () = tokio::time::sleep_until(deadline) => return Err(errors::rate_exceeded(Throttle::Account)),
            }
        }
    }
}
