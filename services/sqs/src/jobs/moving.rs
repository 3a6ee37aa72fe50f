//! Message move tasks, a second's worth of messages at a time.

use std::sync::Arc;
use std::time::Duration;

use clock::{Job, JobOutcome, Jobs, NewJob};
use cloud::Ctx;
use shapes::ApiError;
use store::{Range, Reader, StoreError, Tx};

use super::Subject;
use crate::move_task::{FASTEST, MoveTask, Status};
use crate::moving::{Passage, renew};
use crate::ops::Target;
use crate::timeline::Timeline;
use crate::{Sqs, tables};

pub(crate) const KIND: &str = "sqs/move";

/// Tasks remembered of one queue (API Reference, ListMessageMoveTasks: the latest ten).
const KEPT: usize = 10;

type Key = (String, i64, String);

/// Adds a task and its job, and forgets the oldest ones.
pub(crate) fn add(ctx: &Ctx, tx: &mut Tx<'_>, source: &Target, task: &MoveTask) {
    let key = (source.url.name.clone(), i64::MAX - task.started.millis(), task.id.clone());
    tables::MOVE_TASKS.put(tx, &key, task);
    let subject = Subject { task: task.id.clone(), ..Subject::new(source, ctx.region(), 0) };
    let job =
        NewJob { kind: KIND, subject: task.source_arn.clone(), payload: subject.encoded(), due: ctx.now() };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
}

/// A task of the queue by its id.
pub(crate) fn find(
    reader: &mut dyn Reader,
    source: &Target,
    id: &str,
) -> Result<Option<(Key, MoveTask)>, StoreError> {
    let tasks = tables::MOVE_TASKS.list(reader, &Range::prefix(&source.url.name), KEPT)?;
    Ok(tasks.into_iter().find(|(_, task)| task.id == id))
}

pub(super) async fn run(sqs: Arc<Sqs>, job: Job) -> Result<JobOutcome, ApiError> {
    let Some((subject, source)) = Subject::read(&job.payload) else { return Ok(JobOutcome::Done) };
    let found = find(&mut sqs.cloud.store().read(&source.scope)?, &source, &subject.task)?;
    let Some((key, task)) = found.filter(|(_, task)| task.is_active()) else { return Ok(JobOutcome::Done) };
    let mover = Mover { sqs, source, key };
    match (task.status, mover.sqs.open(&mover.source)) {
        (Status::Cancelling, _) => mover.end(Status::Cancelled, None).await,
        (_, Ok((_, timeline))) => mover.step(&task, &timeline).await,
        (_, Err(error)) if error.status() < 500 => {
            mover.end(Status::Failed, Some("AWS.SimpleQueueService.NonExistentQueue")).await
        }
        (_, Err(error)) => Err(error),
    }
}

struct Mover {
    sqs: Arc<Sqs>,
    source: Target,
    key: Key,
}

impl Mover {
    async fn step(&self, task: &MoveTask, timeline: &Arc<Timeline>) -> Result<JobOutcome, ApiError> {
        let cloud = &self.sqs.cloud;
        let now = cloud.clock().now();
        let most = task.most_per_second.unwrap_or(FASTEST).unsigned_abs() as usize;
        let places = timeline.take_to_move(cloud.store(), now, most)?;
        if places.is_empty() {
            return self.end(Status::Completed, None).await;
        }
        let outcome = self.pass(task, timeline, &places).await;
        // What was moved is gone from here; the rest stays.
        timeline.change(|state| state.release(&places));
        match outcome? {
            Some(failure) => self.end(Status::Failed, Some(failure)).await,
            None if task.most_per_second.is_some() => Ok(JobOutcome::Again(now + Duration::from_secs(1))),
            None => Ok(JobOutcome::Again(now)),
        }
    }

    /// Moves the messages at these places. `Some`: one of them has nowhere to go, and those before it were moved.
    async fn pass(
        &self,
        task: &MoveTask,
        timeline: &Arc<Timeline>,
        places: &[u64],
    ) -> Result<Option<&'static str>, ApiError> {
        let cloud = &self.sqs.cloud;
        let (account, region) = (timeline.account, Target::region_of(&task.source_arn));
        let ctx = cloud.background("sqs.amazonaws.com", &task.source_arn, account, region);
        let now = ctx.now();
        let (mut passages, mut failure) = (Vec::new(), None);
        for (from, mut message) in timeline.messages(cloud.store(), places)? {
            let Some(arn) = task.destination_arn.as_ref().or(message.dead_letter_source.as_ref()) else {
                failure = Some("CouldNotDetermineMessageSource");
                break;
            };
            let opened = Target::of_arn(arn).map(|target| self.sqs.open(&target));
            let Some(Ok((queue, to))) = opened else {
                failure = Some("AWS.SimpleQueueService.NonExistentQueue");
                break;
            };
            renew(&ctx, &mut message, now);
            let (message, row) = to.encode(&ctx, &queue, message)?;
            passages.push(Passage { from, to, message, row });
        }
        let (key, from) = (self.key.clone(), Arc::clone(timeline));
        cloud
            .store()
            .write(&self.source.scope, move |tx| {
                // A task that was cancelled meanwhile moves nothing more.
                let Some(mut task) = tables::MOVE_TASKS.find(tx, &key)? else { return Ok(()) };
                if task.status != Status::Running {
                    return Ok(());
                }
                for passage in &passages {
                    task.moved += i64::from(passage.run(&ctx, tx, &from)?);
                }
                tables::MOVE_TASKS.put(tx, &key, &task);
                Ok::<_, ApiError>(())
            })
            .await?;
        Ok(failure)
    }

    async fn end(&self, status: Status, failure: Option<&'static str>) -> Result<JobOutcome, ApiError> {
        let key = self.key.clone();
        let ended = self.sqs.cloud.store().write(&self.source.scope, move |tx| {
            if let Some(mut task) = tables::MOVE_TASKS.find(tx, &key)? {
                task.status = if task.status == Status::Cancelling { Status::Cancelled } else { status };
                task.failure = failure.map(str::to_owned);
                tables::MOVE_TASKS.put(tx, &key, &task);
            }
            // Only the latest are remembered.
            let all = tables::MOVE_TASKS.list(tx, &Range::prefix(&key.0), 2 * KEPT)?;
            for (old, _) in all.iter().skip(KEPT) {
                tables::MOVE_TASKS.delete(tx, old);
            }
            Ok::<_, StoreError>(())
        });
        ended.await?;
        Ok(JobOutcome::Done)
    }
}
