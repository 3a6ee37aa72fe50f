//! Scan: the items of a table, page by page.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::Scan;
use dynamodb_api::{ScanInput, ScanOutput};
use shapes::ApiError;
use store::{Order, Range, Snapshot, Tail};

use super::{table_guard, table_name, values_of};
use crate::DynamoDb;
use crate::attribute::{item_of, item_to_api};
use crate::errors::{not_here_yet, table_not_found, validation};
use crate::expression::{Condition, Kind, Placeholders, Projection};
use crate::item::Item;
use crate::tables::{ITEMS, TABLES, TableRow};
use crate::write::Expressions;

/// Developer Guide, "Paginating table query results": 1 MB of items before the filter.
const PAGE_BYTES: usize = 1 << 20;

/// What a page is asked for.
pub(crate) struct Request<'a> {
    pub table: &'a TableRow,
    pub range: Range,
    pub order: Order,
    pub limit: Option<i32>,
    /// The key behind which the page begins.
    pub start: Option<&'a Item>,
    pub filter: Option<&'a str>,
    pub projection: Option<&'a str>,
    pub counts_only: bool,
    pub placeholders: &'a Placeholders<'a>,
}

pub(crate) struct Page {
    pub items: Option<Vec<Item>>,
    pub count: i32,
    pub scanned: i32,
    /// The last key looked at, when there may be more behind it.
    pub last: Option<Item>,
}

impl Handle<Scan> for DynamoDb {
    fn guard(&self, ctx: &Ctx, input: &ScanInput) -> Result<Guard, ApiError> {
        Ok(table_guard(ctx, &input.table_name))
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: ScanInput) -> Result<ScanOutput, ApiError> {
        let is_legacy = input.scan_filter.is_some()
            || input.attributes_to_get.is_some()
            || input.conditional_operator.is_some();
        if is_legacy || input.index_name.is_some() || input.total_segments.is_some() {
            return Err(not_here_yet("A legacy parameter, an index or a segment of Scan"));
        }
        let expressions = Expressions {
            names: input.expression_attribute_names,
            values: values_of(input.expression_attribute_values)?,
            ..Expressions::default()
        };
        let start = input.exclusive_start_key.map(item_of).transpose()?;
        let mut snapshot = ctx.read()?;
        let table =
            TABLES.find(&mut snapshot, &table_name(&input.table_name))?.ok_or_else(table_not_found)?;
        let placeholders = expressions.placeholders()?;
        let request = Request {
            table: &table,
            range: Range::prefix(&table.id),
            order: Order::Ascending,
            limit: input.limit,
            start: start.as_ref(),
            filter: input.filter_expression.as_deref(),
            projection: input.projection_expression.as_deref(),
            counts_only: input.select.as_deref() == Some("COUNT"),
            placeholders: &placeholders,
        };
        let Page { items, count, scanned, last } = page(&mut snapshot, &request)?;
        Ok(ScanOutput {
            items: items.map(|items| items.into_iter().map(item_to_api).collect()),
            count: Some(count),
            scanned_count: Some(scanned),
            last_evaluated_key: last.map(item_to_api),
            ..Default::default()
        })
    }
}

/// Reads one page of a scan or query.
pub(crate) fn page(snapshot: &mut Snapshot<'_>, request: &Request<'_>) -> Result<Page, ApiError> {
    let Request { table, placeholders, .. } = request;
    let keys = &table.definition.keys;
    let filter = request.filter.map(|text| Condition::parse(Kind::Filter, text, placeholders));
    let filter = filter.transpose().map_err(validation)?;
    let projection = request.projection.map(|text| Projection::parse(text, placeholders));
    let projection = projection.transpose().map_err(validation)?;
    placeholders.check_used().map_err(validation)?;
    let mut range = request.range.clone();
    if let Some(start) = request.start {
        let start = keys.exact_key(start).map_err(|_| validation("The provided starting key is invalid"))?;
        let start = (table.id, Tail(start.into_bytes()));
        range = match request.order {
            Order::Ascending => range.after(&start),
            Order::Descending => range.before(&start),
        };
    }
    let limit = request.limit.map_or(i32::MAX, |limit| limit.max(1));
    let (mut items, mut scanned, mut bytes, mut last) = (Vec::new(), 0, 0, None);
    let mut is_full = false;
    ITEMS.visit(snapshot, &range, request.order, |_, stored| {
        if is_full {
            return ControlFlow::Break(());
        }
        let item = stored.0;
        scanned += 1;
        bytes += item.size();
        is_full = scanned >= limit || bytes >= PAGE_BYTES;
        if is_full {
            last = Some(keys.key_attributes(&item));
        }
        if filter.as_ref().is_none_or(|filter| filter.is_met_by(&item)) {
            items.push(
                projection.as_ref().map_or_else(|| item.clone(), |projection| projection.project(&item)),
            );
        }
        ControlFlow::Continue(())
    })?;
    let count = i32::try_from(items.len()).unwrap_or(i32::MAX);
    Ok(Page { items: (!request.counts_only).then_some(items), count, scanned, last })
}
