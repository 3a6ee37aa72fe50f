//! The states of a pipe, and the job that takes a pipe out of those that do not last.
//!
//! A request leaves a pipe in such a state together with a job, in one transaction. The job looks whether the pipe may read
//! its source, starts or ends the pipe's task, and stores what became of it.

use std::sync::Arc;

use clock::{Job, JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::Ctx;
use identity::{AccountId, Region};
use serde::{Deserialize, Serialize};
use shapes::ApiError;
use store::{Range, Row, Tx};

use crate::execution::list_running;
use crate::pipe::{Pipe, pipe_arn};
use crate::tables::{CHECKPOINTS, PIPES};
use crate::{PRINCIPAL, Pipes, access};

const KIND: &str = "pipes/state";
const CONCURRENCY: usize = 16;
/// Shards of one pipe of which something is kept.
const MOST_SHARDS: usize = 100_000;

/// API Reference, DescribePipe: CurrentState.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    #[default]
    Running,
    Stopped,
    Creating,
    Updating,
    Starting,
    Stopping,
    Deleting,
    CreateFailed,
    UpdateFailed,
    StartFailed,
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Stopped => "STOPPED",
            Self::Creating => "CREATING",
            Self::Updating => "UPDATING",
            Self::Starting => "STARTING",
            Self::Stopping => "STOPPING",
            Self::Deleting => "DELETING",
            Self::CreateFailed => "CREATE_FAILED",
            Self::UpdateFailed => "UPDATE_FAILED",
            Self::StartFailed => "START_FAILED",
        }
    }

    /// Whether it lasts until somebody asks for another one.
    pub(crate) fn lasts(self) -> bool {
        !matches!(self, Self::Creating | Self::Updating | Self::Starting | Self::Stopping | Self::Deleting)
    }

    /// What it ends in when the pipe cannot run.
    fn failed(self) -> Self {
        match self {
            Self::Creating => Self::CreateFailed,
            Self::Updating => Self::UpdateFailed,
            _ => Self::StartFailed,
        }
    }
}

/// Which pipe a job is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Place {
    account: AccountId,
    region: Region,
    name: String,
    /// A pipe of the same name that was made later is none of the job's business.
    id: String,
}

store::row!(Place, 1);

/// Stores the pipe in a state that does not last, with the job that takes it on.
pub(crate) fn change(ctx: &Ctx, tx: &mut Tx<'_>, pipe: &mut Pipe, state: State) {
    (pipe.state, pipe.reason) = (state, None);
    PIPES.put(tx, &pipe.name, pipe);
    list_running(tx, ctx, &pipe.name, false);
    let place =
        Place { account: ctx.account(), region: ctx.region(), name: pipe.name.clone(), id: pipe.id.clone() };
    let mut payload = Vec::new();
    place.encode(&mut payload);
    let job = NewJob { kind: KIND, subject: pipe_arn(ctx, &pipe.name), payload, due: ctx.now() };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
}

/// The kind of job that takes pipes out of states that do not last.
pub(crate) fn jobs(pipes: &Arc<Pipes>) -> JobKind {
    let pipes = Arc::clone(pipes);
    JobKind {
        name: KIND,
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: CONCURRENCY,
        handler: Arc::new(move |_, job| {
            let pipes = Arc::clone(&pipes);
            Box::pin(async move { pipes.run_job(&job).await })
        }),
        given_up: None,
    }
}

impl Pipes {
    async fn run_job(self: &Arc<Self>, job: &Job) -> JobOutcome {
        let Ok(place) = Place::decode(&job.payload) else { return JobOutcome::Done };
        match self.take_on(place).await {
            Ok(()) => JobOutcome::Done,
            Err(error) => JobOutcome::Failed(error.to_string()),
        }
    }

    /// Takes a pipe to the state that is asked for. An error means that it cannot be told yet.
    async fn take_on(self: &Arc<Self>, place: Place) -> Result<(), ApiError> {
        let Place { account, region, name, id } = place;
        let arn = format!("arn:aws:pipes:{}:{account}:pipe/{name}", region.as_str());
        let ctx = self.cloud.background(PRINCIPAL, &arn, account, region);
        let found = PIPES.find(&mut ctx.read()?, &name)?;
        let Some(pipe) = found.filter(|pipe| pipe.id == id && !pipe.state.lasts()) else { return Ok(()) };
        self.tasks.stop(ctx.scope(), &name);
        let problem = match pipe.runs && pipe.state != State::Deleting {
            true => access::problem(&ctx, &arn, &pipe).await?,
            false => None,
        };
        let state = match (&problem, pipe.runs) {
            (Some(_), _) => pipe.state.failed(),
            (None, true) => State::Running,
            (None, false) => State::Stopped,
        };
        let (own, before) = (ctx.clone(), pipe.state);
        let settled = ctx
            .write(move |tx| {
                let found = PIPES.find(tx, &name)?.filter(|pipe| pipe.id == id && pipe.state == before);
                let Some(mut pipe) = found else { return Ok::<_, ApiError>(None) };
                if pipe.state == State::Deleting {
                    delete(tx, &pipe)?;
                    return Ok(None);
                }
                (pipe.state, pipe.reason) = (state, problem.clone());
                PIPES.put(tx, &name, &pipe);
                list_running(tx, &own, &name, state == State::Running);
                Ok(Some(pipe))
            })
            .await?;
        if let Some(pipe) = settled {
            self.start_pipe(account, region, pipe);
        }
        Ok(())
    }
}

fn delete(tx: &mut Tx<'_>, pipe: &Pipe) -> Result<(), ApiError> {
    PIPES.delete(tx, &pipe.name);
    for (key, _) in CHECKPOINTS.list(tx, &Range::prefix(&pipe.id), MOST_SHARDS)? {
        CHECKPOINTS.delete(tx, &key);
    }
    Ok(())
}
