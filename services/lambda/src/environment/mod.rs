//! Execution environments: sandboxed programs that wait for events.
//!
//! An environment is started for one version of a function, works on one event at a time, is frozen while it has
//! none, and ends when its handle is dropped: by the pool once it was idle for long or its function has changed, or
//! by an invocation that it did not survive.

mod output;
mod pool;
mod program;
mod supervisor;
mod system_log;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cloud::Ctx;
use identity::{AccountId, Region};
use sandbox::Exit;
use shapes::{ApiError, Timestamp};
use tokio::sync::{mpsc, oneshot};

use crate::Lambda;
use crate::function::Version;
use crate::runtime_api::{Exchange, Started};

pub(crate) use pool::{Place, PoolKey, Pools, Room};
pub(crate) use program::sweep;
pub(crate) use supervisor::exit_message;
pub(crate) use system_log::Course;

/// How long a program may take until it asks for its first event (Developer Guide, "Lambda execution environment").
const LONGEST_INIT: Duration = Duration::from_secs(10);
/// Credentials that end sooner are not used for another event.
const CREDENTIALS_MARGIN: Duration = Duration::from_secs(20 * 60);

/// What an environment is made for.
#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    pub account: AccountId,
    pub region: Region,
    pub version: Version,
    /// It is to wait for events, instead of being started for one.
    pub is_provisioned: bool,
}

/// A running environment. Dropping the last handle ends it.
pub(crate) struct Environment {
    pub id: u128,
    pub exchange: Arc<Exchange>,
    pub revision: String,
    pub init: Duration,
    exit: Arc<OnceLock<Exit>>,
    /// It stays although it has no work.
    is_kept: Arc<AtomicBool>,
    expires: Option<Timestamp>,
    commands: mpsc::UnboundedSender<Command>,
}

/// What the supervisor of an environment is told. Each event makes three of them, and the next event comes only
/// after these, so few are ever on their way.
pub(crate) enum Command {
    /// The program is up: from now on it has its own share of the processor.
    Initialised,
    Begin {
        request_id: String,
    },
    Finish(Report),
    /// It waits in the pool.
    Idle,
}

/// The last lines of an invocation's log.
pub(crate) struct Report {
    pub request_id: String,
    /// Before the usual ones: why it failed.
    pub lines: Vec<String>,
    pub course: Course,
    pub duration: Duration,
    pub init: Option<Duration>,
    /// Takes the end of the invocation's log.
    pub tail: Option<oneshot::Sender<Vec<u8>>>,
}

/// Why there is no environment.
pub(crate) enum StartFailure {
    /// The function's doing, with the answer for its caller.
    Function {
        payload: Bytes,
        lines: Vec<String>,
    },
    Ours(ApiError),
}

impl From<ApiError> for StartFailure {
    fn from(error: ApiError) -> Self {
        Self::Ours(error)
    }
}

impl Environment {
    /// Starts an environment and waits until its program asks for an event.
    pub(crate) async fn start(
        lambda: &Arc<Lambda>,
        ctx: &Ctx,
        deployment: &Deployment,
        request_id: &str,
        place: Place,
    ) -> Result<Arc<Self>, StartFailure> {
        let program = program::prepare(lambda, ctx, deployment).await?;
        let (exchange, started) = Exchange::new();
        let begun = Instant::now();
        let expires = program.expires;
        let limit = LONGEST_INIT.max(Duration::from_secs(deployment.version.timeout_seconds.into()));
        let stream = Arc::new(program.stream.clone());
        if let Some(line) = system_log::init_start(&deployment.version, &program.runtime, ctx.now()) {
            lambda.logs.write(&stream, ctx.now(), &line);
        }
        let running = program.start(lambda, &exchange).await?;
        let (commands, inbox) = mpsc::unbounded_channel();
        let exit = Arc::new(OnceLock::new());
        let is_kept: Arc<AtomicBool> = Arc::default();
        let id = lambda.cloud.ids().number();
        let supervisor = supervisor::Supervisor {
            lambda: Arc::downgrade(lambda),
            key: PoolKey::of(deployment),
            id,
            version: deployment.version.clone(),
            exchange: Arc::clone(&exchange),
            exit: Arc::clone(&exit),
            is_kept: Arc::clone(&is_kept),
            stream,
            memory: place.memory,
        };
        tokio::spawn(supervisor.run(running, inbox));
        let outcome = tokio::time::timeout(limit, started).await;
        let init = begun.elapsed();
        drop(place.turn);
        let failure = |kind: &str, message: String| {
            let message = format!("RequestId: {request_id} Error: {message}");
            let payload = serde_json::json!({ "errorType": kind, "errorMessage": message });
            let lines = vec![message, kind.to_owned()];
            StartFailure::Function { payload: Bytes::from(payload.to_string()), lines }
        };
        match outcome {
            Ok(Ok(Started::Ready)) => {
                let _ = commands.send(Command::Initialised);
                let revision = deployment.version.revision.clone();
                Ok(Arc::new(Self { id, exchange, revision, init, exit, is_kept, expires, commands }))
            }
            Ok(Ok(Started::Failed(payload))) => Err(StartFailure::Function { payload, lines: Vec::new() }),
            Ok(Ok(Started::Ended) | Err(_)) => {
                Err(failure("Runtime.ExitError", exit_message(exit.get().copied())))
            }
            Err(_) => Err(failure(
                "Sandbox.Timedout",
                format!("Task timed out after {:.2} seconds", limit.as_secs_f64()),
            )),
        }
    }

    /// Whether it stays although it has no work.
    pub(crate) fn keep(&self, is_kept: bool) {
        self.is_kept.store(is_kept, Ordering::Relaxed);
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.is_kept.load(Ordering::Relaxed)
    }

    pub(crate) fn tell(&self, command: Command) {
        let _ = self.commands.send(command);
    }

    /// How the program ended, once it has.
    pub(crate) fn exit(&self) -> Option<Exit> {
        self.exit.get().copied()
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        self.exit.get().is_none() && self.expires.is_none_or(|expires| now + CREDENTIALS_MARGIN < expires)
    }
}
