//! What can be scaled, and how requests name it.

use std::fmt;

use shapes::ApiError;

use crate::errors;

/// Namespaces of AWS (API Reference, RegisterScalableTarget) whose services are not here or have nothing that scales here.
const ELSEWHERE: [&str; 14] = [
    "ecs",
    "elasticmapreduce",
    "ec2",
    "appstream",
    "rds",
    "sagemaker",
    "custom-resource",
    "comprehend",
    "lambda",
    "cassandra",
    "kafka",
    "elasticache",
    "neptune",
    "workspaces",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Units {
    Read,
    Write,
}

/// A table or a global index, and the units of it that are scaled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub table: String,
    pub index: Option<String>,
    pub units: Units,
}

impl Place {
    /// A namespace, a resource's id and a dimension as requests give them:
    /// `dynamodb`, `table/orders/index/by-day`, `dynamodb:index:ReadCapacityUnits`.
    pub(crate) fn parse(namespace: &str, resource: &str, dimension: &str) -> Result<Self, ApiError> {
        check_namespace(namespace)?;
        let unsupported =
            || errors::validation("Unsupported service namespace, resource type or scalable dimension");
        let (is_index, units) = match dimension {
            "dynamodb:table:ReadCapacityUnits" => (false, Units::Read),
            "dynamodb:table:WriteCapacityUnits" => (false, Units::Write),
            "dynamodb:index:ReadCapacityUnits" => (true, Units::Read),
            "dynamodb:index:WriteCapacityUnits" => (true, Units::Write),
            _ => return Err(unsupported()),
        };
        let parts: Vec<&str> = resource.split('/').collect();
        let (table, index) = match (parts.as_slice(), is_index) {
            (["table", table], false) => (*table, None),
            (["table", table, "index", index], true) => (*table, Some((*index).to_owned())),
            _ => return Err(unsupported()),
        };
        if table.is_empty() || index.as_ref().is_some_and(String::is_empty) {
            return Err(unsupported());
        }
        Ok(Self { table: table.to_owned(), index, units })
    }

    /// As targets are stored: tables' and indexes' names have no such character.
    pub(crate) fn key(&self) -> String {
        format!("{}|{}", self.resource(), self.dimension())
    }

    pub(crate) fn of_key(key: &str) -> Option<Self> {
        let (resource, dimension) = key.split_once('|')?;
        Self::parse(NAMESPACE, resource, dimension).ok()
    }

    pub(crate) fn resource(&self) -> String {
        match &self.index {
            Some(index) => format!("table/{}/index/{index}", self.table),
            None => format!("table/{}", self.table),
        }
    }

    pub(crate) fn dimension(&self) -> &'static str {
        match (self.index.is_some(), self.units) {
            (false, Units::Read) => "dynamodb:table:ReadCapacityUnits",
            (false, Units::Write) => "dynamodb:table:WriteCapacityUnits",
            (true, Units::Read) => "dynamodb:index:ReadCapacityUnits",
            (true, Units::Write) => "dynamodb:index:WriteCapacityUnits",
        }
    }

    /// As activities call it.
    pub(crate) fn unit_name(&self) -> &'static str {
        match self.units {
            Units::Read => "read capacity units",
            Units::Write => "write capacity units",
        }
    }

    /// The predefined metric that a target of this kind can track.
    pub(crate) fn metric(&self) -> &'static str {
        match self.units {
            Units::Read => "DynamoDBReadCapacityUtilization",
            Units::Write => "DynamoDBWriteCapacityUtilization",
        }
    }
}

/// The namespace of all that can be scaled here.
pub(crate) const NAMESPACE: &str = "dynamodb";

pub(crate) fn check_namespace(namespace: &str) -> Result<(), ApiError> {
    if namespace == NAMESPACE {
        return Ok(());
    }
    if ELSEWHERE.contains(&namespace) {
        return Err(errors::not_here_yet(&format!("Scaling in the service namespace {namespace}")));
    }
    let namespaces = ELSEWHERE.iter().chain(&[NAMESPACE]).copied().collect::<Vec<_>>().join(", ");
    Err(errors::validation(format!(
        "1 validation error detected: Value '{namespace}' at 'serviceNamespace' failed to satisfy constraint: Member must \
         satisfy enum value set: [{namespaces}]"
    )))
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "service namespace: {NAMESPACE}, resource ID: {}, scalable dimension: {}",
            self.resource(),
            self.dimension()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Units};

    #[test]
    fn tables_and_global_indexes_have_a_place() {
        let place = Place::parse("dynamodb", "table/a/index/b", "dynamodb:index:WriteCapacityUnits");
        let place = place.expect("it is one of AWS's");
        assert_eq!(
            (place.table.as_str(), place.index.as_deref(), place.units),
            ("a", Some("b"), Units::Write)
        );
        assert_eq!(Place::of_key(&place.key()), Some(place));
        for (namespace, resource, dimension) in [
            ("dynamodb", "table/a/index/b", "dynamodb:table:WriteCapacityUnits"),
            ("dynamodb", "table/a", "dynamodb:index:WriteCapacityUnits"),
            ("dynamodb", "table/", "dynamodb:table:ReadCapacityUnits"),
            ("dynamodb", "a", "dynamodb:table:ReadCapacityUnits"),
            ("dynamodb", "table/a", "ecs:service:DesiredCount"),
            ("nothing", "table/a", "dynamodb:table:ReadCapacityUnits"),
        ] {
            let error = Place::parse(namespace, resource, dimension).expect_err("it is not one of AWS's");
            assert_eq!(error.code(), "ValidationException", "{namespace} {resource} {dimension}");
        }
        let error = Place::parse("ecs", "service/a/b", "ecs:service:DesiredCount").expect_err("not here");
        assert_eq!(error.code(), "NotImplemented");
    }
}
