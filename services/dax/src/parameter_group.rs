//! Parameter groups: how long clusters keep what they read (Amazon DynamoDB Developer Guide, "Managing DAX clusters",
//! "Configuring TTL settings").

use serde::{Deserialize, Serialize};
use shapes::ApiError;

use crate::errors;

/// The group of clusters that name none.
pub(crate) const DEFAULT: &str = "default.dax1.0";
const DEFAULT_MILLIS: u64 = 300_000;
pub(crate) const RECORD_TTL: &str = "record-ttl-millis";
pub(crate) const QUERY_TTL: &str = "query-ttl-millis";

/// A group's own values; what it leaves out is the default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ParameterGroup {
    pub name: String,
    pub description: String,
    pub record_ttl_millis: Option<u64>,
    pub query_ttl_millis: Option<u64>,
}

store::row!(ParameterGroup, 1);

impl ParameterGroup {
    /// The group that every account has.
    pub(crate) fn standard() -> Self {
        Self {
            name: DEFAULT.to_owned(),
            description: "Default parameter group for DAX 1.0".to_owned(),
            ..Self::default()
        }
    }

    /// How long items are kept; nothing is for as long as there is room.
    pub(crate) fn record_ttl(&self) -> u64 {
        self.record_ttl_millis.unwrap_or(DEFAULT_MILLIS)
    }

    /// How long answers of queries are kept; nothing is not at all.
    pub(crate) fn query_ttl(&self) -> u64 {
        self.query_ttl_millis.unwrap_or(DEFAULT_MILLIS)
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        let parsed = value.parse::<u64>().ok().filter(|value| *value <= i32::MAX as u64);
        let value = parsed.ok_or_else(|| {
            errors::invalid_value(format!(
                "The value {value} of parameter {name} is not between 0 and {}",
                i32::MAX
            ))
        })?;
        match name {
            RECORD_TTL => self.record_ttl_millis = Some(value),
            QUERY_TTL => self.query_ttl_millis = Some(value),
            _ => return Err(errors::invalid_value(format!("There is no parameter {name}"))),
        }
        Ok(())
    }

    pub(crate) fn parameters(&self) -> Vec<dax_api::Parameter> {
        let values = [
            (QUERY_TTL, self.query_ttl_millis, "answers of queries"),
            (RECORD_TTL, self.record_ttl_millis, "items"),
        ];
        let parameter = |(name, value, what): (&str, Option<u64>, &str)| dax_api::Parameter {
            parameter_name: Some(name.to_owned()),
            parameter_type: Some("DEFAULT".to_owned()),
            parameter_value: Some(value.unwrap_or(DEFAULT_MILLIS).to_string()),
            node_type_specific_values: Some(Vec::new()),
            description: Some(format!("Duration in milliseconds for {what} to remain valid in the cache")),
            source: Some(if value.is_some() { "user" } else { "system" }.to_owned()),
            data_type: Some("integer".to_owned()),
            allowed_values: Some("0-".to_owned()),
            is_modifiable: Some("TRUE".to_owned()),
            change_type: Some("IMMEDIATE".to_owned()),
        };
        values.into_iter().map(parameter).collect()
    }

    pub(crate) fn describe(&self) -> dax_api::ParameterGroup {
        dax_api::ParameterGroup {
            parameter_group_name: Some(self.name.clone()),
            description: Some(self.description.clone()),
        }
    }
}
