//! Query and Scan as they were asked for, and what they come to once the table is known.

use cloud::Ctx;
use shapes::{ApiError, Map};
use store::{Order, Range, Snapshot, Tail};

use super::bounds::{Bounds, start_place};
use super::page::{Page, read_page};
use super::{ProjectionSource, placeholders};
use crate::DynamoDb;
use crate::capacity::{ReadMode, read_units};
use crate::consumed::Wants;
use crate::definitions::{Index, Table};
use crate::errors::{index_is_filling, invalid_parameter, no_such_index, validation};
use crate::expression::{Condition, KeyCondition, Kind, Path, Placeholders, Projection};
use crate::insights::Accessed;
use crate::item::Item;
use crate::key_encoding::{encode, partition_token, segment_tokens};
use crate::key_schema::KeySchema;
use crate::legacy;
use crate::legacy_parameters::Conditions;
use crate::target::Target;
use crate::throttle::Refusal;
use crate::value::Value;

/// A Query (with keys) or a Scan (without).
#[derive(Debug)]
pub(crate) struct ReadDraft {
    pub target: Target,
    pub index: Option<String>,
    pub keys: KeysSource,
    pub filter: FilterSource,
    /// A filter may be about the keys that the Query follows: PartiQL's conditions are not divided by their writers.
    pub filters_keys: bool,
    pub projection: ProjectionSource,
    pub names: Option<Map<String>>,
    pub values: Option<Item>,
    /// ExclusiveStartKey.
    pub start: Option<Item>,
    pub limit: Option<usize>,
    pub is_descending: bool,
    pub select: Select,
    pub is_consistent: bool,
    /// Segment and TotalSegments.
    pub segment: Option<(u32, u32)>,
    pub wants: Wants,
}

#[derive(Debug)]
pub(crate) enum KeysSource {
    /// A Scan.
    All,
    Text(String),
    Conditions(Conditions),
}

#[derive(Debug)]
pub(crate) enum FilterSource {
    None,
    Text(String),
    Conditions(Conditions),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Select {
    AllAttributes,
    AllProjectedAttributes,
    SpecificAttributes,
    Count,
}

impl Select {
    /// As the parameter spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AllAttributes => "ALL_ATTRIBUTES",
            Self::AllProjectedAttributes => "ALL_PROJECTED_ATTRIBUTES",
            Self::SpecificAttributes => "SPECIFIC_ATTRIBUTES",
            Self::Count => "COUNT",
        }
    }

    /// The parameter, beside the others that say what is wanted. `verb`: Querying or Scanning.
    pub(crate) fn parse(
        given: Option<&str>,
        projection: &ProjectionSource,
        index: Option<&str>,
        verb: &str,
    ) -> Result<Self, ApiError> {
        let parameter = match projection {
            ProjectionSource::All => None,
            ProjectionSource::Text(_) => Some("ProjectionExpression"),
            ProjectionSource::Attributes(_) => Some("AttributesToGet"),
        };
        let select = match (given, parameter, index) {
            (None | Some("SPECIFIC_ATTRIBUTES"), Some(_), _) => Self::SpecificAttributes,
            (None, None, None) | (Some("ALL_ATTRIBUTES"), ..) => Self::AllAttributes,
            (None, None, Some(_)) | (Some("ALL_PROJECTED_ATTRIBUTES"), _, Some(_)) => {
                Self::AllProjectedAttributes
            }
            (Some("ALL_PROJECTED_ATTRIBUTES"), _, None) => {
                return Err(validation(format!(
                    "ALL_PROJECTED_ATTRIBUTES can be used only when {verb} using an IndexName"
                )));
            }
            (Some("COUNT"), ..) => Self::Count,
            (Some(_), ..) => {
                return Err(validation(
                    "Must specify the AttributesToGet or ProjectionExpression when choosing to get \
                     SPECIFIC_ATTRIBUTES",
                ));
            }
        };
        match (select, parameter) {
            (Self::SpecificAttributes, _) | (_, None) => Ok(select),
            (_, Some(parameter)) => {
                let what = if select == Self::Count { "only the Count" } else { given.unwrap_or_default() };
                Err(validation(format!("Cannot specify the {parameter} when choosing to get {what}")))
            }
        }
    }
}

/// What a page is read of, and how.
pub(super) struct Plan<'a> {
    pub table: &'a Table,
    pub index: Option<&'a Index>,
    /// The encoded hash key that a Query follows.
    pub hash: Option<Vec<u8>>,
    pub range: Range,
    pub order: Order,
    pub limit: usize,
    pub filter: Option<Condition<'a>>,
    pub projection: Option<Projection<'a>>,
    pub counts_only: bool,
    /// The index lacks something that is wanted, so the table's items are read.
    pub fetches: bool,
    pub mode: ReadMode,
}

impl ReadDraft {
    /// Reads the page.
    pub(crate) fn run(&self, service: &DynamoDb, ctx: &Ctx) -> Result<Page, Refusal> {
        self.run_on(service, ctx, &mut service.cloud.store().read(&self.target.scope)?)
    }

    /// As [`Self::run`], of a view of the table's tenant.
    pub(crate) fn run_on(
        &self,
        service: &DynamoDb,
        ctx: &Ctx,
        snapshot: &mut Snapshot<'_>,
    ) -> Result<Page, Refusal> {
        let placeholders = placeholders(self.names.as_ref(), self.values.as_ref())?;
        let filter = self.filter(&placeholders)?;
        let projection = self.projection.bind(&placeholders)?;
        let table = service.definitions.for_read(service.cloud.store(), &self.target)?;
        let plan = self.plan(&table, filter, projection, &placeholders)?;
        let page = read_page(snapshot, &plan, self.wants)?;
        // Whoever looks on from outside consumes nothing.
        if ctx.is_observed() {
            let units = read_units(page.bytes, plan.mode) + page.fetched_units;
            service.spend_read(&table, plan.index, units, plan.hash.as_deref().map(Accessed))?;
        }
        Ok(page)
    }

    fn filter<'a>(&'a self, placeholders: &Placeholders<'a>) -> Result<Option<Condition<'a>>, ApiError> {
        match &self.filter {
            FilterSource::None => Ok(None),
            FilterSource::Text(text) => {
                Condition::parse(Kind::Filter, text, placeholders).map(Some).map_err(validation)
            }
            FilterSource::Conditions(conditions) => conditions.filter(),
        }
    }

    /// Whether no key is followed.
    pub(crate) fn is_scan(&self) -> bool {
        matches!(self.keys, KeysSource::All)
    }

    /// Shows the hash key that a Query follows, the filter and the projection.
    pub(crate) fn with_parts(
        &self,
        keys: &KeySchema,
        show: impl FnOnce(Option<&Value>, Option<&Condition<'_>>, Option<&Projection<'_>>),
    ) -> Result<(), ApiError> {
        let placeholders = placeholders(self.names.as_ref(), self.values.as_ref())?;
        let (filter, projection) = (self.filter(&placeholders)?, self.projection.bind(&placeholders)?);
        match &self.keys {
            KeysSource::All => show(None, filter.as_ref(), projection.as_ref()),
            KeysSource::Text(text) => {
                let condition = KeyCondition::parse(text, &placeholders, keys).map_err(validation)?;
                show(Some(condition.hash), filter.as_ref(), projection.as_ref());
            }
            KeysSource::Conditions(conditions) => {
                let attributes = conditions.attributes();
                let condition = legacy::key_conditions(&attributes, keys).map_err(validation)?;
                show(Some(condition.hash), filter.as_ref(), projection.as_ref());
            }
        }
        Ok(())
    }

    fn plan<'a>(
        &'a self,
        table: &'a Table,
        filter: Option<Condition<'a>>,
        projection: Option<Projection<'a>>,
        placeholders: &Placeholders<'a>,
    ) -> Result<Plan<'a>, ApiError> {
        let index = self.index(table)?;
        let keys = index.map_or(table.keys(), |index| &index.keys);
        let order = if self.is_descending { Order::Descending } else { Order::Ascending };
        let bounds = self.bounds(keys, placeholders)?;
        placeholders.check_used().map_err(validation)?;
        if !matches!(self.keys, KeysSource::All) && !self.filters_keys {
            self.check_filter(filter.as_ref(), keys)?;
        }
        let fetches = self.check_projected(table, index, filter.as_ref(), projection.as_ref())?;
        let id = index.map_or(table.row.id, |index| index.id);
        let mut range = bounds.range(id);
        if let Some(start) = &self.start {
            let start = start_place(table, index, start)?;
            self.check_start(&bounds, &start)?;
            let start = (id, Tail(start));
            range = match order {
                Order::Ascending => range.after(&start),
                Order::Descending => range.before(&start),
            };
        }
        Ok(Plan {
            table,
            index,
            hash: bounds.hash,
            range,
            order,
            limit: self.limit.unwrap_or(usize::MAX),
            filter,
            projection,
            counts_only: self.select == Select::Count,
            fetches,
            mode: if self.is_consistent { ReadMode::Consistent } else { ReadMode::Eventual },
        })
    }

    fn index<'a>(&self, table: &'a Table) -> Result<Option<&'a Index>, ApiError> {
        let Some(name) = &self.index else { return Ok(None) };
        let index = table.index(name).ok_or_else(|| no_such_index(name))?;
        if !index.is_readable {
            return Err(index_is_filling(name));
        }
        if index.is_global && self.is_consistent {
            return Err(validation("Consistent reads are not supported on global secondary indexes"));
        }
        Ok(Some(index))
    }

    fn bounds(&self, keys: &KeySchema, placeholders: &Placeholders<'_>) -> Result<Bounds, ApiError> {
        let of = |condition: KeyCondition<'_>| {
            let mut hash = Vec::new();
            encode(condition.hash, &mut hash);
            let range = condition.key_range(&partition_token(&hash).to_be_bytes());
            Bounds { hash: Some(hash), start: range.start, end: range.end }
        };
        Ok(match &self.keys {
            KeysSource::Text(text) => {
                // The tree borrows nothing beyond this call.
                let condition = KeyCondition::parse(text, placeholders, keys);
                of(condition.map_err(validation)?)
            }
            KeysSource::Conditions(conditions) => {
                let attributes = conditions.attributes();
                of(legacy::key_conditions(&attributes, keys).map_err(validation)?)
            }
            KeysSource::All => match self.segment {
                None => Bounds { hash: None, start: Vec::new(), end: None },
                Some((segment, total)) => {
                    let tokens = segment_tokens(segment, total);
                    let bytes =
                        |token: u32| u16::try_from(token).ok().map(|token| token.to_be_bytes().to_vec());
                    match bytes(tokens.start) {
                        Some(start) => Bounds { hash: None, start, end: bytes(tokens.end) },
                        // More segments than partitions: the last ones are empty.
                        None => Bounds { hash: None, start: Vec::new(), end: Some(Vec::new()) },
                    }
                }
            },
        })
    }

    /// Filters come after the keys, so they cannot be about them.
    fn check_filter(&self, filter: Option<&Condition<'_>>, keys: &KeySchema) -> Result<(), ApiError> {
        let parameter = match &self.filter {
            FilterSource::Conditions(_) => "QueryFilter",
            _ => "Filter Expression",
        };
        let mut found = None;
        if let Some(filter) = filter {
            filter.visit_paths(&mut |path: &Path<'_>| {
                if keys.contains(path.attribute) && found.is_none() {
                    found = Some(path.attribute.to_owned());
                }
            });
        }
        match found {
            None => Ok(()),
            Some(name) => Err(validation(format!(
                "{parameter} can only contain non-primary key attributes: Primary key attribute: {name}"
            ))),
        }
    }

    /// Whether an index lacks what is wanted. A local one sends on to its table then; a global one cannot.
    fn check_projected(
        &self,
        table: &Table,
        index: Option<&Index>,
        filter: Option<&Condition<'_>>,
        projection: Option<&Projection<'_>>,
    ) -> Result<bool, ApiError> {
        let Some(index) = index else { return Ok(false) };
        if index.projection == crate::index::IndexProjection::All {
            return Ok(false);
        }
        if self.select == Select::AllAttributes {
            if index.is_global {
                return Err(invalid_parameter(format!(
                    "Select type ALL_ATTRIBUTES is not supported for global secondary index {} because its \
                     projection type is not ALL",
                    index.name
                )));
            }
            return Ok(true);
        }
        let mut lacking: Vec<String> = Vec::new();
        let mut look = |name: &str| {
            let is_known = lacking.iter().any(|known| known == name);
            if !is_known && !index.projection.carries(name, &index.keys, table.keys()) {
                lacking.push(name.to_owned());
            }
        };
        for path in projection.iter().flat_map(|projection| &projection.paths) {
            look(path.attribute);
        }
        if let Some(filter) = filter {
            filter.visit_paths(&mut |path: &Path<'_>| look(path.attribute));
        }
        if index.is_global && !lacking.is_empty() {
            return Err(invalid_parameter(format!(
                "Global secondary index {} does not project [{}]",
                index.name,
                lacking.join(", ")
            )));
        }
        Ok(!lacking.is_empty())
    }

    fn check_start(&self, bounds: &Bounds, start: &[u8]) -> Result<(), ApiError> {
        if bounds.contains(start) {
            return Ok(());
        }
        Err(match self.segment {
            Some((segment, total)) => validation(format!(
                "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with \
                 correct Segment. TotalSegments: {total} Segment: {segment}"
            )),
            None => validation(
                "The provided starting key is outside query boundaries based on provided conditions",
            ),
        })
    }
}
