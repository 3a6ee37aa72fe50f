//! The tasks that read sources, each for one consumer.
//!
//! A task sleeps in the source's own long poll, so that an idle one costs nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clock::Clock;
use store::Scope;
use tokio::sync::watch;

use crate::{Consumer, Source, SourceKind};

const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// The tasks of this node, by tenant and the consumer's name.
#[derive(Default)]
pub struct Tasks(Mutex<HashMap<(Scope, String), Running>>);

struct Running {
    /// Dropping it stops the task after the batch under way.
    _stop: watch::Sender<()>,
    status: Status,
}

/// What the last batch came to, in words for people.
#[derive(Clone, Debug, Default)]
pub struct Status(Arc<Mutex<Option<String>>>);

impl Status {
    pub fn set(&self, text: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text.into());
    }

    pub fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Tasks {
    fn lock(&self) -> MutexGuard<'_, HashMap<(Scope, String), Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the task of a consumer, or starts it anew. The consumer is made with the status that it tells.
    pub fn start(
        &self,
        scope: Scope,
        name: String,
        kind: SourceKind,
        consumer: impl FnOnce(Status) -> Arc<dyn Consumer>,
    ) {
        let (sender, stop) = watch::channel(());
        let status = Status::default();
        status.set("No records processed");
        let consumer = consumer(status.clone());
        self.lock().insert((scope, name), Running { _stop: sender, status: status.clone() });
        let reader = Reader { consumer, stop, status };
        match kind {
            SourceKind::Queue => drop(tokio::spawn(reader.read_queue())),
            SourceKind::TableStream => drop(tokio::spawn(reader.read_stream())),
        }
    }

    /// Stops the task of a consumer, if there is one.
    pub fn stop(&self, scope: &Scope, name: &str) {
        self.lock().remove(&(scope.clone(), name.to_owned()));
    }

    pub fn stop_all(&self) {
        self.lock().clear();
    }

    /// What the last batch of a consumer came to.
    pub fn last_result(&self, scope: &Scope, name: &str) -> Option<String> {
        self.lock().get(&(scope.clone(), name.to_owned()))?.status.get()
    }
}

/// What a task works with.
#[derive(Clone)]
pub(crate) struct Reader {
    pub consumer: Arc<dyn Consumer>,
    /// Without its sender the task stops.
    stop: watch::Receiver<()>,
    status: Status,
}

impl Reader {
    pub(crate) fn source(&self) -> &Source {
        self.consumer.source()
    }

    pub(crate) fn clock(&self) -> Clock {
        self.consumer.cloud().clock().clone()
    }

    pub(crate) fn tell(&self, problem: &impl std::fmt::Display) {
        self.status.set(format!("PROBLEM: {problem}"));
    }

    /// Resolves when the consumer has been changed or is gone.
    pub(crate) async fn stopped(&mut self) {
        while self.stop.changed().await.is_ok() {}
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.has_changed().is_err()
    }

    /// Waits before something is tried again; whether the task is to go on.
    pub(crate) async fn pause(&mut self, pause: Duration) -> bool {
        let clock = self.clock();
        tokio::select! {
            () = clock.sleep(pause) => true,
            () = self.stopped() => false,
        }
    }
}

/// Pauses that grow while something does not work.
pub(crate) struct Backoff(Duration);

impl Backoff {
    pub(crate) const fn new() -> Self {
        Self(FIRST_BACKOFF)
    }

    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(LONGEST_BACKOFF);
        pause
    }

    pub(crate) fn reset(&mut self) {
        self.0 = FIRST_BACKOFF;
    }
}
