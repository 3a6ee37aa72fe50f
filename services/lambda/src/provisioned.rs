//! Provisioned concurrency: environments that wait for events before there are any (AWS Lambda Developer Guide,
//! "Configuring provisioned concurrency for a function").
//!
//! A task for each configuration compares how many of its environments live with how many should, and starts what is
//! missing: when it is set, at the start of the region, when an alias moves, and when an environment has ended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use cloud::tenant;
use identity::{AccountId, Region};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Range, Scope};
use tokio::sync::{Notify, watch};

use crate::environment::{Deployment, Environment, PoolKey, StartFailure};
use crate::function::{Target, Version};
use crate::{Lambda, PRINCIPAL, tables};

/// Configurations of one region at most.
const MOST: usize = 100_000;
/// How long an environment that could not be started is not tried again.
const PAUSE: Duration = Duration::from_secs(60);

/// Announced when an alias has changed.
pub(crate) const ALIASES_TOPIC: &str = "lambda/aliases";

/// A configuration's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Provisioned {
    pub requested: u32,
    pub modified: Timestamp,
}

store::row!(Provisioned, 1);

/// How far a configuration has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub allocated: u32,
    /// Why there are not more.
    pub failure: Option<String>,
}

/// The tasks on this node.
#[derive(Default)]
pub(crate) struct Provisions {
    running: Mutex<HashMap<(Scope, String, String), Running>>,
    changed: Notify,
}

struct Running {
    /// Dropping it ends the task.
    _stop: watch::Sender<()>,
    progress: Arc<Mutex<Progress>>,
}

impl Provisions {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(Scope, String, String), Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has every task look again whether all that should live does.
    pub(crate) fn wake(&self) {
        self.changed.notify_waiters();
    }

    pub(crate) fn stop(&self, scope: &Scope, name: &str, qualifier: &str) {
        self.lock().remove(&(scope.clone(), name.to_owned(), qualifier.to_owned()));
    }

    pub(crate) fn stop_all(&self) {
        self.lock().clear();
    }

    pub(crate) fn progress(&self, scope: &Scope, name: &str, qualifier: &str) -> Progress {
        let key = (scope.clone(), name.to_owned(), qualifier.to_owned());
        let running = self.lock();
        let progress = running.get(&key).map(|running| Arc::clone(&running.progress));
        drop(running);
        progress
            .map(|progress| progress.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .unwrap_or_default()
    }
}

impl Lambda {
    /// Starts the tasks of all configurations of the region.
    pub(crate) fn start_provisions(self: &Arc<Self>) -> Result<(), ApiError> {
        let mut reader = self.cloud.store().read(&Scope::global())?;
        let places = tables::PROVISIONED_PLACES.list(&mut reader, &Range::all(), MOST)?;
        for ((account, region, name, qualifier), ()) in places {
            let Some((account, region)) = AccountId::parse(&account).zip(Region::parse(&region)) else {
                continue;
            };
            reader.set_scope(&tenant(account, region));
            let key = (name.clone(), qualifier.clone());
            if let Some(provisioned) = tables::PROVISIONED.find(&mut reader, &key)? {
                let target = Target { account, region, name, qualifier: Some(qualifier) };
                self.start_provision(target, provisioned.requested);
            }
        }
        Ok(())
    }

    /// Starts, or starts anew, the task of a configuration.
    pub(crate) fn start_provision(self: &Arc<Self>, target: Target, requested: u32) {
        let (stop, stopped) = watch::channel(());
        let progress: Arc<Mutex<Progress>> = Arc::default();
        let key = (target.scope(), target.name.clone(), target.qualifier.clone().unwrap_or_default());
        let running = Running { _stop: stop, progress: Arc::clone(&progress) };
        self.provisions.lock().insert(key, running);
        let keeper = Keeper { lambda: Arc::downgrade(self), target, requested, progress, kept: Vec::new() };
        tokio::spawn(keeper.run(stopped));
    }
}

struct Keeper {
    lambda: Weak<Lambda>,
    target: Target,
    requested: u32,
    progress: Arc<Mutex<Progress>>,
    /// The version that they run, and they.
    kept: Vec<(String, Weak<Environment>)>,
}

impl Keeper {
    async fn run(mut self, mut stopped: watch::Receiver<()>) {
        loop {
            let Some(lambda) = self.lambda.upgrade() else { return };
            // Its alias went, and took it along.
            if matches!(self.is_wanted(&lambda), Ok(false)) {
                break;
            }
            let mut aliases = lambda.cloud.store().watch(&self.target.scope(), ALIASES_TOPIC);
            let changed = lambda.provisions.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let failure = tokio::select! {
                filled = self.fill(&lambda) => filled.err(),
                _ = stopped.changed() => break,
            };
            let has_failed = failure.is_some();
            self.tell(failure);
            tokio::select! {
                () = &mut changed => {}
                () = aliases.changed() => {}
                () = lambda.cloud.clock().sleep(PAUSE), if has_failed => {}
                _ = stopped.changed() => break,
            }
        }
        // What is left has the life of any other environment.
        self.kept.iter().filter_map(|(_, environment)| environment.upgrade()).for_each(|one| one.keep(false));
    }

    fn is_wanted(&self, lambda: &Lambda) -> Result<bool, ApiError> {
        let key = (self.target.name.clone(), self.target.qualifier.clone().unwrap_or_default());
        let mut reader = lambda.cloud.store().read(&self.target.scope())?;
        Ok(tables::PROVISIONED.contains(&mut reader, &key)?)
    }

    fn tell(&self, failure: Option<String>) {
        let allocated = u32::try_from(self.kept.len()).unwrap_or(u32::MAX);
        let progress = Progress { allocated, failure };
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }

    /// Starts what is missing.
    async fn fill(&mut self, lambda: &Arc<Lambda>) -> Result<(), String> {
        let version = self.version(lambda).map_err(|error| error.to_string())?;
        for (number, environment) in std::mem::take(&mut self.kept) {
            let Some(environment) = environment.upgrade().filter(|one| one.exit().is_none()) else {
                continue;
            };
            if number == version.version {
                self.kept.push((number, Arc::downgrade(&environment)));
            } else {
                environment.keep(false);
            }
        }
        while self.kept.len() < self.requested as usize {
            let environment = self.start(lambda, &version).await?;
            self.kept.push((version.version.clone(), Arc::downgrade(&environment)));
            let (account, region) = (self.target.account, self.target.region);
            let deployment = Deployment { account, region, version: version.clone(), is_provisioned: true };
            lambda.pools.adopt(&PoolKey::of(&deployment), environment);
            self.tell(None);
        }
        Ok(())
    }

    fn version(&self, lambda: &Lambda) -> Result<Version, ApiError> {
        self.target.version(&mut lambda.cloud.store().read(&self.target.scope())?, 1.0)
    }

    async fn start(&self, lambda: &Arc<Lambda>, version: &Version) -> Result<Arc<Environment>, String> {
        let Target { account, region, .. } = self.target;
        let ctx = lambda.cloud.background(PRINCIPAL, &self.target.arn(), account, region);
        let deployment = Deployment { account, region, version: version.clone(), is_provisioned: true };
        let place = lambda.pools.place(version.memory_mb).await.map_err(|error| error.to_string())?;
        let started = Environment::start(lambda, &ctx, &deployment, ctx.request_id(), place);
        match Box::pin(started).await {
            Ok(environment) => {
                environment.keep(true);
                Ok(environment)
            }
            Err(StartFailure::Ours(error)) => Err(error.to_string()),
            Err(StartFailure::Function { .. }) => Err("FUNCTION_ERROR_INIT_FAILURE".to_owned()),
        }
    }
}
