//! ExportTableToPointInTime, DescribeExport, ListExports.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use cloud::{Ctx, Guard, Handle, KeptCaller};
use dynamodb_api::op::{DescribeExport, ExportTableToPointInTime, ListExports};
use dynamodb_api::{
    DescribeExportInput, DescribeExportOutput, ExportSummary, ExportTableToPointInTimeInput,
    ExportTableToPointInTimeOutput, ListExportsInput, ListExportsOutput, error,
};
use sha2::{Digest, Sha256};
use shapes::{ApiError, Timestamp};
use store::{Order, Range, Reader};

use crate::DynamoDb;
use crate::errors::{backed_up_table_not_found, export_not_found, validation};
use crate::export::{Destination, EXPORTS, ExportArn, ExportRow, Format, LISTED_FOR, Moment, Progress};
use crate::jobs::{self, Work};
use crate::tables::{JOURNAL_ENDS, PointInTime};
use crate::target::Target;

/// "Quotas in Amazon DynamoDB", "Table export to Amazon S3".
const MOST_AT_ONCE: usize = 300;
/// API Reference, ExportTableToPointInTime, "ClientToken".
const TOKENS_LAST: Duration = Duration::from_secs(8 * 3600);
/// API Reference, ListExports, "MaxResults".
const MOST_LISTED: i32 = 25;
/// An incremental export's time (Developer Guide, "Requesting a table export in DynamoDB").
const SHORTEST: Duration = Duration::from_secs(15 * 60);
const LONGEST: Duration = Duration::from_secs(24 * 3600);

impl Handle<ExportTableToPointInTime> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &ExportTableToPointInTimeInput) -> Result<Guard, ApiError> {
        self.table_guard(ctx, &input.table_arn)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ExportTableToPointInTimeInput,
    ) -> Result<ExportTableToPointInTimeOutput, ApiError> {
        let target = Target::parse(ctx, &input.table_arn)?;
        if input.s3_sse_kms_key_id.is_some() && input.s3_sse_algorithm.as_deref() != Some("KMS") {
            return Err(validation("S3SseKmsKeyId can only be given when S3SseAlgorithm is KMS"));
        }
        let (service, own, place) = (Arc::clone(self), ctx.clone(), target.clone());
        let (id, row) = ctx
            .store()
            .write(&target.scope, move |tx| {
                let table = service.definitions.within(tx, &place)?;
                let table = table.ok_or_else(|| backed_up_table_not_found(&place.name))?;
                let digest = digest(&input);
                if let Some(found) = of_token(tx, own.now(), input.client_token.as_deref())? {
                    return if found.1.digest == digest { Ok(found) } else { Err(other_export_with_token()) };
                }
                let journal = table.row.journal.as_ref().ok_or_else(|| unavailable(&place.name))?;
                if count_running(tx)? >= MOST_AT_ONCE {
                    return Err(error::limit_exceeded_exception(format!(
                        "Subscriber limit exceeded: There is a limit of {MOST_AT_ONCE} concurrent exports per subscriber"
                    )));
                }
                let last = JOURNAL_ENDS.find(tx, &journal.id)?.unwrap_or_default().last;
                let row = ExportRow {
                    number: u64::from_le_bytes(own.ids().bytes()),
                    caller: KeptCaller::of(&own),
                    table_id: table.row.id,
                    table_arn: table.arn.clone(),
                    keys: table.keys().clone(),
                    journal: journal.id,
                    destination: Destination {
                        bucket: input.s3_bucket.clone(),
                        owner: input.s3_bucket_owner.clone(),
                        prefix: input.s3_prefix.clone(),
                        encryption: input.s3_sse_algorithm.clone(),
                        kms_key: input.s3_sse_kms_key_id.clone(),
                    },
                    format: Format::parse(input.export_format.as_deref()),
                    moment: moment(&input, journal, own.now(), last)?,
                    client_token: input.client_token.clone(),
                    digest,
                    started: own.now(),
                    ended: None,
                    failure: None,
                    progress: Progress::default(),
                };
                let id = format!("{:014}-{}", own.now().millis(), own.ids().hex(8));
                EXPORTS.put(tx, &id, &row);
                jobs::start(&own, tx, jobs::EXPORT, &place, &Work::Export { id: id.clone() });
                Ok((id, row))
            })
            .await?;
        Ok(ExportTableToPointInTimeOutput { export_description: Some(row.describe(&id)) })
    }
}

fn digest(input: &ExportTableToPointInTimeInput) -> Vec<u8> {
    Sha256::digest(format!("{input:?}")).to_vec()
}

/// The export that a request with the same token began, if one did lately.
fn of_token(
    reader: &mut dyn Reader,
    now: Timestamp,
    token: Option<&str>,
) -> Result<Option<(String, ExportRow)>, ApiError> {
    let Some(token) = token else { return Ok(None) };
    let since = format!("{:014}", (now - TOKENS_LAST).millis().max(0));
    let mut found = None;
    EXPORTS.visit(reader, &Range::all().starting_at(&since), Order::Ascending, |id, row| {
        if row.client_token.as_deref() != Some(token) {
            return ControlFlow::Continue(());
        }
        found = Some((id, row));
        ControlFlow::Break(())
    })?;
    Ok(found)
}

fn other_export_with_token() -> ApiError {
    error::export_conflict_exception(
        "Export with the same client token but different parameters was requested within the last 8 hours",
    )
}

fn unavailable(table: &str) -> ApiError {
    error::point_in_time_recovery_unavailable_exception(format!(
        "Point in time recovery is not enabled for table '{table}'"
    ))
}

fn count_running(reader: &mut dyn Reader) -> Result<usize, ApiError> {
    let mut running = 0;
    EXPORTS.visit(reader, &Range::all(), Order::Ascending, |_, row| {
        running += usize::from(row.ended.is_none());
        ControlFlow::Continue(())
    })?;
    Ok(running)
}

/// What the request asks for; `last` is the journal's last entry.
fn moment(
    input: &ExportTableToPointInTimeInput,
    journal: &PointInTime,
    now: Timestamp,
    last: u64,
) -> Result<Moment, ApiError> {
    let invalid = |message: &str| Err(error::invalid_export_time_exception(message));
    let within = |at: Timestamp| at >= journal.earliest(now) && at <= now;
    let incremental = &input.incremental_export_specification;
    if input.export_type.as_deref() != Some("INCREMENTAL_EXPORT") {
        if incremental.is_some() {
            return Err(validation(
                "IncrementalExportSpecification can only be given when ExportType is INCREMENTAL_EXPORT",
            ));
        }
        return match input.export_time {
            // What this very millisecond still brings comes after.
            None => Ok(Moment::Full { at: now, cut: (now, last) }),
            Some(at) if within(at) => Ok(Moment::Full { at, cut: (at, u64::MAX) }),
            Some(_) => invalid("ExportTime is not between the earliest and the latest restorable time"),
        };
    }
    if input.export_time.is_some() {
        return Err(validation("ExportTime cannot be given when ExportType is INCREMENTAL_EXPORT"));
    }
    let specification = incremental.as_ref();
    let Some(from) = specification.and_then(|given| given.export_from_time) else {
        return Err(validation("ExportFromTime must be given when ExportType is INCREMENTAL_EXPORT"));
    };
    let to = specification.and_then(|given| given.export_to_time).unwrap_or(now);
    if !within(from) || !within(to) {
        return invalid(
            "ExportFromTime and ExportToTime are not between the earliest and the latest restorable time",
        );
    }
    if from >= to || to.since(from) < SHORTEST || to.since(from) > LONGEST {
        return invalid("The time between ExportFromTime and ExportToTime must be 15 minutes to 24 hours");
    }
    let view = specification.and_then(|given| given.export_view_type.as_deref());
    Ok(Moment::Incremental { from, to, has_old_images: view != Some("NEW_IMAGE") })
}

impl Handle<DescribeExport> for DynamoDb {
    fn guard(&self, _: &Ctx, input: &DescribeExportInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.export_arn.clone()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeExportInput,
    ) -> Result<DescribeExportOutput, ApiError> {
        let arn = ExportArn::parse(ctx, &input.export_arn)?;
        let export = EXPORTS.find(&mut ctx.store().read(&arn.table.scope)?, &arn.id)?;
        let export = export.filter(|export| export.arn(&arn.id) == input.export_arn);
        let export = export.ok_or_else(|| export_not_found(&input.export_arn))?;
        Ok(DescribeExportOutput { export_description: Some(export.describe(&arn.id)) })
    }
}

impl Handle<ListExports> for DynamoDb {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListExportsInput,
    ) -> Result<ListExportsOutput, ApiError> {
        let target = input.table_arn.as_deref().map(|given| Target::parse(ctx, given)).transpose()?;
        let table_arn = target.map(|target| target.arn());
        let most = input.max_results.unwrap_or(MOST_LISTED).clamp(1, MOST_LISTED) as usize;
        let oldest = ctx.now() - LISTED_FOR;
        let range = input.next_token.as_ref().map_or_else(Range::all, |last| Range::all().before(last));
        let (mut summaries, mut last, mut has_more) = (Vec::new(), None, false);
        // The newest first.
        EXPORTS.visit(&mut ctx.read()?, &range, Order::Descending, |id, row| {
            let is_other = table_arn.as_ref().is_some_and(|arn| *arn != row.table_arn);
            if is_other || row.ended.is_some_and(|ended| ended < oldest) {
                return ControlFlow::Continue(());
            }
            if summaries.len() == most {
                has_more = true;
                return ControlFlow::Break(());
            }
            summaries.push(ExportSummary {
                export_arn: Some(row.arn(&id)),
                export_status: Some(row.status().to_owned()),
                export_type: Some(row.export_type().to_owned()),
            });
            last = Some(id);
            ControlFlow::Continue(())
        })?;
        let next_token = last.filter(|_| has_more);
        Ok(ListExportsOutput { export_summaries: Some(summaries), next_token })
    }
}
