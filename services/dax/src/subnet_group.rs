//! Subnet groups: kept as they were named. The region has no subnets, so where they lie is made up from their order.

use serde::{Deserialize, Serialize};
use shapes::ApiError;

use crate::errors;

/// Zones that a region has.
const ZONES: usize = 3;
/// The group of clusters that name none.
pub(crate) const DEFAULT: &str = "default";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SubnetGroup {
    pub name: String,
    pub description: String,
    pub subnets: Vec<String>,
}

store::row!(SubnetGroup, 1);

impl SubnetGroup {
    pub(crate) fn describe(&self, region: &str) -> dax_api::SubnetGroup {
        let subnet = |(index, id): (usize, &String)| dax_api::Subnet {
            subnet_identifier: Some(id.clone()),
            subnet_availability_zone: Some(zone(region, index)),
            supported_network_types: Some(vec!["ipv4".to_owned()]),
        };
        dax_api::SubnetGroup {
            subnet_group_name: Some(self.name.clone()),
            description: Some(self.description.clone()),
            vpc_id: Some("vpc-00000000".to_owned()),
            subnets: Some(self.subnets.iter().enumerate().map(subnet).collect()),
            supported_network_types: Some(vec!["ipv4".to_owned()]),
        }
    }
}

/// Where new nodes go: into the zones that were named, one for each, or spread over all behind the `first` ones.
pub(crate) fn zones(
    region: &str,
    named: Option<Vec<String>>,
    first: usize,
    count: usize,
) -> Result<Vec<String>, ApiError> {
    let Some(named) = named.filter(|named| !named.is_empty()) else {
        return Ok((first..first + count).map(|index| zone(region, index)).collect());
    };
    if named.len() != count {
        return Err(errors::invalid_combination(format!(
            "There must be as many availability zones as new nodes, which are {count}"
        )));
    }
    let is_zone = |name: &str| (0..ZONES).any(|index| zone(region, index) == name);
    match named.iter().find(|name| !is_zone(name)) {
        Some(name) => Err(errors::invalid_value(format!("{name} is not an availability zone of {region}"))),
        None => Ok(named),
    }
}

/// `us-east-1a` and on.
pub(crate) fn zone(region: &str, index: usize) -> String {
    format!("{region}{}", char::from(b'a' + (index % ZONES) as u8))
}
