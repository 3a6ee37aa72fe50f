//! Subnet groups: kept as they were named. The region has no subnets, so where they lie is made up from their order.

use serde::{Deserialize, Serialize};

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

/// `us-east-1a` and on.
pub(crate) fn zone(region: &str, index: usize) -> String {
    format!("{region}{}", char::from(b'a' + (index % 3) as u8))
}
