//! What CreateTable, UpdateTable and the restoring operations say of a table, in the domain's terms.

use dynamodb_api::{
    AttributeDefinition, GlobalSecondaryIndex, KeySchemaElement, LocalSecondaryIndex, OnDemandThroughput,
    Projection, ProvisionedThroughput,
};
use shapes::ApiError;

use crate::errors::{invalid_parameter, validation};
use crate::key_schema::{KeyAttribute, KeyType};
use crate::stream_record::StreamViewType;
use crate::table::{IndexDraft, KeyElement, KeyRole, ProjectionDraft, Throughput};
use crate::tables::OnDemandLimits;

pub(super) fn attributes(given: Vec<AttributeDefinition>) -> Result<Vec<KeyAttribute>, ApiError> {
    let attributes = given.into_iter().map(|attribute| {
        let kind = KeyType::from_name(&attribute.attribute_type);
        let kind = kind.ok_or_else(|| validation("Member must satisfy enum value set: [B, N, S]"))?;
        Ok(KeyAttribute::new(attribute.attribute_name, kind))
    });
    attributes.collect()
}

pub(super) fn keys(given: Vec<KeySchemaElement>) -> Vec<KeyElement> {
    let role = |name: &str| if name == "RANGE" { KeyRole::Range } else { KeyRole::Hash };
    given
        .into_iter()
        .map(|element| KeyElement { role: role(&element.key_type), name: element.attribute_name })
        .collect()
}

pub(super) fn throughput(given: &ProvisionedThroughput) -> Throughput {
    Throughput { read_units: given.read_capacity_units, write_units: given.write_capacity_units }
}

pub(super) fn on_demand(given: &OnDemandThroughput) -> OnDemandLimits {
    OnDemandLimits { reads: given.max_read_request_units, writes: given.max_write_request_units }
}

pub(super) fn projection(given: Projection) -> ProjectionDraft {
    ProjectionDraft { projection_type: given.projection_type, non_key_attributes: given.non_key_attributes }
}

pub(super) fn local_index(given: LocalSecondaryIndex) -> IndexDraft {
    IndexDraft {
        name: given.index_name,
        keys: keys(given.key_schema),
        projection: projection(given.projection),
        throughput: None,
    }
}

pub(super) fn global_index(given: GlobalSecondaryIndex) -> IndexDraft {
    IndexDraft {
        name: given.index_name,
        keys: keys(given.key_schema),
        projection: projection(given.projection),
        throughput: given.provisioned_throughput.as_ref().map(throughput),
    }
}

/// The view of a stream that is to be.
pub(super) fn view(given: Option<&str>) -> Result<StreamViewType, ApiError> {
    given
        .and_then(StreamViewType::from_name)
        .ok_or_else(|| invalid_parameter("StreamViewType must be given for a stream"))
}
