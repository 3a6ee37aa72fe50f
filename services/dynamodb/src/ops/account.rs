//! DescribeLimits and DescribeEndpoints: what holds for the account and the region.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use dynamodb_api::op::{DescribeEndpoints, DescribeLimits};
use dynamodb_api::{
    DescribeEndpointsInput, DescribeEndpointsOutput, DescribeLimitsInput, DescribeLimitsOutput, Endpoint,
};
use shapes::ApiError;

use crate::DynamoDb;

/// "Service, account, and table quotas in Amazon DynamoDB", the defaults.
const ACCOUNT_UNITS: i64 = 80_000;
const TABLE_UNITS: i64 = 40_000;
/// A day: endpoints do not move.
const CACHED_MINUTES: i64 = 1440;

impl Handle<DescribeLimits> for DynamoDb {
    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        _: DescribeLimitsInput,
    ) -> Result<DescribeLimitsOutput, ApiError> {
        Ok(DescribeLimitsOutput {
            account_max_read_capacity_units: Some(ACCOUNT_UNITS),
            account_max_write_capacity_units: Some(ACCOUNT_UNITS),
            table_max_read_capacity_units: Some(TABLE_UNITS),
            table_max_write_capacity_units: Some(TABLE_UNITS),
        })
    }
}

impl Handle<DescribeEndpoints> for DynamoDb {
    fn guard(&self, _: &Ctx, _: &DescribeEndpointsInput) -> Result<Guard, ApiError> {
        Ok(Guard::open())
    }

    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        _: DescribeEndpointsInput,
    ) -> Result<DescribeEndpointsOutput, ApiError> {
        let endpoint = &self.cloud.settings().endpoint;
        let address = endpoint.split_once("://").map_or(endpoint.as_str(), |(_, address)| address);
        let endpoint = Endpoint { address: address.to_owned(), cache_period_in_minutes: CACHED_MINUTES };
        Ok(DescribeEndpointsOutput { endpoints: vec![endpoint] })
    }
}
