//! The job of an import: one object after the other, each a stream of records.

use std::sync::Arc;

use clock::JobOutcome;
use cloud::Ctx;
use logs_api::op::{CreateLogGroup, CreateLogStream, PutLogEvents};
use logs_api::{CreateLogGroupInput, CreateLogStreamInput, InputLogEvent, PutLogEventsInput};
use s3_api::op::{GetObject, ListObjectsV2};
use s3_api::{GetObjectInput, ListObjectsV2Input};
use serde_json::json;
use shapes::{ApiError, ByteSource};
use store::{Tail, Tx};

use super::records::{Malformed, Records};
use super::rows::{Format, IMPORTS, ImportRow};
use super::{LISTED_FOR, LOG_GROUP, csv};
use crate::definitions::{Table, place};
use crate::item::Item;
use crate::jobs::Running;
use crate::write::{Cause, Change, store_change};
use crate::{dynamodb_json, ion};

const SERVICE: &str = "dynamodb.amazonaws.com";
const RECORDS_AT_ONCE: usize = 500;
const BYTES_AT_ONCE: usize = 1 << 20;
/// Errors that are written to the log; all of them are counted.
const MOST_LOGGED: u64 = 10_000;

/// What an attempt came to when it did not reach the end.
enum Stopped {
    /// The import is over, for this reason.
    Failed { code: String, message: String },
    /// Something to be tried again.
    Error(ApiError),
}

impl From<ApiError> for Stopped {
    fn from(error: ApiError) -> Self {
        Self::Error(error)
    }
}

/// Records that are put together.
#[derive(Default)]
struct Batch {
    /// Items, or what is wrong, in the order of the records.
    records: Vec<Result<Item, String>>,
    bytes: u64,
}

impl Running {
    pub(crate) async fn import(&self, id: String) -> Result<JobOutcome, ApiError> {
        let Some(import) = IMPORTS.find(&mut self.ctx.read()?, &id)? else { return Ok(JobOutcome::Done) };
        if let Some(ended) = import.ended {
            if self.ctx.now() < ended + LISTED_FOR {
                return Ok(JobOutcome::Again(ended + LISTED_FOR));
            }
            self.step(move |_, _, tx, _| {
                IMPORTS.delete(tx, &id);
                Ok(())
            })
            .await?;
            return Ok(JobOutcome::Done);
        }
        let failure = match self.run_import(&id, import).await {
            Ok(()) => None,
            Err(Stopped::Failed { code, message }) => Some((code, message)),
            Err(Stopped::Error(error)) => return Err(error),
        };
        self.end_import(id, failure).await?;
        Ok(JobOutcome::Again(self.ctx.now() + LISTED_FOR))
    }

    async fn run_import(&self, id: &str, mut import: ImportRow) -> Result<(), Stopped> {
        let ctx = self.ctx.in_name_of(&import.caller)?.via_service(SERVICE);
        if !import.progress.has_logs {
            make_logs(&ctx, id).await?;
            import = self.keep(id, |import| import.progress.has_logs = true).await?;
        }
        while let Some(keys) = next_objects(&ctx, &import).await? {
            for key in keys {
                self.import_object(id, import, &ctx, &key).await?;
                import = self
                    .keep(id, move |import| {
                        import.progress.done = Some(key.clone());
                        import.progress.records = 0;
                    })
                    .await?;
            }
        }
        if import.progress.done.is_none() {
            return Err(Stopped::Failed {
                code: "S3NoSuchKey".to_owned(),
                message: "The specified key does not exist.".to_owned(),
            });
        }
        if import.progress.errors > 0 {
            return Err(Stopped::Failed {
                code: "ItemValidationError".to_owned(),
                message:
                    "Some of the items failed validation checks. Please check CloudWatch error logs for more \
                          details."
                        .to_owned(),
            });
        }
        Ok(())
    }

    async fn import_object(&self, id: &str, import: ImportRow, ctx: &Ctx, key: &str) -> Result<(), Stopped> {
        let input = GetObjectInput {
            bucket: import.source.bucket.clone(),
            key: key.to_owned(),
            expected_bucket_owner: import.source.owner.clone(),
            ..Default::default()
        };
        let object = ctx.call::<GetObject>(input).await.map_err(of_s3)?;
        let mut source = object.body.unwrap_or_default().into_source();
        let mut records = Records::new(import.compression, &import.format);
        let mut headers = match &import.format {
            Format::Csv { headers: Some(headers), .. } => Some(headers.clone()),
            _ => None,
        };
        let mut known = import.progress.records;
        let mut batch = Batch::default();
        loop {
            let record = match next_record(&mut *source, &mut records).await? {
                Ok(Some(record)) => record,
                Ok(None) => break,
                Err(Malformed(message)) => {
                    // What is behind it cannot be read.
                    if known == 0 {
                        batch.records.push(Err(message));
                    }
                    break;
                }
            };
            if record.trim().is_empty() {
                continue;
            }
            if let (Format::Csv { delimiter, .. }, None) = (&import.format, &headers) {
                match csv::fields(&record, delimiter.unwrap_or(',')) {
                    Ok(fields) => headers = Some(fields),
                    Err(message) => {
                        if known == 0 {
                            batch.records.push(Err(message));
                        }
                        break;
                    }
                }
                continue;
            }
            // Done before a crash.
            if known > 0 {
                known -= 1;
                continue;
            }
            batch.bytes += record.len() as u64 + 1;
            batch.records.push(read(&import, headers.as_deref(), &record));
            if batch.records.len() == RECORDS_AT_ONCE || batch.bytes as usize >= BYTES_AT_ONCE {
                self.put_batch(id, ctx, key, std::mem::take(&mut batch)).await?;
            }
        }
        if !batch.records.is_empty() {
            self.put_batch(id, ctx, key, batch).await?;
        }
        Ok(())
    }

    /// Puts the items of a batch, writes what is wrong to the log, and keeps that they are done.
    async fn put_batch(&self, id: &str, ctx: &Ctx, key: &str, batch: Batch) -> Result<(), Stopped> {
        let (id, key, caller, batch) = (id.to_owned(), key.to_owned(), ctx.clone(), Arc::new(batch));
        let kept = self
            .step(move |service, ctx, tx, target| {
                let Some(mut import) = IMPORTS.find(tx, &id)? else { return Ok(false) };
                let table = service.definitions.within(tx, target)?;
                let Some(table) = table.filter(|table| table.row.id == import.table.id) else {
                    return Ok(false);
                };
                let mut events = Vec::new();
                for (record, index) in batch.records.iter().zip(import.progress.records..) {
                    let error = match record {
                        Ok(item) => put(ctx, tx, &table, item)?,
                        Err(message) => Some(message.clone()),
                    };
                    match error {
                        None => import.progress.imported_items += 1,
                        Some(message) => {
                            import.progress.errors += 1;
                            if import.progress.errors <= MOST_LOGGED {
                                let pointer = (import.source.bucket.as_str(), key.as_str(), index);
                                events.push(event(ctx, pointer, &import.arn(&id), &message));
                            }
                        }
                    }
                }
                if !events.is_empty() {
                    log(&caller, tx, &id, events);
                }
                import.progress.processed_items += batch.records.len() as u64;
                import.progress.processed_bytes += batch.bytes;
                import.progress.records += batch.records.len() as u64;
                IMPORTS.put(tx, &id, &import);
                Ok(true)
            })
            .await?;
        if kept {
            return Ok(());
        }
        Err(Stopped::Failed {
            code: "ResourceNotFound".to_owned(),
            message: "The table of the import is gone".to_owned(),
        })
    }

    async fn keep(
        &self,
        id: &str,
        change: impl Fn(&mut ImportRow) + Send + 'static,
    ) -> Result<ImportRow, Stopped> {
        let id = id.to_owned();
        let kept = self
            .step(move |_, _, tx, _| {
                let Some(mut import) = IMPORTS.find(tx, &id)? else { return Ok(None) };
                change(&mut import);
                IMPORTS.put(tx, &id, &import);
                Ok(Some(import))
            })
            .await?;
        kept.ok_or_else(|| Stopped::Failed { code: "ImportNotFound".to_owned(), message: String::new() })
    }

    /// The table may be used from now on, with whatever was imported.
    async fn end_import(&self, id: String, failure: Option<(String, String)>) -> Result<(), ApiError> {
        self.step(move |_, ctx, tx, _| {
            if let Some(mut import) = IMPORTS.find(tx, &id)? {
                import.ended = Some(ctx.now());
                import.failure.clone_from(&failure);
                IMPORTS.put(tx, &id, &import);
            }
            Ok(())
        })
        .await?;
        self.open_table().await
    }
}

/// The next record; `Ok(None)` after the last one.
async fn next_record(
    source: &mut dyn ByteSource,
    records: &mut Records,
) -> Result<Result<Option<String>, Malformed>, Stopped> {
    let mut has_ended = false;
    loop {
        match records.next() {
            Ok(None) if !has_ended => {}
            other => return Ok(other),
        }
        match shapes::next(source).await {
            Some(piece) => records.push(piece?),
            None => {
                if let Err(malformed) = records.end() {
                    return Ok(Err(malformed));
                }
                has_ended = true;
            }
        }
    }
}

fn read(import: &ImportRow, headers: Option<&[String]>, record: &str) -> Result<Item, String> {
    match &import.format {
        Format::Csv { delimiter, .. } => {
            let fields = csv::fields(record, delimiter.unwrap_or(','))?;
            csv::item(headers.unwrap_or_default(), fields, &import.table.definition.attributes)
        }
        Format::DynamoDbJson => dynamodb_json::read_line(record),
        Format::Ion => ion::read_line(record),
    }
}

/// Puts an item; tells what is wrong with it when it does not fit the table.
fn put(ctx: &Ctx, tx: &mut Tx<'_>, table: &Table, item: &Item) -> Result<Option<String>, ApiError> {
    if let Err(error) = item.check() {
        return Ok(Some(error.to_string()));
    }
    let key = match table.keys().key_of(item) {
        Ok(key) => key,
        Err(error) => return Ok(Some(error.to_string())),
    };
    for index in &table.indexes {
        if let Err(error) = index.keys.check_index_key(&index.name, item) {
            return Ok(Some(error.to_string()));
        }
    }
    let place = place(key.hash_bytes().len(), key.as_bytes());
    let old = table.row_keys.item(tx, &(table.row.id, Tail(place.clone())))?;
    let change = Change { key: item, old: old.as_ref(), new: Some(item), cause: Cause::User };
    store_change(ctx, tx, table, place, &change)?;
    Ok(None)
}

fn event(ctx: &Ctx, pointer: (&str, &str, u64), import_arn: &str, message: &str) -> InputLogEvent {
    let (bucket, key, index) = pointer;
    let message = json!({
        "itemS3Pointer": {"bucket": bucket, "key": key, "itemIndex": index},
        "importArn": import_arn,
        "errorMessages": [message],
    });
    InputLogEvent { message: message.to_string(), timestamp: ctx.now().millis() }
}

/// A log that the caller may not write, or that somebody deleted, does not stop an import.
fn log(ctx: &Ctx, tx: &mut Tx<'_>, id: &str, events: Vec<InputLogEvent>) {
    let input = PutLogEventsInput {
        log_group_name: LOG_GROUP.to_owned(),
        log_stream_name: format!("{id}/error"),
        log_events: events,
        ..Default::default()
    };
    if let Err(error) = ctx.call_within::<PutLogEvents>(tx, input) {
        tracing::warn!(import = %id, error = %error.message(), "an import's errors were not logged");
    }
}

async fn make_logs(ctx: &Ctx, id: &str) -> Result<(), Stopped> {
    let group = CreateLogGroupInput { log_group_name: LOG_GROUP.to_owned(), ..Default::default() };
    let stream =
        CreateLogStreamInput { log_group_name: LOG_GROUP.to_owned(), log_stream_name: format!("{id}/error") };
    let made = ctx.call::<CreateLogGroup>(group).await.map(drop);
    let made = [made, ctx.call::<CreateLogStream>(stream).await.map(drop)];
    let fatal = made.into_iter().filter_map(Result::err).find(|error| error.status() >= 500);
    fatal.map_or(Ok(()), |error| Err(Stopped::Error(error)))
}

/// Keys of objects that are still to be read; `None` when there are no more.
async fn next_objects(ctx: &Ctx, import: &ImportRow) -> Result<Option<Vec<String>>, Stopped> {
    let mut after = import.progress.done.clone();
    loop {
        let input = ListObjectsV2Input {
            bucket: import.source.bucket.clone(),
            prefix: import.source.prefix.clone(),
            start_after: after.clone(),
            expected_bucket_owner: import.source.owner.clone(),
            ..Default::default()
        };
        let listed = ctx.call::<ListObjectsV2>(input).await.map_err(of_s3)?;
        let objects = listed.contents.unwrap_or_default();
        let last = objects.last().and_then(|object| object.key.clone());
        if last.is_none() {
            return Ok(None);
        }
        // Consoles make empty objects that stand for folders.
        let is_data = |key: &String| !key.ends_with('/');
        let keys: Vec<_> = objects.into_iter().filter_map(|object| object.key).filter(is_data).collect();
        if !keys.is_empty() {
            return Ok(Some(keys));
        }
        after = last;
    }
}

fn of_s3(error: ApiError) -> Stopped {
    if error.status() >= 500 {
        return Stopped::Error(error);
    }
    let code = format!("S3{}", error.code().trim_start_matches("S3"));
    Stopped::Failed { code, message: error.message().to_owned() }
}
