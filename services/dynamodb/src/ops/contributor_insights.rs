//! UpdateContributorInsights, DescribeContributorInsights, ListContributorInsights. A change is there when it is answered,
//! though the answer says that it is under way.

use std::ops::ControlFlow;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::{DescribeContributorInsights, ListContributorInsights, UpdateContributorInsights};
use dynamodb_api::{
    ContributorInsightsSummary, DescribeContributorInsightsInput, DescribeContributorInsightsOutput,
    ListContributorInsightsInput, ListContributorInsightsOutput, UpdateContributorInsightsInput,
    UpdateContributorInsightsOutput,
};
use shapes::ApiError;
use store::{Order, Range, Reader};

use crate::DynamoDb;
use crate::errors::{index_not_found, named_table_not_found, validation};
use crate::insights::{INSIGHTS, InsightsRow, Mode, forget_rules};
use crate::key_schema::KeySchema;
use crate::tables::{TABLES, TableRow};
use crate::target::Target;

/// Summaries of a page.
const PAGE: usize = 100;

impl Handle<UpdateContributorInsights> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &UpdateContributorInsightsInput) -> Result<Guard, ApiError> {
        self.index_guard(ctx, &input.table_name, input.index_name.as_deref())
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: UpdateContributorInsightsInput,
    ) -> Result<UpdateContributorInsightsOutput, ApiError> {
        let target = Target::parse(ctx, &input.table_name)?;
        let enables = input.contributor_insights_action == "ENABLE";
        let mode = Mode::parse(input.contributor_insights_mode.as_deref());
        let index = input.index_name.clone();
        let (status, row) = self
            .change_table(ctx, &target, move |_, ctx, tx, table, target| {
                let (id, keys) = resource(&table.row, index.as_deref())?;
                let known = INSIGHTS.find(tx, &id)?;
                let was_enabled = known.as_ref().is_some_and(|row| row.is_enabled);
                let now = ctx.now();
                let row = match known {
                    Some(known) if known.is_enabled == enables && (!enables || known.mode == mode) => known,
                    Some(known) if !enables => InsightsRow { is_enabled: false, changed: now, ..known },
                    // The rules of one enabling go on with another mode.
                    Some(known) if was_enabled => InsightsRow { mode, changed: now, ..known },
                    _ => InsightsRow { mode, is_enabled: enables, since: now, changed: now },
                };
                let kept = if enables { row.rules(&target.name, index.as_deref(), keys) } else { Vec::new() };
                let both = InsightsRow { mode: Mode::AccessedAndThrottled, ..row.clone() };
                let mut gone = both.rules(&target.name, index.as_deref(), keys);
                gone.retain(|rule| !kept.contains(rule));
                forget_rules(ctx, tx, (target.account, target.region), gone);
                INSIGHTS.put(tx, &id, &row);
                let status = match (was_enabled, enables) {
                    (true, true) => "ENABLED",
                    (false, true) => "ENABLING",
                    (true, false) => "DISABLING",
                    (false, false) => "DISABLED",
                };
                Ok((status, row))
            })
            .await?;
        Ok(UpdateContributorInsightsOutput {
            table_name: Some(target.name),
            index_name: input.index_name,
            contributor_insights_status: Some(status.to_owned()),
            contributor_insights_mode: enables.then(|| row.mode.name().to_owned()),
        })
    }
}

impl Handle<DescribeContributorInsights> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &DescribeContributorInsightsInput) -> Result<Guard, ApiError> {
        self.index_guard(ctx, &input.table_name, input.index_name.as_deref())
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeContributorInsightsInput,
    ) -> Result<DescribeContributorInsightsOutput, ApiError> {
        let target = Target::parse(ctx, &input.table_name)?;
        let mut snapshot = ctx.store().read(&target.scope)?;
        let table = TABLES.find(&mut snapshot, &target.name)?;
        let table = table.ok_or_else(|| named_table_not_found(&target.name))?;
        let (id, keys) = resource(&table, input.index_name.as_deref())?;
        let row = INSIGHTS.find(&mut snapshot, &id)?;
        let enabled = row.as_ref().filter(|row| row.is_enabled);
        let rules = enabled.map(|row| row.rules(&target.name, input.index_name.as_deref(), keys));
        Ok(DescribeContributorInsightsOutput {
            contributor_insights_rule_list: rules,
            contributor_insights_status: Some(status(row.as_ref()).to_owned()),
            contributor_insights_mode: enabled.map(|row| row.mode.name().to_owned()),
            last_update_date_time: row.as_ref().map(|row| row.changed),
            table_name: Some(target.name),
            index_name: input.index_name,
            ..Default::default()
        })
    }
}

impl Handle<ListContributorInsights> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &ListContributorInsightsInput) -> Result<Guard, ApiError> {
        match &input.table_name {
            Some(name) => self.table_guard(ctx, name),
            None => Ok(Guard::open()),
        }
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListContributorInsightsInput,
    ) -> Result<ListContributorInsightsOutput, ApiError> {
        let most = match input.max_results {
            Some(most) if most > 0 => (most.unsigned_abs() as usize).min(PAGE),
            _ => PAGE,
        };
        let after = input.next_token.as_deref().map(place_of).transpose()?;
        let target = match &input.table_name {
            Some(name) => Some(Target::parse(ctx, name)?),
            None => None,
        };
        let mut snapshot = ctx.store().read(target.as_ref().map_or(ctx.scope(), |target| &target.scope))?;
        let mut tables = Vec::new();
        if let Some(target) = &target {
            let table = TABLES.find(&mut snapshot, &target.name)?;
            tables.push(table.ok_or_else(|| named_table_not_found(&target.name))?);
        } else {
            let first = after.as_ref().map(|(table, _)| table.clone());
            let range = first.map_or_else(Range::all, |first| Range::all().starting_at(&first));
            // One more than a page may begin with a table of which all was told.
            TABLES.visit(&mut snapshot, &range, Order::Ascending, |_, row| {
                tables.push(row);
                if tables.len() > most + 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
        }
        let mut summaries = Vec::new();
        let mut next = None;
        for table in &tables {
            let name = &table.definition.name;
            let indexes = table.definition.global_indexes.iter().map(|index| Some(index.name.as_str()));
            for (number, index) in [None].into_iter().chain(indexes).enumerate() {
                if after.as_ref().is_some_and(|(last, count)| last == name && number < *count) {
                    continue;
                }
                if summaries.len() == most {
                    next = next.or_else(|| Some(token_of(name, number)));
                    break;
                }
                summaries.push(summary(&mut snapshot, table, index)?);
            }
        }
        Ok(ListContributorInsightsOutput {
            contributor_insights_summaries: Some(summaries),
            next_token: next,
        })
    }
}

fn summary(
    reader: &mut dyn Reader,
    table: &TableRow,
    index: Option<&str>,
) -> Result<ContributorInsightsSummary, ApiError> {
    let (id, _) = resource(table, index)?;
    let row = INSIGHTS.find(reader, &id)?;
    let enabled = row.as_ref().filter(|row| row.is_enabled);
    Ok(ContributorInsightsSummary {
        table_name: Some(table.definition.name.clone()),
        index_name: index.map(str::to_owned),
        contributor_insights_status: Some(status(row.as_ref()).to_owned()),
        contributor_insights_mode: enabled.map(|row| row.mode.name().to_owned()),
    })
}

fn status(row: Option<&InsightsRow>) -> &'static str {
    if row.is_some_and(|row| row.is_enabled) { "ENABLED" } else { "DISABLED" }
}

/// The id and the keys of a table or of one of its global indexes.
fn resource<'a>(table: &'a TableRow, index: Option<&str>) -> Result<(u64, &'a KeySchema), ApiError> {
    let Some(name) = index else { return Ok((table.id, &table.definition.keys)) };
    let index = table.definition.global_indexes.iter().find(|index| index.name == name);
    let (index, id) = index.zip(table.index_ids.get(name)).ok_or_else(|| index_not_found(name))?;
    Ok((*id, &index.keys))
}

/// Names where the next page begins: a table, and how many of its resources were told.
fn token_of(table: &str, told: usize) -> String {
    STANDARD.encode(format!("{table}|{told}"))
}

fn place_of(token: &str) -> Result<(String, usize), ApiError> {
    let read = || {
        let text = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
        let (table, told) = text.split_once('|')?;
        Some((table.to_owned(), told.parse().ok()?))
    };
    read().ok_or_else(|| validation("Invalid NextToken"))
}
