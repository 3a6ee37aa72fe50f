//! The capacity that a target has: read from DynamoDB and changed there, with the service-linked role's permissions.

use cloud::Ctx;
use cloud::metrics::{DataPoint, MetricKey};
use dynamodb_api::op::{DescribeTable, UpdateTable};
use dynamodb_api::{
    DescribeTableInput, GlobalSecondaryIndexUpdate, ProvisionedThroughput, UpdateGlobalSecondaryIndexAction,
    UpdateTableInput,
};
use iam_api::CreateServiceLinkedRoleInput;
use iam_api::op::CreateServiceLinkedRole;
use shapes::ApiError;

use crate::dimension::{Place, Units};

/// Application Auto Scaling for DynamoDB as the service-linked role's trust policy names it.
pub(crate) const PRINCIPAL: &str = "dynamodb.application-autoscaling.amazonaws.com";

/// The service-linked role's ARN (User Guide, "Service-linked roles for Application Auto Scaling").
pub(crate) fn role_arn(ctx: &Ctx) -> String {
    let role = "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable";
    format!("arn:aws:iam::{}:role/aws-service-role/{PRINCIPAL}/{role}", ctx.account())
}

/// The service acting for the target `origin` with its service-linked role.
pub(crate) fn acting(ctx: &Ctx, origin: &str) -> Result<Ctx, ApiError> {
    ctx.with_role(PRINCIPAL, origin, &role_arn(ctx))
}

/// As [`acting`]; a role that is not there yet is made in the caller's name.
pub(crate) async fn acting_at_first(ctx: &Ctx, origin: &str) -> Result<Ctx, ApiError> {
    if let Ok(acting) = acting(ctx, origin) {
        return Ok(acting);
    }
    let input = CreateServiceLinkedRoleInput { aws_service_name: PRINCIPAL.to_owned(), ..Default::default() };
    ctx.via_service("application-autoscaling.amazonaws.com").call::<CreateServiceLinkedRole>(input).await?;
    acting(ctx, origin)
}

/// Units of reading and of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capacity {
    pub read: i64,
    pub write: i64,
}

impl Capacity {
    pub(crate) fn of(self, units: Units) -> i64 {
        match units {
            Units::Read => self.read,
            Units::Write => self.write,
        }
    }

    fn with(self, units: Units, capacity: i64) -> Self {
        match units {
            Units::Read => Self { read: capacity, ..self },
            Units::Write => Self { write: capacity, ..self },
        }
    }
}

/// What is provisioned, asked without being drawn or counted, since it is asked every minute: zeros where a table is billed on demand, nothing where there is no such table or index.
pub(crate) async fn provisioned(acting: &Ctx, place: &Place) -> Result<Option<Capacity>, ApiError> {
    let input = DescribeTableInput { table_name: place.table.clone() };
    let table = match acting.unobserved().call::<DescribeTable>(input).await {
        Ok(output) => output.table.unwrap_or_default(),
        Err(error) if error.code() == "ResourceNotFoundException" => return Ok(None),
        Err(error) => return Err(error),
    };
    let throughput = match &place.index {
        None => table.provisioned_throughput,
        Some(name) => {
            let indexes = table.global_secondary_indexes.unwrap_or_default();
            let found = indexes.into_iter().find(|index| index.index_name.as_ref() == Some(name));
            match found {
                Some(index) => index.provisioned_throughput,
                None => return Ok(None),
            }
        }
    };
    let throughput = throughput.unwrap_or_default();
    Ok(Some(Capacity {
        read: throughput.read_capacity_units.unwrap_or_default(),
        write: throughput.write_capacity_units.unwrap_or_default(),
    }))
}

/// Gives `place`, which has `before`, this capacity.
pub(crate) async fn provision(
    acting: &Ctx,
    place: &Place,
    before: Capacity,
    capacity: i64,
) -> Result<(), ApiError> {
    let wanted = before.with(place.units, capacity);
    let throughput =
        ProvisionedThroughput { read_capacity_units: wanted.read, write_capacity_units: wanted.write };
    let mut input = UpdateTableInput { table_name: place.table.clone(), ..Default::default() };
    match &place.index {
        None => input.provisioned_throughput = Some(throughput),
        Some(index) => {
            let update = UpdateGlobalSecondaryIndexAction {
                index_name: index.clone(),
                provisioned_throughput: Some(throughput),
                ..Default::default()
            };
            input.global_secondary_index_updates =
                Some(vec![GlobalSecondaryIndexUpdate { update: Some(update), ..Default::default() }]);
        }
    }
    acting.call::<UpdateTable>(input).await.map(|_| ())
}

/// What was consumed, minute by minute, in units.
pub(crate) fn consumed(ctx: &Ctx, place: &Place) -> Vec<DataPoint> {
    let name = match place.units {
        Units::Read => "ConsumedReadCapacityUnits",
        Units::Write => "ConsumedWriteCapacityUnits",
    };
    let mut dimensions = vec![("TableName", place.table.as_str())];
    dimensions.extend(place.index.as_deref().map(|index| ("GlobalSecondaryIndexName", index)));
    let key = MetricKey::new("AWS/DynamoDB", name, &dimensions).of(ctx.account(), ctx.region());
    ctx.cloud().metrics().points(&key)
}
