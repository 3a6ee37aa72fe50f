//! ImportTable, DescribeImport, ListImports.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use cloud::{Ctx, Guard, Handle, KeptCaller};
use dynamodb_api::op::{DescribeImport, ImportTable, ListImports};
use dynamodb_api::{
    CreateTableInput, DescribeImportInput, DescribeImportOutput, ImportSummary, ImportTableInput,
    ImportTableOutput, ListImportsInput, ListImportsOutput, error,
};
use sha2::{Digest, Sha256};
use shapes::{ApiError, Timestamp};
use store::{Order, Range, Reader};

use super::create_table::draft;
use crate::DynamoDb;
use crate::errors::{import_not_found, table_exists, validation};
use crate::import::{Compression, Format, IMPORTS, ImportArn, ImportRow, LISTED_FOR, Progress, Source};
use crate::jobs::{self, Work};
use crate::table::{IndexStatus, TableStatus};
use crate::table_key;
use crate::tables::TABLES;
use crate::target::Target;

/// Developer Guide, "Import format quotas and validation".
const MOST_AT_ONCE: usize = 50;
/// API Reference, ImportTable, "ClientToken".
const TOKENS_LAST: Duration = Duration::from_secs(8 * 3600);
/// API Reference, ListImports, "PageSize".
const MOST_LISTED: i32 = 25;

impl Handle<ImportTable> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &ImportTableInput) -> Result<Guard, ApiError> {
        self.table_guard(ctx, &input.table_creation_parameters.table_name)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ImportTableInput,
    ) -> Result<ImportTableOutput, ApiError> {
        let digest = Sha256::digest(format!("{input:?}")).to_vec();
        let format = format(&input)?;
        let parameters = input.table_creation_parameters;
        let target = Target::parse(ctx, &parameters.table_name)?;
        let encryption = parameters.sse_specification.clone();
        let creation = CreateTableInput {
            table_name: parameters.table_name,
            attribute_definitions: Some(parameters.attribute_definitions),
            key_schema: Some(parameters.key_schema),
            billing_mode: parameters.billing_mode,
            provisioned_throughput: parameters.provisioned_throughput,
            on_demand_throughput: parameters.on_demand_throughput,
            global_secondary_indexes: parameters.global_secondary_indexes,
            ..Default::default()
        };
        let mut table = draft(ctx, &target, creation)?;
        table.definition.status = TableStatus::Creating;
        table.definition.global_indexes.iter_mut().for_each(|index| index.status = IndexStatus::Creating);
        let protection = table_key::asked(ctx, &target, encryption.as_ref()).await?;
        let source = input.s3_bucket_source;
        let row = ImportRow {
            caller: KeptCaller::of(ctx),
            table,
            table_arn: target.arn(),
            source: Source {
                bucket: source.s3_bucket,
                owner: source.s3_bucket_owner,
                prefix: source.s3_key_prefix,
            },
            format,
            compression: Compression::parse(input.input_compression_type.as_deref()),
            client_token: input.client_token,
            digest,
            started: ctx.now(),
            ended: None,
            failure: None,
            progress: Progress::default(),
        };
        let (own, place) = (ctx.clone(), target.clone());
        let (id, row) = ctx
            .write(move |tx| {
                if let Some(found) = of_token(tx, own.now(), row.client_token.as_deref())? {
                    let is_same = found.1.digest == row.digest;
                    return if is_same { Ok(found) } else { Err(other_import_with_token()) };
                }
                if TABLES.contains(tx, &place.name)? {
                    return Err(table_exists(&place.name));
                }
                if count_running(tx)? >= MOST_AT_ONCE {
                    return Err(error::limit_exceeded_exception(format!(
                        "Subscriber limit exceeded: There is a limit of {MOST_AT_ONCE} concurrent imports per subscriber"
                    )));
                }
                let id = format!("{:014}-{}", own.now().millis(), own.ids().hex(8));
                let mut row = row.clone();
                table_key::protect(&own, tx, &place, &mut row.table, &protection);
                TABLES.put(tx, &place.name, &row.table);
                IMPORTS.put(tx, &id, &row);
                jobs::start(&own, tx, jobs::IMPORT, &place, &Work::Import { id: id.clone() });
                Ok((id, row))
            })
            .await?;
        self.definitions.forget(&target);
        Ok(ImportTableOutput { import_table_description: row.describe(&id) })
    }
}

fn format(input: &ImportTableInput) -> Result<Format, ApiError> {
    let options = input.input_format_options.as_ref().and_then(|options| options.csv.as_ref());
    match (input.input_format.as_str(), options) {
        ("CSV", options) => Ok(Format::Csv {
            delimiter: options.and_then(|options| options.delimiter.as_ref()?.chars().next()),
            headers: options.and_then(|options| options.header_list.clone()),
        }),
        (_, Some(_)) => Err(validation("CSV options can only be given when InputFormat is CSV")),
        ("ION", None) => Ok(Format::Ion),
        (_, None) => Ok(Format::DynamoDbJson),
    }
}

/// The import that a request with the same token began, if one did lately.
fn of_token(
    reader: &mut dyn Reader,
    now: Timestamp,
    token: Option<&str>,
) -> Result<Option<(String, ImportRow)>, ApiError> {
    let Some(token) = token else { return Ok(None) };
    let since = format!("{:014}", (now - TOKENS_LAST).millis().max(0));
    let mut found = None;
    IMPORTS.visit(reader, &Range::all().starting_at(&since), Order::Ascending, |id, row| {
        if row.client_token.as_deref() != Some(token) {
            return ControlFlow::Continue(());
        }
        found = Some((id, row));
        ControlFlow::Break(())
    })?;
    Ok(found)
}

fn other_import_with_token() -> ApiError {
    error::import_conflict_exception(
        "Import with the same client token but different parameters was requested within the last 8 hours",
    )
}

fn count_running(reader: &mut dyn Reader) -> Result<usize, ApiError> {
    let mut running = 0;
    IMPORTS.visit(reader, &Range::all(), Order::Ascending, |_, row| {
        running += usize::from(row.ended.is_none());
        ControlFlow::Continue(())
    })?;
    Ok(running)
}

impl Handle<DescribeImport> for DynamoDb {
    fn guard(&self, _: &Ctx, input: &DescribeImportInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(input.import_arn.clone()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeImportInput,
    ) -> Result<DescribeImportOutput, ApiError> {
        let arn = ImportArn::parse(ctx, &input.import_arn)?;
        let import = IMPORTS.find(&mut ctx.store().read(&arn.table.scope)?, &arn.id)?;
        let import = import.filter(|import| import.arn(&arn.id) == input.import_arn);
        let import = import.ok_or_else(|| import_not_found(&input.import_arn))?;
        Ok(DescribeImportOutput { import_table_description: import.describe(&arn.id) })
    }
}

impl Handle<ListImports> for DynamoDb {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListImportsInput,
    ) -> Result<ListImportsOutput, ApiError> {
        let target = input.table_arn.as_deref().map(|given| Target::parse(ctx, given)).transpose()?;
        let table_arn = target.map(|target| target.arn());
        let most = input.page_size.unwrap_or(MOST_LISTED).clamp(1, MOST_LISTED) as usize;
        let oldest = ctx.now() - LISTED_FOR;
        let range = input.next_token.as_ref().map_or_else(Range::all, |last| Range::all().before(last));
        let (mut summaries, mut last, mut has_more) = (Vec::new(), None, false);
        // The newest first.
        IMPORTS.visit(&mut ctx.read()?, &range, Order::Descending, |id, row| {
            let is_other = table_arn.as_ref().is_some_and(|arn| *arn != row.table_arn);
            if is_other || row.ended.is_some_and(|ended| ended < oldest) {
                return ControlFlow::Continue(());
            }
            if summaries.len() == most {
                has_more = true;
                return ControlFlow::Break(());
            }
            summaries.push(ImportSummary {
                import_arn: Some(row.arn(&id)),
                import_status: Some(row.status().to_owned()),
                table_arn: Some(row.table_arn.clone()),
                s3_bucket_source: Some(row.source()),
                cloud_watch_log_group_arn: Some(row.log_group_arn()),
                input_format: Some(row.format.name().to_owned()),
                start_time: Some(row.started),
                end_time: row.ended,
            });
            last = Some(id);
            ControlFlow::Continue(())
        })?;
        let next_token = last.filter(|_| has_more);
        Ok(ListImportsOutput { import_summary_list: Some(summaries), next_token })
    }
}
