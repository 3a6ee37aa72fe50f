//! Reading one shard: from its checkpoint, batch by batch, to its end.

use std::time::Duration;

use cloud::Ctx;
use dynamodb_streams_api::op::{GetRecords, GetShardIterator};
use dynamodb_streams_api::{GetRecordsInput, GetShardIteratorInput};
use shapes::ApiError;

use super::LONGEST_SLEEP;
use super::record::StreamRecord;
use crate::Checkpoint;
use crate::task::{Backoff, Reader};

/// Of one answer of GetRecords.
const MOST_RECORDS: u32 = 1000;

/// What one look at a shard came to.
struct Batch {
    records: Vec<StreamRecord>,
    /// Where to go on; nowhere at the shard's end.
    next: Option<String>,
}

impl Reader {
    /// Reads a shard to its end.
    pub(super) async fn read_shard(mut self, shard: String, from_latest: bool) {
        let mut iterator = None;
        let mut backoff = Backoff::new();
        while !self.is_stopped() {
            match self.read_some(&shard, from_latest, &mut iterator).await {
                Ok(true) => return,
                Ok(false) => backoff.reset(),
                Err(error) => {
                    self.tell(&error);
                    iterator = None;
                    if !self.pause(backoff.next()).await {
                        return;
                    }
                }
            }
        }
    }

    /// Reads and works off one batch, or waits for news; whether the shard has ended.
    async fn read_some(
        &mut self,
        shard: &str,
        from_latest: bool,
        iterator: &mut Option<String>,
    ) -> Result<bool, ApiError> {
        let mut news = self.watch();
        let ctx = self.consumer.as_role(&self.consumer.ctx())?;
        let current = match iterator.take() {
            Some(current) => current,
            None => self.iterator(&ctx, shard, from_latest).await?,
        };
        let Batch { records, next } = match self.batch(&ctx, current, &mut news).await {
            // The clock went on by more than a sleep: the next look asks for a new one.
            Err(error) if error.name() == "ExpiredIteratorException" => return Ok(false),
            other => other?,
        };
        let last = records.last().map(|record| record.sequence_number.clone());
        match last {
            Some(_) => {
                let wanted =
                    records.into_iter().filter(|record| self.source().takes(&record.event)).collect();
                if !self.work_off(&ctx, shard, wanted).await {
                    return Ok(false);
                }
                let is_finished = next.is_none();
                self.consumer
                    .keep_checkpoint(shard.to_owned(), Checkpoint { sequence_number: last, is_finished })
                    .await?;
            }
            None if next.is_none() => {
                let checkpoint = Checkpoint { is_finished: true, ..self.consumer.checkpoint(shard)? };
                self.consumer.keep_checkpoint(shard.to_owned(), checkpoint).await?;
            }
            None => {
                let clock = self.clock();
                tokio::select! {
                    () = news.changed() => {}
                    () = clock.sleep(LONGEST_SLEEP) => {}
                    () = self.stopped() => {}
                }
            }
        }
        *iterator = next;
        Ok(iterator.is_none())
    }

    /// What there is at once, or what comes within the window.
    async fn batch(&self, ctx: &Ctx, from: String, news: &mut store::Watch) -> Result<Batch, ApiError> {
        let settings = self.source();
        let wanted = (settings.batch_size * settings.parallelization).min(MOST_RECORDS);
        let mut batch = self.records(ctx, from, wanted).await?;
        if batch.records.is_empty() || settings.window_seconds == 0 {
            return Ok(batch);
        }
        let end = ctx.now() + Duration::from_secs(settings.window_seconds.into());
        while batch.records.len() < wanted as usize
            && ctx.now() < end
            && let Some(from) = batch.next.take()
        {
            let clock = self.clock();
            tokio::select! {
                () = news.changed() => {}
                () = clock.sleep_until(end) => {}
            }
            let more = self.records(ctx, from, wanted - batch.records.len() as u32).await?;
            batch.records.extend(more.records);
            batch.next = more.next;
        }
        Ok(batch)
    }

    async fn records(&self, ctx: &Ctx, from: String, limit: u32) -> Result<Batch, ApiError> {
        let input = GetRecordsInput { shard_iterator: from, limit: Some(limit as i32) };
        let answer = ctx.call::<GetRecords>(input).await?;
        let records = answer.records.unwrap_or_default().into_iter();
        let records = records.map(|record| StreamRecord::of(record, &self.source().arn)).collect();
        Ok(Batch { records, next: answer.next_shard_iterator })
    }

    async fn iterator(&self, ctx: &Ctx, shard: &str, from_latest: bool) -> Result<String, ApiError> {
        let sequence_number = self.consumer.checkpoint(shard)?.sequence_number;
        let kind = match (&sequence_number, from_latest) {
            (Some(_), _) => "AFTER_SEQUENCE_NUMBER",
            (None, true) => "LATEST",
            (None, false) => "TRIM_HORIZON",
        };
        let input = |kind: &str, sequence_number| GetShardIteratorInput {
            stream_arn: self.source().arn.clone(),
            shard_id: shard.to_owned(),
            shard_iterator_type: kind.to_owned(),
            sequence_number,
        };
        let answer = match ctx.call::<GetShardIterator>(input(kind, sequence_number)).await {
            // What followed the checkpoint has been trimmed meanwhile.
            Err(error) if error.name() == "TrimmedDataAccessException" => {
                ctx.call::<GetShardIterator>(input("TRIM_HORIZON", None)).await?
            }
            other => other?,
        };
        answer.shard_iterator.ok_or_else(|| ApiError::internal("the stream gave no iterator"))
    }
}
