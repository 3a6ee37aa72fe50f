//! From what CreateTable asks for to a [`TableDefinition`].

use super::{
    BillingMode, IndexStatus, MAX_GLOBAL_INDEXES, MAX_INCLUDED_ATTRIBUTES, MAX_LOCAL_INDEXES, MAX_UNITS,
    TableDefinition, TableError, TableStatus, Throughput, check_name,
};
use crate::index::{GlobalIndex, IndexProjection, LocalIndex};
use crate::key_schema::{KeyAttribute, KeySchema};
use crate::stream_record::StreamViewType;

/// A table as asked for. Absent lists are `None`, which differs from empty ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TableDraft {
    pub name: String,
    pub attributes: Vec<KeyAttribute>,
    pub keys: Vec<KeyElement>,
    pub local_indexes: Option<Vec<IndexDraft>>,
    pub global_indexes: Option<Vec<IndexDraft>>,
    pub is_per_request: bool,
    pub throughput: Option<Throughput>,
    pub stream: Option<StreamViewType>,
}

/// KeySchemaElement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyElement {
    pub name: String,
    pub role: KeyRole,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRole {
    Hash,
    Range,
}

/// An index as asked for; local ones have no throughput.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IndexDraft {
    pub name: String,
    pub keys: Vec<KeyElement>,
    pub projection: ProjectionDraft,
    pub throughput: Option<Throughput>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProjectionDraft {
    pub projection_type: Option<String>,
    pub non_key_attributes: Option<Vec<String>>,
}

impl TableDraft {
    /// Checks the draft as CreateTable does; the table is `Creating`, its indexes `Creating`.
    pub fn define(self) -> Result<TableDefinition, TableError> {
        check_name(&self.name, "TableName", "tableName")?;
        self.check_throughput()?;
        self.check_definitions()?;
        let keys = self.key_schema(&self.keys)?;
        let local_indexes = self.local_indexes(&keys)?;
        let global_indexes = self.global_indexes()?;
        self.check_index_names(&local_indexes, &global_indexes)?;
        self.check_definitions_used(&keys, &local_indexes, &global_indexes)?;
        let billing = if self.is_per_request { BillingMode::PayPerRequest } else { BillingMode::Provisioned };
        Ok(TableDefinition {
            name: self.name,
            attributes: self.attributes,
            keys,
            local_indexes,
            global_indexes,
            billing,
            throughput: self.throughput,
            stream: self.stream,
            status: TableStatus::Creating,
        })
    }

    fn check_throughput(&self) -> Result<(), TableError> {
        match self.throughput {
            Some(_) if self.is_per_request => Err(TableError::ThroughputWhenPerRequest),
            None if !self.is_per_request => Err(TableError::NoThroughput),
            Some(throughput) => throughput.check(),
            None => Ok(()),
        }
    }

    fn check_definitions(&self) -> Result<(), TableError> {
        for (i, attribute) in self.attributes.iter().enumerate() {
            if self.attributes[..i].iter().any(|earlier| earlier.name == attribute.name) {
                return Err(TableError::DuplicateDefinition(attribute.name.clone()));
            }
        }
        if self.keys.len() > self.attributes.len() {
            return Err(TableError::MoreKeysThanDefinitions);
        }
        Ok(())
    }

    /// The schema that key elements describe, with the types of the attribute definitions.
    pub fn key_schema(&self, elements: &[KeyElement]) -> Result<KeySchema, TableError> {
        let definition =
            |name: &str| self.attributes.iter().find(|attribute| attribute.name == name).cloned();
        let attributes: Option<Vec<_>> = elements.iter().map(|element| definition(&element.name)).collect();
        let Some(attributes) = attributes else {
            return Err(TableError::UndefinedKeys {
                keys: joined(elements.iter().map(|element| &element.name)),
                definitions: joined(self.attributes.iter().map(|attribute| &attribute.name)),
            });
        };
        if let [hash, range] = elements
            && hash.name == range.name
        {
            return Err(TableError::SameKeys);
        }
        if elements.first().is_none_or(|element| element.role != KeyRole::Hash) {
            return Err(TableError::FirstNotHash);
        }
        if elements.get(1).is_some_and(|element| element.role != KeyRole::Range) {
            return Err(TableError::SecondNotRange);
        }
        let mut attributes = attributes.into_iter();
        match (attributes.next(), attributes.next(), attributes.next()) {
            (Some(hash), range, None) => Ok(KeySchema { hash, range }),
            _ => Err(TableError::KeySchemaLength(elements.len())),
        }
    }

    fn local_indexes(&self, table: &KeySchema) -> Result<Vec<LocalIndex>, TableError> {
        let Some(drafts) = &self.local_indexes else { return Ok(Vec::new()) };
        if drafts.is_empty() {
            return Err(TableError::NoIndexes("LocalSecondaryIndexes"));
        }
        if table.range.is_none() {
            return Err(TableError::LocalNeedsRange);
        }
        if drafts.len() > MAX_LOCAL_INDEXES {
            return Err(TableError::TooManyLocal);
        }
        drafts.iter().map(|draft| self.local_index(draft, table)).collect()
    }

    fn local_index(&self, draft: &IndexDraft, table: &KeySchema) -> Result<LocalIndex, TableError> {
        check_name(&draft.name, "IndexName", "localSecondaryIndexes.1.member.indexName")?;
        let keys = self.key_schema(&draft.keys)?;
        if keys.range.is_none() {
            return Err(TableError::LocalWithoutRange(draft.name.clone()));
        }
        if keys.hash.name != table.hash.name {
            return Err(TableError::LocalOtherHash {
                index: draft.name.clone(),
                index_hash: keys.hash.name,
                table_hash: table.hash.name.clone(),
            });
        }
        Ok(LocalIndex { name: draft.name.clone(), keys, projection: draft.projection.define()? })
    }

    fn global_indexes(&self) -> Result<Vec<GlobalIndex>, TableError> {
        let Some(drafts) = &self.global_indexes else { return Ok(Vec::new()) };
        if drafts.is_empty() {
            return Err(TableError::NoIndexes("GlobalSecondaryIndexes"));
        }
        if drafts.len() > MAX_GLOBAL_INDEXES {
            return Err(TableError::TooManyGlobal);
        }
        drafts.iter().map(|draft| self.global_index(draft)).collect()
    }

    /// One global index, also for an UpdateTable that adds it.
    pub fn global_index(&self, draft: &IndexDraft) -> Result<GlobalIndex, TableError> {
        check_name(&draft.name, "IndexName", "globalSecondaryIndexes.1.member.indexName")?;
        let keys = self.key_schema(&draft.keys)?;
        let projection = draft.projection.define()?;
        match draft.throughput {
            Some(_) if self.is_per_request => {
                return Err(TableError::IndexThroughputWhenPerRequest(draft.name.clone()));
            }
            None if !self.is_per_request => return Err(TableError::NoIndexThroughput(draft.name.clone())),
            Some(throughput) => throughput.check()?,
            None => {}
        }
        Ok(GlobalIndex {
            name: draft.name.clone(),
            keys,
            projection,
            throughput: draft.throughput,
            status: IndexStatus::Creating,
        })
    }

    fn check_index_names(&self, local: &[LocalIndex], global: &[GlobalIndex]) -> Result<(), TableError> {
        let mut names = std::collections::BTreeSet::new();
        let all = local.iter().map(|index| &index.name).chain(global.iter().map(|index| &index.name));
        for name in all {
            if !names.insert(name) {
                return Err(TableError::DuplicateIndex(name.clone()));
            }
        }
        let projections =
            local.iter().map(|index| &index.projection).chain(global.iter().map(|index| &index.projection));
        let included: usize = projections.map(|projection| projection.non_key_attributes().len()).sum();
        if included > MAX_INCLUDED_ATTRIBUTES { Err(TableError::TooManyIncluded) } else { Ok(()) }
    }

    fn check_definitions_used(
        &self,
        keys: &KeySchema,
        local: &[LocalIndex],
        global: &[GlobalIndex],
    ) -> Result<(), TableError> {
        let schemas = || {
            let indexes = local.iter().map(|index| &index.keys).chain(global.iter().map(|index| &index.keys));
            std::iter::once(keys).chain(indexes)
        };
        if self.attributes.iter().all(|attribute| schemas().any(|schema| schema.contains(&attribute.name))) {
            return Ok(());
        }
        if local.is_empty() && global.is_empty() {
            return Err(TableError::UnusedDefinitions);
        }
        let used: std::collections::BTreeSet<_> =
            schemas().flat_map(KeySchema::attributes).map(|attribute| &attribute.name).collect();
        Err(TableError::UnusedDefinitionsWithIndexes {
            definitions: joined(self.attributes.iter().map(|attribute| &attribute.name)),
            used: joined(used.into_iter()),
        })
    }
}

impl ProjectionDraft {
    /// Checks the projection of an index.
    pub fn define(&self) -> Result<IndexProjection, TableError> {
        let Some(projection_type) = self.projection_type.as_deref() else {
            return Err(TableError::ProjectionType("null".to_owned()));
        };
        match (projection_type, &self.non_key_attributes) {
            ("ALL", None) => Ok(IndexProjection::All),
            ("KEYS_ONLY", None) => Ok(IndexProjection::KeysOnly),
            ("INCLUDE", Some(names)) if !names.is_empty() => Ok(IndexProjection::Include(names.clone())),
            ("INCLUDE", _) => Err(TableError::NoNonKeyAttributes),
            ("ALL" | "KEYS_ONLY", Some(_)) => Err(TableError::NonKeyAttributes(projection_type.to_owned())),
            _ => Err(TableError::ProjectionType(projection_type.to_owned())),
        }
    }
}

impl Throughput {
    /// Refuses units beyond any account's bounds; that they are at least one, the model's constraints say.
    pub fn check(self) -> Result<(), TableError> {
        for (value, member) in
            [(self.read_units, "ReadCapacityUnits"), (self.write_units, "WriteCapacityUnits")]
        {
            if value > MAX_UNITS {
                return Err(TableError::UnitsOutOfBounds { value, member });
            }
        }
        Ok(())
    }
}

fn joined<'n>(names: impl Iterator<Item = &'n String>) -> String {
    names.map(String::as_str).collect::<Vec<_>>().join(", ")
}
